//! Which conversations there are, and which of them are the agent's, as a manifest tells it.

mod read;

use std::collections::BTreeMap;

use serde_json::Value;

use super::call::Call;
use super::plain::Span;
use super::pointer::{Choice, Pointers, text};
use crate::event::ConversationKind;
pub(super) use read::Lists;

/// One list of rooms.
#[derive(Clone, Debug)]
pub struct Rooms {
    /// Where it stands.
    pub from: Source,
    /// The list in an answer: the first pointer that finds a list counts; `null` counts as empty.
    pub items: Pointers,
    /// A room's id; none: it goes by the other one of the two who take part.
    pub id: Pointers,
    /// Its title.
    pub title: Pointers,
    /// How it is held.
    pub kind: Option<Held>,
    /// Who takes part: every pointer counts that finds a name or a list of them. None: the agent is in all of them.
    pub between: Pointers,
    /// The name of one of them, where it is an object.
    pub who: Pointers,
    /// What changes when something is said there.
    pub moved: Pointers,
    /// The list is read so often and never besides, for reading it changes something there.
    pub every: Option<Span>,
    /// The fact that keeps its first room, where joining did not tell it.
    pub main: Option<String>,
    /// One page of such a room, where it is read by another request than the history says.
    pub messages: Option<Call>,
}

/// Where a list of rooms stands.
#[derive(Clone, Debug)]
pub enum Source {
    /// In the answer to this request.
    List(Box<Call>),
    /// In these facts, each with an id or a list of ids.
    Kept(Vec<String>),
}

/// How a room is held.
#[derive(Clone, Debug)]
pub enum Held {
    /// All of the list are held so.
    Is(ConversationKind),
    /// As the platform's word says.
    Told(Choice<ConversationKind>),
}

/// What is known of who takes part in a room of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// The agent does; with the id of the room.
    Ours(String),
    /// Others do, and it does not.
    Others,
    /// Neither id nor names are where the manifest looks.
    Unreadable,
}

impl Rooms {
    /// The request, where it takes one.
    pub fn call(&self) -> Option<&Call> {
        match &self.from {
            Source::List(call) => Some(call),
            Source::Kept(_) => None,
        }
    }

    /// Who takes part in a room, `me` being a name of the agent's own.
    pub fn part(&self, item: &Value, me: impl Fn(&str) -> bool) -> Part {
        let id = self.id.text(item).filter(|id| !id.is_empty());
        let found = self.between.all().iter().filter_map(|pointer| pointer.find(item));
        let names: Vec<String> = found.flat_map(|found| self.names(found)).collect();
        let own = names.iter().filter(|name| me(name)).count();
        match id {
            Some(id) if self.between.is_empty() || names.is_empty() || own > 0 => return Part::Ours(id),
            Some(_) => return Part::Others,
            None if names.is_empty() || !self.id.is_empty() => return Part::Unreadable,
            None => {}
        }
        let mut others: Vec<String> = names.into_iter().filter(|name| !me(name)).collect();
        others.sort_unstable();
        others.dedup();
        match (own, others.pop(), others.is_empty()) {
            (1.., Some(other), true) => Part::Ours(other),
            _ => Part::Others,
        }
    }

    fn names(&self, found: &Value) -> Vec<String> {
        let name = |entry: &Value| text(entry).or_else(|| self.who.text(entry)).filter(|name| !name.is_empty());
        match found {
            Value::Array(entries) => entries.iter().filter_map(name).collect(),
            one => name(one).into_iter().collect(),
        }
    }

    /// How a room of it is held.
    pub fn held(&self, item: &Value) -> Option<ConversationKind> {
        match self.kind.as_ref()? {
            Held::Is(kind) => Some(*kind),
            Held::Told(choice) => choice.read(item),
        }
    }
}

/// The ids in facts, each of which holds one or a list of them.
pub fn kept<'a>(names: &'a [String], facts: &'a BTreeMap<String, Value>) -> impl Iterator<Item = String> + 'a {
    let ids = |value: &'a Value| match value {
        Value::Array(ids) => ids.iter().collect::<Vec<_>>(),
        one => vec![one],
    };
    let all = names.iter().filter_map(|name| facts.get(name)).flat_map(ids);
    all.filter_map(text).filter(|id| !id.is_empty())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rooms(yaml: &str) -> Result<Rooms, String> {
        serde_yaml::from_str(yaml).map_err(|error| error.to_string())
    }

    fn part(of: &Rooms, item: &Value) -> Part {
        of.part(item, |name| name == "jared")
    }

    #[test]
    fn a_conversation_goes_by_the_other_one_of_two_and_those_of_others_are_none_of_ours() {
        let of = rooms("{ get: /c, items: /c, between: [/agent, /peer, /members], who: [/name] }").unwrap();
        let ours = |id: &str| Part::Ours(id.to_owned());
        assert_eq!(part(&of, &json!({ "agent": "jared", "peer": "user" })), ours("user"));
        assert_eq!(part(&of, &json!({ "agent": "ann", "peer": "jared" })), ours("ann"));
        assert_eq!(part(&of, &json!({ "members": ["user", "jared"] })), ours("user"));
        assert_eq!(part(&of, &json!({ "members": [{ "name": "jared" }, { "name": "user" }] })), ours("user"));
        assert_eq!(part(&of, &json!({ "agent": "jared", "members": ["jared", "user"] })), ours("user"), "said twice");
        for others in [
            json!({ "agent": "ann", "peer": "user" }),
            json!({ "members": ["jared", "user", "ann"] }),
            json!({ "agent": "jared" }),
        ] {
            assert_eq!(part(&of, &others), Part::Others, "{others}");
        }
        for strange in [json!({ "id": "c1" }), json!(["jared", "user"]), json!({ "members": [] }), json!(null)] {
            assert_eq!(part(&of, &strange), Part::Unreadable, "{strange}");
        }
    }

    #[test]
    fn a_room_with_an_id_is_ours_unless_it_is_told_that_it_is_not() {
        let of = rooms("{ get: /g, items: /g, id: /id, between: /members }").unwrap();
        assert_eq!(part(&of, &json!({ "id": 7, "members": ["jared", "a", "b"] })), Part::Ours("7".to_owned()));
        assert_eq!(part(&of, &json!({ "id": "g" })), Part::Ours("g".to_owned()), "nobody is named");
        assert_eq!(part(&of, &json!({ "id": "g", "members": ["a", "b"] })), Part::Others);
        assert_eq!(part(&of, &json!({ "members": ["jared"] })), Part::Unreadable);
    }

    #[test]
    fn what_is_kept_is_one_id_or_a_list_and_a_list_has_one_source() {
        let facts = BTreeMap::from([
            ("a".to_owned(), json!("g1")),
            ("b".to_owned(), json!(["g2", 3, "", null])),
            ("c".to_owned(), json!(null)),
        ]);
        let names = ["a", "b", "c", "none"].map(str::to_owned);
        assert_eq!(kept(&names, &facts).collect::<Vec<_>>(), ["g1", "g2", "3"]);
        for (yaml, words) in [
            ("{ kept: a, get: /g, items: /g, id: /id }", "keep one"),
            ("{ kept: a, items: /g }", "there is no answer to look into"),
            ("{ get: /g, id: /id }", "missing field `items`"),
            ("{ get: /g, items: /g }", "missing field `id`"),
            ("{ title: /t }", "no request stands here"),
        ] {
            assert!(rooms(yaml).expect_err(yaml).contains(words), "{yaml}");
        }
    }
}
