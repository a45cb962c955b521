//! Joins that somebody must approve, with the real commands: the daemon waits, or the command itself does.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails, and says where")]

use std::process::Stdio;

use agent_bridge::clock::Clock;
use agent_bridge_sim::serve::{Serving, serve};
use serde_json::Value;
use tokio::process::Child;

use crate::bridge::{Home, PATIENCE, until};
use crate::burrow::{Burrow, MANIFEST};
use crate::house::{QUICK, ack};

/// The platform on a real port, and a bridge's folders.
struct Door {
    burrow: Burrow,
    home: Home,
    serving: Serving,
}

impl Door {
    async fn new() -> Self {
        let burrow = Burrow::new(Clock::system());
        let serving = serve(burrow.router(), 0).await.unwrap();
        let home = Home::new("");
        std::fs::create_dir(home.path("adapters")).unwrap();
        std::fs::write(home.path("adapters/burrow.yaml"), MANIFEST.replace("every: 5s", "every: 1s")).unwrap();
        home.configure(&format!("adapters_dir = \"{}\"\n{QUICK}", home.path("adapters").display()));
        Self { burrow, home, serving }
    }

    fn knock(&self) -> Child {
        let url = self.serving.url();
        let args = ["join", "burrow", &url, "--as", "den", "--set", "owner=ada@burrow.test"];
        self.home.command(&args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// Somebody has been asked for so many times whether they let us in.
    async fn asked(&self, times: usize) {
        let polls = || async { (self.burrow.with(|inside| inside.polls) >= times).then_some(()) };
        until(polls, || self.home.log()).await;
    }

    async fn status(&self) -> Value {
        let shown = self.home.ok(&["status", "den", "--json"]).await;
        serde_json::from_str::<Value>(&shown).unwrap()["workspaces"][0].clone()
    }

    async fn becomes(&self, seat: &str) {
        until(|| async { (self.status().await["seat"] == seat).then_some(()) }, || self.home.log()).await;
    }
}

async fn ended(child: Child) -> (bool, String, String) {
    let output = tokio::time::timeout(PATIENCE, child.wait_with_output()).await.expect("the command ends").unwrap();
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    (output.status.success(), text(&output.stdout), text(&output.stderr))
}

#[tokio::test]
async fn the_daemon_waits_for_an_approval_whoever_goes_away_and_brings_the_workspace_to_life() {
    let door = Door::new().await;
    let daemon = door.home.start().await;
    let watching = door.knock();
    door.asked(2).await;
    let waits = door.status().await;
    assert!(waits["seat"] == "joining" && waits["waits"]["since"].is_u64(), "{waits:#}");
    assert!(waits["joined_at"].is_null(), "nobody has let it in: {waits:#}");
    let shown = door.home.ok(&["status", "den"]).await;
    assert!(shown.contains("waits for approval") && !shown.contains("not finished"), "{shown}");
    door.home.ok(&["check"]).await;

    // Whoever watches goes, and the daemon starts anew: the wait goes on.
    drop(watching);
    daemon.stop().await;
    let daemon = door.home.start().await;
    let polls = door.burrow.with(|inside| inside.polls);
    door.asked(polls + 1).await;
    door.burrow.with(|inside| inside.door = "approved");
    door.becomes("signed_in").await;
    assert_eq!(door.burrow.with(|inside| (inside.knocks.len(), inside.exchanges.len())), (1, 1));
    let mut agent = door.home.agent().await;
    agent.call("subscribe", serde_json::json!({ "consumer": "main" })).await.unwrap();
    for kind in ["join.requested", "join.approved"] {
        let told = agent.delivery().await;
        assert_eq!(told.event["type"], kind);
        ack(&mut agent, &told).await;
    }
    assert!(!door.home.log().contains("knock-secret") && !door.home.log().contains("renewal-1"));
    daemon.stop().await;
}

#[tokio::test]
async fn without_a_daemon_the_command_waits_and_a_no_says_how_to_ask_again() {
    let door = Door::new().await;
    let waiting = door.knock();
    door.asked(1).await;
    door.burrow.with(|inside| inside.door = "approved");
    let (good, out, err) = ended(waiting).await;
    assert!(good && out.contains("joined `den`"), "{out}{err}");
    assert!(out.contains(": POST /knocks\n") && out.contains(": GET /knocks/{knock}\n"), "{out}");
    assert!(err.contains("waiting for approval. Ctrl-C is fine"), "{err}");
    door.home.ok(&["leave", "den", "--yes"]).await;

    let waiting = door.knock();
    let asked = door.burrow.with(|inside| inside.polls);
    door.asked(asked + 1).await;
    door.burrow.with(|inside| inside.door = "denied");
    let (good, _, err) = ended(waiting).await;
    assert!(!good && err.contains("the owner said no") && err.contains("agent-bridge join burrow"), "{err}");
    assert_eq!(door.status().await["seat"], "needs_action");
    door.home.ok(&["leave", "den", "--yes"]).await;
}

#[tokio::test]
async fn a_workspace_that_waits_can_be_left_while_the_daemon_asks() {
    let door = Door::new().await;
    let daemon = door.home.start().await;
    let watching = door.knock();
    door.asked(1).await;
    door.home.ok(&["leave", "den", "--yes"]).await;
    let (good, _, err) = ended(watching).await;
    assert!(!good && err.contains("den"), "{err}");
    // Whoever left and asks again is another request.
    let again = door.knock();
    let polls = door.burrow.with(|inside| inside.polls);
    door.asked(polls + 1).await;
    door.burrow.with(|inside| inside.door = "approved");
    let (good, out, err) = ended(again).await;
    assert!(good && out.contains("joined `den`"), "{out}{err}");
    assert_eq!(
        door.burrow.with(|inside| (inside.knocks.len(), inside.exchanges.clone())),
        (2, vec!["code-2".to_owned()])
    );
    daemon.stop().await;
}
