//! Keeps the pace that a platform can bear: a burst into one room has crashed servers.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use tokio::time::Instant;

use crate::action::Action;
use crate::adapter::{Action as Verb, PacePer};

/// When each conversation (or the workspace as a whole) was last sent to.
#[derive(Default)]
pub struct Pacer(Mutex<HashMap<String, Instant>>);

impl Pacer {
    /// Returns when it is this action's turn, and takes the turn.
    pub async fn turn(&self, action: &Action, verb: &Verb) {
        let Some(pace) = verb.pace else { return };
        let of = match pace.per {
            PacePer::Conversation => action.conversation(),
            PacePer::Workspace => "",
        };
        let go = {
            let mut sent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let now = Instant::now();
            sent.retain(|_, last| *last + pace.every.0 > now);
            let go = sent.get(of).map_or(now, |last| *last + pace.every.0);
            sent.insert(of.to_owned(), go);
            go
        };
        tokio::time::sleep_until(go).await;
    }
}
