//! Sends what is never stored: typing, presence. At once and once; what comes too late or too fast is dropped.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::Serialize;
use tokio::time::Instant;

use super::accept::{self, Refusal};
use super::answer::Pause;
use super::decide::Tried;
use super::request::{refused, scope, unbuilt};
use super::seat::{Standing, standing};
use super::send;
use crate::action::{Request, State};
use crate::clock::Clock;
use crate::event::WorkspaceName;
use crate::session::Session;
use crate::store::{Health, Store};

/// What the rate is counted over.
const SECOND: Duration = Duration::from_secs(1);

/// What became of it: a receipt without an id, for nothing remembers it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Told {
    /// Where.
    pub workspace: WorkspaceName,
    /// What.
    pub verb: String,
    /// `confirmed` or `failed`.
    #[serde(flatten)]
    pub state: State,
}

/// Sends what is never stored, so many a second in each workspace.
pub struct Fleeting {
    store: Store,
    clock: Clock,
    most: usize,
    sent: Mutex<HashMap<WorkspaceName, (Instant, usize)>>,
}

impl Fleeting {
    /// At most `most` requests a second in each workspace.
    pub fn new(store: Store, clock: Clock, most: usize) -> Self {
        Self { store, clock, most, sent: Mutex::default() }
    }

    /// Asks for it once. `within`: an answer that takes longer is not waited for.
    pub async fn send(&self, session: &Session, mut wish: Request, within: Duration) -> Result<Told, Refusal> {
        let (manifest, record) = (session.manifest(), session.record());
        let verb = accept::verb(manifest, &wish.verb)?;
        if wish.key.is_some() {
            let message = format!("`{}` is never stored, so no `key` is remembered: leave it out", wish.verb);
            return Err(Refusal::new("bad_args", message));
        }
        accept::prepare(manifest, &record, verb, &mut wish)?;
        let state = match self.in_the_way(session) {
            Some((kind, message)) => refusal(Refusal::new(kind, message)),
            None => match session.prepare(&verb.call, scope(session, &wish.args)) {
                Err(error) => settled(unbuilt(error)),
                Ok(mut request) => {
                    request.bounds.whole = Some(within);
                    let pause = Pause { backoff: Duration::ZERO, longest: Duration::ZERO };
                    settled(send::send(session, request, verb, &self.clock, pause).await)
                }
            },
        };
        Ok(Told { workspace: record.name, verb: wish.verb, state })
    }

    fn in_the_way(&self, session: &Session) -> Option<(&'static str, String)> {
        let record = session.record();
        match standing(&record.seat) {
            Standing::Acts => {}
            Standing::Waits(why) | Standing::Gone(why) => return Some(("no_seat", why)),
        }
        if *self.store.health().borrow() != Health::Open {
            let message = "the store is at its disk budget: what is never stored is dropped until there is room";
            return Some(("store_full", message.to_owned()));
        }
        if !self.takes_turn(&record.name) {
            return Some((
                "too_many_requests",
                format!("over {} a second (outbox.ephemeral): it was dropped", self.most),
            ));
        }
        None
    }

    fn takes_turn(&self, name: &WorkspaceName) -> bool {
        let now = Instant::now();
        let mut sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        sent.retain(|_, (since, _)| now.duration_since(*since) < SECOND);
        let (_, count) = sent.entry(name.clone()).or_insert((now, 0));
        *count += 1;
        *count <= self.most
    }
}

fn refusal(refusal: Refusal) -> State {
    settled(refused(refusal))
}

/// There is no second try, so whatever is not done has failed.
fn settled(tried: Tried) -> State {
    let failed = |kind: &str, message| State::Failed { kind: kind.to_owned(), status: None, message };
    match tried {
        Tried::Done { remote_ids } => State::Confirmed { remote_ids },
        Tried::Refused { kind, status, message } => State::Failed { kind, status, message },
        Tried::Later { why, .. } => failed("unreachable", why),
        Tried::Lost { why, .. } => failed("lost", why),
    }
}
