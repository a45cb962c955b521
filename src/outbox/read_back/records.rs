//! Among the records of a list: new since the fence, unclaimed, and with what was asked for (P6).

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Fence, ReadError, Reader, found, records, sent};
use crate::action::Action;
use crate::adapter::{Record, text};
use crate::outbox::decide::Found;
use crate::outbox::likeness::{Likeness, Shown, likeness};

/// So many records that look alike before the first try are remembered; where there are more, nothing can be told.
const KNOWN: usize = 1_000;

const NO_LIST: &str = "the platform's list does not stand where the manifest says, or is longer than is read";

/// The records that may be it, by id, and whether they surely look alike. One id stands there once: a list that is read
/// in pages shows a record twice when another comes in front of it meanwhile.
type Alike = BTreeMap<String, bool>;

impl Reader<'_> {
    /// The records that look alike already.
    pub(super) async fn record_fence(&self, action: &Action, rule: &Record) -> Result<Option<Fence>, ReadError> {
        let known = self.alike(action, rule).await?.filter(|known| known.len() <= KNOWN);
        Ok(known.map(|known| Fence { newest: String::new(), known: known.into_keys().collect() }))
    }

    /// A new record that looks alike; of what lasts, any.
    pub(super) async fn look_for_record(&self, action: &Action, rule: &Record) -> Result<Found, ReadError> {
        let Some(alike) = self.alike(action, rule).await? else { return Ok(Found::Unreached(NO_LIST)) };
        if rule.lasting {
            return Ok(if alike.is_empty() { Found::Nothing } else { Found::One(Vec::new()) });
        }
        // Ids of other verbs name other things, which may have the same numbers.
        let claimed = self.claimed(action, |other, ids| if other.verb == action.verb { ids } else { Vec::new() })?;
        let new = alike.into_iter().filter(|(id, _)| !action.known.contains(id) && !claimed.contains(id));
        if let Some(inside) = &rule.inside {
            return self.look_inside(action, inside, new.map(|(id, _)| id).collect()).await;
        }
        let (sure, unclear): (Vec<_>, Vec<_>) = new.partition(|(_, sure)| *sure);
        Ok(found(sure.into_iter().map(|(id, _)| vec![id]).collect(), unclear.len()))
    }

    /// All that look alike; of what lasts without their ids. `None` where the answer holds no list, or a record of it has
    /// no id: it would never be known again.
    async fn alike(&self, action: &Action, rule: &Record) -> Result<Option<Alike>, ReadError> {
        let mut alike = Alike::new();
        for page in 0..self.limits.pages.max(1) {
            let numbers = rule.page.map(|page_size| [page_size, page_size.saturating_mul(page as u64)]);
            let numbers = numbers.map(|numbers| numbers.map(|number| number.to_string()));
            let about = match &numbers {
                Some([limit, offset]) => vec![("limit", limit.as_str()), ("offset", offset.as_str())],
                None => Vec::new(),
            };
            let (question, answer) = self.ask(&rule.list, action, &about).await?;
            let Some(items) = records(question.list(&answer)) else { return Ok(None) };
            let whole = rule.page.is_none_or(|page| (items.len() as u64) < page);
            for item in items {
                let sure = match judge(action, rule, item) {
                    Likeness::Different => continue,
                    likeness => likeness == Likeness::Alike,
                };
                let Some(id) = rule.id.text(item).or_else(|| rule.lasting.then(String::new)) else { return Ok(None) };
                alike.insert(id, sure);
            }
            if whole {
                return Ok(Some(alike));
            }
        }
        Ok(None)
    }
}

fn judge(action: &Action, rule: &Record, item: &Value) -> Likeness {
    if !same(action, rule, item) {
        return Likeness::Different;
    }
    let Some(says) = &rule.says else { return Likeness::Alike };
    likeness(&sent(action), &Shown { text: says.text.text(item), html: says.html.text(item), files: Vec::new() })
}

/// Platforms trim, and some write handles in small letters.
fn same(action: &Action, rule: &Record, item: &Value) -> bool {
    let plain = |said: Option<String>| {
        said.map(|said| said.split_whitespace().map(str::to_lowercase).collect::<Vec<_>>().join(" "))
    };
    rule.same.iter().all(|(argument, at)| plain(action.args.get(argument).and_then(text)) == plain(at.text(item)))
}
