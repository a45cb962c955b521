//! A simulator in a process of its own hears exactly one authenticated answer, under the receipt's id; the demo reports its trips.

use std::process::Stdio;

use agent_bridge_sim::agentunited::{Options, Sim};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Child;

use crate::bridge::{Home, PATIENCE, http, until};

/// `agent-bridge sim` as a child process; killed when dropped.
struct Platform {
    _child: Child,
    url: String,
    invite: String,
}

impl Platform {
    async fn start(home: &Home, stream: &str) -> Self {
        let mut command = home.command(&["sim", "--json", "--silent", "--stream", stream]);
        let mut child = command.stdout(Stdio::piped()).spawn().expect("the simulator starts");
        let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
        let line = lines.next_line().await.expect("it writes").expect("one line");
        let said: Value = serde_json::from_str(&line).expect("JSON");
        let text = |key: &str| said[key].as_str().expect("a text").to_owned();
        Self { url: text("url"), invite: text("invite"), _child: child }
    }

    async fn log(&self) -> Vec<Value> {
        let (status, log) = http::get(&self.url, "/_sim/log").await;
        assert_eq!(status, 200);
        log["log"].as_array().expect("a list").clone()
    }
}

async fn answers_once(stream: &str) {
    let home = Home::new("");
    let platform = Platform::start(&home, stream).await;
    let _daemon = home.start().await;
    home.ok(&["join", "agentunited", &platform.invite, "--as", "acme"]).await;
    let mut agent = home.agent().await;
    agent.call("subscribe", json!({ "consumer": "main" })).await.expect("it is the reader");

    let nonce = format!("nonce {}", home.path("").display());
    let (status, said) = http::post(&platform.url, "/_sim/say", &json!({ "person": "Pierre", "text": nonce })).await;
    assert_eq!(status, 200, "{said}");
    let delivery = agent.delivery_of("message.created").await;
    assert_eq!(delivery.text(), nonce);
    let answer = format!("heard: {nonce}");
    let replied = agent.call("reply", json!({ "seq": delivery.seq, "text": answer })).await.expect("it is taken");
    let receipt = json!({ "id": replied["actions"][0]["id"], "wait": "30s" });
    let receipt = agent.call("receipt", receipt).await.expect("there is a receipt");
    let remote_id = receipt["remote_ids"][0].clone();
    assert!(receipt["state"] == "confirmed" && remote_id.is_string(), "{receipt}");

    let log = platform.log().await;
    let heard: Vec<_> = log.iter().filter(|entry| entry["text"] == answer.as_str()).collect();
    assert_eq!(heard.len(), 1, "{heard:?}");
    assert_eq!(heard[0]["message_id"], remote_id);
    assert_eq!((&heard[0]["method"], &heard[0]["status"]), (&json!("POST"), &json!(201)));
    assert!(heard[0]["authenticated_as"].is_string(), "{}", heard[0]);
    let about = log.iter().filter(|entry| entry["text"].as_str().is_some_and(|text| text.contains(&nonce)));
    assert_eq!(about.count(), 1, "nobody else posted it");
}

#[tokio::test]
async fn one_authenticated_answer_in_the_observed_dialect() {
    answers_once("observed").await;
}

#[tokio::test]
async fn one_authenticated_answer_in_the_documented_dialect() {
    answers_once("documented").await;
}

/// What the demo shows, in its order.
const TRIPS: [(&str, &str); 9] = [
    ("agentunited", "documented"),
    ("agentunited", "observed"),
    ("speakeasy", "cable"),
    ("speakeasy", "poll"),
    ("agentworkspace", "poll"),
    ("speakeasy", "webhook"),
    ("agentworkspace", "webhook"),
    ("office", "group"),
    ("office", "direct"),
];
/// Where it takes a seat by an invite, behind those.
const INVITES: [(&str, &str); 2] = [("thinkwork", "invite"), ("paperclip", "invite")];
/// Of every trip.
const FIELDS: [&str; 6] = ["action", "dialect", "event_id", "millis", "platform", "remote_id"];
/// Of a trip into a document, beside those.
const OF_DOCUMENTS: [&str; 5] = ["done", "mention", "presence", "seen_by", "suggest"];
/// Of a seat by an invite.
const OF_INVITES: [&str; 8] = ["agent", "approved", "claimed", "dialect", "millis", "platform", "request", "seat"];

