//! What a Rails server says over a cable and what is said to it (Action Cable of Rails 6 to 8, protocol
//! `actioncable-v1-json`; field notes). Pure: text in, meaning out.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::adapter::{Pointer, text};

/// What is offered. The second is for a server that wants to say that it speaks none of the others.
pub(super) const OFFERED: &str = "actioncable-v1-json, actioncable-unsupported";
/// What is spoken here.
pub(super) const SPOKEN: &str = "actioncable-v1-json";
/// A longer word is not shown: cut off, a credential in it would not be found.
const WORD: usize = 60;

/// What one message of the server means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// The connection is accepted: subscribe.
    Welcome,
    /// It is alive.
    Ping,
    /// The subscription is in force.
    Confirmed,
    /// The subscription is refused.
    Rejected,
    /// The channel tells something: JSON, as the server wrote it.
    Message(String),
    /// The channel says that it cannot serve this subscription, by this word.
    Error(String),
    /// The server is about to close.
    Disconnect(Disconnect),
    /// Nothing that concerns this subscription.
    Ignored(Ignored),
}

/// Why the server closes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disconnect {
    /// Its word: `unauthorized`, `invalid_request`, `server_restart`, `remote`, or one that is new.
    pub reason: String,
    /// Whether the client may come back.
    pub reconnect: bool,
}

/// What is passed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Ignored {
    /// Not JSON.
    #[error("a message is not JSON")]
    NotJson,
    /// JSON, and no message of the protocol.
    #[error("a message has no known form")]
    Strange,
    /// Another subscription's.
    #[error("a message belongs to another subscription")]
    Elsewhere,
}

#[derive(Deserialize)]
struct Wire<'a> {
    #[serde(borrow, rename = "type")]
    kind: Option<Cow<'a, str>>,
    #[serde(borrow)]
    identifier: Option<Cow<'a, str>>,
    #[serde(borrow)]
    message: Option<&'a RawValue>,
    #[serde(borrow)]
    reason: Option<Cow<'a, str>>,
    reconnect: Option<bool>,
}

/// Reads one message, to the subscription with this identifier. `error`: where an error's word stands in a message.
pub fn read(message: &str, identifier: &str, error: Option<&Pointer>) -> Said {
    let wire: Wire<'_> = match serde_json::from_str(message) {
        Ok(wire) if message.trim_ascii_start().starts_with('{') => wire,
        // A list of the right things is no message either.
        Ok(_) => return Said::Ignored(Ignored::Strange),
        Err(bad) if bad.is_data() => return Said::Ignored(Ignored::Strange),
        Err(_) => return Said::Ignored(Ignored::NotJson),
    };
    match wire.kind.as_deref() {
        Some("welcome") => return Said::Welcome,
        Some("ping") => return Said::Ping,
        Some("disconnect") => return disconnect(&wire),
        _ => {}
    }
    match (wire.kind.as_deref(), wire.identifier.as_deref(), wire.message) {
        (_, Some(other), _) if other != identifier => Said::Ignored(Ignored::Elsewhere),
        (Some("confirm_subscription"), Some(_), _) => Said::Confirmed,
        (Some("reject_subscription"), Some(_), _) => Said::Rejected,
        (None, Some(_), Some(body)) => told(body.get(), error),
        _ => Said::Ignored(Ignored::Strange),
    }
}

fn told(body: &str, error: Option<&Pointer>) -> Said {
    let word = error.and_then(|at| {
        let body: Value = serde_json::from_str(body).ok()?;
        at.find(&body).and_then(text)
    });
    word.map_or_else(|| Said::Message(body.to_owned()), |word| Said::Error(shown(&word)))
}

/// A server that does not say whether to come back is taken to want it: its line would be lost by a missing word.
fn disconnect(wire: &Wire<'_>) -> Said {
    let reason = shown(wire.reason.as_deref().unwrap_or("no reason"));
    Said::Disconnect(Disconnect { reason, reconnect: wire.reconnect.unwrap_or(true) })
}

/// What a stranger wrote: whole, if it is short and has nothing that a terminal would obey.
fn shown(word: &str) -> String {
    let good = word.len() <= WORD && !word.chars().any(char::is_control);
    if good { word.to_owned() } else { "a word that is not shown".to_owned() }
}

