//! Whether a server has what was made here: it is asked for just that, and that stands in what it answers.

use yrs::updates::decoder::Decode;
use yrs::updates::encoder::Encode;
use yrs::{IdSet, ReadTxn, Transact, Update};

use super::guard::guarded;
use super::scan::scan;
use super::{Bounds, Document, DocumentError};

/// What of an edit the server was not seen to have yet.
#[derive(Debug)]
pub struct Proof {
    /// Blocks that it put in.
    made: IdSet,
    /// Blocks that it took out.
    taken: IdSet,
    bounds: Bounds,
}

impl Proof {
    /// Nothing of this update was seen yet.
    pub fn of(update: &[u8], bounds: Bounds) -> Result<Self, DocumentError> {
        let update = decoded(update, &bounds)?;
        Ok(Self { made: update.insertions(true), taken: update.delete_set().clone(), bounds })
    }

    /// The state vector of somebody who lacks just this: what a step 1 asks with. What was taken out comes with every
    /// answer.
    pub fn question(&self, document: &Document) -> Vec<u8> {
        let mut vector = document.doc.transact().state_vector();
        for (client, ranges) in self.made.iter() {
            if let Some(first) = ranges.iter().map(|range| range.start).min() {
                vector.set_min(*client, first);
            }
        }
        vector.encode_v1()
    }

    /// The server said this; whether it was seen to have all of the edit now. What cannot be read proves nothing.
    pub fn heard(&mut self, update: &[u8]) -> bool {
        if let Ok(update) = decoded(update, &self.bounds) {
            self.made.diff_with(&update.insertions(true));
            self.taken.diff_with(update.delete_set());
        }
        self.made.is_empty() && self.taken.is_empty()
    }
}

fn decoded(update: &[u8], bounds: &Bounds) -> Result<Update, DocumentError> {
    scan(update, bounds)?;
    let decoded = guarded(|| Update::decode_v1(update)).ok().and_then(Result::ok);
    decoded.ok_or(DocumentError::malformed("update", "the library cannot read it"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::{Edit, Kind, Shared};

    #[test]
    fn only_what_holds_all_of_an_edit_proves_it_and_the_question_asks_for_no_more() {
        let (bounds, shared) = (Bounds::default(), Shared { name: "content".into(), kind: Kind::Text });
        let mut document = Document::new(7, [], vec![shared], bounds);
        let mut write = |edit: Edit| document.edit(&edit).unwrap().update;
        let (first, second) = (write(Edit::Append("One".into())), write(Edit::Append("Two".into())));
        let proof = |update: &[u8]| Proof::of(update, bounds).unwrap();
        assert!(!proof(&first).heard(&second) && !proof(&first).heard(b"rubbish"));
        assert!(proof(&first).heard(&document.full().unwrap()));
        let asked = proof(&second).question(&document);
        let answer = document.lacking(&asked).unwrap();
        assert!(proof(&second).heard(&answer) && !proof(&first).heard(&answer));
        let gone = document.edit(&Edit::Delete("One".into())).unwrap().update;
        assert!(!proof(&gone).heard(&first), "that it stood there does not show that it was taken out");
        let asked = proof(&gone).question(&document);
        assert!(proof(&gone).heard(&document.lacking(&asked).unwrap()));
    }
}
