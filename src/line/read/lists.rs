//! Which conversations there are, list by list: those that the agent takes part in.

use serde_json::Value;

use super::outline::outline;
use super::{ReadError, Reader};
use crate::adapter::{History, Part, Pointers, Rooms, Scope};
use crate::normalise::{Mapping, Room};

/// A conversation of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its id.
    pub id: String,
    /// What the list tells of it.
    pub room: Room,
    /// What changes when something is said there.
    pub moved: Option<String>,
}

impl Reader {
    /// The conversations of one list that the agent is in. A list of facts takes no request.
    pub async fn listed(&self, history: &History, of: &Rooms, mapping: &Mapping) -> Result<Vec<Listed>, ReadError> {
        let Some(call) = of.call() else { return Ok(Vec::new()) };
        let mut body = self.patiently(call, &Scope::new()).await?;
        let items = items_in(&mut body, &of.items, history.alone, "the list of conversations")?;
        let (mut listed, mut readable) = (Vec::new(), items.is_empty());
        for item in &items {
            let part = of.part(item, |name| mapping.is_me(Some(name), Some(name)));
            readable |= part != Part::Unreadable;
            if let Part::Ours(id) = part {
                let room = Room { kind: of.held(item), title: of.title.text(item) };
                listed.push(Listed { id, room, moved: of.moved.text(item) });
            }
        }
        if history.alone && !readable {
            return Err(unfound("a conversation", &Value::Array(items)));
        }
        listed.truncate(self.timing.rooms);
        Ok(listed)
    }
}

/// Takes the list out of an answer: the first pointer that finds one counts. `null` counts as empty, and so does
/// nothing, unless the platform's answers are known from no document (`alone`).
pub(super) fn items_in(
    body: &mut Value,
    at: &Pointers,
    alone: bool,
    what: &'static str,
) -> Result<Vec<Value>, ReadError> {
    let found = at.all().iter().find(|pointer| pointer.find(body).is_some_and(Value::is_array));
    if let Some(pointer) = found {
        let list = pointer.find_mut(body).map(Value::take);
        return Ok(if let Some(Value::Array(items)) = list { items } else { Vec::new() });
    }
    let mut others = at.all().iter().filter_map(|pointer| Some((pointer, pointer.find(body)?)));
    if alone {
        let is_null = others.any(|(pointer, found)| !pointer.as_str().is_empty() && found.is_null());
        return if is_null { Ok(Vec::new()) } else { Err(unfound(what, body)) };
    }
    match others.next() {
        None if !body.is_object() && !body.is_null() => {
            let first = at.all().first().map_or("", |pointer| pointer.as_str());
            Err(ReadError::Misshapen(format!("no object with a list at `{first}`")))
        }
        None => Ok(Vec::new()),
        Some((_, found)) if found.is_null() => Ok(Vec::new()),
        Some((pointer, _)) => Err(ReadError::Misshapen(format!("`{}` is no list", pointer.as_str()))),
    }
}

pub(super) fn unfound(what: &'static str, answer: &Value) -> ReadError {
    ReadError::Unfound { what, outline: outline(answer) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_first_list_that_a_pointer_finds_counts_and_the_whole_may_be_one() {
        let at: Pointers = serde_yaml::from_str(r#"[/messages, /data/messages, ""]"#).unwrap();
        let read = |mut body: Value, alone| items_in(&mut body, &at, alone, "the list of messages");
        for alone in [false, true] {
            assert_eq!(read(json!({ "messages": [1] }), alone).unwrap(), [json!(1)]);
            assert_eq!(read(json!({ "data": { "messages": [2] } }), alone).unwrap(), [json!(2)]);
            assert_eq!(read(json!([3, 4]), alone).unwrap(), [json!(3), json!(4)]);
            assert_eq!(read(json!({ "messages": null }), alone).unwrap(), Vec::<Value>::new());
        }
        let said = read(json!({ "v": 3, "rowset": { "rows": [["secret words", 5]] } }), true).unwrap_err().to_string();
        assert!(said.contains("{rowset: {rows: [1 of [text, number]]}, v: number}"), "{said}");
        assert!(!said.contains("secret words"), "{said}");
    }

    #[test]
    fn where_a_document_shows_the_answers_nothing_is_an_empty_list() {
        let at: Pointers = serde_yaml::from_str("/messages").unwrap();
        assert_eq!(items_in(&mut json!({ "more": 1 }), &at, false, "").unwrap(), Vec::<Value>::new());
        assert!(items_in(&mut json!("no"), &at, false, "").is_err());
        assert!(items_in(&mut json!({ "messages": 5 }), &at, false, "").is_err());
    }
}