/// What the client says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// Wants what the channel tells.
    Subscribe,
    /// Wants no more of it.
    Unsubscribe,
}

impl Command {
    /// As it is sent. The identifier is a text within the JSON, whatever it looks like.
    pub fn to(self, identifier: &str) -> String {
        let command = match self {
            Self::Subscribe => "subscribe",
            Self::Unsubscribe => "unsubscribe",
        };
        json!({ "command": command, "identifier": identifier }).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const IDENTIFIER: &str = r#"{"channel":"Events","cursor":"a/b"}"#;

    fn heard(message: &Value) -> Said {
        read(&message.to_string(), IDENTIFIER, Some(&"/error/code".parse().unwrap()))
    }

    #[test]
    fn every_message_of_the_protocol_is_known() {
        let of = |kind: &str| heard(&json!({ "type": kind, "identifier": IDENTIFIER }));
        assert_eq!(heard(&json!({ "type": "welcome", "sid": "x" })), Said::Welcome);
        assert_eq!(heard(&json!({ "type": "ping", "message": 1_774_202_400 })), Said::Ping);
        assert_eq!(of("confirm_subscription"), Said::Confirmed);
        assert_eq!(of("reject_subscription"), Said::Rejected);
        let message = r#"{"identifier":"{\"channel\":\"Events\",\"cursor\":\"a/b\"}","message":{"b": 1.0,"a":[]}}"#;
        assert_eq!(read(message, IDENTIFIER, None), Said::Message(r#"{"b": 1.0,"a":[]}"#.into()), "as it was written");
        assert_eq!(
            heard(&json!({ "identifier": IDENTIFIER, "message": { "error": { "code": "cursor_gap" } } })),
            Said::Error("cursor_gap".into())
        );
        for (frame, reason, reconnect) in [
            (json!({ "type": "disconnect", "reason": "remote", "reconnect": false }), "remote", false),
            (json!({ "type": "disconnect", "reason": "server_restart", "reconnect": true }), "server_restart", true),
            (json!({ "type": "disconnect" }), "no reason", true),
            (json!({ "type": "disconnect", "reason": "new\u{1b}[31m" }), "a word that is not shown", true),
        ] {
            assert_eq!(heard(&frame), Said::Disconnect(Disconnect { reason: reason.into(), reconnect }), "{frame}");
        }
    }

    #[test]
    fn an_identifier_counts_byte_for_byte() {
        for other in [r#"{"cursor":"a/b","channel":"Events"}"#, r#"{"channel": "Events","cursor":"a/b"}"#, "", "Events"]
        {
            let frame = |kind: Value| json!({ "type": kind, "identifier": other, "message": { "id": 1 } });
            for kind in [Value::Null, json!("confirm_subscription"), json!("reject_subscription")] {
                assert_eq!(heard(&frame(kind)), Said::Ignored(Ignored::Elsewhere), "{other}");
            }
        }
    }

    #[test]
    fn what_is_no_message_is_passed_over() {
        for text in ["", "pong", "{", "{\"type\":\"ping\"", "\u{0}"] {
            assert_eq!(read(text, IDENTIFIER, None), Said::Ignored(Ignored::NotJson), "{text:?}");
        }
        for text in [
            "1",
            "null",
            "[]",
            "{}",
            r#"["ping",null,null,null,null]"#,
            r#"{"type":1}"#,
            r#"{"message":{}}"#,
            r#"{"type":"x"}"#,
        ] {
            assert_eq!(read(text, IDENTIFIER, None), Said::Ignored(Ignored::Strange), "{text:?}");
        }
        let deep = "[".repeat(100_000);
        assert_eq!(read(&deep, IDENTIFIER, None), Said::Ignored(Ignored::Strange));
        assert_eq!(heard(&json!({ "identifier": IDENTIFIER, "message": null })), Said::Ignored(Ignored::Strange));
    }

    #[test]
    fn a_command_carries_its_identifier_as_a_text() {
        let sent: Value = serde_json::from_str(&Command::Subscribe.to(IDENTIFIER)).unwrap();
        assert_eq!(sent, json!({ "command": "subscribe", "identifier": IDENTIFIER }));
        assert_eq!(sent["identifier"].as_str(), Some(IDENTIFIER));
        assert!(Command::Unsubscribe.to("x").contains("\"unsubscribe\""));
    }
}
