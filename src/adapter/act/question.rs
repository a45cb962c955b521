//! What an agent can ask, and how an answer of the platform becomes one list or one thing. Pure.

mod beside;

use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value, json};

use crate::adapter::act::check::{Check, Fault};
use crate::adapter::call::{Call, calling, needed};
use crate::adapter::join::PlainCall;
use crate::adapter::manifest::Manifest;
use crate::adapter::plain::{Table, read_table};
use crate::adapter::pointer::{Pointer, Pointers, text};
use crate::adapter::scope::Root;
use crate::event::ConversationKind;
use beside::records;
pub use beside::{Beside, Only};

/// Something the agent can ask.
#[derive(Clone, Debug)]
pub struct Question {
    /// The request.
    pub call: Call,
    /// What of the answer is meant.
    what: What,
    /// The same where the workspace has not the session of `call`.
    pub otherwise: Option<Call>,
    /// The same of conversations that are held so, where it is another request; with the same arguments.
    pub held: Vec<(ConversationKind, Call)>,
    /// Records that belong to it.
    beside: Option<Beside>,
    /// What its arguments may be.
    pub check: Table<Check>,
    /// The capability without which the grant does not have it.
    pub needs: Option<String>,
}

#[derive(Clone, Debug)]
enum What {
    /// A list, or records keyed by their ids; `next`: where the platform says how the page behind it is asked for.
    Items { at: Pointers, next: Option<Pointer> },
    /// One thing; `keyed_by`: of records keyed by their ids the one that this argument names.
    Item { at: Pointer, keyed_by: Option<String> },
    /// The whole answer, which is a text and no JSON.
    Text,
}

/// The platform answered, and what was asked for is not in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("its answer does not hold what was asked for")]
pub struct NotThere;

calling!(RawQuestion {
    items: Option<Pointers>,
    item: Option<Pointer>,
    keyed_by: Option<String>,
    next: Option<Pointer>,
    beside: Option<Beside>,
    needs: Option<String>,
    text: bool,
    check: Table<Check>,
    r#else: Option<PlainCall>,
    held: Table<PlainCall>,
});

impl<'de> Deserialize<'de> for Question {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read_table(deserializer, Self::of)
    }
}

