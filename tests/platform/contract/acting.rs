//! What the agent does, and the receipts.

use std::time::Duration;

use agent_bridge_sim::agentunited::{Crash, Fault, Options};
use serde_json::json;

use super::ledger::{Ledger, Stage};

const POST: &str = "POST /channels/{id}/messages";
const NOWHERE: &str = "00000000-0000-4000-8000-000000000000";

/// Every verb, and each way in which the platform refuses one.
pub async fn all() -> Ledger {
    let mut ledger = Ledger::default();
    let stage = Stage::joined(&mut ledger, Options::default()).await;
    let sim = &stage.sim;
    let (pierre, room, me) = (sim.person("Pierre"), sim.channel("general"), stage.me());
    sim.add_member(&me, &room);

    let receipt = stage.act("send", json!({ "conversation": room, "text": "plain" })).await;
    let mine = sim.history(&room).pop().expect("it was said").id;
    ledger.row("messages.post.201", "send", &receipt, &mine);
    let file = json!([{ "name": "a.txt", "content": "aGVsbG8=" }]);
    let receipt = stage.act("send", json!({ "conversation": room, "text": "see", "files": file })).await;
    let with_file = sim.history(&room).pop().expect("it was said");
    assert_eq!(with_file.attachment, Some(("a.txt".into(), 5)));
    ledger.row("messages.post.multipart", "send with a file", &receipt, &with_file.id);

    sim.fault(POST, Fault::StoredThen500);
    let receipt = stage.act("send", json!({ "conversation": room, "text": "stored all the same" })).await;
    let stored = sim.history(&room).pop().expect("it was stored").id;
    ledger.row("messages.post.500_stored", "a 500 after storing", &receipt, &stored);

    let receipt = stage.act("edit", json!({ "message": mine, "text": "better" })).await;
    ledger.row("messages.patch.200", "edit", &receipt, "\"confirmed\"");
    let theirs = sim.say(&pierre, &room, "mine");
    let receipt = stage.act("edit", json!({ "message": theirs, "text": "stolen" })).await;
    ledger.row("messages.403_not_yours", "edit of somebody else's", &receipt, "\"kind\":\"refused\"");
    let receipt = stage.act("edit", json!({ "message": NOWHERE, "text": "?" })).await;
    ledger.row("messages.404", "edit of nothing", &receipt, "message not found");
    let receipt = stage.act("delete", json!({ "message": mine })).await;
    ledger.row("messages.delete.204", "delete", &receipt, "\"confirmed\"");
    let receipt = stage.act("mark_read", json!({ "conversation": room })).await;
    ledger.row("read.204", "mark_read", &receipt, "\"confirmed\"");
    let receipt = stage.act("direct.open", json!({ "person": pierre })).await;
    ledger.row("dm.200", "direct.open", &receipt, &sim.dm(&pierre, &me));
    let receipt = stage.act("direct.open", json!({ "person": NOWHERE })).await;
    ledger.row("dm.404", "direct.open with nobody", &receipt, "user not found");

    let receipt = stage.act("send", json!({ "conversation": NOWHERE, "text": "?" })).await;
    ledger.row("room.403_unknown", "send into no room", &receipt, "knows no such channel");
    sim.remove_member(&me, &room);
    let receipt = stage.act("send", json!({ "conversation": room, "text": "?" })).await;
    ledger.row("room.403_not_member", "send after being removed", &receipt, "\"kind\":\"refused\"");
    ledger
}

/// The second post within a second brings the server down; it is told once all the same.
pub async fn crash() -> Ledger {
    let mut ledger = Ledger::default();
    let crash = Crash { posts: 1, within: Duration::from_secs(5), refuse: true };
    let stage = Stage::joined(&mut ledger, Options { crash, ..Options::default() }).await;
    let room = stage.sim.channel("general");
    stage.sim.add_member(&stage.me(), &room);
    let send = |text: &str| stage.act("send", json!({ "conversation": room, "text": text }));
    let (_, second) = (send("one").await, send("two").await);
    let texts: Vec<_> = stage.sim.history(&room).into_iter().map(|message| message.text).collect();
    assert_eq!(texts, ["one", "two"], "{second}");
    ledger.row("messages.post.crash", "a burst into one room", &second, "\"confirmed\"");
    ledger
}
