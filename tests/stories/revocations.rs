//! A grant that is taken away: its last word, what is erased and when, what still comes, and the way back.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails, and says where")]

use agent_bridge_sim::speakeasy::{CableFault, HookFault, Options, Sim, Turn};
use serde_json::{Value, json};

use crate::bridge::until;
use crate::lounge::{Lounge, OWNER, hospitable, ingress};

const OFTEN: &str = "every = \"200ms\"";
const SELDOM: &str = "every = \"10m\"\nbeside = \"10m\"\noverlap = \"10m\"";
/// What a seat has while it stands, and what it still has for a day.
const LATE: [&str; 2] = ["hook_path", "webhook_secret"];

/// What it is called, the platform, keys of `[lines]`, more config, whether a gap is told, and what stays sealed.
type Way<'a> = (&'a str, Sim, &'a str, &'a str, bool, &'a [&'a str]);

/// A platform whose revoked grants may still read their log, or may not.
fn sim(reads: bool) -> Sim {
    Sim::new(Options { revoked_polls: reads, ..hospitable() })
}

fn without_cable(sim: Sim) -> Sim {
    sim.arm_cable(Turn { after: 0, count: None, fault: CableFault::Refuse { status: 404 } });
    sim
}

fn revoke(lounge: &Lounge) {
    assert!(lounge.sim.revoke(lounge.sim.newest_grant().expect("a grant")));
}

/// What a bridge that has stopped was told, by type, and what it has sealed.
fn left(lounge: &Lounge) -> (Vec<String>, Vec<String>) {
    let store = lounge.store();
    let feed = store.read(0, 10_000, 1 << 30).unwrap();
    let types = feed.iter().map(|event| event.head.kind.as_str().to_owned()).collect();
    (types, store.secrets("lounge").unwrap().into_iter().map(|(field, _)| field).collect())
}

/// Its last word was told once, behind a gap or not, and it has no token any more.
fn is_over(lounge: &Lounge, gap: bool, sealed: &[&str]) {
    let (types, has) = left(lounge);
    let log = lounge.home.log();
    assert_eq!(types.last().map(String::as_str), Some("workspace.revoked"), "{types:?}\n{log}");
    assert_eq!(types.iter().filter(|kind| *kind == "workspace.revoked").count(), 1, "{types:?}");
    assert_eq!(types[types.len() - 2] == "workspace.gap", gap, "{types:?}\n{log}");
    assert_eq!(has, sealed, "{log}");
}

#[tokio::test]
async fn row_36_however_it_is_learnt_it_is_the_last_word_and_the_tokens_are_gone() {
    let hooks = ingress();
    let ways: [Way<'_>; 5] = [
        ("poll", without_cable(sim(true)), OFTEN, "", false, &["webhook_secret"]),
        ("cable, read", sim(true), SELDOM, "", false, &["webhook_secret"]),
        ("cable, refused", sim(false), SELDOM, "", true, &["webhook_secret"]),
        ("webhook, read", without_cable(sim(true)), SELDOM, &hooks, false, &LATE),
        ("webhook, refused", without_cable(sim(false)), SELDOM, &hooks, true, &LATE),
    ];
    for (way, sim, lines, more, gap, sealed) in ways {
        let mut lounge = Lounge::of(sim, lines, more).await;
        if way.starts_with("cable") {
            lounge.is_subscribed().await;
        }
        lounge.say(way);
        revoke(&lounge);
        lounge.becomes("revoked").await;
        let shown = lounge.status().await;
        assert!(shown["revoked_at"].is_string() && shown["credential_expires"].is_null(), "{way}: {shown:#}");
        // Whatever the bridge does, it is told no more, and a restart tells nothing again.
        lounge.kill().await;
        lounge.becomes("revoked").await;
        lounge.stop().await;
        is_over(&lounge, gap, sealed);
        let told = left(&lounge).0.iter().filter(|kind| *kind == "message.created").count();
        assert_eq!(told, usize::from(!gap || way.starts_with("cable")), "{way}: {}", lounge.home.log());
        lounge.start().await;
        lounge.end().await;
    }
}

