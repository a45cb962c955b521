//! What a Rails server says over its cable: any bytes as one message.

use std::sync::{Arc, LazyLock};

use agent_bridge::adapter::Pointer;
use agent_bridge::line::action_cable::protocol::{Command, Said, read};
use agent_bridge::normalise::{Frame, Mapping, normalise};
use agent_bridge::store::{Seat, WorkspaceRecord};
use serde_json::{Value, json};

use super::choices;
use super::platform::{CANARY, NOW, sound};

/// Subscriptions, as they are sent: one with a cursor, one without, and one that is no JSON.
const IDENTIFIERS: [&str; 3] =
    [r#"{"channel":"AgentEventsChannel","cursor":"MQ"}"#, r#"{"channel":"AgentEventsChannel"}"#, "\"\\\u{1}"];
/// The longest word of a stranger that is shown, in bytes (`protocol.rs`).
const WORD: usize = 60;

static ERROR: LazyLock<Pointer> = LazyLock::new(|| "/error/code".parse().expect("a pointer"));

static MAPPING: LazyLock<Mapping> = LazyLock::new(|| {
    let manifest = include_str!("../../../adapters/speakeasy.yaml");
    let manifest = agent_bridge::adapter::parse("speakeasy.yaml", manifest).expect("it is sound");
    let record = WorkspaceRecord {
        name: agent_bridge::event::WorkspaceName::new("lounge").expect("a name"),
        platform: "speakeasy".to_owned(),
        settings: std::collections::BTreeMap::new(),
        facts: serde_json::from_value(json!({ "account_handle": "agent@x.example" })).expect("a table"),
        session: "grant".to_owned(),
        seat: Seat::SignedIn,
        joined_at: 0,
    };
    Mapping::new(Arc::new(manifest), &record, [CANARY.to_owned().into()])
});

/// Whatever a message holds: it means one thing, what it tells is this subscription's and stands in it byte for byte,
/// no word of a stranger is long or holds what a terminal obeys, and its event is one that every reader can read.
pub fn cable(input: &[u8]) {
    let ([which], body) = choices::<1>(input);
    let (identifier, text) = (IDENTIFIERS[which % IDENTIFIERS.len()], String::from_utf8_lossy(body));
    let said = read(&text, identifier, Some(&ERROR));
    assert_eq!(said, read(&text, identifier, Some(&ERROR)), "the same message means something else");
    match said {
        Said::Message(told) => {
            assert!(text.contains(&told), "it tells what was not said: {told}");
            is_ours(&text, identifier);
            event(&told);
        }
        Said::Error(word) => {
            is_ours(&text, identifier);
            is_plain(&word);
        }
        Said::Confirmed | Said::Rejected => is_ours(&text, identifier),
        Said::Disconnect(disconnect) => is_plain(&disconnect.reason),
        Said::Welcome | Said::Ping | Said::Ignored(_) => {}
    }
    // Whatever a cursor holds, a command is one JSON text that says it back.
    let sent: Value = serde_json::from_str(&Command::Subscribe.to(&text)).expect("a command is JSON");
    assert_eq!(sent["identifier"].as_str(), Some(&*text));
}

/// A naive reader, which stops at the depth that every reader has, finds the same identifier.
fn is_ours(text: &str, identifier: &str) {
    let Ok(message) = serde_json::from_str::<Value>(text) else { return };
    assert_eq!(message["identifier"], identifier, "another subscription's: {text}");
}

fn is_plain(word: &str) {
    assert!(word.len() <= WORD && !word.chars().any(char::is_control), "a terminal would obey: {word:?}");
}

fn event(told: &str) {
    let value: Value = serde_json::from_str(told).unwrap_or_default();
    let name = value["event_type"].as_str();
    let frame = Frame { name, body: told, room: None };
    if let Some(draft) = normalise(&frame, &MAPPING, NOW) {
        sound(draft, normalise(&frame, &MAPPING, NOW).expect("it was of interest"));
    }
}
