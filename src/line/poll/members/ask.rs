//! One request for the people of a conversation, and what its answer says of how that is held.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::time::{Instant, timeout_at};

use super::memory::Answer;
use crate::adapter::{Members as Spec, Root, Scope};
use crate::clock::Clock;
use crate::event::ConversationKind;
use crate::http::{Failure, Response};
use crate::normalise::Mapping;
use crate::retry::retry_after;
use crate::session::{self, Session};

/// What a request brought.
pub(super) enum Brought {
    Answer(Answer),
    /// The platform, or the way to it, has no answer for anybody now; how long it asks to wait.
    Trouble(Option<Duration>),
}

/// Who asks.
#[derive(Clone)]
pub(super) struct Asker {
    pub session: Session,
    pub clock: Clock,
    pub spec: Spec,
    pub later: Duration,
}

impl Asker {
    /// Whether the grant lets anybody be asked.
    pub fn may_ask(&self) -> bool {
        self.session.manifest().grants(&self.session.record().facts, self.spec.needs.as_deref())
    }

    /// Who takes part there; nobody waits longer than until then.
    pub async fn ask(self, room: String, until: Instant, mapping: Arc<Mapping>) -> (String, Brought) {
        let scope = Scope::new().with(Root::Room, "id", room.as_str());
        let brought = match timeout_at(until, self.session.call(&self.spec.call, scope)).await {
            Ok(Ok(answer)) => self.read(&answer, &mapping),
            Ok(Err(error)) => unasked(&error),
            Err(_) => Brought::Trouble(None),
        };
        if let Brought::Answer(Answer::Refused) = &brought {
            tracing::debug!(workspace = %self.session.record().name, room, "who takes part there cannot be known");
        }
        (room, brought)
    }

    fn read(&self, answer: &Response, mapping: &Mapping) -> Brought {
        let asked = retry_after(&answer.headers, self.clock.now());
        match answer.status {
            200..=299 => {
                let body = serde_json::from_slice(&answer.body).unwrap_or(Value::Null);
                let kind = held(&body, &self.spec, |id, login| mapping.is_me(Some(id), login));
                Brought::Answer(kind.map_or(Answer::Refused, Answer::Held))
            }
            429 => Brought::Trouble(Some(asked.unwrap_or(self.later))),
            // What something in between answers for a platform that is away; and a session that is not accepted.
            401 | 408 | 502..=504 => Brought::Trouble(asked),
            _ if asked.is_some() => Brought::Trouble(asked),
            _ => Brought::Answer(Answer::Refused),
        }
    }
}

/// What it means that nothing was answered.
const fn unasked(error: &session::Error) -> Brought {
    match error {
        // A name that no path can carry, or a list that is longer than any body.
        session::Error::Call(_) | session::Error::Network(Failure::TooLarge { .. }) => Brought::Answer(Answer::Refused),
        session::Error::Waiting { retry_in, .. } => Brought::Trouble(Some(*retry_in)),
        _ => Brought::Trouble(None),
    }
}

/// How a conversation of these people is held: direct, where exactly the agent itself and one other take part. `None`
/// where the answer does not tell: it is something else, or a list so short must have the agent in it.
fn held(body: &Value, spec: &Spec, is_me: impl Fn(&str, Option<&str>) -> bool) -> Option<ConversationKind> {
    let mut people: Vec<(String, bool)> = Vec::new();
    for person in spec.items.items(body)? {
        let Some(id) = spec.id.text(person).filter(|id| !id.is_empty()) else { continue };
        let me = is_me(&id, spec.login.text(person).as_deref());
        if !people.iter().any(|(known, _)| *known == id) {
            people.push((id, me));
        }
    }
    match (people.iter().any(|(_, me)| *me), people.len()) {
        (true, 2) => Some(ConversationKind::Direct),
        (false, 0..=2) => None,
        _ => Some(ConversationKind::Group),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use ConversationKind::{Direct, Group};

    fn of(people: &Value) -> Option<ConversationKind> {
        let yaml = "{ get: '/rooms/{room.id}/people', items: /people, id: [/handle, /id], login: /handle }";
        let spec: Spec = serde_yaml::from_str(yaml).unwrap();
        held(&json!({ "people": people }), &spec, |_, login| login == Some("me@x"))
    }

    #[test]
    fn direct_is_the_agent_and_exactly_one_other() {
        let (me, ann, bob) = (json!({ "handle": "me@x" }), json!({ "handle": "ann@x" }), json!({ "handle": "bob@x" }));
        assert_eq!(of(&json!([me, ann])), Some(Direct));
        assert_eq!(of(&json!({ "7": ann, "8": me })), Some(Direct), "records keyed by their ids");
        assert_eq!(of(&json!([me, ann, ann, { "name": "nobody" }])), Some(Direct), "each counts once");
        assert_eq!(of(&json!([me, ann, bob])), Some(Group));
        assert_eq!(of(&json!([me])), Some(Group));
        assert_eq!(of(&json!([ann, bob, { "id": 7 }])), Some(Group));
        for none in [json!([ann, bob]), json!([ann]), json!([]), json!(null), json!("people")] {
            assert_eq!(of(&none), None, "{none}");
        }
    }
}
