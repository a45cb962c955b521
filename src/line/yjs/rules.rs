//! What an agent may change in a document by itself: pure. The platforms' own rules for agents: what somebody else wrote
//! is changed by a suggestion, new text goes in directly, and nobody rewrites a whole document unasked.

use crate::document::Assessment;

/// What of a document a single edit may take out, in hundredths, before it counts as a rewrite of the whole.
const WHOLE: usize = 80;
/// Shorter documents (in UTF-16 units) have no whole to speak of: one sentence is most of them.
const SHORT: usize = 200;

/// What the operator allows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// Others' text may be changed without asking them.
    pub direct: bool,
    /// Nearly all of a document may be replaced at once.
    pub rewrites: bool,
}

/// What becomes of an edit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is made.
    Make,
    /// It is suggested to those who wrote what it changes.
    Suggest,
    /// It is not done.
    Refuse,
}

impl Rules {
    pub(super) const fn judge(self, edit: &Assessment) -> Verdict {
        let rewrites = edit.touches_others && edit.whole >= SHORT && edit.share() >= WHOLE;
        match edit.touches_others {
            _ if rewrites && !self.rewrites => Verdict::Refuse,
            true if !self.direct => Verdict::Suggest,
            _ => Verdict::Make,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn others_words_are_theirs_and_a_whole_document_is_nobodys_to_rewrite() {
        let edit = |touches_others, removed, whole| Assessment { touches_others, removed, whole };
        let (strict, free) = (Rules::default(), Rules { direct: true, rewrites: true });
        let cases = [
            (edit(false, 0, 1_000), Verdict::Make, Verdict::Make),
            (edit(false, 1_000, 1_000), Verdict::Make, Verdict::Make),
            (edit(true, 10, 1_000), Verdict::Suggest, Verdict::Make),
            (edit(true, 5, 5), Verdict::Suggest, Verdict::Make),
            (edit(true, 799, 1_000), Verdict::Refuse, Verdict::Make),
            (edit(true, 790, 1_000), Verdict::Suggest, Verdict::Make),
        ];
        for (edit, strictly, freely) in cases {
            assert_eq!((strict.judge(&edit), free.judge(&edit)), (strictly, freely), "{edit:?}");
        }
        let direct = Rules { direct: true, rewrites: false };
        assert_eq!(direct.judge(&edit(true, 900, 1_000)), Verdict::Refuse, "one leave is not the other");
    }
}
