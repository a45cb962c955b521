//! Invites that lead to a key, with the real commands: a seat without a work channel, and all that can be lost on the way.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails, and says where")]

use std::process::Stdio;

use agent_bridge_sim::invites::{Armed, Call, Dialect, Fault, Options, Sim};
use agent_bridge_sim::paperclip::Paperclip;
use agent_bridge_sim::serve::Serving;
use agent_bridge_sim::thinkwork::Thinkwork;
use serde_json::{Value, json};
use tokio::process::Child;

use crate::bridge::{Home, PATIENCE, until};
use crate::house::{QUICK, ack};

const THINKWORK: &str = include_str!("../../adapters/thinkwork.yaml");
const PAPERCLIP: &str = include_str!("../../adapters/paperclip.yaml");

/// A platform on a real port, and a bridge's folders with a manifest that waits for seconds instead of minutes.
struct Board<D: Dialect> {
    sim: Sim<D>,
    home: Home,
    platform: &'static str,
    serving: Serving,
}

impl Board<Thinkwork> {
    async fn thinkwork(more: impl FnOnce(String) -> String) -> Self {
        Self::new("thinkwork", more(THINKWORK.replace("every: 60s", "every: 1s"))).await
    }
}

impl Board<Paperclip> {
    /// Under a name that no binary was built with.
    async fn elsewhere() -> Self {
        let quick = PAPERCLIP.replace("every: 60s", "every: 1s").replace("every: 1h", "every: 1s");
        Self::new("clipboard", quick.replace("platform: paperclip", "platform: clipboard")).await
    }
}

impl<D: Dialect> Board<D> {
    async fn new(platform: &'static str, manifest: String) -> Self {
        let sim = Sim::<D>::new(Options::default());
        let serving = sim.serve(0).await.unwrap();
        let home = Home::new("");
        std::fs::create_dir(home.path("adapters")).unwrap();
        std::fs::write(home.path("adapters").join(format!("{platform}.yaml")), manifest).unwrap();
        home.configure(&format!("adapters_dir = \"{}\"\n{QUICK}", home.path("adapters").display()));
        Self { sim, home, platform, serving }
    }

