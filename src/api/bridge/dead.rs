//! Looks after dead letters.

use serde_json::json;

use super::{Begun, Bridge, Taken};
use crate::api::params::{Dead, OfLetter};
use crate::api::problem::Problem;
use crate::api::view;

/// The most letters one call shows.
const LETTERS: u64 = 1_000;
/// Bytes of events that one call shows, or a single letter.
const BYTES: usize = 4 << 20;

impl Bridge {
    pub(super) fn dead(&self, dead: &Dead) -> Taken {
        self.find_consumer(&dead.consumer)?;
        let limit = dead.limit.unwrap_or(100);
        if !(1..=LETTERS).contains(&limit) {
            return Err(Problem::bad_params(format!("`limit` must be 1 to {LETTERS}")));
        }
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let letters = self.0.store.dead_from(&dead.consumer, dead.first.unwrap_or(0), limit, BYTES)?;
        let views: Vec<_> = letters.iter().map(|(seq, letter)| view::letter(*seq, letter)).collect();
        Ok(Begun::Done(json!({ "letters": views })))
    }

    pub(super) fn retry(&self, of: &OfLetter) -> Taken {
        self.find_consumer(&of.consumer)?;
        let done = self.0.readers.retry(&of.consumer, of.seq);
        let seq = of.seq;
        Ok(Begun::later(async move { done.await.map(|()| json!({ "retried": seq })) }))
    }

    pub(super) fn drop_letter(&self, of: &OfLetter) -> Taken {
        self.find_consumer(&of.consumer)?;
        let done = self.0.readers.drop_letter(&of.consumer, of.seq);
        let seq = of.seq;
        Ok(Begun::later(async move { done.await.map(|()| json!({ "dropped": seq })) }))
    }
}
