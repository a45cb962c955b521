//! The join: its answers, its eight errors, and what spends a code.

use crate::support::{ADDRESS, KEY, Served, ask, close, error, join, join_with, read};
use agent_bridge_sim::office::{ChatStart, Naming, Options, OriginSource, Sim};
use serde_json::json;

pub async fn refusals(served: &mut Served) {
    let sim = Sim::new(Options::default());
    let no_json = read(ask(&sim, "POST", "/api/agents/join", None, "{").await).await;
    assert_eq!(error(&no_json), (400, "invalid_json"));
    for body in
        [json!({}), json!({"code": "ABCD1234"}), json!({"agent_name": "jared"}), json!({"code": "", "agent_name": " "})]
    {
        assert_eq!(error(&join_with(&sim, body).await), (400, "code and agent_name are required"));
    }
    assert_eq!(error(&join(&sim, "NONE0000", "jared").await), (400, "invalid_code"));
    assert_eq!(error(&join(&sim, &sim.human_invite(), "jared").await), (400, "wrong_invite_type"));
    assert_eq!(error(&join(&sim, &sim.invite_without_office(), "jared").await), (400, "no_office"));
    let code = sim.invite();
    assert!(sim.expire_invite(&code) && !sim.expire_invite("NONE0000"));
    assert_eq!(error(&join(&sim, &code, "jared").await), (410, "code_expired"));
    assert!(sim.agents().is_empty());

    let code = sim.invite();
    sim.fail_joins(1);
    assert_eq!(error(&join(&sim, &code, "jared").await), (500, "server_error"));
    assert_eq!(join(&sim, &code, "jared").await.0, 200, "the user may retry");
    assert_eq!(error(&join(&sim, &code, "jared").await), (410, "code_used"));
    sim.reconfigure(|options| options.failed_join_spends = true);
    let code = sim.invite();
    sim.fail_joins(1);
    assert_eq!(join(&sim, &code, "jared").await.0, 500);
    assert_eq!(error(&join(&sim, &code, "jared").await), (410, "code_used"));
    assert_eq!(sim.agents().len(), 1);
    close(&sim, served);
}

pub async fn answers(served: &mut Served) {
    let sim = Sim::new(Options::default());
    let (status, joined) = join(&sim, &sim.invite(), "jared").await;
    assert_eq!(status, 200);
    let mut fields: Vec<_> = joined.as_object().expect("an object").keys().map(String::as_str).collect();
    fields.sort_unstable();
    assert_eq!(fields, ["agent_name", "api_key", "bot_id", "employee_id", "office_id", "xmtp"]);
    assert_eq!((&joined["agent_name"], &joined["office_id"]), (&json!("jared"), &json!(sim.office())));
    assert_eq!(joined["xmtp"], json!({"office_group_id": sim.group(), "registered": true}));
    let agent = &sim.agents()[0];
    assert_eq!((agent.id.as_str(), agent.chat), (joined["employee_id"].as_str().expect("an id"), true));
    assert_eq!(agent.capabilities, ["xmtp", "files", "tasks"]);
    assert_eq!(agent.bot.as_ref().map(|it| it.origin), Some(OriginSource::External));

    let (_, second) = join(&sim, &sim.invite(), "jared").await;
    assert_eq!(second["agent_name"], "jared-2", "the name is taken");
    let (_, third) = join(&sim, &sim.invite(), "user").await;
    assert_eq!(third["agent_name"], "user-2");
    sim.reconfigure(|options| options.naming = Naming::Suffixed);
    assert_eq!(join(&sim, &sim.invite(), "ada").await.1["agent_name"], "ada-ext");
    close(&sim, served);
}

pub async fn wallets(served: &mut Served) {
    let sim = Sim::new(Options::default());
    let registered = async |address: Option<&str>, key: Option<&str>| {
        let body = json!({"code": sim.invite(), "agent_name": "jared", "xmtp_address": address, "public_key": key});
        let (status, joined) = join_with(&sim, body).await;
        assert_eq!(status, 200, "{joined}");
        assert_eq!(joined["xmtp"]["office_group_id"].is_string(), joined["xmtp"]["registered"] == true);
        joined["xmtp"]["registered"] == true
    };
    assert!(registered(Some(ADDRESS), Some(KEY)).await);
    assert!(registered(Some(&ADDRESS.to_lowercase()), Some(KEY)).await);
    assert!(!registered(None, Some(KEY)).await && !registered(Some(ADDRESS), None).await);
    assert!(!registered(Some(&ADDRESS.replace('A', "a")), Some(KEY)).await, "its checksum is wrong");
    assert!(!registered(Some("0xabc..."), Some("02abc...")).await);
    assert!(!registered(Some(ADDRESS), Some(&KEY[2..])).await);
    sim.reconfigure(|options| options.chat = ChatStart::Later);
    assert!(!registered(Some(ADDRESS), Some(KEY)).await);
    close(&sim, served);
}

#[tokio::test]
async fn a_code_is_eight_signs_and_expires_by_the_wall() {
    let sim = Sim::new(Options { wall: std::sync::Arc::new(|| 0), ..Options::default() });
    let code = sim.invite();
    assert!(code[..4].bytes().all(|it| it.is_ascii_uppercase()) && code[4..].bytes().all(|it| it.is_ascii_digit()));
    assert_eq!(code.len(), 8);
    sim.reconfigure(|options| options.wall = std::sync::Arc::new(|| 7 * 24 * 3_600_000));
    assert_eq!(error(&join(&sim, &code, "jared").await), (410, "code_expired"));
}
