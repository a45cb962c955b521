//! Where an argument names a message, and the platform wants the place of that message.

use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::adapter::call::{Call, calling, needed};
use crate::adapter::plain::{Table, missing, read_table};
use crate::adapter::pointer::{Pointer, Pointers, text};

/// How the place of a message is found that the feed does not know.
#[derive(Clone, Debug)]
pub struct PlaceOf {
    /// The request; it names the argument.
    pub call: Call,
    /// The places in the answer: a list, or a table of records keyed by their ids.
    pub items: Pointer,
    /// The message that stands at one of them.
    pub message: Pointers,
    /// The id of that place.
    pub place: Pointers,
    /// Fields of a place, and the text each must have.
    pub r#where: Table<String>,
}

calling!(RawPlaceOf {
    items: Option<Pointer>,
    message: Pointers,
    place: Pointers,
    r#where: Table<String>,
});

impl<'de> Deserialize<'de> for PlaceOf {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read_table(deserializer, Self::of)
    }
}

impl PlaceOf {
    fn of(mut raw: RawPlaceOf) -> Result<Self, String> {
        let call = raw.call().and_then(needed)?;
        let RawPlaceOf { items, message, place, r#where, .. } = raw;
        let items = items.ok_or_else(|| missing("items"))?;
        for (name, pointers) in [("message", &message), ("place", &place)] {
            if pointers.is_empty() {
                return Err(missing(name));
            }
        }
        Ok(Self { call, items, message, place, r#where })
    }

    /// The place of this message in the answer; `None` where it is not there.
    pub fn find(&self, body: &Value, message: &str) -> Option<String> {
        let fits = |item: &&Value| {
            let has = |(at, wanted): (&str, &String)| item.pointer(at).and_then(text).as_ref() == Some(wanted);
            self.message.text(item).as_deref() == Some(message) && self.r#where.iter().all(has)
        };
        let places = self.items.items(body)?;
        places.into_iter().find(fits).and_then(|item| self.place.text(item)).filter(|place| !place.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn of_all_places_the_one_counts_whose_message_and_kind_are_right() {
        let rule: PlaceOf = serde_yaml::from_str(
            "{ get: '/chats/{action.reply_to}', items: /records/timelines/data, message: /tl_id, where: { /tl_type: Chat }, place: /id }",
        )
        .unwrap();
        let place = |id: u64, kind: &str, of: Value| json!({ "id": id, "tl_type": kind, "tl_id": of });
        let records = json!({ "1": place(1, "File", json!(789)), "2": place(2, "Chat", json!(788)), "3": place(3, "Chat", json!("789")) });
        let body = json!({ "records": { "timelines": { "data": records } } });
        assert_eq!(rule.find(&body, "789"), Some("3".into()));
        assert_eq!(
            (rule.find(&body, "7"), rule.find(&json!({}), "789"), rule.find(&json!([]), "789")),
            (None, None, None)
        );
        for (yaml, words) in [
            ("{ get: /c, items: /i, place: /id }", "missing field `message`"),
            ("{ get: /c, items: /i, message: /m }", "missing field `place`"),
            ("{ get: /c, message: /m, place: /id }", "missing field `items`"),
            ("{ items: /i, message: /m, place: /id }", "no request stands here"),
        ] {
            let said = serde_yaml::from_str::<PlaceOf>(yaml).expect_err(yaml).to_string();
            assert!(said.contains(words), "{yaml}: {said}");
        }
    }
}
