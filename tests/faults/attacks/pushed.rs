//! What a platform with webhooks, a cable and uploads sends or is sent, and should not be: each told by nothing worse
//! than a refusal, and what was meant is told once all the same.

use std::time::Duration;

use agent_bridge_sim::speakeasy::{CableFault, HookFault, Rewriting, Signature, World};
use serde_json::{Value, json};

use super::peer::{Peer, status};
use crate::bridge::{Agent, until};
use crate::lounge::{Lounge, ingress};

/// Nothing but a webhook or a welcome brings a read of the log.
const NEVER: &str = "every = \"10m\"\nbeside = \"10m\"\noverlap = \"10m\"";

/// A bridge that hears by webhooks alone, which come again at once where they are refused.
async fn hooked() -> Lounge {
    let lounge = Lounge::without_cable(NEVER, &ingress()).await;
    lounge.sim.set_push(|push| push.hook_retries = vec![Duration::from_millis(100); 5]);
    lounge
}

/// The delivery that a fault struck was answered so, and taken at its next attempt.
async fn is_refused_first(lounge: &Lounge, fault: &HookFault, status: u16) {
    let tried = || async {
        let deliveries = lounge.sim.deliveries();
        let sent = deliveries.iter().find(|it| it.attempts.iter().any(|it| it.fault.as_ref() == Some(fault)))?;
        let taken = sent.attempts.iter().any(|attempt| attempt.status == Some(204));
        let struck = sent.attempts.iter().find(|attempt| attempt.fault.as_ref() == Some(fault))?;
        taken.then_some(struck.status)
    };
    let answered = until(tried, || format!("{fault:?}: {:#?}", lounge.sim.deliveries())).await;
    // What is far too long is not read to its end: a peer that goes on writing may not hear the answer.
    let unheard = answered.is_none() && matches!(fault, HookFault::Huge { .. });
    assert!(unheard || answered == Some(status), "{fault:?}: {answered:?}");
}

#[tokio::test]
async fn attack_a_webhook_that_is_forged_cut_or_swollen_is_refused_and_the_next_attempt_is_told_once() {
    let mut lounge = hooked().await;
    let mut agent = lounge.agent().await;
    let forged = [Signature::Wrong, Signature::Missing, Signature::Empty, Signature::Truncated, Signature::UpperCase];
    let forged = forged.map(|is| (HookFault::Signature { is }, 401));
    let rewritten = [Rewriting::WhiteSpace, Rewriting::KeyOrder, Rewriting::DuplicateKey];
    let rewritten = rewritten.map(|with| (HookFault::Reserialise { with }, 401));
    let others = [(HookFault::Huge { bytes: 10 << 20 }, 413), (HookFault::NotJson, 400)];
    for (fault, status) in forged.into_iter().chain(rewritten).chain(others) {
        lounge.sim.hook_fault(fault.clone());
        lounge.say(&format!("{fault:?}"));
        is_refused_first(&lounge, &fault, status).await;
        lounge.is_sound(&mut agent, 0).await;
    }
    lounge.end().await;
}

#[tokio::test]
async fn attack_an_unknown_workspace_and_a_bad_signature_are_answered_the_same() {
    let lounge = hooked().await;
    let grant = lounge.sim.newest_grant().expect("a grant");
    let callback = lounge.sim.look(|world| world.callback_url(grant)).expect("a callback");
    let (address, path) = callback.trim_start_matches("http://").split_once('/').expect("a path");
    let answer = async |path: &str, signature: &str| {
        let mut peer = Peer::tcp(address).await;
        let head = format!("Host: {address}\r\nConnection: close\r\nContent-Type: application/json\r\n{signature}");
        let request = format!("POST /{path} HTTP/1.1\r\n{head}Content-Length: 2\r\n\r\n{{}}");
        assert!(peer.sends(request.as_bytes()).await);
        let answer = peer.hears().await;
        // The time of day is nobody's secret.
        answer.lines().filter(|line| !line.to_ascii_lowercase().starts_with("date:")).collect::<Vec<_>>().join("\n")
    };
    let zeros = format!("x-agent-signature: {}\r\n", "0".repeat(64));
    let bad = answer(path, &zeros).await;
    assert_eq!(status(&bad), 401, "{bad}");
    let stranger = path.replace("lounge", "nobody");
    let other = format!("{}{}", &path[..path.len() - 1], if path.ends_with('0') { '1' } else { '0' });
    for path in [stranger.as_str(), other.as_str(), "hooks", ""] {
        for signature in [zeros.as_str(), ""] {
            assert_eq!(answer(path, signature).await, bad, "/{path} {signature}");
        }
    }
    lounge.end().await;
}

