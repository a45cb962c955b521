//! From shared types to blocks. Nodes are no deeper than the ledger let in, so recursion is bounded.

use yrs::types::text::YChange;
use yrs::{
    Any, BranchID, Out, ReadTxn, SharedRef, Snapshot, Text, TextRef, TransactionMut, Xml, XmlElementRef, XmlFragment,
    XmlOut,
};

use super::{Block, Reading, Span, Style};
use crate::document::root::{Kind, Shared};
use crate::document::schema::{Node, node};

/// Stands for what is no text.
const NO_TEXT: &str = "\u{fffc}";

/// The document under `shared`.
pub(in crate::document) fn outline(txn: &mut TransactionMut<'_>, shared: Option<&Shared>) -> Reading {
    let kind = shared.map_or(Kind::Text, |shared| shared.kind);
    let name = shared.map(|shared| shared.name.clone());
    let mut walk = Walk { now: txn.snapshot(), txn, blocks: Vec::new(), names: Vec::new(), top: 0 };
    let (mut children, mut group) = (0, None);
    match name.as_deref().map(|name| (kind, name)) {
        Some((Kind::Text, name)) => {
            if let Some(text) = walk.txn.get_text(name) {
                let spans = walk.spans(&text);
                walk.blocks.push(block(Style::Plain, &Around::default(), spans, 0));
            }
        }
        Some((Kind::Fragment, name)) => {
            if let Some(fragment) = walk.txn.get_xml_fragment(name) {
                group = fragment.first_child().and_then(XmlOut::into_xml_element).filter(is_group);
                let holder = group.as_ref().map_or(&fragment, AsRef::as_ref);
                children = holder.len(walk.txn);
                walk.children(holder, &Around::default(), true);
            }
        }
        None => {}
    }
    Reading { name, kind, blocks: walk.blocks, names: walk.names, children, group }
}

/// BlockNote keeps all blocks in one group below the shared type.
fn is_group(element: &XmlElementRef) -> bool {
    element.try_tag().is_some_and(|tag| &**tag == "blockGroup")
}

/// What stands around a node.
#[derive(Clone, Debug, Default)]
struct Around {
    lead: String,
    indent: String,
    listed: bool,
    /// The number of a numbered list's next item.
    number: Option<u64>,
}

impl Around {
    fn with(&self, lead: &str, indent: &str) -> Self {
        let indented = format!("{}{indent}", self.indent);
        Self { lead: format!("{}{lead}", self.lead), indent: indented, ..self.clone() }
    }

    /// What stands before the second block of the same item.
    fn further(&self) -> Self {
        Self { lead: self.indent.clone(), ..self.clone() }
    }
}

struct Walk<'a, 'doc> {
    txn: &'a mut TransactionMut<'doc>,
    now: Snapshot,
    blocks: Vec<Block>,
    names: Vec<String>,
    top: u32,
}

fn block(style: Style, around: &Around, spans: Vec<Span>, top: u32) -> Block {
    let (lead, indent) = (around.lead.clone(), around.indent.clone());
    Block { style, lead, indent, listed: around.listed, spans, top }
}

impl Walk<'_, '_> {
    /// Walks the children; returns how a list without a node of its own goes on behind them.
    fn children(&mut self, parent: &impl XmlFragment, around: &Around, root: bool) -> Option<u64> {
        let children: Vec<XmlOut> = parent.children(self.txn).collect();
        let mut around = around.clone();
        for (at, child) in (0_u32..).zip(children) {
            if root {
                self.top = at;
            }
            let before = self.blocks.len();
            match child {
                XmlOut::Element(element) => self.element(&element, &mut around),
                XmlOut::Text(text) => {
                    let spans = self.spans(text.as_ref());
                    self.blocks.push(block(Style::Paragraph, &around, spans, self.top));
                }
                XmlOut::Fragment(fragment) => drop(self.children(&fragment, &around, false)),
            }
            if self.blocks.len() > before {
                around = around.further();
            }
        }
        around.number
    }

