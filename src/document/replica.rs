//! One document: the library's replica behind the bounds.

use std::collections::HashSet;

use yrs::updates::decoder::Decode;
use yrs::updates::encoder::Encode;
use yrs::{ClientID, Doc, OffsetKind, Options, ReadTxn, StateVector, Transact, TransactionMut, Update};

use super::guard::{guarded, state_vector};
use super::ledger::{Ledger, Verdict};
use super::scan::scan;
use super::varint::LARGEST;
use super::watch::Watch;
use super::{Bounds, DocumentError, Shared};

/// What became of an update.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applied {
    /// The document says something else now.
    Changed,
    /// All of it was known: an echo, or a repetition.
    Known,
    /// It builds on what has not arrived and waits for it.
    Held,
    /// Too much waits; all of that was let go, and the peer must be asked again (a step 1).
    Resync,
}

/// A replica of a document. After [`DocumentError::Broken`] every call fails with it.
pub struct Document {
    pub(super) doc: Doc,
    pub(super) bounds: Bounds,
    pub(super) wanted: Vec<Shared>,
    pub(super) own: HashSet<u64>,
    pub(super) watch: Watch,
    ledger: Ledger,
    held: Vec<Vec<u8>>,
    broken: Option<DocumentError>,
}

impl std::fmt::Debug for Document {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Document").field("ledger", &self.ledger).field("broken", &self.broken).finish_non_exhaustive()
    }
}

fn empty(client: u64) -> Doc {
    Doc::with_options(Options {
        offset_kind: OffsetKind::Utf16,
        // What a remote edit leaves behind is the remote editor's to clean up: here nothing is written unasked.
        cleanup_formatting: false,
        ..Options::with_client_id(ClientID::new(client & LARGEST))
    })
}

impl Document {
    /// An empty document. `client` is this run's id (53 bits; each run needs a new one, or two runs count the same
    /// clocks); `own` are the ids of all earlier runs; `wanted` names the shared types to look for, else the usual ones.
    pub fn new(client: u64, own: impl IntoIterator<Item = u64>, wanted: Vec<Shared>, bounds: Bounds) -> Self {
        let own = own.into_iter().chain([client & LARGEST]).collect();
        let (watch, ledger) = (Watch::default(), Ledger::default());
        Self { doc: empty(client), bounds, wanted, own, watch, ledger, held: Vec::new(), broken: None }
    }

    /// What it may cost.
    pub const fn bounds(&self) -> Bounds {
        self.bounds
    }

    /// This run's client id.
    pub fn client(&self) -> u64 {
        self.doc.client_id().get()
    }

    /// Whether an id is one of this agent's, now or in an earlier run.
    pub fn is_own(&self, client: u64) -> bool {
        self.own.contains(&client)
    }

    /// Takes an update from outside. One that was refused has changed nothing.
    pub fn apply(&mut self, update: &[u8]) -> Result<Applied, DocumentError> {
        self.whole()?;
        let mut applied = self.one(update)?;
        if applied == Applied::Held {
            return Ok(self.hold(update));
        }
        while applied == Applied::Changed && !self.held.is_empty() {
            if !self.retry() {
                break;
            }
        }
        if applied == Applied::Known && !self.held.is_empty() && self.retry() {
            applied = Applied::Changed;
        }
        Ok(applied)
    }

    /// Whether a held update could go in now.
    fn retry(&mut self) -> bool {
        let mut progress = false;
        for update in std::mem::take(&mut self.held) {
            match self.one(&update) {
                Ok(Applied::Held) => self.held.push(update),
                Ok(_) => progress = true,
                // It was refused when its turn came; the peer is told by the next step 1.
                Err(_) => {}
            }
        }
        progress
    }

    fn hold(&mut self, update: &[u8]) -> Applied {
        let bytes: usize = self.held.iter().map(Vec::len).sum();
        if self.held.len() >= self.bounds.held || bytes + update.len() > self.bounds.update {
            self.held.clear();
            return Applied::Resync;
        }
        self.held.push(update.to_vec());
        Applied::Held
    }

    fn one(&mut self, update: &[u8]) -> Result<Applied, DocumentError> {
        let scan = scan(update, &self.bounds).inspect_err(|error| {
            if matches!(error, DocumentError::NewerYjs(_)) {
                // What follows builds on what could not be read: no edit may go out from half a document.
                self.broken = Some(error.clone());
            }
        })?;
        let Verdict::Ready(new) = self.ledger.judge(&scan, &self.bounds)? else { return Ok(Applied::Held) };
        if new.is_empty() && self.are_gone(&scan.deletes)? {
            return Ok(Applied::Known);
        }
        let weight: usize = new.iter().map(|(piece, _)| piece.weight as usize).sum();
        self.room(new.len(), weight)?;
        let decoded = guarded(|| Update::decode_v1(update));
        let decoded = decoded.ok().and_then(Result::ok);
        let decoded = decoded.ok_or(DocumentError::malformed("update", "the library cannot read it"))?;
        self.about_to_change()?;
        let applied = self.change(|txn| match txn.apply_update(decoded) {
            Ok(()) => Ok(()),
            Err(error) => Err(error.to_string()),
        })?;
        self.ledger.take(&new);
        Ok(if applied.is_some() { Applied::Changed } else { Applied::Known })
    }

