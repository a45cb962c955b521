//! The form of an argument by a word that stands elsewhere.

use serde::{Deserialize, Deserializer};

use super::Form;
use crate::adapter::plain::{Table, read_table};
use crate::adapter::pointer::Pointers;

/// The form that a word asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FormBy {
    /// Where the word stands.
    pub word: Word,
    /// The words, and their forms; any other asks for none.
    pub map: Table<Form>,
}

/// Where a word stands that asks for a form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Word {
    /// It is another argument.
    Argument(String),
    /// The platform has it: a question about one thing, and where that thing says it.
    Thing {
        /// The question; its arguments are the action's of the same names.
        ask: String,
        /// Where the thing says it.
        at: Pointers,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFormBy {
    from: Option<String>,
    ask: Option<String>,
    #[serde(default)]
    at: Pointers,
    map: Table<Form>,
}

impl<'de> Deserialize<'de> for FormBy {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read_table(deserializer, |RawFormBy { from, ask, at, map }| {
            let word = match (from, ask, at.is_empty()) {
                (Some(argument), None, true) => Word::Argument(argument),
                (None, Some(ask), false) => Word::Thing { ask, at },
                _ => return Err("the word is that of an argument (`from`), or of a thing (`ask` and `at`)".to_owned()),
            };
            Ok(Self { word, map })
        })
    }
}
