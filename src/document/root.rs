//! Which shared type holds the text. Yjs sends a shared type's name and never its kind; the kind is seen in its content.
//! Looking makes nothing: what was not there is still not there.

use yrs::{ReadTxn, Text, XmlFragment};

/// How a shared type holds text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An `XmlFragment` of nodes: rich editors (ProseMirror, Tiptap, BlockNote).
    Fragment,
    /// A `Text`: plain editors.
    Text,
}

/// A shared type to look for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shared {
    /// Its name.
    pub name: String,
    /// How it holds text, where its content does not tell.
    pub kind: Kind,
}

/// The names that editors' bindings use by themselves.
const USUAL: [(&str, Kind); 7] = [
    ("prosemirror", Kind::Fragment),
    ("default", Kind::Fragment),
    ("document-store", Kind::Fragment),
    ("content", Kind::Text),
    ("codemirror", Kind::Text),
    ("quill", Kind::Text),
    ("monaco", Kind::Text),
];

/// The shared type of a document: of those wanted the first with content, else the first that exists, else, where the
/// caller named any, the first named. `None`: nobody can tell yet.
pub(super) fn find<T: ReadTxn>(txn: &T, wanted: &[Shared]) -> Option<Shared> {
    let usual: Vec<Shared>;
    let candidates = if wanted.is_empty() {
        usual = USUAL.iter().map(|(name, kind)| Shared { name: (*name).to_owned(), kind: *kind }).collect();
        &usual
    } else {
        wanted
    };
    let mut there = None;
    for candidate in candidates {
        // As a text, because that view counts strings and nodes alike.
        let Some(text) = txn.get_text(candidate.name.as_str()) else { continue };
        if text.len(txn) == 0 {
            there.get_or_insert_with(|| candidate.clone());
            continue;
        }
        let first = txn.get_xml_fragment(candidate.name.as_str()).and_then(|fragment| fragment.first_child());
        let kind = if first.is_some() { Kind::Fragment } else { Kind::Text };
        return Some(Shared { name: candidate.name.clone(), kind });
    }
    there.or_else(|| wanted.first().cloned())
}