impl Question {
    fn of(mut raw: RawQuestion) -> Result<Self, String> {
        let call = raw.call().and_then(needed)?;
        let RawQuestion { items, item, keyed_by, next, beside, needs, text, check, r#else, .. } = raw;
        let what = match (items, item) {
            (None, None) if text => What::Text,
            _ if text => return Err("`text` is the whole answer: leave `items` and `item` out".to_owned()),
            (Some(_), None) if keyed_by.is_some() => return Err("`keyed_by` is for one `item`".to_owned()),
            (Some(at), None) => What::Items { at, next },
            (None, Some(_)) if next.is_some() => return Err("`next` is for `items`".to_owned()),
            (None, Some(at)) => What::Item { at, keyed_by },
            _ => return Err("`items`, `item` or `text` says what is meant: write one of them".to_owned()),
        };
        if let What::Item { keyed_by: Some(name), .. } = &what
            && call.arguments(Root::Ask).get(name.as_str()) != Some(&false)
        {
            return Err(format!("`keyed_by: {name}` is no argument that the request always has"));
        }
        let otherwise = r#else.map(|PlainCall(call)| call);
        let held = super::held(&raw.held, &call)?;
        Ok(Self { call, what, otherwise, held, beside, check, needs })
    }

    /// The request for a workspace with this session, about a conversation that is held so.
    pub fn call_for(&self, manifest: &Manifest, session: &str, kind: Option<ConversationKind>) -> &Call {
        if let Some((_, call)) = self.held.iter().find(|(held, _)| Some(*held) == kind) {
            return call;
        }
        self.otherwise.as_ref().filter(|_| !self.call.reaches(manifest, session)).unwrap_or(&self.call)
    }

    /// Whether the answer is a text and no JSON.
    pub const fn is_text(&self) -> bool {
        matches!(self.what, What::Text)
    }

    /// All that is wrong with the arguments.
    pub fn faults(&self, args: &Map<String, Value>) -> Vec<Fault> {
        self.check.iter().filter_map(|(name, check)| check.fault(name, args.get(name)?, args)).collect()
    }

    /// The list in an answer as the platform has it; `None` where there is none, or the question is about one thing.
    pub fn list<'a>(&self, answer: &'a Value) -> Option<&'a Value> {
        match &self.what {
            // Empty, where all that stands there is `null`.
            What::Items { at, .. } => at.find(answer).or_else(|| at.all().iter().find_map(|at| at.find(answer))),
            What::Item { .. } | What::Text => None,
        }
    }

    /// What an answer tells: `{"items": […]}`, with `next` where the manifest says where that stands, or `{"item": …}`.
    ///
    /// # Errors
    /// The one thing that was asked for is not in it.
    pub fn read(&self, answer: &Value, args: &Map<String, Value>) -> Result<Value, NotThere> {
        match &self.what {
            What::Items { at, next } => {
                let mut items = records(at.find(answer));
                self.beside.iter().for_each(|beside| beside.join(&mut items, answer));
                let mut told = json!({ "items": items });
                if let Some(next) = next {
                    told["next"] = next.find(answer).and_then(text).into();
                }
                Ok(told)
            }
            What::Item { at, keyed_by } => {
                let found = at.find(answer).and_then(|found| match keyed_by {
                    Some(name) => found.get(text(args.get(name)?)?),
                    None => Some(found),
                });
                let mut item = [found.filter(|found| !found.is_null()).ok_or(NotThere)?.clone()];
                self.beside.iter().for_each(|beside| beside.join(&mut item, answer));
                let [item] = item;
                Ok(json!({ "item": item }))
            }
            What::Text => Ok(json!({ "item": answer })),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(yaml: &str) -> Result<Question, String> {
        serde_yaml::from_str(yaml).map_err(|error| error.to_string())
    }

    fn read(yaml: &str, answer: &Value) -> Result<Value, NotThere> {
        let args = json!({ "message": 7 }).as_object().cloned().unwrap();
        question(yaml).unwrap().read(answer, &args)
    }

    #[test]
    fn records_and_what_says_their_place_are_one_list_newest_first() {
        let answer = json!({ "records": {
            "chats": { "data": { "9": { "id": 9 }, "10": { "id": "10" }, "7": { "id": 7 }, "8": { "id": 8 } } },
            "timelines": { "data": {
                "100": { "id": 100, "tl_type": "Chat", "tl_id": 10 }, "99": { "id": 99, "tl_type": "Chat", "tl_id": "9" },
                "101": { "id": 101, "tl_type": "Chat", "tl_id": 8 }, "102": { "id": 102, "tl_type": "Topic", "tl_id": 9 },
            } } }, "next_cursor": 99 });
        let yaml = "{ get: /x, items: /records/chats/data, next: /next_cursor, beside: { items: /records/timelines/data, \
                    of: /tl_id, place: /id, as: timeline, only: { at: /tl_type, is: Chat } } }";
        let told = read(yaml, &answer).unwrap();
        let ids: Vec<_> = told["items"].as_array().unwrap().iter().map(|it| text(&it["id"]).unwrap()).collect();
        assert_eq!(ids, ["8", "10", "9", "7"], "by place; what has none is last: {told:#}");
        assert_eq!(told["items"][2]["timeline"]["id"], 99, "a record of another kind with the same id is none");
        assert_eq!((&told["items"][3]["timeline"], &told["next"]), (&Value::Null, &json!("99")), "cursors are texts");
        let end = json!({ "records": { "chats": { "data": {} } }, "next_cursor": null });
        assert_eq!(read(yaml, &end).unwrap(), json!({ "items": [], "next": null }));
    }

    #[test]
    fn lists_keep_their_order_and_keyed_records_have_that_of_their_ids() {
        let list = json!({ "a": [3, 1, 2], "k": { "10": "c", "9": "b", "x": "a" }, "n": null });
        let items = |at: &str| read(&format!("{{ get: /x, items: /{at} }}"), &list).unwrap();
        assert_eq!(items("a"), json!({ "items": [3, 1, 2] }));
        assert_eq!(items("k"), json!({ "items": ["a", "b", "c"] }));
        assert_eq!((items("n"), items("nowhere")), (json!({ "items": [] }), json!({ "items": [] })));
    }

    #[test]
    fn one_thing_is_the_one_that_was_asked_for_or_nothing() {
        let answer = json!({ "id": 1, "chats": { "7": { "id": 7 }, "8": { "id": 8 } }, "null": null });
        assert_eq!(read("{ get: /me, item: '' }", &answer).unwrap()["item"]["id"], 1);
        let keyed = "{ get: '/x/{ask.message}', item: /chats, keyed_by: message }";
        assert_eq!(read(keyed, &answer).unwrap(), json!({ "item": { "id": 7 } }));
        assert_eq!(read(keyed, &json!({ "chats": { "8": {} } })), Err(NotThere));
        for none in ["null", "nowhere"] {
            assert_eq!(read(&format!("{{ get: /x, item: /{none} }}"), &answer), Err(NotThere));
        }
    }

    #[test]
    fn keys_that_do_not_go_together_are_refused() {
        for (yaml, words) in [
            ("{ get: /x }", "`items`, `item` or `text` says"),
            ("{ get: /x, items: /a, item: /b }", "`items`, `item` or `text` says"),
            ("{ get: /x, item: /a, text: true }", "leave `items` and `item` out"),
            ("{ get: /x, item: /a, next: /n }", "`next` is for `items`"),
            ("{ get: /x, items: /a, keyed_by: message }", "`keyed_by` is for one `item`"),
            ("{ get: /x, item: /a, keyed_by: message }", "no argument that the request always has"),
            ("{ get: '/x?m={ask.message?}', item: /a, keyed_by: message }", "no argument that the request always has"),
            ("{ get: /x, items: /a, beside: { items: /b, of: /c } }", "missing field `as`"),
        ] {
            let said = question(yaml).map(drop).expect_err(yaml);
            assert!(said.contains(words), "{yaml}: {said}");
        }
    }
}