    fn element(&mut self, element: &XmlElementRef, around: &mut Around) {
        let tag = element.try_tag().map(ToString::to_string).unwrap_or_default();
        if !self.names.contains(&tag) && self.names.len() < 64 {
            self.names.push(tag.clone());
        }
        let style = match node(&tag) {
            Node::Paragraph => Style::Paragraph,
            Node::Heading => Style::Heading(self.level(element)),
            Node::Code => Style::Code,
            Node::Rule => Style::Rule,
            Node::Bullets => {
                self.children(element, &Around { number: None, ..around.clone() }, false);
                return;
            }
            Node::Numbers => {
                self.children(element, &Around { number: Some(1), ..around.clone() }, false);
                return;
            }
            Node::Item => {
                let inner = item(around);
                self.children(element, &inner, false);
                return;
            }
            line @ (Node::BulletLine | Node::NumberLine) => {
                around.number = (line == Node::NumberLine).then(|| around.number.unwrap_or(1));
                let inner = item(around);
                let spans = self.inline(element);
                return self.blocks.push(block(Style::Paragraph, &inner, spans, self.top));
            }
            Node::Quote if !self.holds_text(element) => {
                self.children(element, &around.with("> ", "> "), false);
                return;
            }
            Node::Quote => {
                let spans = self.inline(element);
                return self.blocks.push(block(Style::Paragraph, &around.with("> ", "> "), spans, self.top));
            }
            Node::Break | Node::Other if self.holds_text(element) => Style::Paragraph,
            Node::Break | Node::Other => {
                around.number = self.children(element, around, false);
                return;
            }
        };
        around.number = None;
        let spans = self.inline(element);
        self.blocks.push(block(style, around, spans, self.top));
    }

    fn level(&self, element: &XmlElementRef) -> u8 {
        let level = match element.get_attribute(self.txn, "level") {
            Some(Out::Any(Any::String(text))) => text.parse().unwrap_or(1.0),
            Some(Out::Any(Any::Number(number))) => number.as_f64().unwrap_or(1.0),
            _ => 1.0,
        };
        [1, 2, 3, 4, 5].into_iter().find(|whole| level <= f64::from(*whole)).unwrap_or(6)
    }

    fn holds_text(&self, element: &XmlElementRef) -> bool {
        element.children(self.txn).any(|child| matches!(child, XmlOut::Text(_)))
    }

    /// The text of a block: its texts, breaks, and whatever else stands in the line.
    fn inline(&mut self, element: &XmlElementRef) -> Vec<Span> {
        let children: Vec<XmlOut> = element.children(self.txn).collect();
        let mut spans = Vec::new();
        for (at, child) in (0_u32..).zip(children) {
            match child {
                XmlOut::Text(text) => spans.extend(self.spans(text.as_ref())),
                XmlOut::Element(inner) => spans.push(self.atom(element, at, &inner)),
                XmlOut::Fragment(_) => {}
            }
        }
        spans
    }

    fn atom(&mut self, parent: &XmlElementRef, at: u32, inner: &XmlElementRef) -> Span {
        let tag = inner.try_tag().map(ToString::to_string).unwrap_or_default();
        let words: String = self.inline(inner).iter().map(|span| span.text.as_str()).collect();
        let text = match words {
            _ if node(&tag) == Node::Break => "\n".to_owned(),
            words if words.is_empty() => NO_TEXT.to_owned(),
            words => words,
        };
        let author = match inner.hook().id() {
            BranchID::Nested(id) => id.client.get(),
            BranchID::Root(_) => 0,
        };
        Span { text, author, marks: yrs::types::Attrs::new(), at: None, atom: Some((parent.clone(), at)) }
    }

    /// A text's parts by author and marks. Against nothing everything was added, and each addition has its id.
    fn spans(&mut self, text: &TextRef) -> Vec<Span> {
        let chunks = text.diff_range(self.txn, Some(&self.now), Some(&Snapshot::default()), YChange::identity);
        let (mut at, mut spans): (u32, Vec<Span>) = (0, Vec::new());
        for chunk in chunks {
            let author = chunk.ychange.map_or(0, |change| change.id.client.get());
            let marks = chunk.attributes.map(|marks| *marks).unwrap_or_default();
            let (words, is_text) = match chunk.insert {
                Out::Any(Any::String(words)) => (words.to_string(), true),
                _ => (NO_TEXT.to_owned(), false),
            };
            let units = u32::try_from(words.encode_utf16().count()).unwrap_or(u32::MAX);
            let place = is_text.then(|| (text.clone(), at));
            at = at.saturating_add(units);
            match spans.last_mut() {
                Some(last) if is_text && last.at.is_some() && last.author == author && last.marks == marks => {
                    last.text.push_str(&words);
                }
                _ => spans.push(Span { text: words, author, marks, at: place, atom: None }),
            }
        }
        spans
    }
}

/// Around the content of a list's next item.
fn item(around: &mut Around) -> Around {
    let mark = match &mut around.number {
        Some(number) => {
            *number += 1;
            format!("{}. ", *number - 1)
        }
        None => "- ".to_owned(),
    };
    let mut inner = around.with(&mark, &" ".repeat(mark.len()));
    inner.listed = true;
    inner.number = None;
    inner
}
