//! What the agent writes into an open document by the platform's own route: it comes back as if somebody else had written
//! it, and nothing in it says who did. It is known again by what stands there then.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::document::diff::{Line, diff};

/// So long after it was sent it is looked for in what comes: the request may take a minute.
const LOOKED_FOR: Duration = Duration::from_mins(2);
/// Texts that are looked for at once in one document; the oldest makes room.
const AT_ONCE: usize = 8;

/// Texts, the newest last, each with the end of the search for it.
type Texts = Vec<(Instant, String)>;

/// The texts of one workspace, by document. Cheap to clone: who sends them and who looks for them are different tasks.
#[derive(Clone, Debug, Default)]
pub(super) struct Written(Arc<Mutex<HashMap<String, Texts>>>);

impl Written {
    /// The agent is about to replace all of a document by this.
    pub fn sends(&self, document: &str, text: &str) {
        self.with(|written| {
            let now = Instant::now();
            written.retain(|_, texts| {
                texts.retain(|(until, _)| *until > now);
                !texts.is_empty()
            });
            let texts = written.entry(document.to_owned()).or_default();
            texts.retain(|(_, known)| known != text);
            if texts.len() >= AT_ONCE {
                texts.remove(0);
            }
            texts.push((now + LOOKED_FOR, text.to_owned()));
        });
    }

    /// Whether something is looked for there.
    pub fn expects(&self, document: &str) -> bool {
        let now = Instant::now();
        self.with(|written| written.get(document).is_some_and(|texts| texts.iter().any(|(until, _)| *until > now)))
    }

    /// A document that said `before` says `after`. Where that brought what the agent wrote: what of `after` is the
    /// agent's own; the rest of it others have changed since.
    pub fn brought(&self, document: &str, before: &str, after: &str) -> Option<String> {
        self.with(|written| {
            let texts = written.get_mut(document)?;
            let distance = |text: &str| if text.trim() == after.trim() { 0 } else { apart(text, after) };
            let nearest = (0..texts.len()).rev().min_by_key(|at| distance(&texts[*at].1))?;
            let text = &texts[nearest].1;
            // Nearer to what the agent wrote than to what stood there: most of what came is the agent's.
            let same = text.trim() == after.trim();
            if !same && distance(text) >= apart(before, after) {
                return None;
            }
            // However it is rendered, where nothing else is in it all of it is the agent's.
            let own = if distance(text) == 0 { after.to_owned() } else { text.clone() };
            // What was sent before it was replaced by it.
            texts.drain(..=nearest);
            Some(own)
        })
    }

    fn with<T>(&self, look: impl FnOnce(&mut HashMap<String, Texts>) -> T) -> T {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// How many lines differ, by their letters and digits: marks and gaps are the platform's to write in its own way.
fn apart(before: &str, after: &str) -> usize {
    let found = diff(&bare(before), &bare(after), usize::MAX, usize::MAX);
    found.lines.iter().filter(|line| !matches!(line, Line::Same(_))).count()
}

fn bare(text: &str) -> String {
    let lines = text.lines().map(|line| line.chars().filter(|letter| letter.is_alphanumeric()).collect::<String>());
    lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    const D: &str = "d";

    fn sent(texts: &[&str]) -> Written {
        let written = Written::default();
        for text in texts {
            written.sends(D, text);
        }
        written
    }

    #[tokio::test(start_paused = true)]
    async fn what_the_agent_wrote_is_known_however_it_is_rendered_and_whoever_writes_beside_it() {
        let text = "# Plan\n\n- One\n- Two\n\nThe end.";
        let cases = [
            // before, after, the agent's own of it
            ("Plan", text, Some(text)),
            ("", "# Plan\n\n* One\n\n* Two\n\nThe end", Some("# Plan\n\n* One\n\n* Two\n\nThe end")),
            ("Notes.", "# Plan\n\n- One\n- Two\n\nThe end.\n\nSays Pierre.", Some(text)),
            ("# Plan\n\n- One\n- Two", "# Plan\n\n- One\n- Two\n\nSays Pierre.", None),
            ("Notes.", "Notes, says Pierre.", None),
            (text, "# Plan\n\n- One\n- Two and a half\n\nThe end.", None),
        ];
        for (before, after, own) in cases {
            let written = sent(&[text]);
            assert_eq!(written.brought(D, before, after).as_deref(), own, "{before:?} to {after:?}");
            assert_eq!(written.expects(D), own.is_none(), "it is looked for until it was found");
        }
        assert_eq!(sent(&[text]).brought("another", "", text), None);
        assert_eq!(sent(&["Rome!"]).brought(D, "Rome.", "Rome!").as_deref(), Some("Rome!"), "a mark alone");
    }

    #[tokio::test(start_paused = true)]
    async fn the_last_of_several_ends_the_search_for_those_before_it_and_time_ends_it_for_all() {
        let written = sent(&["One.", "Two.", "Three."]);
        assert_eq!(written.brought(D, "", "Two.").as_deref(), Some("Two."));
        assert_eq!(written.brought(D, "Two.", "One."), None, "it was replaced");
        assert!(written.expects(D));
        tokio::time::advance(LOOKED_FOR).await;
        assert!(!written.expects(D));
    }
}
