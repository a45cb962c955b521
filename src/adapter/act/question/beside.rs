//! Records of an answer, and those that belong to what was asked for: each put to what it is about. Pure.

use std::cmp::Ordering;
use std::collections::HashMap;

use serde::Deserialize;
use serde_json::Value;

use crate::adapter::pointer::{Pointer, text};

/// Records of the same answer, each about one of what was asked for.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Beside {
    /// The records: a list, or a table of them.
    pub items: Pointer,
    /// Where such a record names what it is about.
    pub of: Pointer,
    /// Where the other says what it is called by that; its `id` where nothing is said.
    pub by: Option<Pointer>,
    /// Under which key the record is put there.
    pub r#as: String,
    /// Where the record says its place, a number: what was asked for is then told newest first, the highest place first.
    pub place: Option<Pointer>,
    /// Which records count.
    pub only: Option<Only>,
}

/// A word that a record has to hold.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Only {
    /// Where.
    pub at: Pointer,
    /// Which.
    pub is: String,
}

impl Beside {
    /// Puts each record to what it is about, and all in their order.
    pub(super) fn join(&self, items: &mut [Value], answer: &Value) {
        let counts = |record: &Value| {
            self.only.as_ref().is_none_or(|only| only.at.find(record).and_then(text).as_ref() == Some(&only.is))
        };
        let records = records(self.items.find(answer)).into_iter().filter(counts);
        let of: HashMap<String, Value> =
            records.filter_map(|record| Some((self.of.find(&record).and_then(text)?, record))).collect();
        for item in items.iter_mut() {
            let called = self.by.as_ref().map_or_else(|| item.get("id"), |by| by.find(item));
            let record = called.and_then(text).and_then(|id| of.get(&id).cloned());
            if let Value::Object(fields) = item {
                fields.insert(self.r#as.clone(), record.unwrap_or_default());
            }
        }
        if let Some(place) = &self.place {
            let at = |item: &Value| place.find(item.get(&self.r#as)?).and_then(text);
            items.sort_by(|one, other| newest_first(at(one).as_deref(), at(other).as_deref()));
        }
    }
}

/// A list as it is, and records that are keyed by their ids in the order of these; `null` counts as empty.
pub(super) fn records(found: Option<&Value>) -> Vec<Value> {
    match found {
        Some(Value::Array(items)) => items.clone(),
        Some(Value::Object(records)) => {
            let mut records: Vec<_> = records.iter().collect();
            records.sort_by(|(one, _), (other, _)| newest_first(Some(other), Some(one)));
            records.into_iter().map(|(_, record)| record.clone()).collect()
        }
        None | Some(Value::Null) => Vec::new(),
        Some(other) => vec![other.clone()],
    }
}

/// Ids are numbers that may come as texts; what has none stands behind all that has.
fn newest_first(one: Option<&str>, other: Option<&str>) -> Ordering {
    let number = |id: Option<&str>| id.and_then(|id| id.parse::<u64>().ok());
    number(other).cmp(&number(one)).then_with(|| other.cmp(&one))
}
