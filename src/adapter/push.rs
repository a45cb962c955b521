//! Other ways in which the events of a polled line arrive: told at once, and never the truth about order.

use std::sync::Arc;

use serde::{Deserialize, Deserializer};

use super::call::{Call, calling, needed};
use super::json::Json;
use super::plain::{missing, read_table};
use super::pointer::{Pointer, Pointers};

/// One way in which a platform pushes what can also be polled.
#[derive(Clone, Debug)]
pub enum Push {
    /// A websocket that the bridge opens; shared with every cable of the platform.
    ActionCable(Arc<ActionCable>),
    /// Requests that the platform makes to the bridge.
    Webhook(Webhook),
}

/// Action Cable: a channel of a Rails server.
#[derive(Clone, Debug)]
pub struct ActionCable {
    /// The request that is upgraded: a GET, whose query may name `{session.token}`.
    pub call: Call,
    /// The channel and its parameters, sent as a JSON text; may name `{line.cursor?}`.
    pub identifier: Json,
    /// Where in a message a word stands if it is no event but an error: poll, and subscribe again without the cursor.
    pub error: Option<Pointer>,
    /// The capability without which it is not there.
    pub needs: Option<String>,
}

/// Requests to the bridge, signed over their body (RFC 2104, SHA-256, lower-case hexadecimal).
#[derive(Clone, Debug)]
pub struct Webhook {
    /// How it is known that the platform made them.
    pub signature: Signature,
    /// What a request is about: of a line of the flavour `inbox`, whose lists alone tell.
    pub about: Option<About>,
    /// The capability without which it is not there.
    pub needs: Option<String>,
}

/// What a request is about: which item of which list.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct About {
    /// The document or conversation in whose list it stands.
    pub conversation: Pointers,
    /// The item's id, as `events` finds it in the list.
    pub object: Pointers,
    /// The token that opens the document, where the workspace does not have it yet; none: only what it has is followed.
    #[serde(default)]
    pub token: Pointers,
}

/// Where a signature stands and what it is made with.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signature {
    /// The header.
    pub header: String,
    /// What may stand before the digits, as in `sha256=`; it says nothing.
    #[serde(default)]
    pub prefix: String,
    /// The secret.
    pub secret: String,
}

/// The word of a way.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Flavour {
    ActionCable,
    Webhook,
}

calling!(RawPush {
    flavour: Option<Flavour>,
    needs: Option<String>,
    identifier: Option<Json>,
    error: Option<Pointer>,
    signature: Option<Signature>,
    about: Option<About>,
});

impl<'de> Deserialize<'de> for Push {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read_table(deserializer, Self::of)
    }
}

impl Push {
    /// Its word in a manifest.
    pub fn flavour(&self) -> &'static str {
        match self {
            Self::ActionCable(_) => "action_cable",
            Self::Webhook(_) => "webhook",
        }
    }

    /// The capability without which it is not there.
    pub fn needs(&self) -> Option<&str> {
        match self {
            Self::ActionCable(cable) => cable.needs.as_deref(),
            Self::Webhook(hook) => hook.needs.as_deref(),
        }
    }

    fn of(mut raw: RawPush) -> Result<Self, String> {
        let call = raw.call()?;
        let RawPush { flavour, needs, identifier, error, signature, about, .. } = raw;
        match flavour.ok_or_else(|| missing("flavour"))? {
            Flavour::ActionCable if signature.is_some() => Err("an action_cable has no `signature`".to_owned()),
            Flavour::ActionCable if about.is_some() => Err("an action_cable has no `about`".to_owned()),
            Flavour::ActionCable => {
                let call = needed(call).and_then(upgradable)?;
                let identifier = identifier.ok_or_else(|| missing("identifier"))?;
                Ok(Self::ActionCable(Arc::new(ActionCable { call, identifier, error, needs })))
            }
            Flavour::Webhook if call.is_some() || identifier.is_some() || error.is_some() => {
                Err("a webhook has `signature`, `about` and `needs` alone: the platform makes the requests".to_owned())
            }
            Flavour::Webhook => {
                let signature = signature.ok_or_else(|| missing("signature"))?;
                Ok(Self::Webhook(Webhook { signature, about, needs }))
            }
        }
    }
}

/// A websocket is opened with a GET (RFC 6455, section 4.1), and its answer has no body to take from.
fn upgradable(call: Call) -> Result<Call, String> {
    if call.method != http::Method::GET {
        return Err("a websocket is opened with a get".to_owned());
    }
    if call.take.is_empty() { Ok(call) } else { Err("opening a websocket brings nothing to take".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(yaml: &str) -> Result<Push, String> {
        serde_yaml::from_str(yaml).map_err(|error| error.to_string())
    }

    #[test]
    fn each_way_has_its_own_keys_and_none_of_the_other() {
        let cable = read("{ flavour: action_cable, get: /cable, identifier: { channel: C }, needs: live }").unwrap();
        assert_eq!(cable.needs(), Some("live"));
        let hook = read("{ flavour: webhook, signature: { header: x-signature, secret: hook } }").unwrap();
        assert!(matches!(hook, Push::Webhook(hook) if hook.signature.secret == "hook" && hook.needs.is_none()));
        for (yaml, words) in [
            ("{ get: /cable }", "missing field `flavour`"),
            ("{ flavour: pigeon }", "unknown variant `pigeon`, expected `action_cable` or `webhook`"),
            ("{ flavour: action_cable, identifier: { channel: C } }", "no request stands here"),
            ("{ flavour: action_cable, get: /cable }", "missing field `identifier`"),
            ("{ flavour: action_cable, post: /cable, identifier: C }", "opened with a get"),
            ("{ flavour: action_cable, get: /c, identifier: C, take: { a: /a } }", "nothing to take"),
            (
                "{ flavour: action_cable, get: /c, identifier: C, signature: { header: h, secret: s } }",
                "no `signature`",
            ),
            ("{ flavour: webhook }", "missing field `signature`"),
            ("{ flavour: webhook, get: /c, signature: { header: h, secret: s } }", "alone"),
            ("{ flavour: webhook, signature: { header: h, secret: s, x: 1 } }", "unknown field `x`"),
        ] {
            let said = read(yaml).expect_err(yaml);
            assert!(said.contains(words), "{yaml}: {said}");
        }
    }
}