    /// Begins to join as `seat` by a fresh invite.
    fn joins(&self) -> Child {
        let link = self.sim.invite("Echo").link;
        assert!(link.starts_with(&self.serving.url()));
        let args = ["join", self.platform, &link, "--as", "seat", "--set", "adapter_type=webhook"];
        self.home.command(&args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    fn arm(&self, route: &str, fault: Fault) {
        self.sim.arm(Armed { route: route.into(), after: 0, count: 1, fault });
    }

    /// A claim was asked for so many times.
    async fn claimed(&self, times: usize) {
        let claims = || async { (self.sim.calls(Call::Claim) >= times).then_some(()) };
        until(claims, || self.home.log()).await;
    }

    async fn status(&self) -> Value {
        let shown = self.home.ok(&["status", "seat", "--json"]).await;
        serde_json::from_str::<Value>(&shown).unwrap()["workspaces"][0].clone()
    }

    async fn becomes(&self, seat: &str) -> Value {
        until(
            || async {
                let status = self.status().await;
                (status["seat"] == seat).then_some(status)
            },
            || self.home.log(),
        )
        .await
    }

    /// The feed tells these, in this order.
    async fn tells(&self, kinds: &[&str]) {
        let mut agent = self.home.agent().await;
        agent.call("subscribe", json!({ "consumer": "main" })).await.unwrap();
        for kind in kinds {
            let told = agent.delivery().await;
            assert_eq!(told.event["type"], *kind);
            ack(&mut agent, &told).await;
        }
    }
}

async fn ended(child: Child) -> (bool, String, String) {
    let output = tokio::time::timeout(PATIENCE, child.wait_with_output()).await.expect("the command ends").unwrap();
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    (output.status.success(), text(&output.stdout), text(&output.stderr))
}

#[tokio::test]
async fn an_approval_by_hand_after_a_restart_leads_to_a_registered_seat_that_is_healthy_and_not_live() {
    let board = Board::thinkwork(|manifest| manifest).await;
    let daemon = board.home.start().await;
    let watching = board.joins();
    board.claimed(2).await;
    let waits = board.status().await;
    assert!(waits["seat"] == "joining" && waits["waits"]["since"].is_u64(), "{waits:#}");
    drop(watching);
    daemon.kill().await;
    let request = board.sim.waiting().unwrap();
    board.sim.approve(&request);
    let daemon = board.home.start().await;
    let status = board.becomes("registered").await;
    assert!(status["live"] == false && status["lines"] == json!([]) && status["trouble"].is_null(), "{status:#}");
    let shown = board.home.ok(&["status", "seat"]).await;
    assert!(shown.contains("no work channel") && shown.contains("Join a ThinkWork tenant"), "{shown}");
    assert!(board.home.ok(&["check"]).await.contains("seat"));
    assert!(board.home.ready().await);
    let sent = board.home.cli(&["send", "seat", "somewhere", "hello"]).await;
    let words = String::from_utf8_lossy(&sent.stderr).into_owned();
    assert!(!sent.status.success() && words.contains("has no work channel"), "{words}");
    board.tells(&["join.requested", "join.approved"]).await;
    let (secret, key) = (board.sim.claim_secret(&request).unwrap(), board.sim.key(&request).unwrap());
    for hidden in [secret, key] {
        assert!(
            !board.home.log().contains(&hidden) && !shown.contains(&hidden) && !status.to_string().contains(&hidden)
        );
    }
    let seen = board.sim.look(|world| world.requests().next().unwrap().clone());
    assert_eq!((seen.agent_name.as_str(), seen.adapter_type.as_deref()), ("Echo", Some("webhook")));
    assert_eq!((board.sim.calls(Call::Accept), board.sim.calls(Call::Internal)), (1, 0));
    daemon.stop().await;
}

#[tokio::test]
async fn a_second_platform_is_a_manifest_and_tells_of_a_rejection_and_of_a_revoked_key() {
    let board = Board::elsewhere().await;
    let daemon = board.home.start().await;
    let watching = board.joins();
    board.claimed(1).await;
    board.sim.reject(&board.sim.waiting().unwrap());
    let (good, _, err) = ended(watching).await;
    assert!(!good && err.contains("the board has rejected the request"), "{err}");
    let again = format!("agent-bridge join clipboard {} --as seat --secret invite_token=-", board.serving.url());
    assert!(err.contains(&again), "{err}");

    let watching = board.joins();
    board.claimed(2).await;
    let request = until(|| async { board.sim.waiting() }, || board.home.log()).await;
    board.sim.approve(&request);
    let (good, out, err) = ended(watching).await;
    assert!(good && out.contains("registered there, for the platform has no work channel"), "{out}{err}");
    assert_eq!(board.becomes("registered").await["live"], false);
    board.sim.revoke(&request);
    let status = board.becomes("needs_action").await;
    assert!(status["command"] == again && status["reason"].as_str().unwrap().contains("key"), "{status:#}");
    board
        .tells(&["join.requested", "join.rejected", "join.requested", "join.approved", "workspace.needs_action"])
        .await;
    daemon.stop().await;
}

#[tokio::test]
async fn a_lost_answer_to_the_accept_says_what_to_ask_for_and_another_invite_mends_it() {
    let board = Board::thinkwork(|manifest| manifest).await;
    board.arm("POST /api/invites/{token}/accept", Fault::ReplyLost);
    let (good, _, err) = ended(board.joins()).await;
    assert!(!good && err.contains("Ask the admin to reject it"), "{err}");
    assert_eq!((board.sim.calls(Call::Accept), board.status().await["seat"].clone()), (1, "needs_action".into()));
    let joining = board.joins();
    board.claimed(1).await;
    board.sim.approve(&board.sim.waiting().unwrap());
    let (good, out, err) = ended(joining).await;
    assert!(good && out.contains("joined `seat`"), "{out}{err}");
}

#[tokio::test]
async fn a_lost_answer_to_a_claim_is_shown_until_the_claim_has_had_its_time() {
    let board = Board::thinkwork(|manifest| manifest.replace("within: 7d", "within: 8s")).await;
    let daemon = board.home.start().await;
    let watching = board.joins();
    board.claimed(1).await;
    board.arm("POST /api/join-requests/{id}/claim-api-key", Fault::ReplyLost);
    board.sim.approve(&board.sim.waiting().unwrap());
    let doubt = || async {
        let doubt = board.status().await["waits"]["doubt"].as_str()?.to_owned();
        Some(doubt)
    };
    let doubt = until(doubt, || board.home.log()).await;
    assert!(doubt.contains("the key is lost with it: ask the admin to revoke"), "{doubt}");
    let (good, _, err) = ended(watching).await;
    assert!(!good && err.contains("seven days") && err.contains(&doubt), "{err}");
    board.tells(&["join.requested", "join.expired"]).await;
    daemon.stop().await;
}
