//! What the bridge would never send, sent by the free `call` or by a manifest that lets it: the platform's own words come back.

use agent_bridge_sim::agentunited::Options;
use serde_json::json;

use super::ledger::{CONFIG, Ledger, Stage};

/// Every refusal that the bridge itself comes before.
pub async fn all() -> Ledger {
    let mut ledger = Ledger::default();
    let stage = lenient(&mut ledger).await;
    let room = stage.sim.channel("general");
    stage.sim.add_member(&stage.me(), &room);
    let messages = format!("/channels/{room}/messages");

    let accept = |body| stage.free("POST", "/invite/accept", Some(body));
    let said = accept(json!({ "token": "x" })).await;
    ledger.row("accept.password.400_missing", "call", &said, "'Password'");
    let said = accept(json!({ "token": "x", "password": "short", "display_name": "x" })).await;
    ledger.row("accept.400_short", "call", &said, "at least 12 characters");
    let said = accept(json!({ "token": "x", "password": "long enough for it", "display_name": "x" })).await;
    ledger.row("accept.404_unknown", "call", &said, "invite not found");
    let said = stage.free("POST", "/dm", Some(json!({}))).await;
    ledger.row("body.400", "call", &said, "'UserID'");
    let keys = format!("/agents/{}/keys", stage.sim.primary());
    let said = stage.free("POST", &keys, Some(json!({ "name": "x" }))).await;
    ledger.row("agents.403", "call", &said, "forbidden");
    let said = stage.free("POST", &messages, Some(json!({ "text": "" }))).await;
    ledger.row("messages.post.400_empty", "call", &said, "'Text'");
    let said = stage.free("POST", &messages, Some(json!({ "text": "a\u{0}b" }))).await;
    ledger.row("messages.post.500_nul", "call", &said, "\"status\":500");

    let send = |args| stage.act("send", args);
    let said = send(json!({ "conversation": room, "text": "x".repeat(10_001) })).await;
    ledger.row("messages.post.400_long", "a manifest that does not split", &said, "at most 10000 bytes");
    let file = json!([{ "name": "a.txt", "content": "aGVsbG8=" }]);
    let said = send(json!({ "conversation": room, "files": file })).await;
    ledger.row("messages.post.400_file_alone", "a manifest that sends a file alone", &said, "'Text'");
    let big = stage.home.path("big.bin");
    std::fs::write(&big, vec![0_u8; (10 << 20) + 1]).expect("the file is written");
    let said = send(json!({ "conversation": room, "text": "big", "files": [{ "path": big }] })).await;
    ledger.row("messages.post.413_file", "a manifest with a larger cap", &said, "file too large");
    ledger
}

/// Joined by a manifest that has lost its bounds, in place of the embedded one.
async fn lenient(ledger: &mut Ledger) -> Stage {
    let mut manifest = include_str!("../../../adapters/agentunited.yaml").to_owned();
    for (from, to) in [
        ("text: \"{action.text}\" }\n    files", "text: \"{action.text?}\" }\n    files"),
        ("cap: 10485760, needs_text: true", "cap: 20971520, needs_text: false"),
        ("bytes: 10000 }\n    check", "bytes: 20000 }\n    check"),
    ] {
        assert!(manifest.contains(from), "the manifest has no `{from}` any more");
        manifest = manifest.replace(from, to);
    }
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("agentunited.yaml"), manifest).expect("the manifest is written");
    let config = format!("adapters_dir = \"{}\"\n{CONFIG}", folder.path().display());
    let stage = Stage::empty(ledger, Options::default(), &config).await;
    let said = stage.join(&stage.sim.invite(None), "acme", &[]).await;
    assert!(said.contains("joined `acme`"), "{said}");
    stage
}
