//! Where a value stands in JSON: RFC 6901 pointers, with fallbacks.

use std::str::FromStr;

use serde::de::{Deserialize, Deserializer};
use serde_json::Value;

use super::plain::{OneOrMany, Table, read_text};

/// A checked JSON pointer (RFC 6901): empty for the whole, else `/a/b/0`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pointer(String);

impl Pointer {
    /// What stands there, `null` included.
    pub fn find<'a>(&self, value: &'a Value) -> Option<&'a Value> {
        value.pointer(&self.0)
    }

    /// The same, to change it.
    pub fn find_mut<'a>(&self, value: &'a mut Value) -> Option<&'a mut Value> {
        value.pointer_mut(&self.0)
    }

    /// The pointer as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Pointer {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if !text.is_empty() && !text.starts_with('/') {
            return Err(format!("`{text}` is no JSON pointer (RFC 6901): begin with `/`, as in /message/id"));
        }
        let escaped = text.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']));
        escaped
            .then(|| Self(text.to_owned()))
            .ok_or_else(|| format!("`{text}` is no JSON pointer (RFC 6901): write `~` as ~0 and `/` in a name as ~1"))
    }
}

impl<'de> Deserialize<'de> for Pointer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read_text(deserializer, "a JSON pointer, as in /message/id")
    }
}

/// One pointer, or a list: the first that finds something other than `null` counts.
pub type Pointers = OneOrMany<Pointer>;

impl Pointers {
    /// The first value that is there and not `null`.
    pub fn find<'a>(&self, value: &'a Value) -> Option<&'a Value> {
        self.all().iter().filter_map(|pointer| pointer.find(value)).find(|found| !found.is_null())
    }

    /// The same as text: strings as they are, numbers as digits; anything else counts as missing.
    pub fn text(&self, value: &Value) -> Option<String> {
        self.find(value).and_then(text)
    }
}

/// Ids come as strings or numbers and compare as strings.
pub fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A field whose values are words of the platform's own, and what they mean here.
#[derive(Clone, Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Choice<T> {
    /// Where the platform's word stands.
    pub from: Pointers,
    /// Its words, exactly as it writes them; what is not listed counts as not told.
    pub map: Table<T>,
}

impl<T: Copy> Choice<T> {
    /// What the platform's word means.
    pub fn read(&self, value: &Value) -> Option<T> {
        self.from.text(value).and_then(|word| self.map.get(&word).copied())
    }
}
