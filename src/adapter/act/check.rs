//! What an argument may be, as the platform's document says: judged before the call. Pure.

mod by;
mod form;
mod stands;

use serde::Deserialize;
use serde_json::{Map, Value};

pub use by::{FormBy, Word};
pub use form::Form;
pub use stands::Stands;

use crate::adapter::pointer::Pointers;

/// So much of what was given is shown, in characters.
const SHOWN: usize = 60;

/// What one argument may be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Check {
    /// The fewest characters, in UTF-16 code units; of a number the least.
    pub min: Option<u64>,
    /// The most characters, in UTF-16 code units; of a number the greatest.
    pub max: Option<u64>,
    /// The most bytes of UTF-8.
    pub bytes: Option<usize>,
    /// No NUL character.
    pub no_nul: bool,
    /// Something other than white space.
    pub not_blank: bool,
    /// One of these words.
    pub words: Vec<String>,
    /// Its form.
    pub is: Option<Form>,
    /// Its form by a word that stands elsewhere.
    pub is_by: Option<FormBy>,
    /// It names a thing that has to stand there, as a question tells before the call.
    pub stands: Option<Stands>,
}

/// What is wrong with an argument: its name, what it is, what is allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// There is only too much of it.
    pub too_long: bool,
    /// For people.
    pub message: String,
}

impl Fault {
    /// It cannot be used.
    pub fn bad(message: impl Into<String>) -> Self {
        Self { too_long: false, message: message.into() }
    }
}

impl Check {
    /// What is wrong with this argument, first thing first. Of a list every item is judged.
    pub fn fault(&self, name: &str, given: &Value, args: &Map<String, Value>) -> Option<Fault> {
        let form = self.is.or_else(|| {
            let by = self.is_by.as_ref()?;
            let Word::Argument(from) = &by.word else { return None };
            by.map.get(args.get(from)?.as_str()?).copied()
        });
        match given {
            Value::Null => None,
            Value::Array(items) => items.iter().find_map(|item| self.fault(name, item, args)),
            Value::Bool(_) if form == Some(Form::Boolean) => None,
            // At the command line `x=true` is a text.
            Value::String(text) if form == Some(Form::Boolean) && Form::Boolean.fits(text) => Some(Fault::bad(
                format!("`{name}` is the text `{text}`: give true or false itself, as in {name}:={text}"),
            )),
            _ if form == Some(Form::Boolean) => Some(wrong(name, given, Form::Boolean)),
            _ if form == Some(Form::Number) => self.number(name, given),
            Value::String(text) => self.text(name, text).or_else(|| {
                let form = form.filter(|form| !form.fits(text))?;
                Some(wrong(name, given, form))
            }),
            _ => Some(Fault::bad(format!("`{name}` is {}: give a text", shown(given)))),
        }
    }

    /// The question that has to be asked before this argument can be judged, and where its thing says the word. What fits
    /// whatever the word may be needs none.
    pub fn asks(&self, given: &Value) -> Option<(&str, &Pointers)> {
        let FormBy { word: Word::Thing { ask, at }, map } = self.is_by.as_ref()? else { return None };
        let fits = |text: &str| map.iter().all(|(_, form)| form.fits(text));
        (!given.as_str().is_none_or(fits)).then_some((ask.as_str(), at))
    }

    /// What is wrong with this argument where that thing has this word.
    pub fn fault_by(&self, name: &str, given: &Value, word: &str) -> Option<Fault> {
        let form = self.is_by.as_ref()?.map.get(word)?;
        (!given.as_str().is_none_or(|text| form.fits(text))).then(|| wrong(name, given, *form))
    }

    fn text(&self, name: &str, text: &str) -> Option<Fault> {
        let length = text.encode_utf16().count() as u64;
        let (short, long) = (self.min.is_some_and(|min| length < min), self.max.is_some_and(|max| length > max));
        if self.no_nul && text.contains('\0') {
            return Some(Fault::bad(format!("`{name}` holds a NUL character, which the platform cannot store")));
        }
        if self.not_blank && text.trim().is_empty() {
            return Some(Fault::bad(format!("`{name}` is blank: write something")));
        }
        if short || long {
            let message = format!("`{name}` has {length} characters (UTF-16 units); {}", self.range());
            return Some(Fault { too_long: long, message });
        }
        if let Some(most) = self.bytes.filter(|most| text.len() > *most) {
            let message = format!("`{name}` has {} bytes; the platform takes {most}", text.len());
            return Some(Fault { too_long: true, message });
        }
        if !self.words.is_empty() && !self.words.iter().any(|word| word == text) {
            let given = shown(&text.into());
            return Some(Fault::bad(format!("`{name}` is {given}: one of {} is allowed", self.words.join(", "))));
        }
        None
    }

