//! An argument that names a thing of the platform: whether that stands there, and has room, is asked before the call. Pure.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::Fault;
use crate::adapter::plain::Table;
use crate::adapter::pointer::{Pointers, text};

/// The thing that an argument names, and the question that tells of it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stands {
    /// The question about the one thing.
    pub ask: String,
    /// Its arguments, and which of the action's each of them is.
    pub r#as: Table<String>,
    /// Where the thing names what there can be one of: nothing may stand there.
    #[serde(default)]
    pub free: Pointers,
}

impl Stands {
    /// What the question is asked about.
    pub fn about(&self, args: &Map<String, Value>) -> Map<String, Value> {
        let given = |(name, of): (&str, &String)| Some((name.to_owned(), args.get(of)?.clone()));
        self.r#as.iter().filter_map(given).collect()
    }

    /// What is wrong with the argument `name`, where the platform shows this thing; `None`: it says that there is none.
    pub fn fault(&self, name: &str, args: &Map<String, Value>, thing: Option<&Value>) -> Option<Fault> {
        let word = |of: &str| args.get(of).and_then(text).unwrap_or_default();
        let Some(thing) = thing else {
            let others = self.r#as.iter().filter(|(_, of)| *of != name);
            let others: Vec<_> = others.map(|(_, of)| format!(" in `{}` (`{of}`)", word(of))).collect();
            let message = format!("`{name}`: there is no `{}`{}: nothing was sent", word(name), others.concat());
            return Some(Fault::bad(message));
        };
        let taken = self.free.text(thing)?;
        let message =
            format!("`{name}`: `{}` has `{taken}` already, and can have one: use that; nothing was sent", word(name));
        Some(Fault::bad(message))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_thing_has_to_stand_there_and_to_have_room() {
        let rule = "{ ask: message, as: { conversation: parent, message: source }, free: /timeline/thread }";
        let rule: Stands = serde_yaml::from_str(rule).unwrap();
        let args = json!({ "parent": 4, "source": "7", "title": "t" }).as_object().cloned().unwrap();
        assert_eq!(json!(rule.about(&args)), json!({ "conversation": 4, "message": "7" }));
        let said = |thing: Option<Value>| rule.fault("source", &args, thing.as_ref()).map(|fault| fault.message);
        assert_eq!(said(None).unwrap(), "`source`: there is no `7` in `4` (`parent`): nothing was sent");
        assert!(said(Some(json!({ "timeline": { "thread": 9 } }))).unwrap().contains("`7` has `9` already"));
        for free in [json!({ "timeline": { "thread": null } }), json!({ "timeline": null }), json!({})] {
            assert_eq!(said(Some(free.clone())), None, "{free}");
        }
    }
}
