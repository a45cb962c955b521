//! What a verb that edits a live document is given, and the edit it means: pure.

use serde_json::{Map, Value};

use super::accept::Refusal;
use crate::document::{Edit, Place};

const ARGUMENTS: [&str; 5] = ["conversation", "op", "text", "quote", "where"];

/// The edit that these arguments ask for; what is wrong with them.
pub fn edit(verb: &str, args: &Map<String, Value>) -> Result<Edit, Refusal> {
    let bad = |message: String| Refusal::new("bad_args", message);
    if let Some(name) = args.keys().find(|name| !ARGUMENTS.contains(&name.as_str())) {
        return Err(bad(format!("`{verb}` takes no `{name}`; it takes {}", ARGUMENTS.join(", "))));
    }
    for name in ARGUMENTS {
        if args.get(name).is_some_and(|given| !given.is_null() && !given.is_string()) {
            return Err(bad(format!("`{name}` is a text")));
        }
    }
    let given = |name: &str| args.get(name).and_then(Value::as_str).map(str::to_owned);
    let needed = |name: &str| {
        let found = given(name).filter(|text| !text.is_empty());
        found.ok_or_else(|| bad(format!("`{verb}` needs `{name}` here")))
    };
    let unused = |names: &[&str], op: &str| match names.iter().find(|name| given(name).is_some()) {
        Some(name) => Err(bad(format!("`{op}` takes no `{name}`"))),
        None => Ok(()),
    };
    needed("conversation")?;
    let op = given("op").unwrap_or_default();
    match op.as_str() {
        "insert" => {
            Ok(Edit::Insert { at: place(verb, given("where").as_deref(), given("quote"))?, text: needed("text")? })
        }
        "append" => {
            unused(&["quote", "where"], &op)?;
            Ok(Edit::Append(needed("text")?))
        }
        "replace" => {
            unused(&["where"], &op)?;
            Ok(Edit::Replace { quote: needed("quote")?, with: needed("text")? })
        }
        "delete" => {
            unused(&["text", "where"], &op)?;
            Ok(Edit::Delete(needed("quote")?))
        }
        _ => Err(bad(format!("`op` of `{verb}` is insert, append, replace or delete"))),
    }
}

fn place(verb: &str, at: Option<&str>, quote: Option<String>) -> Result<Place, Refusal> {
    let bad = |message: &str| Refusal::new("bad_args", message.to_owned());
    match (at, quote.filter(|quote| !quote.is_empty())) {
        (Some("after") | None, Some(quote)) => Ok(Place::After(quote)),
        (Some("before"), Some(quote)) => Ok(Place::Before(quote)),
        (Some("start"), None) => Ok(Place::Start),
        (Some("end") | None, None) => Ok(Place::End),
        (Some("start" | "end"), Some(_)) => Err(bad("`where` is the start or the end, or beside a `quote`: not both")),
        (Some("after" | "before"), None) => Err(bad("`where` is beside a `quote`: give it, letter by letter")),
        (Some(_), _) => Err(bad(&format!("`where` of `{verb}` is start, end, before or after"))),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(args: &Value) -> Result<Edit, String> {
        let mut args = args.as_object().cloned().unwrap_or_default();
        args.entry("conversation").or_insert_with(|| "d".into());
        edit("document.edit", &args).map_err(|refusal| refusal.message)
    }

    #[test]
    fn every_edit_has_its_words() {
        let (x, q) = ("x".to_owned(), "q".to_owned());
        assert_eq!(read(&json!({"op": "append", "text": "x"})), Ok(Edit::Append(x.clone())));
        assert_eq!(read(&json!({"op": "delete", "quote": "q"})), Ok(Edit::Delete(q.clone())));
        let replaced = Edit::Replace { quote: q.clone(), with: x.clone() };
        assert_eq!(read(&json!({"op": "replace", "quote": "q", "text": "x"})), Ok(replaced));
        let places = [
            (json!({}), Place::End),
            (json!({"where": "start"}), Place::Start),
            (json!({"where": "end"}), Place::End),
            (json!({"quote": "q"}), Place::After(q.clone())),
            (json!({"quote": "q", "where": "before"}), Place::Before(q)),
        ];
        for (mut args, at) in places {
            (args["op"], args["text"]) = ("insert".into(), "x".into());
            assert_eq!(read(&args), Ok(Edit::Insert { at, text: x.clone() }), "{args}");
        }
    }

    #[test]
    fn what_makes_no_edit_is_refused_before_it_is_stored() {
        for args in [
            json!({"text": "x"}),
            json!({"op": "sing", "text": "x"}),
            json!({"op": "append"}),
            json!({"op": "append", "text": ""}),
            json!({"op": "append", "text": 5}),
            json!({"op": "append", "text": "x", "quote": "q"}),
            json!({"op": "replace", "quote": "q"}),
            json!({"op": "delete", "quote": "q", "text": "x"}),
            json!({"op": "insert", "text": "x", "where": "after"}),
            json!({"op": "insert", "text": "x", "where": "middle"}),
            json!({"op": "insert", "text": "x", "where": "end", "quote": "q"}),
            json!({"op": "append", "text": "x", "colour": "red"}),
            json!({"op": "append", "text": "x", "conversation": ""}),
        ] {
            assert!(read(&args).is_err(), "{args}");
        }
    }
}
