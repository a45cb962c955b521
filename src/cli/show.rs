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
    if is_terminal() { line(format!("{value:#}")) } else { line(value) }
}

/// Rows under headers on a terminal; without them, tab-separated, in a pipe.
pub fn table(headers: &[&str], rows: Vec<Vec<String>>) -> Result<(), Fault> {
    if !is_terminal() {
        let clean = |cell: &String| cell.replace(['\t', '\n', '\r'], " ");
        return rows.iter().try_for_each(|row| line(row.iter().map(clean).collect::<Vec<_>>().join("\t")));
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
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

/// What is at `key`, as a list.
pub fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// A note on stderr, which is no error.
pub fn note(text: impl std::fmt::Display) {
    anstream::eprintln!("{text}");
}
