//! How far a list of conversations is read, and which of them have moved. Pure: what the platform says comes in as values.
//!
//! Nothing says how such a list is sorted. Only where a page is sorted, the newest first, does an old entry at its end
//! mean that the rest is older; otherwise all of it is read, up to the bound.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::adapter::Threads;

/// Pages of one list: what stands behind them is told as a gap.
pub(super) const PAGES: usize = 20;
/// Entries that two pages have in common, so that one which is deleted meanwhile hides no other.
pub(super) const SHARED: usize = 5;
/// What moved so long before the newest that was read is looked at again: times are the platform's, and may be set out
/// of order. Milliseconds.
const OVERLAP: u64 = 10 * 60 * 1_000;
/// Ids are remembered for 30 days (P2): a message so much older than what was read whole was told, or is from before the
/// join. Milliseconds.
const OLD: u64 = 20 * 24 * 3_600 * 1_000;

/// Where the line stands: one small row, committed with the messages that it moves past.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Place {
    /// Everything that moved up to this time of the platform's was read whole. Milliseconds since 1970.
    pub upto: Option<u64>,
    /// Addresses from which the agent itself has written.
    pub own: Vec<String>,
}

impl Place {
    /// Reads the row. One that is not ours counts as none: what is read again then is known, and not told again.
    pub fn of(row: Option<&str>) -> Self {
        row.and_then(|row| serde_json::from_str(row).ok()).unwrap_or_default()
    }

    /// The row.
    pub fn row(&self) -> String {
        serde_json::to_string(self).expect("texts and numbers always serialise")
    }

    /// What moved before this need not be looked at; `floor` is the oldest time of what is told at all.
    pub fn from(&self, floor: u64) -> u64 {
        self.upto.map_or(floor, |upto| upto.saturating_sub(OVERLAP)).max(floor)
    }

    /// What was said before this is not told, or was told before.
    pub fn tells_from(&self, floor: u64) -> u64 {
        self.upto.map_or(floor, |upto| upto.saturating_sub(OLD)).max(floor)
    }
}

/// What a list says of a conversation's state: another than before means that it has moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    /// When, in milliseconds since 1970; `None` where the list does not say.
    pub at: Option<u64>,
    count: Option<String>,
}

/// The pages of one list.
#[derive(Debug, Default)]
pub(super) struct Walk {
    listed: BTreeMap<String, Stamp>,
    /// Whether more stands behind the bound that may have moved.
    pub cut: bool,
}

impl Walk {
    /// Takes one page; whether the next is to be read.
    pub fn take(&mut self, page: &[Value], spec: &Threads, from: u64) -> bool {
        let mut times = Vec::with_capacity(page.len());
        for item in page {
            let stamp = Stamp { at: spec.moved.instant(item), count: spec.count.text(item) };
            times.push(stamp.at);
            let Some(id) = spec.id.text(item).filter(|id| !id.is_empty()) else { continue };
            // Seen twice, it has moved between two pages.
            match self.listed.get_mut(&id) {
                Some(known) if known.at >= stamp.at => {}
                Some(known) => *known = stamp,
                None => drop(self.listed.insert(id, stamp)),
            }
        }
        let sorted = times.is_sorted_by(|newer, older| newer >= older && older.is_some());
        let old = times.last().copied().flatten().is_some_and(|last| last < from);
        page.len() >= usize::from(spec.limit) && !(sorted && old)
    }

    /// The conversations that have moved, the one that moved first before the others. `seen` is what was read whole.
    pub fn moved(&self, seen: &HashMap<String, Stamp>, from: u64) -> Vec<(String, Stamp)> {
        let is_new = |stamp: &Stamp| stamp.at.is_none_or(|at| at >= from);
        let moved = self.listed.iter().filter(|&(id, stamp)| match seen.get(id) {
            Some(known) => known != stamp,
            None => is_new(stamp),
        });
        let mut moved: Vec<_> = moved.map(|(id, stamp)| (id.clone(), stamp.clone())).collect();
        moved.sort_by_key(|(_, stamp)| stamp.at);
        moved
    }