#[tokio::test]
async fn the_demo_reports_one_round_trip_for_each_dialect() {
    let said = Home::new("").ok(&["demo", "--once", "--json"]).await;
    let trips: Vec<Value> = said.lines().map(|line| serde_json::from_str(line).expect("an object a line")).collect();
    let text = |trip: &Value, key: &str| trip[key].as_str().expect("a text").to_owned();
    let dialects: Vec<_> = trips.iter().map(|trip| (text(trip, "platform"), text(trip, "dialect"))).collect();
    let wanted = TRIPS.iter().chain(&INVITES);
    assert_eq!(dialects, wanted.map(|(it, dialect)| ((*it).to_owned(), (*dialect).to_owned())).collect::<Vec<_>>());
    let (trips, seats) = trips.split_at(TRIPS.len());
    for seat in seats {
        assert_eq!(seat.as_object().expect("an object").keys().collect::<Vec<_>>(), OF_INVITES);
        assert!(seat["approved"] == true && seat["claimed"] == true && seat["seat"] == "registered", "{seat}");
        assert!(text(seat, "request").len() == 36 && text(seat, "agent").len() == 36, "{seat}");
        assert!(seat["millis"].as_u64().is_some_and(|millis| millis > 0), "{seat}");
    }
    for trip in trips {
        let in_document = trip["platform"] == "agentworkspace";
        let mut keys: Vec<_> = FIELDS.into_iter().chain(OF_DOCUMENTS.into_iter().filter(|_| in_document)).collect();
        keys.sort_unstable();
        assert_eq!(trip.as_object().expect("an object").keys().collect::<Vec<_>>(), keys);
        assert!(trip["millis"].is_u64(), "{trip}");
        let is_action = |key: &str| text(trip, key).starts_with("act_") && text(trip, key).len() == 36;
        assert!(is_action("action"), "{trip}");
        let event = if in_document {
            assert!(is_action("suggest") && is_action("done"), "{trip}");
            assert_eq!(trip["presence"], json!(["reading", "acting", "completed"]), "{trip}");
            assert_eq!(trip["seen_by"], "Anna", "{trip}");
            assert!(text(trip, "event_id").ends_with(&format!("/{}", text(trip, "mention"))), "{trip}");
            "drafts/mention.created/".to_owned()
        } else {
            let conversation = match text(trip, "dialect").as_str() {
                "group" => "group_",
                "direct" => "Pierre/",
                _ => "",
            };
            format!("{}/message.created/{conversation}", text(trip, "dialect"))
        };
        assert!(text(trip, "event_id").starts_with(&event), "{trip}");
        let remote_id = text(trip, "remote_id");
        let is_id = match text(trip, "platform").as_str() {
            "speakeasy" => remote_id.parse::<u64>().is_ok(),
            "office" => remote_id.starts_with("msg_"),
            _ => remote_id.len() == 36,
        };
        assert!(is_id, "{trip}");
    }
}

#[tokio::test]
async fn a_demo_whose_answers_are_lost_fails_and_names_the_missing_trips() {
    let output = Home::new("").cli(&["demo", "--once", "--lose", "--wait", "3"]).await;
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(69), "{said}");
    assert_eq!(said.trim_end().lines().count(), 1, "{said}");
    for (platform, dialect) in TRIPS.iter().chain(&INVITES) {
        assert!(said.contains(&format!("{platform} ({dialect})")), "{said}");
    }
    for step in [
        "agentworkspace (webhook): `document.edit` was not confirmed in time",
        "office (direct): `send` was not confirmed in time",
        "thinkwork (invite): the invite was not accepted",
        "paperclip (invite): the invite was not accepted",
    ] {
        assert!(said.contains(step), "it says which step is missing: {said}");
    }
}

#[tokio::test]
async fn people_talk_on_every_platform_until_the_demo_is_stopped_and_nothing_is_left() {
    let home = Home::new("");
    std::fs::create_dir(home.path("tmp")).expect("a folder");
    let mut command = home.command(&["demo"]);
    command.env("TMPDIR", home.path("tmp")).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("it starts");
    let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
    for (platform, _) in INVITES {
        let title = format!("{platform} (invite): request ");
        loop {
            let line = tokio::time::timeout(PATIENCE, lines.next_line()).await.expect("a line in time");
            let line = line.expect("it writes").unwrap_or_else(|| panic!("it ended before {title}"));
            if line.starts_with(&title) && line.contains(" claimed, registered in ") {
                break;
            }
        }
    }
    for (platform, dialect) in TRIPS {
        let title = format!("{platform} ({dialect}) ");
        loop {
            let line = tokio::time::timeout(PATIENCE, lines.next_line()).await.expect("a line in time");
            let line = line.expect("it writes").unwrap_or_else(|| panic!("it ended before {title}answered"));
            if line.starts_with(&title) && line.ends_with("You said: Good morning!  [confirmed]") {
                break;
            }
        }
    }
    let changed = loop {
        let line = tokio::time::timeout(PATIENCE, lines.next_line()).await.expect("a line in time");
        let line = line.expect("it writes").expect("it ended before it told what people changed in a draft");
        if line.contains(" document.changed ") {
            break line;
        }
    };
    assert!(changed.contains("+@Atlas Can you take a look at this?") && !changed.contains("You said"), "{changed}");
    let pid = rustix::process::Pid::from_raw(child.id().expect("it runs").cast_signed()).expect("a process");
    rustix::process::kill_process(pid, rustix::process::Signal::INT).expect("it runs");
    let output = tokio::time::timeout(PATIENCE, child.wait_with_output()).await.expect("it ends").expect("a status");
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    assert_eq!(std::fs::read_dir(home.path("tmp")).expect("a folder").count(), 0, "every bridge and folder is gone");
}

#[tokio::test]
async fn a_workspace_joined_while_the_daemon_runs_is_live_without_a_restart() {
    let sim = Sim::new(Options::documented());
    let serving = sim.serve(0).await.expect("a free port");
    let home = Home::new("");
    let _daemon = home.start().await;
    home.ok(&["join", "agentunited", &sim.invite(None), "--as", "acme"]).await;
    until(|| async { (sim.stream_count() == 1).then_some(()) }, || home.log()).await;
    home.ok(&["leave", "acme", "--yes"]).await;
    until(|| async { (sim.stream_count() == 0).then_some(()) }, || home.log()).await;
    serving.stop().await;
}
