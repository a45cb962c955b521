//! Who is there, and how, as a stream has told it; what of a frame is a change. Pure.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::adapter::{Attendance, Pointers};

/// Participants that are remembered; who comes beyond them is not followed.
const MOST: usize = 2_000;
/// The longest word or name, in characters.
const LONGEST: usize = 200;
/// How one is who is gone.
const GONE: &str = "gone";

/// How somebody is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct How {
    /// The platform's word.
    pub state: String,
    /// What it is called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Where it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
}

/// Everybody, by id.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Roll {
    /// Somebody has told all of them once: who is not among them is new.
    whole: bool,
    of: BTreeMap<String, How>,
}

/// A change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Changed {
    pub id: String,
    pub now: How,
    /// The platform's word before; `None` for somebody new.
    pub was: Option<String>,
}

impl Roll {
    /// Reads it back; empty where it is none.
    pub fn read(row: Option<&str>) -> Self {
        row.and_then(|row| serde_json::from_str(row).ok()).unwrap_or_default()
    }

    /// As it is kept.
    pub fn row(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Takes a frame; answers what has changed by it. The first list of all tells no change: that is how they are.
    pub fn take(&mut self, spec: &Attendance, name: &str, body: &Value) -> Vec<Changed> {
        if spec.gone.all().iter().any(|gone| gone == name) {
            return one(spec, body).and_then(|item| self.leaves(spec, item)).into_iter().collect();
        }
        match spec.all.find(body).and_then(Value::as_array) {
            Some(items) => self.all(spec, items),
            None => one(spec, body).and_then(|item| self.is(spec, item)).into_iter().collect(),
        }
    }

    fn all(&mut self, spec: &Attendance, items: &[Value]) -> Vec<Changed> {
        let first = !std::mem::replace(&mut self.whole, true);
        let mut changed: Vec<Changed> = items.iter().filter_map(|item| self.is(spec, item)).collect();
        let here: BTreeSet<String> = items.iter().filter_map(|item| text(&spec.id, item)).collect();
        let away: Vec<String> = self.of.keys().filter(|id| !here.contains(*id)).cloned().collect();
        changed.extend(away.into_iter().filter_map(|id| self.goes(id)));
        if first { Vec::new() } else { changed }
    }

    fn is(&mut self, spec: &Attendance, item: &Value) -> Option<Changed> {
        let (id, state) = (text(&spec.id, item)?, text(&spec.state, item)?);
        if !self.of.contains_key(&id) && self.of.len() >= MOST {
            return None;
        }
        let now = How { state, name: text(&spec.called, item), origin: text(&spec.origin, item) };
        let was = self.of.insert(id.clone(), now.clone()).map(|how| how.state);
        (was.as_ref() != Some(&now.state)).then_some(Changed { id, now, was })
    }

    fn leaves(&mut self, spec: &Attendance, item: &Value) -> Option<Changed> {
        self.goes(text(&spec.id, item)?)
    }

    fn goes(&mut self, id: String) -> Option<Changed> {
        let how = self.of.remove(&id)?;
        Some(Changed { id, was: Some(how.state.clone()), now: How { state: GONE.to_owned(), ..how } })
    }
}

/// The one that a frame is about.
fn one<'a>(spec: &Attendance, body: &'a Value) -> Option<&'a Value> {
    if spec.one.is_empty() { Some(body) } else { spec.one.find(body) }
}

fn text(at: &Pointers, item: &Value) -> Option<String> {
    let found = at.text(item).filter(|text| !text.is_empty())?;
    Some(found.chars().filter(|c| !c.is_control()).take(LONGEST).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::adapter::Push;

    const SPEC: &str = r#"{ flavour: attendance, get: /s, all: /bots, one: [/bot, ""], gone: bot_removed, id: [/id, /bot_id],
                            state: /status, called: /name, origin: /originSource }"#;

    fn spec() -> Attendance {
        let Push::Attendance(spec) = serde_yaml::from_str(SPEC).unwrap() else { panic!("an attendance") };
        (*spec).clone()
    }

    fn told(changed: &[Changed]) -> Vec<(&str, &str, Option<&str>)> {
        changed.iter().map(|it| (&*it.id, &*it.now.state, it.was.as_deref())).collect()
    }

    #[test]
    fn the_first_list_is_how_they_are_and_later_only_changes_are_told() {
        let (spec, mut roll) = (spec(), Roll::default());
        let init = json!({ "bots": [{ "id": "a", "status": "online" }, { "id": "b", "status": "offline" }] });
        assert_eq!(roll.take(&spec, "init", &init), []);
        assert_eq!(roll.take(&spec, "init", &init), [], "again");
        let update = json!({ "bot": { "id": "b", "status": "error", "name": "Bo", "originSource": "external" } });
        let changed = roll.take(&spec, "bot_update", &update);
        assert_eq!(told(&changed), [("b", "error", Some("offline"))]);
        assert_eq!((changed[0].now.name.as_deref(), changed[0].now.origin.as_deref()), (Some("Bo"), Some("external")));
        assert_eq!(roll.take(&spec, "bot_update", &update), [], "said twice");
        let fresh = json!({ "bot": { "id": "c", "status": "online" } });
        assert_eq!(told(&roll.take(&spec, "bot_update", &fresh)), [("c", "online", None)]);
        assert_eq!(told(&roll.take(&spec, "bot_removed", &json!({ "bot_id": "a" }))), [("a", "gone", Some("online"))]);
        assert_eq!(roll.take(&spec, "bot_removed", &json!({ "bot_id": "a" })), []);
    }

    #[test]
    fn what_was_missed_shows_in_the_next_list_also_across_a_restart() {
        let (spec, mut roll) = (spec(), Roll::default());
        roll.take(
            &spec,
            "init",
            &json!({ "bots": [{ "id": "a", "status": "online" }, { "id": "b", "status": "online" }] }),
        );
        let mut roll = Roll::read(Some(&roll.row()));
        let later = json!({ "bots": [{ "id": "a", "status": "error" }, { "id": "c", "status": "online" }] });
        let changed = roll.take(&spec, "init", &later);
        let wanted = [("a", "error", Some("online")), ("c", "online", None), ("b", "gone", Some("online"))];
        assert_eq!(told(&changed), wanted);
    }

    #[test]
    fn what_is_no_participant_changes_nothing() {
        let (spec, mut roll) = (spec(), Roll::read(Some("{")));
        for body in
            [json!({}), json!([]), json!({ "bot": 5 }), json!({ "id": "a" }), json!({ "bots": "x" }), json!(null)]
        {
            assert_eq!(roll.take(&spec, "bot_update", &body), [], "{body}");
        }
        assert_eq!(roll, Roll::default());
    }
}