    /// Refuses what the document has no room for. What was deleted counts until the bound is met, then is measured.
    pub(super) fn room(&mut self, blocks: usize, weight: usize) -> Result<(), DocumentError> {
        let bounds = self.bounds;
        let fits = |ledger: &Ledger| {
            ledger.blocks.saturating_add(blocks) <= bounds.blocks
                && ledger.weight.saturating_add(weight) <= bounds.document
        };
        if !fits(&self.ledger) {
            let full = self.full()?;
            let measured = scan(&full, &Bounds { update: usize::MAX, blocks: usize::MAX, ..bounds })?;
            self.ledger.blocks = measured.pieces.len();
            self.ledger.weight = measured.pieces.iter().map(|piece| piece.weight as usize).sum();
        }
        if !fits(&self.ledger) {
            return Err(DocumentError::too_large("the document", bounds.document));
        }
        Ok(())
    }

    /// Changes the document in one transaction, and says which update others need; `None` where nothing changed.
    /// Whatever goes wrong in between breaks the document: it may be half changed.
    pub(super) fn change<T>(
        &mut self,
        change: impl FnOnce(&mut TransactionMut<'_>) -> Result<T, String>,
    ) -> Result<Option<(Vec<u8>, T)>, DocumentError> {
        self.whole()?;
        let mut txn = self.doc.transact_mut();
        let done = guarded(|| {
            let done = change(&mut txn)?;
            txn.commit();
            if txn.has_missing_updates() {
                return Err("an update refers to what does not exist".to_owned());
            }
            let changed = !(txn.insert_set().is_empty() && txn.delete_set().is_empty());
            Ok(changed.then(|| (txn.encode_update_v1(), done)))
        });
        let why = match done {
            Ok(Ok(done)) => return Ok(done),
            Ok(Err(why)) | Err(why) => why,
        };
        // Dropped, it would commit what is half done, and a second panic would end the process.
        std::mem::forget(txn);
        Err(self.broke(why))
    }

    /// Records this agent's own change as others will see it.
    pub(super) fn note(&mut self, update: &[u8]) -> Result<(), DocumentError> {
        let scan = scan(update, &Bounds { update: usize::MAX, ..self.bounds })?;
        match self.ledger.judge(&scan, &self.bounds)? {
            Verdict::Ready(new) => self.ledger.take(&new),
            Verdict::Early => return Err(self.broke("an edit of its own builds on nothing".to_owned())),
        }
        Ok(())
    }

    /// Reads the document; a panic of the library breaks it.
    pub(super) fn look<T>(&mut self, look: impl FnOnce(&mut TransactionMut<'_>) -> T) -> Result<T, DocumentError> {
        self.whole()?;
        let mut txn = self.doc.transact_mut();
        match guarded(|| look(&mut txn)) {
            Ok(seen) => Ok(seen),
            Err(why) => {
                std::mem::forget(txn);
                Err(self.broke(why))
            }
        }
    }

    fn broke(&mut self, why: String) -> DocumentError {
        let error = DocumentError::Broken(why);
        // Not dropped: what was left half done must not be walked again.
        let fresh = empty(self.client());
        std::mem::forget(std::mem::replace(&mut self.doc, fresh));
        self.held.clear();
        self.broken = Some(error.clone());
        error
    }

    /// Whether it can go on.
    pub fn whole(&self) -> Result<(), DocumentError> {
        self.broken.clone().map_or(Ok(()), Err)
    }

    /// What it has, for a step 1.
    pub fn state_vector(&self) -> Vec<u8> {
        self.doc.transact().state_vector().encode_v1()
    }

    /// What somebody with this state vector lacks, for a step 2; all of it where the vector is empty.
    pub fn lacking(&mut self, vector: &[u8]) -> Result<Vec<u8>, DocumentError> {
        let vector = state_vector(vector)?;
        self.look(|txn| txn.encode_state_as_update_v1(&vector))
    }

    /// The whole document in one update: to be kept, and applied to a new [`Document`] later.
    pub fn full(&mut self) -> Result<Vec<u8>, DocumentError> {
        self.look(|txn| txn.encode_state_as_update_v1(&StateVector::default()))
    }
}
