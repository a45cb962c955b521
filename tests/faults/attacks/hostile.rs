//! Hostile ids and names: framing, paths, headers, logs and terminals stay what they are.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::peer::get;
use super::platform::{self, Platform};
use crate::bridge::{Home, until};
use crate::house::QUICK;

/// Ids that would leave a line, a path segment, a header or a terminal line, could they.
const IDS: [&str; 12] = [
    "a\r\nX-Smuggled: 1",
    "b\nid: 7\n\ndata: {}\n\n",
    "c\u{0}d",
    "../../../etc/passwd",
    "..",
    "%2e%2e%2f%2e%2e",
    "e?limit=1#f",
    "g/h\\i",
    "j\u{1b}[2J\u{1b}]0;owned\u{7}",
    "k\u{9b}31m\u{202e}l\u{2028}",
    "m\" onclick=\"n",
    " o ",
];

const TERMINAL: [char; 7] = ['\u{1b}', '\u{7}', '\u{9b}', '\u{202e}', '\u{2028}', '\r', '\u{0}'];

fn messages() -> Vec<Value> {
    let foul = |(number, id): (usize, &&str)| {
        let more = json!({ "text": format!("text {id}"), "author_id": id, "author_name": id, "channel_name": id });
        platform::message(&format!("{number}{id}"), id, &more)
    };
    IDS.iter().enumerate().map(foul).collect()
}

#[tokio::test]
async fn attack_hostile_ids_and_names_leave_every_frame_whole() {
    let rooms = IDS.iter().map(|id| json!({ "id": id, "name": id, "type": "channel" })).collect();
    let platform = Platform::of(messages(), rooms).await;
    let home = Home::new(&format!("{QUICK}[log]\nlevel = \"trace\"\n"));
    let _daemon = home.start().await;
    platform.join(&home).await;
    let mut agent = home.agent().await;
    agent.call("subscribe", json!({ "consumer": "main", "per_lane": 0 })).await.expect("a reader");
    let mut told = BTreeSet::new();
    while told.len() < IDS.len() {
        let delivery = agent.delivery().await;
        if delivery.event["type"] == "message.created" {
            told.insert(delivery.event["data"]["conversation"]["id"].as_str().expect("an id").to_owned());
        }
        agent.call("ack", json!({ "seq": delivery.seq })).await.expect("it is acked");
    }
    assert!(!told.iter().any(|id| id.contains(char::is_control)), "cleaned, and still told apart: {told:?}");

    for id in IDS {
        let args = json!({ "conversation": id, "text": "t" });
        let act = agent.call("act", json!({ "workspace": "acme", "verb": "send", "args": args })).await;
        assert!(act.is_ok() || act.as_ref().is_err_and(|it| it["data"]["kind"].is_string()), "{act:?}");
        agent.call("history", json!({ "workspace": "acme", "conversation": id })).await.ok();
    }
    let reads = || async { platform.dialled().iter().any(|line| line.contains("%2F..%2Fetc%2Fpasswd/")).then_some(()) };
    until(reads, || home.log()).await;
    for line in platform.dialled() {
        let path = line.split(' ').nth(1).expect("a path");
        assert!(path.starts_with("/api/v1/") && !path.contains("/../") && line.ends_with(" HTTP/1.1"), "{line:?}");
        assert!(path.bytes().all(|byte| byte.is_ascii_graphic()), "{line:?}");
    }
    assert!(!platform.heard().to_ascii_lowercase().contains("x-smuggled: 1"));

    // The watcher's frames: no foul id made one of its own.
    let feed = get(&home, "/v1/feed?from=start&once=true").await;
    let ids = feed.lines().filter_map(|line| line.strip_prefix("id: ")).collect::<Vec<_>>();
    assert!(ids.windows(2).all(|pair| pair[0].parse::<u64>().unwrap() < pair[1].parse().unwrap()), "{ids:?}");

    for args in [
        &["tail", "--from", "start", "--once"][..],
        &["tail", "--from", "start", "--once", "--json"],
        &["status"],
        &["status", "--json"],
    ] {
        let output = home.cli(args).await;
        let shown = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(!shown.contains(TERMINAL), "{args:?}: {shown:?}");
    }
    let log = home.log();
    let forged = log.lines().find(|line| !line.starts_with("20") || line.contains(TERMINAL));
    assert_eq!(forged, None, "every line of the log is the bridge's own");
}

#[tokio::test]
async fn attack_a_hostile_place_in_the_stream_forges_no_header() {
    let frame = |id: &str, number: usize| {
        let message = platform::message(&format!("m{number}"), "ch1", &json!({}));
        format!("id: {id}\nevent: message.created\ndata: {message}\n\n").into_bytes()
    };
    let ids = ["a\u{0}b", "c\td", "\u{1b}[2J", "é\u{202e}", "e: f", &"g".repeat(100_000), "h\u{7f}", "i,j;k=\"l\""];
    let platform = Platform::of(Vec::new(), vec![json!({ "id": "ch1", "name": "general" })]).await;
    platform.turns(ids.iter().enumerate().map(|(number, id)| frame(id, number)).collect());
    let home = Home::new(QUICK);
    let _daemon = home.start().await;
    platform.join(&home).await;
    let dials = || async {
        let lines = platform.dialled();
        (lines.iter().filter(|line| line.contains("/events/stream")).count() > 2 * ids.len()).then_some(())
    };
    until(dials, || home.log()).await;
    let known = ["host", "accept", "authorization", "user-agent", "last-event-id", "cache-control"];
    for line in platform.heard().split("\r\n").filter(|line| !line.is_empty() && !line.ends_with(" HTTP/1.1")) {
        let (name, value) = line.split_once(": ").unwrap_or_else(|| panic!("{line:?} is no header"));
        assert!(known.contains(&name), "{line:?}");
        assert!(value.len() < 9_000 && !value.contains(|c: char| c != '\t' && c.is_control()), "{line:?}");
    }
}
