//! How answers look: tables on a terminal, tab-separated lines in a pipe, JSON when asked.

use std::io::{IsTerminal, Write};

use comfy_table::{ContentArrangement, Table, presets};
use serde_json::Value;

use super::exit::{self, Fault};

/// Whether people look at stdout.
pub fn is_terminal() -> bool {
    std::io::stdout().is_terminal()
}

/// A line on stdout. A closed pipe ends the command without a word, as `head` expects.
pub fn line(text: impl std::fmt::Display) -> Result<(), Fault> {
    writeln!(anstream::stdout(), "{text}").map_err(|error| match error.kind() {
        std::io::ErrorKind::BrokenPipe => Fault { code: 0, message: String::new() },
        _ => Fault::new(exit::IO, format!("cannot write to stdout: {error}")),
    })
}

/// JSON: for people with indents, for programs on one line.
pub fn json(value: &Value) -> Result<(), Fault> {
    line(json_text(&if is_terminal() { format!("{value:#}") } else { value.to_string() }))
}

/// The same JSON without a character that a terminal obeys: those beyond ASCII, too, are written as escapes.
pub fn json_text(json: &str) -> String {
    json.chars().fold(String::with_capacity(json.len()), |shown, c| match c {
        // All of them are of one unit in UTF-16.
        c if c != '\n' && obeyed(c) => shown + &format!("\\u{:04x}", u32::from(c)),
        c => shown + c.encode_utf8(&mut [0; 4]),
    })
}

/// A text that others wrote, for a line of its own: what a terminal would obey becomes a space.
pub fn clean(text: &str) -> String {
    text.chars().map(|c| if obeyed(c) { ' ' } else { c }).collect()
}

/// Control characters (C0, DEL and C1: escape sequences begin with one), and what turns or breaks a line: separators and
/// bidirectional embeddings, overrides and isolates (UAX #9), by which a text passes for another.
const fn obeyed(c: char) -> bool {
    matches!(c, '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Rows under headers on a terminal; without them, tab-separated, in a pipe.
pub fn table(headers: &[&str], rows: Vec<Vec<String>>) -> Result<(), Fault> {
    let rows: Vec<Vec<String>> = rows.into_iter().map(|row| row.iter().map(|cell| clean(cell)).collect()).collect();
    if !is_terminal() {
        return rows.iter().try_for_each(|row| line(row.join("\t")));
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    // A terminal that does not say how wide it is says 0: nothing is squeezed into that.
    if table.width() == Some(0) {
        table.set_content_arrangement(ContentArrangement::Disabled);
    }
    table.set_header(headers.to_vec()).add_rows(rows);
    line(table)
}

/// The text at `key`, or the number; empty where there is none.
pub fn text(value: &Value, key: &str) -> String {
    match value.get(key) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

/// The changed lines of a `document.changed`'s `diff` in one; empty where there are none.
pub fn changes(diff: &str) -> String {
    let changed = |line: &&str| line.len() > 1 && (line.starts_with('-') || line.starts_with('+'));
    diff.lines().filter(changed).collect::<Vec<_>>().join(" | ")
}

/// What is at `key`, as a list.
pub fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// A note on stderr, which is no error.
pub fn note(text: impl std::fmt::Display) {
    anstream::eprintln!("{}", clean(&text.to_string()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_is_told_by_what_has_changed_in_it() {
        assert_eq!(changes("@ 1\n-Rome.\n+Milan.\n+\n+Venice.\n@ 2\n"), "-Rome. | +Milan. | +Venice.");
        assert_eq!(changes(""), "");
    }

    #[test]
    fn nothing_that_a_terminal_obeys_is_shown_and_json_stays_the_same_json() {
        let foul = "a\u{1b}]0;b\u{7}\u{9b}2J\r\n\u{202e}c\u{2066}d\u{2028}\u{7f}";
        assert_eq!(clean(foul), "a ]0;b  2J   c d  ");
        assert_eq!(clean("naïve 日本 عربي 👩‍👩‍👧"), "naïve 日本 عربي 👩‍👩‍👧");
        let value = serde_json::json!({ "text": foul });
        let shown = json_text(&value.to_string());
        assert!(shown.is_ascii(), "{shown}");
        assert_eq!(serde_json::from_str::<Value>(&shown).unwrap(), value);
    }
}