#[tokio::test]
async fn a_refusal_without_a_word_needs_a_person_and_a_late_word_is_the_last_all_the_same() {
    let mut lounge = Lounge::of(without_cable(sim(false)), OFTEN, &ingress()).await;
    lounge.round_trip("Still here?").await;
    // The platform refuses everything long before its delivery says why.
    lounge.sim.arm_hook(Turn::always(HookFault::Lose));
    revoke(&lounge);
    lounge.becomes("needs_action").await;
    let shown = lounge.status().await;
    assert!(shown["live"] == false && shown["credential_expires"].is_null(), "{shown:#}");
    let command = shown["command"].as_str().unwrap().to_owned();
    assert_eq!(command, format!("agent-bridge join speakeasy {} --as lounge", lounge.url()));
    lounge.kill().await;
    lounge.becomes("needs_action").await;
    let gone = json!({
        "id": 9_000_001, "event_id": 9_000_001, "event_type": "grant.revoked", "topic_id": null, "chat_id": null,
        "occurred_at": jiff::Timestamp::now().to_string(), "actor_handle": OWNER, "payload": {},
    });
    let other =
        json!({ "event_id": 9_000_000, "event_type": "chat.created", "topic_id": 1, "chat_id": 2, "payload": {} });
    let secret = secret(&lounge);
    assert_eq!(delivers(&lounge, &other, &secret).await, 503, "nobody can read it there");
    assert_eq!(delivers(&lounge, &gone, "another").await, 401);
    assert_eq!(delivers(&lounge, &gone, &secret).await, 204);
    lounge.becomes("revoked").await;
    // What comes late is verified, taken, and changes nothing.
    for late in [&gone, &other] {
        assert_eq!(delivers(&lounge, late, &secret).await, 204);
        assert_eq!(delivers(&lounge, late, "another").await, 401);
    }
    lounge.stop().await;
    is_over(&lounge, true, &LATE);
    assert!(left(&lounge).0.contains(&"workspace.needs_action".to_owned()));
    lounge.start().await;
    lounge.end().await;
}

/// What signs the deliveries of the newest grant, whether it stands or not.
fn secret(lounge: &Lounge) -> String {
    lounge.sim.look(|world| world.grants().last().expect("a grant").webhook_secret.clone())
}

/// Delivers an event as the platform does; the status.
async fn delivers(lounge: &Lounge, event: &Value, secret: &str) -> u16 {
    use hmac::{Hmac, KeyInit, Mac};
    let url = lounge.sim.look(|world| world.grants().last().and_then(|grant| grant.callback_url.clone())).unwrap();
    let body = event.to_string();
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(body.as_bytes());
    let signature = mac.finalize().into_bytes().iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
    let (origin, path) = url.split_at(url.find("/hooks/").unwrap());
    crate::bridge::http::signed(origin, path, &body, &signature).await
}

#[tokio::test]
async fn the_way_back_is_the_command_that_the_seat_names() {
    let mut lounge = Lounge::of(sim(true), OFTEN, &ingress()).await;
    lounge.round_trip("Still here?").await;
    revoke(&lounge);
    lounge.becomes("revoked").await;
    let command = lounge.status().await["command"].as_str().unwrap().to_owned();
    let words: Vec<&str> = command.split(' ').skip(1).collect();
    assert_eq!(words, ["join", "speakeasy", &lounge.url(), "--as", "lounge"], "who let it in is remembered");

    let refused = lounge.home.cli(&["act", "lounge", "send", "conversation=1", "text=x"]).await;
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && said.contains(&format!("run: {command}")), "{said}");

    // The person has closed the door: what to do is said, and nothing else has changed.
    lounge.sim.reconfigure(|options| options.discovery_window = std::time::Duration::ZERO);
    lounge.sim.enable_discovery(OWNER);
    let refused = lounge.home.cli(&words).await;
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && said.contains("ask the person to enable it"), "{said}");
    assert_eq!(lounge.status().await["seat"], "revoked");

    lounge.sim.reconfigure(|options| options.discovery_window = std::time::Duration::from_mins(10));
    lounge.sim.enable_discovery(OWNER);
    lounge.home.ok(&words).await;
    lounge.is_live().await;
    let shown = lounge.status().await;
    assert!(shown["seat"] == "signed_in" && shown["revoked_at"].is_null(), "{shown:#}");
    let grant = lounge.sim.newest_grant().unwrap();
    lounge.topic = lounge.sim.topic("Planning again", &[OWNER, &lounge.sim.agent(grant)]);
    let before = lounge.sim.deliveries().len();
    lounge.round_trip("Back?").await;
    let delivered = || async {
        let sent = lounge.sim.deliveries();
        sent.iter().skip(before).any(|sent| sent.attempts.iter().any(|it| it.status == Some(204))).then_some(())
    };
    until(delivered, || format!("{:#?}\n{}", lounge.sim.deliveries(), lounge.home.log())).await;

    // Another revocation is another last word.
    revoke(&lounge);
    lounge.becomes("revoked").await;
    lounge.stop().await;
    let (types, sealed) = left(&lounge);
    assert_eq!(types.iter().filter(|kind| *kind == "workspace.revoked").count(), 2, "{types:?}");
    assert_eq!(
        (types.last().map(String::as_str), sealed),
        (Some("workspace.revoked"), LATE.map(str::to_owned).to_vec())
    );
    lounge.start().await;
    lounge.end().await;
}