    /// Whether the list still has this conversation among what was read.
    pub fn has(&self, id: &str) -> bool {
        self.listed.contains_key(id)
    }

    /// How many conversations were listed.
    pub fn len(&self) -> usize {
        self.listed.len()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn spec() -> std::sync::Arc<Threads> {
        let yaml = "{ flavour: threads, get: /t, items: /t, id: /id, moved: /at, count: /n, limit: 10, event: e, \
                    messages: { get: /m, items: /m } }";
        match serde_yaml::from_str(yaml).unwrap() {
            crate::adapter::Also::Threads(threads) => threads,
            crate::adapter::Also::Calendar(_) => unreachable!("it says threads"),
        }
    }

    fn page(seconds: impl IntoIterator<Item = u64>) -> Vec<Value> {
        let item = |at: u64| json!({ "id": format!("t{at}"), "at": format!("2026-03-14T12:00:{at:02}Z"), "n": 1 });
        seconds.into_iter().map(item).collect()
    }

    fn at(second: u64) -> u64 {
        "2026-03-14T12:00:00Z".parse::<jiff::Timestamp>().unwrap().as_millisecond().cast_unsigned() + second * 1_000
    }

    #[test]
    fn a_list_is_read_until_it_is_older_and_to_its_end_where_it_is_not_sorted() {
        let take = |seconds: Vec<u64>, from| Walk::default().take(&page(seconds), &spec(), at(from));
        assert!(take((20..30).rev().collect(), 5), "all of it is new");
        assert!(!take((0..10).rev().collect(), 5), "the rest is older");
        assert!(take((0..10).collect(), 5), "the oldest first: its end says nothing of the rest");
        assert!(take((1..10).chain([0]).collect(), 5), "not sorted");
        assert!(!take((0..9).collect(), 0), "a page that is not full is the last");
        assert!(!take(vec![], 0));
    }

    #[test]
    fn what_moved_is_told_by_its_time_or_its_count_and_comes_in_the_order_of_its_times() {
        let (mut walk, spec) = (Walk::default(), spec());
        walk.take(&page([3, 9, 1]), &spec, 0);
        let ids = |moved: Vec<(String, Stamp)>| moved.into_iter().map(|(id, _)| id).collect::<Vec<_>>();
        assert_eq!(ids(walk.moved(&HashMap::new(), 0)), ["t1", "t3", "t9"]);
        assert_eq!(ids(walk.moved(&HashMap::new(), at(3))), ["t3", "t9"], "older ones were read before");
        let mut seen: HashMap<_, _> = walk.moved(&HashMap::new(), 0).into_iter().collect();
        assert_eq!(walk.moved(&seen, 0), []);
        seen.get_mut("t1").unwrap().count = Some("0".into());
        assert_eq!(ids(walk.moved(&seen, at(9))), ["t1"], "within the same second");
        // Between two pages one has moved up: the newer word counts, whichever came first.
        let mut again = page([9]);
        again[0]["at"] = json!("2026-03-14T12:00:11Z");
        walk.take(&again, &spec, 0);
        walk.take(&page([9]), &spec, 0);
        assert_eq!(ids(walk.moved(&seen, 0)), ["t1", "t9"]);
        assert!(Walk::default().moved(&seen, 0).is_empty());
    }

    #[test]
    fn a_place_survives_its_row_and_looks_back_a_little() {
        let place = Place { upto: Some(at(0)), own: vec!["me@x".into()] };
        assert_eq!(Place::of(Some(&place.row())), place);
        assert_eq!((Place::of(Some("else")), Place::of(None)), (Place::default(), Place::default()));
        assert_eq!((place.from(0), place.from(at(0)), Place::default().from(7)), (at(0) - OVERLAP, at(0), 7));
        assert_eq!((place.tells_from(0), Place::default().tells_from(7)), (at(0) - OLD, 7));
    }
}
