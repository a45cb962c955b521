//! The little Markdown that agents write, as blocks: paragraphs, headings, lists (flat), quotes, code, lines across; in
//! them bold, italic and code. What is not understood stays as it was written.

use super::schema::{Mark, Node};

/// Text under the same marks.
pub(super) type Run = (String, Vec<Mark>);

/// One block to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Part {
    /// What it is; for a list's item, which list.
    pub(super) node: Node,
    /// A heading's level.
    pub(super) level: u8,
    pub(super) runs: Vec<Run>,
}

impl Part {
    /// Its text without marks.
    pub(super) fn text(&self) -> String {
        self.runs.iter().map(|(text, _)| text.as_str()).collect()
    }
}

fn part(node: Node, level: u8, text: &str) -> Part {
    Part { node, level, runs: runs(text) }
}

/// The blocks of a text.
pub(super) fn parts(text: &str) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    let mut open: Vec<&str> = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let trimmed = line.trim();
        if let Some(fence) = fence(trimmed) {
            close(&mut open, &mut parts);
            let code: Vec<&str> = lines.by_ref().take_while(|line| line.trim() != fence).collect();
            parts.push(Part { node: Node::Code, level: 0, runs: vec![(code.join("\n"), Vec::new())] });
        } else if trimmed.is_empty() {
            close(&mut open, &mut parts);
        } else if let Some(part) = marked(trimmed) {
            close(&mut open, &mut parts);
            parts.push(part);
        } else {
            open.push(trimmed);
        }
    }
    close(&mut open, &mut parts);
    parts
}

/// Lines that follow each other are one paragraph.
fn close(open: &mut Vec<&str>, parts: &mut Vec<Part>) {
    if !open.is_empty() {
        parts.push(part(Node::Paragraph, 0, &open.join(" ")));
        open.clear();
    }
}

fn fence(line: &str) -> Option<&'static str> {
    ["```", "~~~"].into_iter().find(|fence| line.starts_with(fence))
}

/// A line that says by its beginning what it is.
fn marked(line: &str) -> Option<Part> {
    let level = line.bytes().take_while(|byte| *byte == b'#').count();
    if (1..=6).contains(&level) && line[level..].starts_with(' ') {
        return Some(part(Node::Heading, u8::try_from(level).unwrap_or(6), line[level..].trim()));
    }
    if line.len() >= 3 && ["-", "*", "_"].iter().any(|mark| line.replace(mark, "").is_empty()) {
        return Some(Part { node: Node::Rule, level: 0, runs: Vec::new() });
    }
    for (mark, node) in [("- ", Node::Bullets), ("* ", Node::Bullets), ("+ ", Node::Bullets), ("> ", Node::Quote)] {
        if let Some(text) = line.strip_prefix(mark) {
            return Some(part(node, 0, text.trim()));
        }
    }
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    let text = line[digits..].strip_prefix(". ").or_else(|| line[digits..].strip_prefix(") "))?;
    (1..=9).contains(&digits).then(|| part(Node::Numbers, 0, text.trim()))
}

/// Marks of longer signs first: `**` is no `*` twice.
const SIGNS: [(&str, Mark); 5] =
    [("**", Mark::Strong), ("__", Mark::Strong), ("`", Mark::Code), ("*", Mark::Emphasis), ("_", Mark::Emphasis)];

/// A line's text by its marks. A sign opens before a letter and closes behind one; without its other end it is a letter.
fn runs(text: &str) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    let mut rest = text;
    let mut before = ' ';
    while !rest.is_empty() {
        if let Some((inner, mark, after)) = opened(rest, before) {
            runs.push((inner.to_owned(), vec![mark]));
            before = 'a';
            rest = after;
            continue;
        }
        let Some(letter) = rest.chars().next() else { break };
        match runs.last_mut() {
            Some((plain, marks)) if marks.is_empty() => plain.push(letter),
            _ => runs.push((letter.to_string(), Vec::new())),
        }
        before = letter;
        rest = &rest[letter.len_utf8()..];
    }
    runs
}

fn opened(rest: &str, before: char) -> Option<(&str, Mark, &str)> {
    // Within a word a sign is part of a name (snake_case, 2*3).
    if before.is_alphanumeric() {
        return None;
    }
    let (sign, mark) = SIGNS.into_iter().find(|(sign, _)| rest.starts_with(sign))?;
    let inside = &rest[sign.len()..];
    let end = inside.find(sign)?;
    let (inner, after) = (&inside[..end], &inside[end + sign.len()..]);
    let tight = !inner.is_empty() && inner.trim() == inner;
    let ends = !after.chars().next().is_some_and(char::is_alphanumeric);
    (tight && ends).then_some((inner, mark, after))
}
