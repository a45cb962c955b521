//! What an answer means: a status, and words of its body, for one status often has several meanings.

use serde::Deserialize;
use serde_json::Value;

use super::call::Call;
use super::plain::OneOrMany;
use super::pointer::{Pointer, Pointers, text};

/// How far into a body words are looked for: error texts are short, bodies need not be. 64 KiB.
const READ: usize = 64 << 10;

/// The longest word of a platform that is passed on, in characters.
const WORDS: usize = 300;

/// The platform's own words for an error: `error` or `message` of a JSON body, else nothing (a page of HTML says nothing).
pub fn platform_words(body: &[u8]) -> Option<String> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let words = ["/error", "/message", "/error/message"].iter().find_map(|at| body.pointer(at).and_then(text))?;
    Some(words.chars().filter(|c| !c.is_control()).take(WORDS).collect())
}

/// Where an answer that refuses says it field by field.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct Issues {
    /// The list of what is wrong.
    pub items: Pointer,
    /// Where one of them names its field: a text, or a list of keys that lead to it.
    pub field: Pointers,
    /// What is wrong with it.
    pub says: Pointers,
}

/// So many issues are passed on, each so long at most, in characters.
const ISSUES: usize = 20;

impl Issues {
    /// All of an answer; a field that is an argument of the call is called as the argument is. Empty where there are none.
    pub fn words(&self, call: &Call, body: &[u8]) -> String {
        let Ok(body) = serde_json::from_slice::<Value>(body) else { return String::new() };
        let listed = self.items.find(&body).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let told: Vec<String> = listed.iter().take(ISSUES).filter_map(|issue| self.one(call, issue)).collect();
        told.join("; ")
    }

    fn one(&self, call: &Call, issue: &Value) -> Option<String> {
        let says = self.says.text(issue)?;
        let keys = match self.field.find(issue) {
            Some(Value::Array(keys)) => keys.iter().filter_map(text).collect(),
            Some(path) => {
                let path = text(path).unwrap_or_default();
                path.split('.').filter(|key| !key.is_empty()).map(str::to_owned).collect()
            }
            None => Vec::new(),
        };
        let told = match keys.split_first() {
            Some((first, rest)) => {
                let first = call.argument_of(first).unwrap_or(first);
                let path = rest.iter().fold(first.to_owned(), |path, key| format!("{path}.{key}"));
                format!("{path}: {says}")
            }
            None => says,
        };
        Some(told.chars().filter(|c| !c.is_control()).take(WORDS).collect())
    }
}

/// What an answer looks like.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct Sign {
    /// The HTTP status.
    pub status: u16,
    /// Words of the body, any of which does; upper and lower case are the same. None: any body.
    #[serde(default)]
    pub says: OneOrMany<String>,
}

impl Sign {
    /// Whether the answer looks like this.
    pub fn fits(&self, status: u16, body: &[u8]) -> bool {
        fits(self.status, &self.says, status, body)
    }
}

/// An answer, and the name for what it means.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// The HTTP status.
    pub status: u16,
    /// Words of the body, any of which does; upper and lower case are the same. None: any body.
    #[serde(default)]
    pub says: OneOrMany<String>,
    /// The name; `tell` may have words for it.
    pub is: String,
    /// Another way of joining to try now.
    #[serde(default)]
    pub go: Option<String>,
    /// Of a step of joining: the name for it where the answer to an earlier try was lost, and with it what that gave.
    #[serde(default)]
    pub after_loss: Option<String>,
}

impl Rule {
    /// The names that it gives.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.is.as_str()).chain(self.after_loss.as_deref())
    }
}

/// What an answer means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// 2xx, and no rule says otherwise.
    Ok,
    /// A rule of the manifest fits.
    Named {
        /// The rule's name.
        is: String,
        /// What to tell a person.
        message: Option<String>,
        /// Another way of joining to try now.
        go: Option<String>,
        /// What it means instead where an earlier try may have been carried out.
        after_loss: Option<String>,
    },
    /// No rule knows it.
    Status(u16),
}

/// The first rule that fits.
pub(super) fn read<'a>(rules: impl IntoIterator<Item = &'a Rule>, status: u16, body: &[u8]) -> Option<&'a Rule> {
    rules.into_iter().find(|rule| fits(rule.status, &rule.says, status, body))
}

fn fits(wanted: u16, says: &OneOrMany<String>, status: u16, body: &[u8]) -> bool {
    if wanted != status {
        return false;
    }
    if says.is_empty() {
        return true;
    }
    let body = String::from_utf8_lossy(&body[..body.len().min(READ)]).to_lowercase();
    says.all().iter().any(|words| body.contains(&words.to_lowercase()))
}
