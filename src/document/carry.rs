//! Carries a planned step out in one transaction. Offsets are those of the reading that it was planned on.

use std::sync::Arc;

use yrs::types::Attrs;
use yrs::{
    Any, ClientID, ReadTxn, Text, TextRef, TransactionMut, WriteTxn, Xml, XmlElementPrelim, XmlFragment,
    XmlFragmentRef, XmlTextPrelim,
};

use super::Reading;
use super::find::units;
use super::markdown::Part;
use super::outline::Span;
use super::plan::Step;
use super::schema::{Node, Schema, ends_with_its_text};

/// Does it.
pub(super) fn carry(txn: &mut TransactionMut<'_>, reading: &Reading, step: &Step, client: u64) {
    let name = reading.name.as_deref().unwrap_or_default();
    match step {
        Step::Words { block, at, remove, insert } => {
            let spans = reading.blocks.get(*block).map_or(&[][..], |block| &block.spans);
            let place = place(spans, *at, *remove > 0);
            take_out(txn, spans, *at, *remove);
            if insert.is_empty() {
                return;
            }
            let (text, at, marks) = match place {
                Some(place) => place,
                None => (txn.get_or_insert_text(name), 0, Attrs::new()),
            };
            text.insert_with_attributes(txn, at, insert, marks);
        }
        Step::Blocks { before, parts } => {
            let root = txn.get_or_insert_xml_fragment(name);
            let schema = Schema::of(reading.names.iter().map(String::as_str), name);
            let mut writer = Writer { txn, schema, client, made: 0 };
            let group = reading.group.as_ref().map(|group| AsRef::<XmlFragmentRef>::as_ref(group).clone());
            let holder = match group {
                Some(group) => group,
                None if schema == Schema::BlockNote => writer.put(&root, *before, "blockGroup"),
                None => root,
            };
            writer.blocks(
                &holder,
                if reading.group.is_none() && schema == Schema::BlockNote { 0 } else { *before },
                parts,
            );
        }
    }
}

type Where = (TextRef, u32, Attrs);

/// Where new words go, and under which marks: those of what they replace, else those of the left neighbour, without the
/// marks that end with their own text.
fn place(spans: &[Span], at: usize, replaces: bool) -> Option<Where> {
    let mut start = 0;
    let mut left: Option<Where> = None;
    for span in spans {
        let end = start + units(&span.text);
        if let Some((text, base)) = &span.at {
            let here = |inside: usize| base + u32::try_from(inside).unwrap_or(u32::MAX);
            if replaces && (start..end).contains(&at) {
                return Some((text.clone(), here(at - start), span.marks.clone()));
            }
            if start < at && at < end {
                return Some((text.clone(), here(at - start), span.marks.clone()));
            }
            if at == end {
                left = Some((text.clone(), here(at - start), span.marks.clone()));
            }
            if at == start {
                return Some(match left {
                    Some((text, at, marks)) => (text, at, between(marks, Some(&span.marks))),
                    None => (text.clone(), *base, between(span.marks.clone(), None)),
                });
            }
        }
        start = end;
    }
    left.map(|(text, at, marks)| (text, at, between(marks, None)))
}

fn between(mut marks: Attrs, right: Option<&Attrs>) -> Attrs {
    marks.retain(|name, value| !ends_with_its_text(name) || right.and_then(|right| right.get(name)) == Some(value));
    marks
}

/// From the last to the first, so that what is still to come stands where it stood.
fn take_out(txn: &mut TransactionMut<'_>, spans: &[Span], at: usize, remove: usize) {
    let mut end: usize = spans.iter().map(|span| units(&span.text)).sum();
    for span in spans.iter().rev() {
        let start = end - units(&span.text);
        let (from, to) = (at.max(start), (at + remove).min(end));
        if from < to {
            if let Some((text, base)) = &span.at {
                let count = |units: usize| u32::try_from(units).unwrap_or(u32::MAX);
                text.remove_range(txn, base + count(from - start), count(to - from));
            } else if let Some((parent, index)) = &span.atom {
                parent.remove(txn, *index);
            }
        }
        end = start;
    }
}

/// Writes blocks under the names of one schema.
struct Writer<'a, 'doc> {
    txn: &'a mut TransactionMut<'doc>,
    schema: Schema,
    client: u64,
    made: u32,
}

impl Writer<'_, '_> {
    fn put(&mut self, holder: &XmlFragmentRef, at: u32, name: &str) -> XmlFragmentRef {
        let element = holder.insert(self.txn, at, XmlElementPrelim::empty(name));
        AsRef::<XmlFragmentRef>::as_ref(&element).clone()
    }

    fn blocks(&mut self, holder: &XmlFragmentRef, mut at: u32, parts: &[Part]) {
        let mut parts = parts;
        while let Some(first) = parts.first() {
            let list = matches!(first.node, Node::Bullets | Node::Numbers) && self.schema != Schema::BlockNote;
            let same = if list { parts.iter().take_while(|part| part.node == first.node).count() } else { 1 };
            if list {
                let list = self.put(holder, at, self.schema.name(first.node));
                for (index, part) in (0_u32..).zip(&parts[..same]) {
                    let item = self.put(&list, index, self.schema.name(Node::Item));
                    self.text(&item, 0, Node::Paragraph, part);
                }
            } else {
                self.single(holder, at, first);
            }
            parts = &parts[same..];
            at += 1;
        }
    }

    fn single(&mut self, holder: &XmlFragmentRef, at: u32, part: &Part) {
        if self.schema == Schema::BlockNote {
            let container = holder.insert(self.txn, at, XmlElementPrelim::empty("blockContainer"));
            // Editors want an id that no other block has.
            let clock = self.txn.state_vector().get(&ClientID::new(self.client));
            self.made += 1;
            container.insert_attribute(self.txn, "id", format!("{:x}-{clock:x}-{}", self.client, self.made));
            let node = match part.node {
                Node::Bullets => Node::BulletLine,
                Node::Numbers => Node::NumberLine,
                other => other,
            };
            return self.text(container.as_ref(), 0, node, part);
        }
        if part.node == Node::Quote {
            let quote = self.put(holder, at, self.schema.name(Node::Quote));
            return self.text(&quote, 0, Node::Paragraph, part);
        }
        self.text(holder, at, part.node, part);
    }

    /// A block with its text.
    fn text(&mut self, holder: &XmlFragmentRef, at: u32, node: Node, part: &Part) {
        let element = holder.insert(self.txn, at, XmlElementPrelim::empty(self.schema.name(node)));
        if node == Node::Heading {
            // A number: editors compare it with numbers.
            element.insert_attribute(self.txn, "level", Any::from(i64::from(part.level)));
        }
        if part.runs.iter().all(|(text, _)| text.is_empty()) {
            return;
        }
        let text = element.insert(self.txn, 0, XmlTextPrelim::new(""));
        let mut at = 0;
        for (words, marks) in &part.runs {
            text.insert_with_attributes(self.txn, at, words, self.marks(marks));
            at += u32::try_from(units(words)).unwrap_or(u32::MAX);
        }
    }

    /// As y-prosemirror writes a mark without attributes of its own: an empty object.
    fn marks(&self, marks: &[super::schema::Mark]) -> Attrs {
        let none = || Any::Map(Arc::default());
        marks.iter().map(|mark| (Arc::from(self.schema.mark(*mark)), none())).collect()
    }
}
