//! Translates what names a message into what the platform wants: its place. Before the body is made, and so before it is
//! stored with its key.

use serde_json::{Map, Value};

use super::answer::{self, Pause};
use super::courier::Courier;
use super::decide::Tried;
use super::request::{scope, unfit};
use super::send::{scrubbed, unsent};
use crate::action::Action;
use crate::adapter::{Action as Verb, PlaceOf, text};
use crate::session::Session;
use crate::store::{Placed, Store, StoreError};

/// Events of the feed that are looked through for a message: some milliseconds. What lies further back the platform is
/// asked for.
const NEAR: usize = 2_000;

impl Courier {
    /// The action as its request names things. Nothing of it is stored but the body, and what has one stays as it is.
    pub(super) async fn placed(
        &self,
        action: &Action,
        verb: &Verb,
        pause: Pause,
    ) -> Result<Result<Action, Tried>, StoreError> {
        let mut translated = action.clone();
        if action.prepared.is_some() {
            return Ok(Ok(translated));
        }
        for (argument, rule) in verb.places.iter() {
            let Some(message) = action.args.get(argument).and_then(text) else { continue };
            let place = match told(&self.store, action, &message)? {
                Some(place) => Ok(place),
                None => asked(&self.session, rule, &action.args, &message, self.clock.now(), pause).await,
            };
            match place {
                Ok(place) => drop(translated.args.insert(argument.to_owned(), place.into())),
                Err(tried) => return Ok(Err(tried)),
            }
        }
        Ok(Ok(translated))
    }
}

/// What the feed tells of the message.
fn told(store: &Store, action: &Action, message: &str) -> Result<Option<String>, StoreError> {
    let is_it = |placed: &Placed| placed.message == message;
    let found = store.places(&action.workspace, Some(action.conversation()), NEAR, is_it)?;
    Ok(found.into_iter().next_back().filter(is_it).map(|placed| placed.place))
}

/// What the platform tells of it.
async fn asked(
    session: &Session,
    rule: &PlaceOf,
    args: &Map<String, Value>,
    message: &str,
    now: u64,
    pause: Pause,
) -> Result<String, Tried> {
    let request = rule.call.request(session.base(), &scope(session, args)).map_err(|error| unfit(&error))?;
    let response = session.send(request).await.map_err(|error| again(unsent(error, pause), pause))?;
    let nothing = |status| {
        let conversation = args.get("conversation").and_then(text).unwrap_or_default();
        let message = format!("no message `{message}` in `{conversation}`: nothing was sent");
        Tried::Refused { kind: "not_found".to_owned(), status, message }
    };
    match response.status {
        200..=299 => {
            let body = serde_json::from_slice(&response.body);
            let body: Value = body.map_err(|error| {
                let why = format!("where message `{message}` stands cannot be read: {error}");
                Tried::Later { after: pause.backoff, why }
            })?;
            rule.find(&body, message).ok_or_else(|| nothing(None))
        }
        status @ (404 | 410) => Err(nothing(Some(status))),
        _ => {
            let response = scrubbed(session, response);
            Err(again(answer::failed(session.manifest(), &rule.call, &response, now, pause), pause))
        }
    }
}

/// A question changes nothing there: one whose answer is lost is asked again.
fn again(tried: Tried, pause: Pause) -> Tried {
    match tried {
        Tried::Lost { why, .. } => Tried::Later { after: pause.backoff, why },
        other => other,
    }
}
