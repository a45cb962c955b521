//! Other ways in which the events of a polled line arrive: told at once, and never the truth about order.

use std::sync::Arc;

use serde::{Deserialize, Deserializer};

use super::call::{Call, calling, needed};
use super::json::Json;
use super::plain::{OneOrMany, Span, missing, read_table};
use super::pointer::{Pointer, Pointers};

/// One way in which a platform pushes what can also be polled.
#[derive(Clone, Debug)]
pub enum Push {
    /// A websocket that the bridge opens; shared with every cable of the platform.
    ActionCable(Arc<ActionCable>),
    /// Requests that the platform makes to the bridge.
    Webhook(Webhook),
    /// A stream about those who take part: Server-Sent Events.
    Attendance(Arc<Attendance>),
}

/// A stream about those who take part: a hint to look whether something was said, and the source of
/// `participant.changed`. What it says is told as a change only where it is one.
#[derive(Clone, Debug)]
pub struct Attendance {
    /// The request that opens the stream.
    pub call: Call,
    /// Without a byte for so long it is dead. Default 75 s.
    pub silence: Option<Span>,
    /// Where a body names its frame itself, instead of the transport.
    pub name: Pointers,
    /// Where a frame lists all of them.
    pub all: Pointers,
    /// Where a frame has one of them; none: the body is it.
    pub one: Pointers,
    /// Names of frames that say that one is gone.
    pub gone: OneOrMany<String>,
    /// The id of one of them.
    pub id: Pointers,
    /// What it is called.
    pub called: Pointers,
    /// The platform's word for how it is.
    pub state: Pointers,
    /// Where it runs, in the platform's word.
    pub origin: Pointers,
    /// The capability without which it is not there.
    pub needs: Option<String>,
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
    Attendance,
}

calling!(RawPush {
    flavour: Option<Flavour>,
    needs: Option<String>,
    identifier: Option<Json>,
    error: Option<Pointer>,
    signature: Option<Signature>,
    about: Option<About>,
    silence: Option<Span>,
    name: Pointers,
    all: Pointers,
    one: Pointers,
    gone: OneOrMany<String>,
    id: Pointers,
    called: Pointers,
    state: Pointers,
    origin: Pointers,
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
            Self::Attendance(_) => "attendance",
        }
    }

    /// The capability without which it is not there.
    pub fn needs(&self) -> Option<&str> {
        match self {
            Self::ActionCable(cable) => cable.needs.as_deref(),
            Self::Webhook(hook) => hook.needs.as_deref(),
            Self::Attendance(attendance) => attendance.needs.as_deref(),
        }
    }

    fn of(mut raw: RawPush) -> Result<Self, String> {
        let call = raw.call()?;
        let flavour = raw.flavour.ok_or_else(|| missing("flavour"))?;
        raw.strange(flavour, call.is_none())?;
        match flavour {
            Flavour::ActionCable => {
                let call = needed(call).and_then(upgradable)?;
                let identifier = raw.identifier.ok_or_else(|| missing("identifier"))?;
                Ok(Self::ActionCable(Arc::new(ActionCable { call, identifier, error: raw.error, needs: raw.needs })))
            }
            Flavour::Webhook => {
                let signature = raw.signature.ok_or_else(|| missing("signature"))?;
                Ok(Self::Webhook(Webhook { signature, about: raw.about, needs: raw.needs }))
            }
            Flavour::Attendance => {
                let call = needed(call)?;
                let RawPush { silence, name, all, one, gone, id, called, state, origin, needs, .. } = raw;
                if let Some((key, _)) = [("id", &id), ("state", &state)].into_iter().find(|(_, it)| it.is_empty()) {
                    return Err(missing(key));
                }
                let attendance = Attendance { call, silence, name, all, one, gone, id, called, state, origin, needs };
                Ok(Self::Attendance(Arc::new(attendance)))
            }
        }
    }
}

impl RawPush {
    /// Each way has keys of its own, and none of the others'.
    fn strange(&self, flavour: Flavour, callless: bool) -> Result<(), String> {
        let pointers = [&self.name, &self.all, &self.one, &self.id, &self.called, &self.state, &self.origin];
        let attends = pointers.iter().any(|it| !it.is_empty()) || !self.gone.is_empty() || self.silence.is_some();
        let (cabled, hooked) = (self.identifier.is_some() || self.error.is_some(), self.signature.is_some());
        match flavour {
            Flavour::ActionCable if hooked => Err("an action_cable has no `signature`".to_owned()),
            Flavour::ActionCable if self.about.is_some() => Err("an action_cable has no `about`".to_owned()),
            Flavour::Webhook if !callless || cabled => {
                Err("a webhook has `signature`, `about` and `needs` alone: the platform makes the requests".to_owned())
            }
            Flavour::Attendance if cabled || hooked || self.about.is_some() => {
                Err("an attendance has no `identifier`, `error`, `signature` or `about`".to_owned())
            }
            Flavour::ActionCable | Flavour::Webhook if attends => {
                let keys = "`silence`, `name`, `all`, `one`, `gone`, `id`, `called`, `state` and `origin`";
                Err(format!("{keys} are for the flavour attendance"))
            }
            _ => Ok(()),
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
            (
                "{ flavour: pigeon }",
                "unknown variant `pigeon`, expected one of `action_cable`, `webhook`, `attendance`",
            ),
            ("{ flavour: action_cable, identifier: { channel: C } }", "no request stands here"),
            ("{ flavour: action_cable, get: /cable }", "missing field `identifier`"),
            ("{ flavour: action_cable, post: /cable, identifier: C }", "opened with a get"),
            ("{ flavour: action_cable, get: /c, identifier: C, take: { a: /a } }", "nothing to take"),
            ("{ flavour: webhook, signature: { header: h, secret: s }, state: /s }", "are for the flavour attendance"),
            ("{ flavour: attendance, get: /s, id: /id }", "missing field `state`"),
            ("{ flavour: attendance, get: /s, id: /id, state: /s, error: /e }", "an attendance has no"),
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
