//! The text in a Yjs document, plain or rich, by UTF-16 offsets as Yjs counts them.

use serde::{Deserialize, Serialize};
use yrs::{
    Any, Doc, GetString as _, OffsetKind, Options, Out, ReadTxn, Text as _, Transact as _, TransactionMut,
    XmlElementPrelim, XmlFragment as _, XmlFragmentRef, XmlOut, XmlTextPrelim, XmlTextRef, types::text::YChange,
};

/// What stands between two paragraphs.
const GAP: &str = "\n\n";

/// The shared type that an editor uses, by its name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// A plain one: `content`, `codemirror`, `quill`, `monaco`.
    Text(String),
    /// A rich one, with an element for each paragraph: `prosemirror`, `default`, `document-store`.
    Xml(String),
}

impl Shape {
    /// A document in which `content` stands, made by the client of this id.
    pub(crate) fn document(&self, client: u64, content: &str) -> Doc {
        let options = Options::with_client_id(yrs::ClientID::new(client));
        let doc = Doc::with_options(Options { offset_kind: OffsetKind::Utf16, ..options });
        self.write(&doc, content);
        doc
    }

    /// What stands in it: paragraphs with an empty line between them, marks left out.
    pub(crate) fn read(&self, doc: &Doc) -> String {
        match self {
            Self::Text(name) => {
                let text = doc.get_or_insert_text(name.as_str());
                text.get_string(&doc.transact())
            }
            Self::Xml(name) => {
                let root = doc.get_or_insert_xml_fragment(name.as_str());
                let txn = doc.transact();
                root.children(&txn).map(|it| plain(&it, &txn)).collect::<Vec<_>>().join(GAP)
            }
        }
    }

    /// Writes the whole anew; a plain text keeps what is the same at its ends.
    pub(crate) fn write(&self, doc: &Doc, content: &str) {
        match self {
            Self::Text(_) => {
                let now: Vec<u16> = self.read(doc).encode_utf16().collect();
                let new: Vec<u16> = content.encode_utf16().collect();
                let (head, tail) = same_ends(&now, &new);
                self.delete(doc, head, now.len() - head - tail);
                self.insert(doc, head, &String::from_utf16_lossy(&new[head..new.len() - tail]));
            }
            Self::Xml(name) => {
                let root = doc.get_or_insert_xml_fragment(name.as_str());
                let mut txn = doc.transact_mut();
                let all = root.len(&txn);
                root.remove_range(&mut txn, 0, all);
                for paragraph in content.split(GAP).filter(|it| !it.is_empty()) {
                    push(&root, &mut txn, paragraph);
                }
            }
        }
    }

    /// Inserts at an offset of what [`Shape::read`] shows; in a rich document within the paragraph there.
    pub(crate) fn insert(&self, doc: &Doc, at: usize, text: &str) {
        if text.is_empty() {
            return;
        }
        match self {
            Self::Text(name) => {
                let shared = doc.get_or_insert_text(name.as_str());
                let mut txn = doc.transact_mut();
                let at = offset(at).min(shared.len(&txn));
                shared.insert(&mut txn, at, text);
            }
            Self::Xml(name) => {
                let root = doc.get_or_insert_xml_fragment(name.as_str());
                let mut txn = doc.transact_mut();
                match locate(&root, &txn, at) {
                    Some((shared, at)) => shared.insert(&mut txn, at, text),
                    None => push(&root, &mut txn, text),
                }
            }
        }
    }

    /// Deletes from an offset on; in a rich document no further than the paragraph's end.
    pub(crate) fn delete(&self, doc: &Doc, at: usize, length: usize) {
        match self {
            Self::Text(name) => {
                let shared = doc.get_or_insert_text(name.as_str());
                let mut txn = doc.transact_mut();
                let at = offset(at).min(shared.len(&txn));
                let length = offset(length).min(shared.len(&txn) - at);
                shared.remove_range(&mut txn, at, length);
            }
            Self::Xml(name) => {
                let root = doc.get_or_insert_xml_fragment(name.as_str());
                let mut txn = doc.transact_mut();
                if let Some((shared, at)) = locate(&root, &txn, at) {
                    let length = offset(length).min(shared.len(&txn) - at);
                    shared.remove_range(&mut txn, at, length);
                }
            }
        }
    }

    /// A new last paragraph.
    pub(crate) fn append(&self, doc: &Doc, paragraph: &str) {
        match self {
            Self::Text(_) => {
                let text = self.read(doc);
                let gap = if text.is_empty() { "" } else { GAP };
                self.insert(doc, text.encode_utf16().count(), &format!("{gap}{paragraph}"));
            }
            Self::Xml(name) => {
                let root = doc.get_or_insert_xml_fragment(name.as_str());
                push(&root, &mut doc.transact_mut(), paragraph);
            }
        }
    }
}

fn offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

fn push(root: &XmlFragmentRef, txn: &mut TransactionMut<'_>, paragraph: &str) {
    root.push_back(txn, XmlElementPrelim::new("paragraph", [XmlTextPrelim::new(paragraph).into()]));
}

/// The text of a paragraph into which an offset falls, and the offset within it.
fn locate<T: ReadTxn>(root: &XmlFragmentRef, txn: &T, at: usize) -> Option<(XmlTextRef, u32)> {
    let mut left = at;
    for node in root.children(txn) {
        let length = plain(&node, txn).encode_utf16().count();
        if left <= length {
            let text = match node {
                XmlOut::Text(text) => Some(text),
                XmlOut::Element(element) => element.children(txn).find_map(XmlOut::into_xml_text),
                XmlOut::Fragment(_) => None,
            };
            return text.map(|it| {
                let end = it.len(txn);
                (it, offset(left).min(end))
            });
        }
        left = left.saturating_sub(length + GAP.len());
    }
    None
}

/// The text of a node without its marks; nested blocks on lines of their own.
fn plain<T: ReadTxn>(node: &XmlOut, txn: &T) -> String {
    match node {
        XmlOut::Text(text) => {
            let pieces = text.diff(txn, YChange::identity).into_iter();
            pieces
                .filter_map(|it| if let Out::Any(Any::String(piece)) = it.insert { Some(piece) } else { None })
                .fold(String::new(), |text, piece| text + &piece)
        }
        XmlOut::Element(element) => element.children(txn).map(|it| plain(&it, txn)).collect::<Vec<_>>().join("\n"),
        XmlOut::Fragment(fragment) => fragment.children(txn).map(|it| plain(&it, txn)).collect::<Vec<_>>().join("\n"),
    }
}

/// How much is the same at the beginning and at the end; never half of a surrogate pair.
fn same_ends(one: &[u16], other: &[u16]) -> (usize, usize) {
    let low = |it: &u16| (0xdc00..0xe000).contains(it);
    let mut head = one.iter().zip(other).take_while(|(a, b)| a == b).count();
    if one.get(head).is_some_and(low) || other.get(head).is_some_and(low) {
        head -= usize::from(head > 0);
    }
    let rest = one.len().min(other.len()) - head;
    let mut tail = one.iter().rev().zip(other.iter().rev()).take(rest).take_while(|(a, b)| a == b).count();
    if tail > 0 && low(&one[one.len() - tail]) {
        tail -= 1;
    }
    (head, tail)
}
