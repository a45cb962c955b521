//! Why a config is refused, and where in the file.

use super::guarded;

/// Why a config is refused. One line each: what, where, what to do.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the config {path}: {source}")]
    Read {
        /// The file.
        path: String,
        /// The system's word.
        source: std::io::Error,
    },
    /// Others could have written it.
    #[error(transparent)]
    Loose(#[from] guarded::Loose),
    /// A key, a type or the syntax.
    #[error("{path}:{line}: {key}{what}")]
    Parse {
        /// The file.
        path: String,
        /// From 1.
        line: usize,
        /// `` `section.key`: ``, where known.
        key: String,
        /// What is expected.
        what: String,
    },
    /// Parsed, but it contradicts itself.
    #[error("{path}: {what}")]
    Contradiction {
        /// The file.
        path: String,
        /// What, and what to do.
        what: String,
    },
}

/// Turns the parser's word into one line with file, line and key.
pub(super) fn locate(text: &str, path: &str, error: &toml::de::Error) -> ConfigError {
    let at = error.span().map_or(0, |span| span.start).min(text.len());
    let line = text.as_bytes()[..at].split(|byte| *byte == b'\n').count();
    let what = error.message().split_whitespace().collect::<Vec<_>>().join(" ");
    ConfigError::Parse { path: path.to_owned(), line, key: printable(&key_at(text, line)), what: printable(&what) }
}

/// What stands in a file may be anything; what a terminal is told may not.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// The key that a line belongs to: its own, or the nearest above, under the nearest section.
fn key_at(text: &str, line: usize) -> String {
    let above: Vec<&str> = text.lines().take(line).collect();
    let header = above.iter().rposition(|line| line.trim_start().starts_with('['));
    let section = header.map_or("", |at| above[at].trim().trim_matches(['[', ']']));
    let own = above.iter().enumerate().rev().take_while(|(at, _)| header.is_none_or(|header| *at > header));
    let key = own.map(|(_, line)| line).find_map(|line| line.split_once('=')).map_or("", |(key, _)| key.trim());
    match (section.is_empty(), key.is_empty()) {
        (true, true) => String::new(),
        (false, false) => format!("`{section}.{key}`: "),
        _ => format!("`{section}{key}`: "),
    }
}
