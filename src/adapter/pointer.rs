//! Where a value stands in JSON: RFC 6901 pointers, with fallbacks.

use std::str::FromStr;

use serde::de::{Deserialize, Deserializer};
use serde_json::Value;

use super::plain::{OneOrMany, Table, read_text};

/// A checked JSON pointer (RFC 6901): empty for the whole, else `/a/b/0`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pointer {
    written: String,
    /// Taken apart once: a frame is asked for some twenty of them.
    steps: Vec<Step>,
}

/// One step down: by name in an object, by place in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Step {
    name: String,
    place: Option<usize>,
}

impl Step {
    fn of(escaped: &str) -> Self {
        let name = escaped.replace("~1", "/").replace("~0", "~");
        let plain = name == "0" || !name.starts_with(['0', '+']);
        Self { place: name.parse().ok().filter(|_| plain), name }
    }

    /// `*`, where no field has that name: of records that are keyed by their ids, the one with the highest.
    fn newest<'a>(&self, records: &'a serde_json::Map<String, Value>) -> Option<&'a Value> {
        let by_id = |(id, _): &(&'a String, &'a Value)| (id.parse::<u64>().ok(), (*id).clone());
        (self.name == "*").then(|| records.iter().max_by_key(by_id).map(|(_, record)| record)).flatten()
    }
}

impl Pointer {
    /// What stands there, `null` included.
    pub fn find<'a>(&self, value: &'a Value) -> Option<&'a Value> {
        self.steps.iter().try_fold(value, |value, step| match value {
            Value::Object(fields) => fields.get(&step.name).or_else(|| step.newest(fields)),
            Value::Array(items) => items.get(step.place?),
            _ => None,
        })
    }

    /// The same, to change it; it never goes by `*`.
    pub fn find_mut<'a>(&self, value: &'a mut Value) -> Option<&'a mut Value> {
        self.steps.iter().try_fold(value, |value, step| match value {
            Value::Object(fields) => fields.get_mut(&step.name),
            Value::Array(items) => items.get_mut(step.place?),
            _ => None,
        })
    }

    /// What is listed there: a list, or a table of records keyed by their ids; `null` and nothing count as empty.
    /// `None` for anything else.
    pub fn items<'a>(&self, value: &'a Value) -> Option<Vec<&'a Value>> {
        match self.find(value) {
            None | Some(Value::Null) => Some(Vec::new()),
            Some(Value::Array(items)) => Some(items.iter().collect()),
            Some(Value::Object(records)) => Some(records.values().collect()),
            Some(_) => None,
        }
    }

    /// The pointer as written.
    pub fn as_str(&self) -> &str {
        &self.written
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
            .then(|| Self { written: text.to_owned(), steps: text.split('/').skip(1).map(Step::of).collect() })
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

    /// The same as a time: RFC 3339, or seconds or milliseconds since 1970; in milliseconds since 1970.
    pub fn instant(&self, value: &Value) -> Option<u64> {
        self.text(value).and_then(|text| instant(&text))
    }
}

/// Seconds since 1970 are below this until the year 5138, and milliseconds above it since 1973.
const MILLISECONDS: f64 = 1e11;

fn instant(text: &str) -> Option<u64> {
    if let Ok(time) = text.parse::<jiff::Timestamp>() {
        return u64::try_from(time.as_millisecond()).ok();
    }
    let number = text.parse::<f64>().ok().filter(|number| (0.0..1e15).contains(number))?;
    let millis = if number < MILLISECONDS { number * 1000.0 } else { number };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range is checked first")]
    Some(millis as u64)
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_time_is_read_in_every_form_and_nothing_else_is_one() {
        for told in ["2026-04-07T12:00:00Z", "2026-04-07T14:00:00+02:00", "1775563200", "1775563200000"] {
            assert_eq!(instant(told), Some(1_775_563_200_000), "{told}");
        }
        assert_eq!(instant("1775563200.5"), Some(1_775_563_200_500));
        for none in ["", "soon", "-1", "1e300", "NaN", "1960-01-01T00:00:00Z", "2026-04-07"] {
            assert_eq!(instant(none), None, "{none}");
        }
    }

    #[test]
    fn a_star_is_the_newest_of_records_keyed_by_id() {
        let value = json!({ "chats": { "9": { "n": 1 }, "10": { "n": 2 }, "x": { "n": 3 } }, "stars": { "*": 4, "5": 6 }, "none": {} });
        let find = |text: &str| text.parse::<Pointer>().unwrap().find(&value).cloned();
        assert_eq!(find("/chats/*/n"), Some(json!(2)));
        assert_eq!((find("/stars/*"), find("/none/*")), (Some(json!(4)), None), "a field of that name counts first");
    }

    #[test]
    fn a_pointer_finds_what_rfc_6901_finds() {
        let value = json!({ "": 1, "a": [{ "b": 2 }, 3], "/~": 4, "~1": 5, "0": 6, "00": 7, "a/b": 8 });
        let pointers =
            ["", "/", "/a", "/a/0/b", "/a/1", "/a/2", "/a/01", "/a/+1", "/a/-", "/~1~0", "/~01", "/0", "/00"];
        for text in pointers.into_iter().chain(["/a~1b", "/a/0/b/c", "/none", "//"]) {
            let pointer: Pointer = text.parse().unwrap();
            assert_eq!(pointer.find(&value), value.pointer(text), "{text}");
            assert_eq!(pointer.find_mut(&mut value.clone()), value.clone().pointer_mut(text), "{text}");
        }
    }
}
