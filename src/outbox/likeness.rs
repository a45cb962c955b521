//! Whether a message that the platform shows is the one that was sent: pure.
//!
//! A platform renders what it is given: marks go, links lose their targets, entities become letters. So both sides are
//! reduced to their letters and digits. What is then neither the same nor surely something else is left unclear, and
//! what is unclear is never taken for missing.

use std::collections::BTreeSet;

use pulldown_cmark::{Event, Parser, Tag, TagEnd};

/// Below so many words on either side nothing is surely different: one of them may stand for another (a mention, an emoji).
const WORDS: usize = 3;

/// What was sent, as an action's arguments have it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sent {
    /// Markdown, or plain text.
    pub text: Option<String>,
    /// HTML.
    pub html: Option<String>,
    /// The names of its files.
    pub files: Vec<String>,
}

/// What the platform shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shown {
    /// As plain text.
    pub text: Option<String>,
    /// As HTML.
    pub html: Option<String>,
    /// The names of its files.
    pub files: Vec<String>,
}

/// What a comparison says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Likeness {
    /// The same, as far as rendering lets it be seen.
    Alike,
    /// It may be the same.
    Unclear,
    /// Surely something else.
    Different,
}

/// Compares what was sent with what is shown.
pub fn likeness(sent: &Sent, shown: &Shown) -> Likeness {
    let wanted: Vec<String> =
        sent.text.iter().flat_map(|text| readings(text)).chain(pages(sent.html.as_ref())).collect();
    let said: Vec<String> = shown.text.iter().cloned().chain(pages(shown.html.as_ref())).collect();
    let files = same_files(&sent.files, &shown.files);
    if wanted.iter().all(|text| text.trim().is_empty()) {
        // Nothing but files: a platform may show their names as a text.
        let silent = said.iter().all(|text| text.trim().is_empty());
        return match (files, silent || !sent.files.is_empty()) {
            (true, true) => Likeness::Alike,
            (_, true) => Likeness::Unclear,
            (_, false) => Likeness::Different,
        };
    }
    match texts(&wanted, &said) {
        Likeness::Alike if !files => Likeness::Unclear,
        likeness => likeness,
    }
}

fn texts(wanted: &[String], said: &[String]) -> Likeness {
    let same = |one: &String, other: &String| match (letters(one), letters(other)) {
        (one, other) if !one.is_empty() || !other.is_empty() => one == other,
        // Emoji and signs alone: then they count.
        _ => one.split_whitespace().eq(other.split_whitespace()),
    };
    if wanted.iter().any(|one| said.iter().any(|other| same(one, other))) {
        return Likeness::Alike;
    }
    let (wanted, said) = (words(wanted), words(said));
    let fewer = wanted.len().min(said.len());
    let shared = wanted.intersection(&said).count();
    if fewer >= WORDS && shared * 2 < fewer { Likeness::Different } else { Likeness::Unclear }
}

/// As it stands, as CommonMark shows it, and the same with the targets of its links.
fn readings(text: &str) -> [String; 3] {
    [text.to_owned(), rendered(text, false), rendered(text, true)]
}

/// The text of CommonMark (its 0.31), without its marks.
fn rendered(markdown: &str, targets: bool) -> String {
    let (mut text, mut open) = (String::new(), Vec::new());
    for event in Parser::new(markdown) {
        match event {
            Event::Text(said) | Event::Code(said) => text.push_str(&said),
            Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) if targets => open.push(dest_url),
            Event::End(TagEnd::Link | TagEnd::Image) => {
                text.extend(open.pop().iter().flat_map(|url| [" ", url, " "]));
            }
            Event::End(TagEnd::Emphasis | TagEnd::Strong) => {}
            Event::SoftBreak | Event::HardBreak | Event::Rule | Event::End(_) => text.push(' '),
            _ => {}
        }
    }
    text
}

/// The text of HTML, without its tags.
fn pages(html: Option<&String>) -> impl Iterator<Item = String> {
    html.into_iter().map(|html| {
        let (mut text, mut rest) = (String::new(), html.as_str());
        while let Some((before, tag)) = rest.split_once('<') {
            text.extend([before, " "]);
            rest = tag.split_once('>').map_or("", |(_, after)| after);
        }
        decoded(&(text + rest))
    })
}

/// Entities as the characters that they stand for; one that is not known stands for none.
fn decoded(text: &str) -> String {
    let (mut plain, mut rest) = (String::new(), text);
    while let Some((before, entity)) = rest.split_once('&') {
        plain.push_str(before);
        // The longest name of HTML has 31 letters.
        let name = entity.split_once(';').filter(|(name, _)| name.len() < 32 && !name.contains(char::is_whitespace));
        let Some((name, after)) = name else {
            plain.push('&');
            rest = entity;
            continue;
        };
        plain.extend(character(name));
        rest = after;
    }
    plain + rest
}

fn character(entity: &str) -> Option<char> {
    match entity {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        "nbsp" => Some(' '),
        _ => {
            let number = entity.strip_prefix('#')?;
            let hex = number.strip_prefix(['x', 'X']);
            let code = hex.map_or_else(|| number.parse().ok(), |hex| u32::from_str_radix(hex, 16).ok());
            code.and_then(char::from_u32)
        }
    }
}

fn same_files(sent: &[String], shown: &[String]) -> bool {
    let sorted = |names: &[String]| {
        let mut names: Vec<String> = names.iter().map(|name| letters(name)).collect();
        names.sort();
        names
    };
    sorted(sent) == sorted(shown)
}

fn letters(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

fn words(texts: &[String]) -> BTreeSet<String> {
    let words = texts.iter().flat_map(|text| text.split(|c: char| !c.is_alphanumeric()));
    words.filter(|word| !word.is_empty()).map(str::to_lowercase).collect()
}

#[cfg(test)]
mod tests;
