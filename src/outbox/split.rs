//! Cuts a long text into parts that a platform takes, each an action of its own. Pure.

use serde_json::Value;

use crate::action::{Action, Part};
use crate::adapter::Split;

/// The rows of an action whose text is too long, in order; the first keeps its id, key and files. `None` where it fits,
/// or is a part already.
pub fn rows(action: &Action, rule: &Split) -> Option<Vec<Action>> {
    let text = action.args.get(&rule.field).and_then(Value::as_str)?;
    if action.part.is_some() || text.len() <= rule.bytes {
        return None;
    }
    let texts = split(text, rule.bytes);
    let of = u32::try_from(texts.len()).ok()?;
    let row = |(index, text): (u32, &str)| {
        let mut row = Action { id: action.id.part(index), ..action.clone() };
        row.part = Some(Part { whole: action.id.clone(), index, of });
        row.args.insert(rule.field.clone(), text.into());
        if index > 0 {
            row.key = None;
            row.args.remove(super::files::FILES);
        }
        row
    };
    Some((0..of).zip(texts).map(row).collect())
}

/// Cuts `text` into parts of at most `limit` bytes: at the last line break or space of the second half of a part
/// where there is one, always on a character's border. Nothing is lost: the parts joined are the text.
pub fn split(text: &str, limit: usize) -> Vec<&str> {
    let limit = limit.max(4); // no character is longer
    let mut parts = Vec::new();
    let mut rest = text;
    while rest.len() > limit {
        let (part, tail) = rest.split_at(border(rest, limit));
        parts.push(part);
        rest = tail;
    }
    parts.push(rest);
    parts
}

fn border(text: &str, limit: usize) -> usize {
    let end = text.floor_char_boundary(limit);
    let half = text.floor_char_boundary(limit / 2);
    let late = &text[half..end];
    late.rfind('\n').or_else(|| late.rfind(' ')).map_or(end, |at| half + at + 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn cuts_at_a_word_where_it_can() {
        assert_eq!(split("hello brave world", 12), ["hello brave ", "world"]);
        assert_eq!(split("short", 10_000), ["short"]);
        assert_eq!(split("", 10), [""]);
    }

    proptest! {
        #[test]
        fn the_parts_joined_are_the_text(text in "\\PC{0,200}", limit in 1_usize..64) {
            let parts = split(&text, limit);
            prop_assert_eq!(parts.concat(), text.clone());
            prop_assert!(parts.iter().all(|part| part.len() <= limit.max(4)));
            prop_assert!(parts.iter().all(|part| !part.is_empty()) || text.is_empty());
        }
    }
}
