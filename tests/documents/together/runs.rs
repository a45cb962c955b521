//! What the agent asks for, and what must stand in the document for it. Every edit puts in a run of its own between two
//! brackets that nobody else writes, within which nobody else writes: each is there once, whole, and in the order in which
//! the agent has put them, or it was taken out by the agent.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::chance::Chance;

const OPEN: char = '⟦';
const CLOSE: char = '⟧';

/// An edit of the agent.
pub struct Wish {
    /// The arguments of `document.edit`.
    pub args: Value,
    /// Its run, where it need not be made: it is about words that somebody may take out at this moment.
    pub unsure: Option<String>,
}

/// Every run of the agent that must stand.
#[derive(Default)]
pub struct Runs {
    made: usize,
    /// In their order: beside each other, or at an end.
    placed: Vec<String>,
    /// Beside other people's words, or in a block behind a block.
    somewhere: BTreeSet<String>,
}

impl Runs {
    /// Some edit; `words` are other people's, as they were read.
    pub fn edit(&mut self, words: &[String], chance: &mut Chance) -> Wish {
        let run = self.run();
        if !words.is_empty() {
            return self.beside(chance.pick::<String>(words), run, chance);
        }
        let sure = |args| Wish { args, unsure: None };
        if self.placed.is_empty() || chance.once_in(3) {
            return sure(self.at_an_end(&run, chance));
        }
        let at = chance.below(self.placed.len());
        let own = self.placed[at].clone();
        sure(match chance.below(8) {
            0 => {
                self.placed.remove(at);
                json!({ "op": "delete", "quote": own })
            }
            1 => {
                self.placed[at].clone_from(&run);
                json!({ "op": "replace", "quote": own, "text": run })
            }
            // A line of its own goes behind the quote's whole block in a rich document, so among which others is open.
            2 => {
                let text = format!("{run}\n");
                self.somewhere.insert(run);
                json!({ "op": "insert", "quote": own, "text": text })
            }
            3..5 => {
                self.placed.insert(at, run.clone());
                json!({ "op": "insert", "quote": own, "where": "before", "text": run })
            }
            _ => {
                self.placed.insert(at + 1, run.clone());
                json!({ "op": "insert", "quote": own, "where": "after", "text": run })
            }
        })
    }

    /// The last edit.
    pub fn last(&mut self) -> Wish {
        let run = self.run();
        self.placed.push(run.clone());
        Wish { args: json!({ "op": "append", "text": run }), unsure: None }
    }

    fn run(&mut self) -> String {
        let number: String = self.made.to_string().bytes().map(|digit| char::from(digit - b'0' + b'A')).collect();
        self.made += 1;
        // A letter of two UTF-16 units in some.
        let more = if self.made.is_multiple_of(3) { "𝔸" } else { "" };
        format!("{OPEN}{number}{more}{CLOSE}")
    }

    fn at_an_end(&mut self, run: &str, chance: &mut Chance) -> Value {
        if chance.once_in(4) {
            self.placed.insert(0, run.to_owned());
            return json!({ "op": "insert", "where": "start", "text": run });
        }
        self.placed.push(run.to_owned());
        match chance.below(4) {
            0 => json!({ "op": "insert", "where": "end", "text": run }),
            1 => json!({ "op": "append", "text": format!("## {run}") }),
            2 => json!({ "op": "append", "text": format!("**{run}**") }),
            _ => json!({ "op": "append", "text": run }),
        }
    }

    fn beside(&mut self, word: &str, run: String, chance: &mut Chance) -> Wish {
        let args = match chance.below(3) {
            0 => json!({ "op": "replace", "quote": word, "text": run }),
            1 => json!({ "op": "insert", "quote": word, "where": "before", "text": run }),
            _ => json!({ "op": "insert", "quote": word, "text": run }),
        };
        self.somewhere.insert(run.clone());
        Wish { args, unsure: Some(run) }
    }

    /// This one was not made.
    pub fn missed(&mut self, run: &str) {
        assert!(self.somewhere.remove(run), "`{run}` was asked for");
    }

    /// All of them stand in this text, and no other.
    pub fn stand_in(&self, text: &str) {
        let runs: Vec<&str> = found(text);
        let (placed, elsewhere): (Vec<&str>, Vec<&str>) =
            runs.iter().partition(|run| self.placed.iter().any(|placed| placed == *run));
        assert_eq!(placed, self.placed, "each once and in its order in {text}");
        let once: BTreeSet<String> = elsewhere.iter().map(ToString::to_string).collect();
        assert_eq!(once.len(), elsewhere.len(), "each once: {elsewhere:?} in {text}");
        assert_eq!(once, self.somewhere, "in {text}");
    }
}

/// The runs in a text, in order.
fn found(text: &str) -> Vec<&str> {
    let starts = text.match_indices(OPEN).map(|(at, _)| &text[at..]);
    starts.map(|rest| &rest[..rest.find(CLOSE).expect("nobody cuts into a run") + CLOSE.len_utf8()]).collect()
}

/// Words of people that stand there once.
pub fn words(text: &str) -> Vec<String> {
    let inner = text.split(|letter: char| !letter.is_ascii_alphanumeric() || letter.is_ascii_uppercase());
    let words: Vec<&str> = inner.filter(|word| word.len() > 3).collect();
    words.iter().filter(|word| text.matches(**word).count() == 1).map(ToString::to_string).collect()
}
