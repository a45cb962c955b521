//! One page of an event log: what stands in it, and whether the log goes on behind it. Pure.

use serde_json::Value;

use crate::adapter::Log;
use crate::line::Dropped;

/// A longer cursor is none: it goes into a URL and into a row of the store. Bytes.
const CURSOR_CAP: usize = 4 << 10;
/// Pages in a row with nothing in them, though their cursors go on, that a read follows: a platform may leave out what the
/// agent must not see. A cursor that moves on nothing would be followed for ever.
const EMPTY: u32 = 5;

/// One page.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Page {
    /// Its entries, the oldest first.
    pub entries: Vec<Value>,
    /// The size of its body.
    pub bytes: usize,
    /// Where the next one begins, where that is another place than this one began.
    pub next: Option<String>,
}

impl Page {
    /// Reads the body of a success. `sent` is the cursor that the request named.
    pub fn read(body: &[u8], log: &Log, sent: Option<&str>) -> Result<Self, Dropped> {
        let (unreadable, bytes) = (Dropped::Unreadable, body.len());
        let mut body: Value =
            serde_json::from_slice(body).map_err(|error| unreadable(format!("the page is no JSON ({error})")))?;
        if !body.is_object() {
            return Err(unreadable("the page is no JSON object".to_owned()));
        }
        let next = log.cursor.text(&body).filter(|next| !next.is_empty() && Some(next.as_str()) != sent);
        if next.as_ref().is_some_and(|next| next.len() > CURSOR_CAP) {
            return Err(unreadable(format!("its cursor has more than {CURSOR_CAP} bytes")));
        }
        let entries = match log.items.find_mut(&mut body) {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Array(entries)) => std::mem::take(entries),
            Some(_) => return Err(unreadable(format!("`{}` is no list", log.items.as_str()))),
        };
        Ok(Self { entries, bytes, next })
    }

    /// Whether the log ends here: where the cursor repeats itself or is missing, and behind too many pages in a row with
    /// nothing in them, which are counted in `empty`.
    pub const fn is_last(&self, empty: &mut u32) -> bool {
        *empty = if self.entries.is_empty() { *empty + 1 } else { 0 };
        self.next.is_none() || *empty >= EMPTY
    }
}

/// Notices cursors that lead back to where they came from, in constant memory (Brent's algorithm): without it two
/// cursors that name each other would be followed for ever.
#[derive(Debug, Default)]
pub(super) struct Circle {
    mark: Option<String>,
    steps: u64,
    renew_at: u64,
}

impl Circle {
    /// Whether this cursor was met before.
    pub fn closes(&mut self, cursor: &str) -> bool {
        if self.mark.as_deref() == Some(cursor) {
            return true;
        }
        self.steps += 1;
        if self.steps >= self.renew_at {
            (self.mark, self.renew_at) = (Some(cursor.to_owned()), self.steps * 2);
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn log() -> Log {
        let pointer = |text: &str| serde_json::from_value(json!(text)).unwrap();
        let cursor = serde_json::from_value(json!(["/next_cursor", "/next"])).unwrap();
        let (refused, ascending, every, beside, members) = (None, false, None, None, None);
        Log { items: pointer("/events"), cursor, refused, ascending, every, beside, members }
    }

    fn read(body: &str, sent: Option<&str>) -> Result<Page, Dropped> {
        Page::read(body.as_bytes(), &log(), sent)
    }

    #[test]
    fn row_20_a_cursor_that_repeats_is_no_cursor_and_neither_is_one_that_is_missing() {
        let page = read(r#"{"events":[1,2],"next_cursor":"b"}"#, Some("a")).unwrap();
        assert_eq!((page.entries.len(), page.next.as_deref(), page.is_last(&mut 0)), (2, Some("b"), false));
        for end in [r#"{"events":[1],"next_cursor":"a"}"#, r#"{"events":[1],"next_cursor":null}"#, r#"{"events":[1]}"#]
        {
            let page = read(end, Some("a")).unwrap();
            assert_eq!((page.entries.len(), &page.next, page.is_last(&mut 0)), (1, &None, true), "{end}");
        }
        let (nothing, mut empty) = (read(r#"{"events":null,"next":7}"#, Some("a")).unwrap(), 0);
        for _ in 1..EMPTY {
            assert!(!nothing.is_last(&mut empty), "its cursor goes on");
        }
        assert!(nothing.is_last(&mut empty), "and on and on");
    }

    #[test]
    fn what_is_no_page_is_refused_by_name() {
        let long = format!(r#"{{"events":[],"next":"{}"}}"#, "x".repeat(CURSOR_CAP + 1));
        for bad in ["<html>", "[]", r#"{"events":{}}"#, "", &long] {
            assert!(matches!(read(bad, None), Err(Dropped::Unreadable(_))), "{bad:.40}");
        }
    }

    #[test]
    fn p10_a_circle_of_any_length_is_noticed_within_a_few_rounds() {
        for length in [1_u32, 2, 3, 7, 100] {
            let mut circle = Circle::default();
            let tail = (0..50).map(|n| format!("tail {n}"));
            let round = (0..length * 5 + 200).map(|n| format!("round {}", n % length));
            assert!(tail.chain(round).any(|cursor| circle.closes(&cursor)), "{length}");
        }
        let mut circle = Circle::default();
        assert!(!(0..10_000).any(|n| circle.closes(&n.to_string())), "a long log is no circle");
    }
}
