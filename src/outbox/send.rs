//! Sends one request of an action, and learns from its answer.

use std::time::Duration;

use serde_json::Value;

use super::answer::{self, Pause};
use super::decide::Tried;
use crate::adapter::{Action as Verb, text};
use crate::clock::Clock;
use crate::http::{Request, Response};
use crate::normalise::Scrubber;
use crate::session::{Error, Session};

/// What came of it.
pub async fn send(session: &Session, request: Request, verb: &Verb, clock: &Clock, pause: Pause) -> Tried {
    match session.send(request).await {
        Ok(response) => {
            let response = scrubbed(session, response);
            let tried = answer::read(session.manifest(), verb, &response, clock.now(), pause);
            if matches!(tried, Tried::Done { .. }) {
                learn_who(session, verb, &response.body).await;
                keep_made(session, verb, &response.body).await;
            }
            tried
        }
        Err(error) => unsent(error, pause),
    }
}

/// What it means that the session has no answer.
pub(super) fn unsent(error: Error, pause: Pause) -> Tried {
    match error {
        Error::Network(failure) => answer::missing(&failure, pause),
        Error::Waiting { why, retry_in } => Tried::Later { after: retry_in, why },
        error @ Error::NeedsAction { .. } => Tried::Later { after: Duration::ZERO, why: error.to_string() },
        error => Tried::Refused { kind: "not_sent".to_owned(), status: None, message: error.to_string() },
    }
}

/// What a platform says of a request may repeat its credentials, and receipts go into the feed (P8).
pub(super) fn scrubbed(session: &Session, response: Response) -> Response {
    let Ok(mut body) = serde_json::from_slice::<Value>(&response.body) else { return response };
    Scrubber::new(session.secrets()).scrub_value(&mut body);
    Response { body: body.to_string().into(), ..response }
}

/// What the answer to an own action teaches about the agent: `take` may name the facts of `me`. An id is learnt once; a
/// name may change.
async fn learn_who(session: &Session, verb: &Verb, body: &[u8]) {
    let Ok(body) = serde_json::from_slice::<Value>(body) else { return };
    let record = session.record();
    for (name, value) in verb.call.take(&body) {
        let me = &session.manifest().me;
        let new_id = me.ids.contains(&name) && !record.facts.contains_key(&name);
        let new_name = me.names.contains(&name) && value.is_string() && record.facts.get(&name) != Some(&value);
        let new = new_id || new_name;
        if new && let Err(error) = session.learn(&name, value).await {
            tracing::debug!(%error, fact = name, "what the platform says of the agent was not kept");
        }
    }
}

/// A conversation that no list of the platform tells is known from now on, before the receipt says that it was made.
async fn keep_made(session: &Session, verb: &Verb, body: &[u8]) {
    let Some(fact) = &verb.keep else { return };
    let body = serde_json::from_slice::<Value>(body).unwrap_or_default();
    let Some(id) = verb.call.take(&body).get("id").and_then(text) else { return };
    if let Err(error) = session.keep_id(fact, &id).await {
        tracing::warn!(%error, %fact, "what was made is not kept: it is not read");
    }
}