#[tokio::test]
async fn a_cable_that_says_nonsense_another_subscription_or_ten_megabytes_costs_nothing_that_is_owed() {
    let mut lounge = Lounge::new("every = \"1s\"\nbeside = \"10m\"\noverlap = \"10m\"", "").await;
    let mut agent = lounge.agent().await;
    lounge.is_subscribed().await;
    let elsewhere = r#"{"identifier":"{\"channel\":\"Other\"}","message":{"event_type":"chat.created"}}"#;
    for (word, fault) in [
        ("no JSON", CableFault::NotJson),
        ("under another identifier", CableFault::OtherIdentifier),
        ("nested without end", CableFault::Say { text: "[".repeat(100_000) }),
        ("of another channel", CableFault::Say { text: elsewhere.into() }),
    ] {
        let dials = lounge.sim.look(World::cable_dials);
        lounge.sim.cable_fault(fault);
        lounge.say(word);
        lounge.is_sound(&mut agent, 0).await;
        assert_eq!(lounge.sim.look(World::cable_dials), dials, "{word}: it is passed over, and the cable stays");
    }
    let dials = lounge.sim.look(World::cable_dials);
    lounge.sim.cable_fault(CableFault::Oversize { bytes: 10 << 20 });
    lounge.say("ten megabytes");
    lounge.is_dialled(dials + 1).await;
    lounge.is_subscribed().await;
    lounge.is_sound(&mut agent, 0).await;
    lounge.end().await;
}

/// Asks for a message with this file, and what became of it: kind and message.
async fn send_with(lounge: &Lounge, agent: &mut Agent, file: Value) -> (String, String) {
    let args = json!({ "conversation": lounge.topic.to_string(), "text": "with a file", "files": [file] });
    let act = json!({ "workspace": "lounge", "verb": "send", "args": args });
    let accepted = agent.call("act", act).await.expect("it is accepted");
    let receipt = lounge.receipt(agent, accepted["id"].as_str().expect("an id")).await;
    assert_eq!(receipt["state"], "failed", "{receipt:#}");
    let word = |key: &str| receipt[key].as_str().expect("a text").to_owned();
    (word("kind"), word("message"))
}

#[tokio::test]
async fn attack_an_upload_url_that_aims_inside_is_never_called() {
    let lounge = Lounge::without_cable(NEVER, "").await;
    let mut agent = lounge.agent().await;
    for aim in [
        "https://169.254.169.254",
        "http://169.254.169.254",
        "https://[::ffff:169.254.169.254]",
        "https://[::ffff:a9fe:a9fe]",
        "https://2852039166",
        "https://10.0.0.1",
        "https://[fd00:ec2::254]",
        "http://storage.example",
        "file://",
    ] {
        lounge.sim.reconfigure(|options| options.storage = Some(aim.into()));
        let (kind, message) = send_with(&lounge, &mut agent, json!({ "name": "a.txt", "content": "aGVsbG8=" })).await;
        assert_eq!(kind, "forbidden", "{aim}: {message}");
        assert!(message.contains("a.txt") && !message.contains("signature="), "{message}");
    }
    assert!(lounge.sim.chats_by_agents().is_empty(), "nothing is said without its file");
    assert_eq!(lounge.sim.look(World::leaks), 0);
    lounge.end().await;
}

#[tokio::test]
async fn a_file_that_is_not_there_or_over_the_cap_is_refused_before_anything_is_asked_for() {
    let lounge = Lounge::without_cable(NEVER, "").await;
    let mut agent = lounge.agent().await;
    let large = lounge.home.path("large.bin");
    // The manifest's cap, and one byte more; nothing of it is on the disk.
    std::fs::File::create(&large).and_then(|file| file.set_len((32 << 20) + 1)).expect("a sparse file");
    let pipe = lounge.home.path("pipe.txt");
    let mode = rustix::fs::Mode::from_raw_mode(0o644);
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, mode, 0).expect("a pipe");
    for (file, kind, words) in [
        (json!({ "path": pipe }), "no_such_file", "is not a file"),
        (json!({ "path": "/nowhere/at/all.txt" }), "no_such_file", "/nowhere/at/all.txt"),
        (json!({ "path": lounge.home.path("state") }), "no_such_file", "is not a file"),
        (json!({ "path": large }), "too_large", "the platform takes 33554432"),
        (json!({ "name": "a.txt", "content": "no base64!" }), "bad_args", "a.txt"),
    ] {
        let (said, message) = send_with(&lounge, &mut agent, file).await;
        assert!(said == kind && message.contains(words), "{kind}: {said} {message}");
    }
    assert!(lounge.asked("POST /files").is_empty() && lounge.sim.chats_by_agents().is_empty());
    lounge.end().await;
}
