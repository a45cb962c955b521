//! Rows about actions and credentials: 9, 31, 32, 33, 35, 36. Those that need refresh grants and idempotency keys are in
//! `pushed.rs` and `logged.rs`.

#[path = "../support/memory_network.rs"]
#[allow(dead_code, clippy::unwrap_used, reason = "each test binary uses its part; a test that cannot go on fails")]
mod memory_network;

mod acks;
mod clocks;
mod replies;
mod revoked;
mod waits;

use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::process::Child;

use crate::bridge::Agent;
use crate::house::House;

/// How the platform logs a message that is posted.
const POST: &str = "POST /channels/{id}/messages";
/// How it logs a login.
const LOGIN: &str = "POST /auth/login";
/// Long enough for anything on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// The daemon with more in its environment; killed when dropped. Without waiting for it: it may die at any point.
fn run_under(house: &House, environment: &[(&str, &str)]) -> Child {
    let log = std::fs::OpenOptions::new().create(true).append(true).open(house.home.path("log")).expect("a log");
    let mut command = house.home.command(&["run"]);
    command.envs(environment.iter().copied()).stdout(Stdio::null()).stderr(log);
    command.spawn().expect("the daemon starts")
}

/// Asks for a text in a room; the action's id.
async fn send(agent: &mut Agent, room: &str, text: &str) -> String {
    let args = json!({ "conversation": room, "text": text });
    let act = json!({ "workspace": "acme", "verb": "send", "args": args });
    let accepted = agent.call("act", act).await.expect("it is accepted");
    accepted["id"].as_str().expect("an id").to_owned()
}

/// A wall time of the bridge, in milliseconds since 1970.
fn at(stamp: &Value) -> i64 {
    let stamp: jiff::Timestamp = stamp.as_str().expect("a time").parse().expect("RFC 3339");
    stamp.as_millisecond()
}

/// Now, in milliseconds since 1970.
fn now() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}
