//! Row 26 with a platform in a process of its own: all of it stops, and its connections stay.

use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};

use crate::bridge::{Home, http, until};
use crate::house::{QUICK, ack};
use crate::matrix;

async fn push(url: &str) -> Value {
    http::get(url, "/_sim/push").await.1
}

/// The phase of the cable, as `status` has it.
async fn cable(home: &Home) -> Value {
    let status: Value = serde_json::from_str(&home.ok(&["status", "lounge", "--json"]).await).expect("JSON");
    let lines = status["workspaces"][0]["lines"].as_array().cloned().unwrap_or_default();
    lines.into_iter().find(|line| line["line"] == "action_cable").unwrap_or_default()["phase"].clone()
}

#[tokio::test]
async fn row_26_a_platform_that_is_stopped_as_a_whole_is_noticed_and_dialled_again() {
    matrix::row(26, async {
        let home = Home::new(&format!("{QUICK}\n[lines.cable]\nstale = \"1s\""));
        let mut serve = home.command(&["sim", "speakeasy", "--json", "--silent"]);
        let mut platform = serve.stdout(Stdio::piped()).spawn().expect("it starts");
        let mut said = BufReader::new(platform.stdout.take().expect("its output")).lines();
        let said: Value =
            serde_json::from_str(&said.next_line().await.expect("it writes").expect("a line")).expect("JSON");
        let (url, handle) = (said["url"].as_str().expect("a URL"), said["handle"].as_str().expect("a handle"));
        http::post(url, "/_sim/push_options", &json!({ "ping": 300 })).await;
        let daemon = home.start().await;
        home.ok(&["join", "speakeasy", url, "--as", "lounge", "--handle", handle]).await;
        until(|| async { (push(url).await["subscribed"] == 1).then_some(()) }, || home.log()).await;
        until(|| async { (cable(&home).await == "live").then_some(()) }, || home.log()).await;

        let pid = Pid::from_raw(platform.id().expect("it runs").cast_signed()).expect("a process");
        kill_process(pid, Signal::STOP).expect("it runs");
        // Its kernel still takes and acknowledges all that is sent there.
        until(|| async { (cable(&home).await != "live").then_some(()) }, || home.log()).await;
        kill_process(pid, Signal::CONT).expect("it is there");

        let again = || async { (push(url).await["dials"].as_u64()? > 1 && cable(&home).await == "live").then_some(()) };
        until(again, || home.log()).await;
        let mut agent = home.agent().await;
        agent.call("subscribe", json!({ "consumer": "main" })).await.expect("it reads");
        http::post(url, "/_sim/say", &json!({ "handle": handle, "text": "awake again" })).await;
        let told = agent.delivery_of("message.created").await;
        assert_eq!(told.text(), "awake again");
        ack(&mut agent, &told).await;
        daemon.stop().await;
    })
    .await;
}