    fn number(&self, name: &str, given: &Value) -> Option<Fault> {
        let number = given.as_u64().or_else(|| given.as_str()?.parse().ok());
        let within = |number: u64| self.min.is_none_or(|min| number >= min) && self.max.is_none_or(|max| number <= max);
        match number {
            Some(number) if within(number) => None,
            Some(number) => Some(Fault::bad(format!("`{name}` is {number}; {}", self.range()))),
            None => Some(wrong(name, given, Form::Number)),
        }
    }

    fn range(&self) -> String {
        match (self.min, self.max) {
            (Some(min), Some(max)) => format!("{min} to {max} are allowed"),
            (Some(min), None) => format!("at least {min} are needed"),
            (None, Some(max)) => format!("at most {max} are allowed"),
            (None, None) => String::new(),
        }
    }
}

fn wrong(name: &str, given: &Value, form: Form) -> Fault {
    Fault::bad(format!("`{name}` is {}, which is not {}", shown(given), form.words()))
}

/// The front of what was given, without what a terminal would obey.
fn shown(given: &Value) -> String {
    let text = given.as_str().map_or_else(|| given.to_string(), str::to_owned);
    let mut front: String = text.chars().filter(|c| !c.is_control()).take(SHOWN).collect();
    if front.len() < text.len() {
        front.push('…');
    }
    format!("`{front}`")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fault(yaml: &str, given: &Value) -> Option<String> {
        let check: Check = serde_yaml::from_str(yaml).unwrap();
        let args = json!({ "type": "sheet" }).as_object().cloned().unwrap();
        check.fault("it", given, &args).map(|fault| fault.message)
    }

    #[test]
    fn lengths_are_counted_in_utf_16_units() {
        let title = "{ min: 1, max: 4 }";
        assert_eq!(fault(title, &json!("😀😀")), None);
        let said = fault(title, &json!("😀😀.")).unwrap();
        assert!(said.contains("`it` has 5 characters") && said.contains("1 to 4 are allowed"), "{said}");
        assert!(fault(title, &json!("")).unwrap().contains("has 0 characters"));
        assert!(fault(title, &json!(7)).unwrap().contains("give a text"));
        assert_eq!(fault("{ bytes: 4 }", &json!("äö")), None);
        assert!(fault("{ bytes: 4 }", &json!("äöü")).unwrap().contains("6 bytes"));
        assert!(fault("{ no_nul: true }", &json!("a\0b")).unwrap().contains("NUL"));
        assert!(fault("{ not_blank: true }", &json!(" \n")).unwrap().contains("blank"));
    }

    #[test]
    fn words_numbers_and_forms_say_what_is_allowed() {
        assert!(fault("{ words: [a, b] }", &json!("c")).unwrap().contains("one of a, b"));
        let limit = "{ is: number, min: 1, max: 100 }";
        assert_eq!((fault(limit, &json!(100)), fault(limit, &json!("7"))), (None, None));
        assert!(fault(limit, &json!(101)).unwrap().contains("1 to 100"));
        assert!(fault(limit, &json!("x")).unwrap().contains("a whole number"));
        assert_eq!(fault("{ is: boolean }", &json!(true)), None);
        assert!(fault("{ is: boolean }", &json!("yes")).unwrap().contains("which is not true or false"));
        assert!(
            fault("{ is: boolean }", &json!("true")).unwrap().contains("the text `true`: give true or false itself")
        );
        let to = json!(["ann@example.com", "not an address"]);
        assert!(fault("{ is: address }", &to).unwrap().contains("`not an address`"));
        let by = "{ is_by: { from: type, map: { sheet: rows } } }";
        assert!(fault(by, &json!("# text")).unwrap().contains("JSON array of objects"));
        assert_eq!(fault(by, &json!("[{\"Name\": \"Ann\"}]")), None);
        assert_eq!(fault("{ is_by: { from: type, map: { slide: rows } } }", &json!("# text")), None);
        for yaml in
            ["{ map: {} }", "{ from: a, ask: b, map: {} }", "{ ask: b, map: {} }", "{ from: a, at: /b, map: {} }"]
        {
            let said = serde_yaml::from_str::<FormBy>(yaml).map(drop).expect_err(yaml).to_string();
            assert!(said.contains("`ask` and `at`"), "{yaml}: {said}");
        }
    }

    #[test]
    fn what_fits_any_kind_of_thing_is_not_asked_about() {
        let check: Check = serde_yaml::from_str("{ is_by: { ask: thing, at: /type, map: { sheet: rows } } }").unwrap();
        let (rows, text) = (json!("[{\"Name\": \"Ann\"}]"), json!("# text"));
        assert!(check.asks(&rows).is_none() && check.asks(&text).is_some());
        assert!(check.fault("it", &text, &Map::new()).is_none(), "not before it is known what it goes into");
        assert!(check.fault_by("it", &text, "sheet").unwrap().message.contains("JSON array of objects"));
        assert!(check.fault_by("it", &text, "draft").is_none() && check.fault_by("it", &rows, "sheet").is_none());
    }
}
