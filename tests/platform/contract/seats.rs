//! Invites, both dialects of accept, login and keys: what `agent-bridge join` says to each answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use agent_bridge_sim::agentunited::{Accept, Fault, Options};
use serde_json::json;

use super::ledger::{CONFIG, Ledger, Stage};
use crate::bridge::http;

/// A wall clock that a test moves.
fn movable() -> (Options, Arc<AtomicU64>) {
    let (options, ahead) = (Options::default(), Arc::new(AtomicU64::new(0)));
    let (wall, moved) = (options.wall.clone(), ahead.clone());
    let wall = Arc::new(move || wall() + moved.load(Ordering::Relaxed));
    (Options { wall, ..options }, ahead)
}

const LATE: u64 = 8 * 24 * 3600 * 1000;

/// Links that work, and each kind that does not.
pub async fn invites() -> Ledger {
    let mut ledger = Ledger::default();
    let (options, ahead) = movable();
    let stage = Stage::empty(&mut ledger, options, CONFIG).await;
    let sim = &stage.sim;
    let good = sim.invite(None);

    let said = stage.join(&good, "acme", &[]).await;
    ledger.row("invite.200", "a fresh link", &said, "joined `acme`");
    ledger.row("accept.password.200", "a fresh link", &said, "joined `acme`");
    let sent = stage.act("send", json!({ "text": "to the main one" })).await;
    ledger.row("accept.dm_channel_id", "send without a conversation", &sent, "\"confirmed\"");

    let unknown = good.split("token=").next().expect("a link").to_owned() + "token=inv_nobody";
    let said = stage.join(&unknown, "b", &[]).await;
    ledger.row("invite.404_unknown", "a made-up token", &said, "check both the host and the token");
    let said = stage.join(&good, "c", &[]).await;
    ledger.row("invite.404_used", "a link for the second time", &said, "join with --email");

    // The first answer is held back until somebody else was faster.
    let link = sim.invite(None);
    sim.fault("GET /invite", Fault::DelayReply { millis: 1500 });
    let (said, ()) = tokio::join!(stage.join(&link, "d", &[]), async {
        validated(&stage, 4).await;
        let token = link.split("token=").nth(1).expect("a token").replace("%3D", "=");
        let body = json!({ "token": token, "password": "somebody else's", "display_name": "Fast" });
        assert_eq!(http::post(&stage.serving.url(), "/api/v1/invite/accept", &body).await.0, 200);
    });
    ledger.row("accept.409_used", "somebody else was faster", &said, "already been used");
    ledger.row("login.401", "the account behind it is another's", &said, "check what you gave");

    let link = sim.invite(None);
    sim.fault("GET /invite", Fault::DelayReply { millis: 1500 });
    let (said, ()) = tokio::join!(stage.join(&link, "e", &[]), async {
        validated(&stage, 5).await;
        ahead.store(LATE, Ordering::Relaxed);
    });
    ledger.row("accept.404_expired", "it expired between the two requests", &said, "ask the workspace owner");
    ahead.store(0, Ordering::Relaxed);
    sim.reconfigure(|options| options.invite_lifetime = Duration::ZERO);
    let said = stage.join(&sim.invite(None), "f", &[]).await;
    ledger.row("invite.404_expired", "a link older than its life", &said, "ask the workspace owner");

    sim.set_offline(true);
    let said = stage.join(&good, "g", &[]).await;
    ledger.row("relay.502", "joining while the instance is down", &said, "instance behind it is offline");
    sim.set_offline(false);
    sim.fault("GET /invite", Fault::Status { status: 504 });
    let said = stage.join(&good, "g", &[]).await;
    ledger.row("relay.504", "joining a slow instance", &said, "too slow to answer: try again");
    ledger
}

/// Waits until the simulator has answered so many validations.
async fn validated(stage: &Stage, count: usize) {
    stage.sim.wait_for(|_| true).await;
    let seen = |stage: &Stage| stage.sim.log().iter().filter(|entry| entry.route == "/invite").count();
    crate::bridge::until(|| async { (seen(stage) >= count).then_some(()) }, || "no validation".into()).await;
}

/// The newer dialect, an account of one's own, and keys.
pub async fn credentials() -> Ledger {
    let mut ledger = Ledger::default();
    central(&mut ledger).await;
    let options = Options { dm_channel_id: false, ..Options::default() };
    let stage = Stage::empty(&mut ledger, options, CONFIG).await;
    let password = stage.secret("password", "long enough for anybody");
    let said = stage.join(&stage.sim.invite(Some("bee@workspace.test")), "acme", &["--secret", &password]).await;
    assert!(said.contains("joined"), "{said}");
    let sent = stage.act("send", json!({ "text": "found among the channels" })).await;
    ledger.row("accept.no_dm_channel_id", "send without a conversation", &sent, "\"confirmed\"");

    let url = stage.serving.url();
    let said = stage.join(&url, "again", &["--email", "bee@workspace.test", "--secret", &password]).await;
    ledger.row("login.200", "by e-mail and password", &said, "joined `again`");
    let wrong = stage.secret("password", "long enough, yet wrong");
    let said = stage.join(&url, "wrong", &["--email", "bee@workspace.test", "--secret", &wrong]).await;
    ledger.row("login.401", "a wrong password", &said, "check what you gave");

    let loner = stage.sim.person("Loner");
    let key = stage.secret("api_key", &stage.sim.api_key(&loner));
    let said = stage.join(&url, "loner", &["--secret", &key]).await;
    ledger.row("keys.ak_live", "by a key", &said, "joined `loner`");
    let rooms = stage.ask("conversations", json!({ "workspace": "loner" })).await;
    ledger.row("channels.null", "somebody without a room", &rooms, "{\"items\":[]}");
    ledger
}

async fn central(ledger: &mut Ledger) {
    let options = Options { accept: Accept::Central, ..Options::default() };
    let stage = Stage::empty(ledger, options, CONFIG).await;
    let link = stage.sim.invite(Some("bee@workspace.test"));
    let said = stage.join(&link, "acme", &[]).await;
    ledger.row("accept.central.400_missing", "no central token", &said, "--secret central_jwt=-; nothing was spent");
    let wrong = stage.secret("central_jwt", "central.jwt.nonsense");
    let said = stage.join(&link, "acme", &["--secret", &wrong]).await;
    ledger.row("accept.central.401", "a wrong central token", &said, "ask the workspace owner for a fresh one");
    let right = stage.secret("central_jwt", &stage.sim.central_jwt());
    let said = stage.join(&link, "acme", &["--secret", &right]).await;
    for line in ["accept.central.200", "agents.201", "keys.201"] {
        ledger.row(line, "the right central token", &said, "joined `acme`");
    }
    let sent = stage.act("send", json!({ "text": "by the lasting key" })).await;
    ledger.row("keys.au", "sending afterwards", &sent, "\"confirmed\"");
    let (url, password) = (stage.serving.url(), stage.secret("password", "whatever it was, it is gone"));
    let said = stage.join(&url, "again", &["--email", "bee@workspace.test", "--secret", &password]).await;
    ledger.row("login.401_central", "its password does not work", &said, "check what you gave");
}
