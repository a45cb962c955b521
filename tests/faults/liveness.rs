//! Rows about silence and herds: 18, 38, 41; section 9 of the design.

mod herd;
mod stuck;

use std::time::Duration;

use agent_bridge_sim::agentunited::{Options, World};
use serde_json::Value;

use crate::bridge::until;
use crate::house::{House, QUICK, documented};
use crate::namespace::{self, lo};

const STREAM: &str = "GET /events/stream";

/// A config for a platform that never cuts its streams: nothing but evidence ends one.
fn lasting(lines: &str, others: &str) -> String {
    let lines = format!("[lines]\ncut = \"1d\"\n{lines}\n");
    QUICK.replace("[lines]\n", &lines).replace("others = \"500ms\"", &format!("others = \"{others}\""))
}

/// Waits until the status of the line is so.
async fn line_is(house: &House, so: impl Fn(&Value) -> bool) -> Value {
    let look = || async { Some(house.status().await["lines"][0].clone()).filter(&so) };
    until(look, || house.home.log()).await
}

#[tokio::test]
async fn section_9_a_dead_stream_that_looks_alive_is_found_deaf_and_dialled_again() {
    let beats = Options { heartbeat: Duration::from_millis(100), ..documented() };
    let mut house = House::with(beats, &lasting("grace = \"1s\"", "500ms")).await;
    let mut agent = house.agent().await;
    house.say("heard");
    house.hears_all(&mut agent).await;
    line_is(&house, |line| line["phase"] == "live" && line["evidence"] == "byte").await;
    let opened = house.count(STREAM);
    house.sim.deafen_streams();
    // It beats on; only the history has this.
    house.say("told by no stream");
    house.hears_all(&mut agent).await;
    house.seen(STREAM, opened + 1).await;
    let line = line_is(&house, |line| line["phase"] == "live" && line["last_drop"].is_object()).await;
    let why = line["last_drop"]["why"].as_str().expect("a reason");
    assert!(why.contains("deaf"), "{line:#}");
    let shown = house.home.ok(&["status", "acme"]).await;
    // A new stream is proven by its first beat, or by the read that it began with.
    let proven = shown.contains("byte") || shown.contains("head_check");
    assert!(shown.contains("the stream is deaf") && proven, "{shown}");
    house.is_sound(&mut agent, 0).await;
}

#[tokio::test]
async fn section_9_a_quiet_stream_that_looks_dead_stays_open_while_nothing_is_missing() {
    let silent = Options { heartbeat: Duration::from_hours(24), ..documented() };
    let rarely = lasting("silence = \"10s\"", "1h").replace("fast = \"150ms\"", "fast = \"1h\"");
    let mut house = House::with(silent, &rarely.replace("slow = \"300ms\"", "slow = \"1h\"")).await;
    let mut agent = house.agent().await;
    house.say("heard");
    house.hears_all(&mut agent).await;
    line_is(&house, |line| line["phase"] == "live").await;
    // Nothing but head checks reads there now: three of them are more than a silence bound.
    let path = format!("/channels/{}/messages", house.room);
    let reads = |world: &World| world.log().filter(|it| it.method == "GET" && it.path.ends_with(&path)).count();
    let before = house.sim.look(reads);
    let checked = house.sim.wait_for(|world| reads(world) >= before + 3);
    tokio::time::timeout(Duration::from_mins(1), checked).await.expect("head checks");
    line_is(&house, |line| line["phase"] == "live" && line["evidence"] == "head_check").await;
    assert_eq!(house.count(STREAM), 1, "never dialled again: {}", house.home.log());
    house.is_sound(&mut agent, 0).await;
    assert_eq!(house.count(STREAM), 1, "and it was no dead one");
}

#[tokio::test]
async fn section_9_status_says_all_of_a_workspace() {
    let mut house = House::new(documented()).await;
    let mut agent = house.agent().await;
    let id = house.say("heard");
    house.hears_all(&mut agent).await;
    line_is(&house, |line| line["cursor"] == *id && line["checked"].is_u64()).await;
    let status: Value = serde_json::from_str(&house.home.ok(&["status", "acme", "--json"]).await).expect("JSON");
    let workspace = &status["workspaces"][0];
    for key in ["name", "platform", "seat", "live", "lag", "credential_expires", "next_retry", "trouble", "command"] {
        assert!(workspace.get(key).is_some(), "`{key}` is missing: {workspace:#}");
    }
    assert!(workspace["credential_expires"].is_u64(), "{workspace:#}");
    let line = &workspace["lines"][0];
    for key in ["line", "phase", "since", "evidence", "last_byte", "last_event", "checked", "cursor", "next_retry"] {
        assert!(line.get(key).is_some(), "`{key}` is missing: {line:#}");
    }
    assert!(["since", "last_byte", "last_event"].iter().all(|key| line[*key].is_u64()), "{line:#}");
    // A person must act: the one command that helps.
    let member = house.sim.members()[0].clone();
    house.sim.wipe_password(&member);
    house.sim.expire_token(&member);
    let look = || async { Some(house.status().await).filter(|it| it["seat"] == "needs_action") };
    let stuck = until(look, || house.home.log()).await;
    let command = stuck["command"].as_str().expect("a command");
    assert!(command.starts_with("agent-bridge join"), "{stuck:#}");
    assert!(house.home.ok(&["status", "acme"]).await.contains(command));
}

#[tokio::test]
async fn row_18_a_half_open_connection_is_noticed_within_the_silence_bound() {
    namespace::row(18, "liveness::row_18_a_half_open_connection_is_noticed_within_the_silence_bound", half_open())
        .await;
}

/// No packet passes any more, in either direction, and neither end is told.
async fn half_open() {
    lo(true).await;
    let beats = Options { heartbeat: Duration::from_millis(200), ..documented() };
    let mut house = House::with(beats, &lasting("silence = \"3s\"", "500ms")).await;
    let mut agent = house.agent().await;
    house.say("before");
    house.hears_all(&mut agent).await;
    line_is(&house, |line| line["phase"] == "live").await;
    lo(false).await;
    house.say("while nothing passes");
    let noticed = || async { house.home.log().contains("the stream was silent for 3 s").then_some(()) };
    until(noticed, || house.home.log()).await;
    let down = line_is(&house, |line| line["phase"] != "live").await;
    assert_eq!(down["evidence"], Value::Null, "{down:#}");
    lo(true).await;
    house.is_sound(&mut agent, 0).await;
    line_is(&house, |line| line["phase"] == "live").await;
}
