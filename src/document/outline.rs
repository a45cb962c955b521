//! A document as a reader sees it: blocks of text with what they are, and who put in which part.

mod walk;

use yrs::types::Attrs;
use yrs::{TextRef, XmlElementRef};

pub(super) use walk::outline;

use super::Kind;

/// What a block is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// The whole of a plain document.
    Plain,
    /// A paragraph.
    Paragraph,
    /// A heading of this level, from 1.
    Heading(u8),
    /// Code.
    Code,
    /// A line across.
    Rule,
}

/// Text that one client put in, under the same marks.
#[derive(Clone, Debug, PartialEq)]
pub struct Span {
    /// The text; U+FFFC where something stands that is none.
    pub text: String,
    /// The Yjs client that inserted it.
    pub author: u64,
    /// The marks on it, as the editor named them.
    pub marks: Attrs,
    /// Where it stands in the document; `None` for what cannot be edited as text.
    pub(super) at: Option<(TextRef, u32)>,
    /// The node that it is the text of, and its place among its siblings.
    pub(super) atom: Option<(XmlElementRef, u32)>,
}

/// A block: what a quote must lie in.
#[derive(Clone, Debug, PartialEq)]
pub struct Block {
    /// What it is.
    pub style: Style,
    /// What stands before its first line: marks of lists and quotes.
    pub lead: String,
    /// What stands before each further line.
    pub indent: String,
    /// Whether it belongs to a list.
    pub listed: bool,
    /// Its text in order.
    pub spans: Vec<Span>,
    /// Which child of the holder it lies in.
    pub(super) top: u32,
}

/// A document at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    /// The shared type's name; `None` where the document is empty and nobody said which it uses.
    pub name: Option<String>,
    /// How it holds text.
    pub kind: Kind,
    /// Its blocks in order.
    pub blocks: Vec<Block>,
    /// The nodes' names that occur, in order of occurrence.
    pub(super) names: Vec<String>,
    /// How many blocks the holder has: the shared type, or its group.
    pub(super) children: u32,
    /// The one node that holds all blocks, where the editor has such a node.
    pub(super) group: Option<XmlElementRef>,
}

impl Block {
    /// Its text without anything around it.
    pub fn text(&self) -> String {
        self.spans.iter().map(|span| span.text.as_str()).collect()
    }

    /// Its lines, as Markdown has them.
    fn lines(&self) -> String {
        let text = self.text();
        let text = match self.style {
            Style::Heading(level) => format!("{} {text}", "#".repeat(level.clamp(1, 6).into())),
            Style::Code => format!("```\n{text}\n```"),
            Style::Rule => "---".to_owned(),
            Style::Plain | Style::Paragraph => text,
        };
        if matches!(self.style, Style::Plain) {
            return text;
        }
        let inner = text.replace('\n', &format!("\n{}", self.indent));
        format!("{}{inner}", self.lead)
    }
}

impl Reading {
    /// The whole document, with headings, lists and quotes as Markdown writes them; a plain document as it is.
    pub fn text(&self) -> String {
        let mut text = String::new();
        let mut before: Option<&Block> = None;
        for block in &self.blocks {
            match before {
                Some(before) if before.listed && block.listed => text.push('\n'),
                Some(_) => text.push_str("\n\n"),
                None => {}
            }
            text.push_str(&block.lines());
            before = Some(block);
        }
        text
    }

    /// UTF-16 units of all text, as Yjs counts.
    pub fn units(&self) -> usize {
        self.blocks.iter().flat_map(|block| &block.spans).map(|span| span.text.encode_utf16().count()).sum()
    }
}
