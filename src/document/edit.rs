//! What an agent can do to a document, and what it is told before and after.

use std::convert::Infallible;

use super::plan::{Plan, plan};
use super::{Document, DocumentError, Reading, carry, outline, root};

/// A change that the agent wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edit {
    /// New text at a place. In a rich document text of several lines becomes blocks, read as Markdown.
    Insert {
        /// Where.
        at: Place,
        /// What.
        text: String,
    },
    /// New blocks at the end, read as Markdown; in a plain document the text as it is, behind an empty line.
    Append(String),
    /// Other words in the place of a quote that stands once.
    Replace {
        /// The words as they stand, within one block.
        quote: String,
        /// The new words: one line, except in code and plain documents.
        with: String,
    },
    /// Takes out a quote that stands once.
    Delete(String),
}

/// Where new text goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// Before everything.
    Start,
    /// Behind everything.
    End,
    /// Right behind a quote that stands once; text of several lines goes behind the quote's block.
    After(String),
    /// Right before it; text of several lines goes before the quote's block.
    Before(String),
}

/// What an edit would do, told before anything is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Assessment {
    /// It takes out text that none of the agent's own client ids put in.
    pub touches_others: bool,
    /// UTF-16 units that it takes out.
    pub removed: usize,
    /// UTF-16 units of the whole document before it.
    pub whole: usize,
}

impl Assessment {
    /// Hundredths of the document that it takes out, rounded up.
    pub const fn share(&self) -> usize {
        if self.whole == 0 { 0 } else { (self.removed * 100).div_ceil(self.whole) }
    }
}

/// What was done, and so what would undo it: for logs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inverse {
    /// The block that was changed, or before which blocks were put in.
    pub block: usize,
    /// UTF-16 units from the block's start.
    pub at: usize,
    /// What to take out there.
    pub take_out: String,
    /// What to put in there.
    pub put_in: String,
}

/// An edit that was made here and is not sent yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Done {
    /// The update for everybody else.
    pub update: Vec<u8>,
    /// What it did.
    pub assessment: Assessment,
    /// What would undo it.
    pub inverse: Inverse,
}

/// Why an edit was not made. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// The quote is not there.
    #[error("the quote does not stand in the document: read it again, and quote it letter by letter")]
    QuoteMissing,
    /// It stands more than once.
    #[error("the quote stands {0} times in the document: quote more of what is around it")]
    QuoteNotUnique(usize),
    /// It stands in several blocks.
    #[error(
        "the quote runs over several blocks (paragraphs, headings, items): quote within one, and edit one at a time"
    )]
    QuoteAcrossBlocks,
    /// Nothing was quoted.
    #[error("the quote is empty")]
    QuoteEmpty,
    /// A replacement of several lines in a block of one.
    #[error(
        "the new words have several lines, and the quote lies in a block of one: insert the further lines as blocks"
    )]
    SeveralLines,
    /// It would cut through something that is no text.
    #[error("the quote holds something that is no text (an image, a mention)")]
    NotText,
    /// It would change nothing.
    #[error("nothing would change")]
    Nothing,
    /// The document is empty and no shared type was named.
    #[error("the document is empty, and its platform does not say which shared type it uses")]
    NoSharedType,
    /// The document itself.
    #[error(transparent)]
    Document(#[from] DocumentError),
}

impl Document {
    /// What the document says now.
    pub fn read(&mut self) -> Result<Reading, DocumentError> {
        self.watch.readings += 1;
        let wanted = self.wanted.clone();
        self.look(|txn| {
            let shared = root::find(txn, &wanted);
            outline::outline(txn, shared.as_ref())
        })
    }

    /// What an edit would do now, without doing it.
    pub fn assess(&mut self, edit: &Edit) -> Result<Assessment, EditError> {
        Ok(self.planned(edit)?.1.assessment)
    }

    /// Makes an edit. The agent's name for it is this run's client id.
    pub fn edit(&mut self, edit: &Edit) -> Result<Done, EditError> {
        match self.edit_if(edit, |_| Ok::<_, Infallible>(()))? {
            Ok(done) => Ok(done),
            Err(never) => match never {},
        }
    }

    /// The same, unless what it would do is not allowed, for that reason. The document is read once for both.
    pub fn edit_if<V>(
        &mut self,
        edit: &Edit,
        allowed: impl FnOnce(&Assessment) -> Result<(), V>,
    ) -> Result<Result<Done, V>, EditError> {
        let (reading, plan) = self.planned(edit)?;
        if let Err(why) = allowed(&plan.assessment) {
            return Ok(Err(why));
        }
        let size = plan.step.size();
        self.room(size.blocks, size.bytes)?;
        if size.bytes > self.bounds.update / 2 {
            return Err(DocumentError::too_large("an edit", self.bounds.update / 2).into());
        }
        let client = self.client();
        let done = self.change(|txn| {
            carry::carry(txn, &reading, &plan.step, client);
            Ok(())
        })?;
        let (update, ()) = done.ok_or(EditError::Nothing)?;
        self.note(&update)?;
        Ok(Ok(Done { update, assessment: plan.assessment, inverse: plan.inverse }))
    }

    fn planned(&mut self, edit: &Edit) -> Result<(Reading, Plan), EditError> {
        let reading = self.read()?;
        if reading.name.is_none() {
            return Err(EditError::NoSharedType);
        }
        let plan = plan(&reading, edit, &self.own)?;
        Ok((reading, plan))
    }
}
