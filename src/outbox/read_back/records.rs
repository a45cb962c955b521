//! Among the records of a list: new since the fence, unclaimed, and with what was asked for (P6).

use serde_json::Value;

use super::{Fence, ReadError, Reader, found, records};
use crate::action::Action;
use crate::adapter::{Record, text};
use crate::outbox::decide::Found;

/// So many records that look alike before the first try are remembered; where there are more, nothing can be told.
const KNOWN: usize = 1_000;

const NO_LIST: &str = "the platform's list does not stand where the manifest says";

impl Reader<'_> {
    /// The records that look alike already.
    pub(super) async fn record_fence(&self, action: &Action, rule: &Record) -> Result<Option<Fence>, ReadError> {
        let known = self.alike(action, rule).await?.filter(|known| known.len() <= KNOWN);
        Ok(known.map(|known| Fence { newest: String::new(), known }))
    }

    /// A new record that looks alike; of what lasts, any.
    pub(super) async fn look_for_record(&self, action: &Action, rule: &Record) -> Result<Found, ReadError> {
        let Some(alike) = self.alike(action, rule).await? else { return Ok(Found::Unreached(NO_LIST)) };
        if rule.lasting {
            return Ok(if alike.is_empty() { Found::Nothing } else { Found::One(Vec::new()) });
        }
        // Ids of other verbs name other things, which may have the same numbers.
        let claimed = self.claimed(action, |other, ids| if other.verb == action.verb { ids } else { Vec::new() })?;
        let new = alike.into_iter().filter(|id| !action.known.contains(id) && !claimed.contains(id));
        Ok(found(new.map(|id| vec![id]).collect(), 0))
    }

    /// The ids of all that look alike; empty ones of what lasts. `None` where the answer holds no list.
    async fn alike(&self, action: &Action, rule: &Record) -> Result<Option<Vec<String>>, ReadError> {
        let (question, answer) = self.ask(&rule.list, action, &[]).await?;
        let Some(items) = records(question.list(&answer)) else { return Ok(None) };
        let alike = items.into_iter().filter(|item| same(action, rule, item));
        // A record without an id would never be known again.
        Ok(alike.map(|item| rule.id.text(item).or_else(|| rule.lasting.then(String::new))).collect())
    }
}

/// Platforms trim, and some write handles in small letters.
fn same(action: &Action, rule: &Record, item: &Value) -> bool {
    let plain = |said: Option<String>| {
        said.map(|said| said.split_whitespace().map(str::to_lowercase).collect::<Vec<_>>().join(" "))
    };
    rule.same.iter().all(|(argument, at)| plain(action.args.get(argument).and_then(text)) == plain(at.text(item)))
}
