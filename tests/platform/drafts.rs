//! `agent-bridge sim agentworkspace`: what it prints can be joined, and a person there asks, edits and takes suggestions.

use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout};

use crate::bridge::{Home, PATIENCE, http, until};

/// The simulator as a child process; killed when dropped.
struct Platform {
    _child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Platform {
    fn start(home: &Home, more: &[&str]) -> Self {
        let mut command = home.command(&[&["sim", "agentworkspace"], more].concat());
        let mut child = command.stdout(Stdio::piped()).spawn().expect("the simulator starts");
        let lines = BufReader::new(child.stdout.take().expect("its output")).lines();
        Self { _child: child, lines }
    }

    async fn line(&mut self) -> String {
        let line = tokio::time::timeout(PATIENCE, self.lines.next_line()).await.expect("a line in time");
        line.expect("it writes").expect("one more line")
    }

    /// The arguments of the next command that it prints.
    async fn command(&mut self) -> Vec<String> {
        loop {
            let line = self.line().await;
            if let Some(command) = line.trim_start().strip_prefix("agent-bridge ") {
                return command.split_whitespace().map(|word| word.replace('\'', "")).collect();
            }
        }
    }
}

#[tokio::test]
async fn what_the_simulated_platform_of_documents_prints_can_be_joined() {
    let home = Home::new("[lines]\nevery = \"200ms\"\nbeside = \"200ms\"");
    let key = home.path("ak.txt").display().to_string();
    let mut platform = Platform::start(&home, &["--key-file", &key]);
    let url = platform.line().await.split_whitespace().find(|word| word.starts_with("http://")).map(str::to_owned);
    let url = url.expect("its address");
    assert_eq!(
        std::fs::metadata(&key).expect("a file").permissions().mode() & 0o777,
        0o600,
        "the key is nobody else's"
    );
    let _daemon = home.start().await;
    let mut agent = home.agent().await;
    agent.call("subscribe", json!({ "consumer": "main" })).await.expect("it is the reader");
    for workspace in ["study", "desk"] {
        let command = platform.command().await;
        let said = home.ok(&command.iter().map(String::as_str).collect::<Vec<_>>()).await;
        assert!(said.contains(&format!("joined `{workspace}`")), "{command:?}: {said}");
    }
    let desk: Value =
        serde_json::from_str(&home.ok(&["ask", "desk", "desk", "--what", "documents"]).await).expect("JSON");
    assert_eq!(desk["items"][0]["title"], "Trip to Italy", "the key opens the agent's own desk: {desk}");

    let mention = agent.delivery_of("mention.created").await;
    assert!(mention.text().starts_with("@Atlas "), "{}", mention.event);
    let document = mention.event["data"]["conversation"]["id"].clone();
    let answer = json!([
        { "verb": "document.edit", "args": { "conversation": document, "op": "append", "text": "Budget: 500 euros." } },
        { "verb": "suggest", "args": { "conversation": document, "search": "The majority of", "text": "About 41% of" } },
    ]);
    agent.call("ack", json!({ "seq": mention.seq, "actions": answer })).await.expect("it is acked");
    let stands = async || {
        let (_, state) = http::get(&url, "/_sim/state").await;
        let content = state["documents"][0]["content"].as_str().unwrap_or_default().to_owned();
        let taken = content.contains("About 41% of") && content.ends_with("Budget: 500 euros.");
        (taken && state["mentions"][0]["status"] == "done").then_some(())
    };
    until(stands, || home.log()).await;
    let changed = agent.delivery_of("document.changed").await;
    assert!(!changed.event["data"]["diff"].as_str().unwrap_or_default().contains("Budget"), "{}", changed.event);
    agent.call("ack", json!({ "seq": changed.seq })).await.expect("it is acked");
    let second = agent.delivery_of("mention.created").await;
    assert_ne!(second.event["id"], mention.event["id"], "the person goes on");
}

#[tokio::test]
async fn scripts_have_its_secrets_as_json_and_a_file_that_is_there_is_never_overwritten() {
    let home = Home::new("");
    let mut platform = Platform::start(&home, &["--json", "--silent", "--name", "Ada"]);
    let said: Value = serde_json::from_str(&platform.line().await).expect("JSON");
    let text = |key: &str| said[key].as_str().unwrap_or_else(|| panic!("no {key}: {said}")).to_owned();
    assert!(text("link").starts_with(&format!("{}/share/", text("url"))), "{said}");
    assert!(text("api_key").starts_with("ak_") && !text("webhook_secret").is_empty(), "{said}");
    let (_, state) = http::get(&text("url"), "/_sim/state").await;
    assert_eq!((&state["agents"][0]["name"], &state["documents"][0]["id"]), (&json!("Ada"), &json!(text("document"))));
    std::fs::write(home.path("notes"), "mine").expect("a file");
    let file = home.path("notes").display().to_string();
    let refused = home.cli(&["sim", "agentworkspace", "--key-file", &file]).await;
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && said.contains("name another"), "{said}");
    assert_eq!(std::fs::read_to_string(home.path("notes")).expect("a file"), "mine");
}
