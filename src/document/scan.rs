//! Looks through an update (Yjs 13, encoding 1: `UpdateDecoderV1`, `readClientsStructRefs`, `readDeleteSet`) before the
//! library sees it. What it passes makes the library take memory in proportion to its bytes, and nothing recurse deeply.

mod content;

use std::ops::Range;

use super::varint::{Cut, Reader};
use super::{Bounds, DocumentError};

/// The library counts clocks with a sign and 32 bits.
const LAST_CLOCK: u64 = i32::MAX as u64;

const HAS_ORIGIN: u8 = 0x80;
const HAS_RIGHT: u8 = 0x40;
const HAS_KEY: u8 = 0x20;

/// A place in the document's history: the client that made it, and its count there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Id {
    pub(super) client: u64,
    pub(super) clock: u32,
}

/// What a block builds on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Under {
    /// A shared type by its name.
    Root,
    /// Inside this node.
    Node(Id),
    /// Wherever its neighbours are.
    Neighbours,
    /// Nowhere any more: content that was deleted and collected.
    Collected,
    /// Not in this update.
    Left,
}

/// One block of an update.
#[derive(Clone, Copy, Debug)]
pub(super) struct Piece {
    pub(super) id: Id,
    pub(super) length: u32,
    pub(super) under: Under,
    pub(super) origin: Option<Id>,
    pub(super) right: Option<Id>,
    /// Bytes of its content.
    pub(super) weight: u32,
}

impl Piece {
    pub(super) const fn end(&self) -> u32 {
        self.id.clock + self.length
    }
}

/// What an update says, without its content.
#[derive(Debug, Default)]
pub(super) struct Scan {
    /// In runs of one client, clocks ascending without holes.
    pub(super) pieces: Vec<Piece>,
    /// Client, and what of it is deleted.
    pub(super) deletes: Vec<(u64, Range<u32>)>,
}

enum Wrong {
    Cut(Cut),
    Newer(String),
    Large(&'static str, usize),
}

impl From<Cut> for Wrong {
    fn from(cut: Cut) -> Self {
        Self::Cut(cut)
    }
}

/// Looks through one update.
pub(super) fn scan(update: &[u8], bounds: &Bounds) -> Result<Scan, DocumentError> {
    if update.len() > bounds.update {
        return Err(DocumentError::too_large("an update", bounds.update));
    }
    let mut scanner = Scanner { reader: Reader::new(update), blocks: bounds.blocks, documents: 0 };
    scanner.update().map_err(|wrong| match wrong {
        Wrong::Newer(what) => DocumentError::NewerYjs(what),
        Wrong::Large(what, bound) => DocumentError::too_large(what, bound),
        // Encoding 2 begins with a zero, which in encoding 1 is an update without blocks.
        Wrong::Cut(_) if update.first() == Some(&0) && update.len() > 8 => {
            DocumentError::NewerYjs("it looks like update encoding 2".to_owned())
        }
        Wrong::Cut(Cut(why)) => DocumentError::malformed("update", why),
    })
}

struct Scanner<'a> {
    reader: Reader<'a>,
    blocks: usize,
    documents: usize,
}

impl Scanner<'_> {
    fn update(&mut self) -> Result<Scan, Wrong> {
        let mut scan = Scan::default();
        let clients = self.reader.count(3)?;
        let mut seen = std::collections::HashSet::new();
        for _ in 0..clients {
            let blocks = self.reader.count(2)?;
            if blocks.saturating_add(scan.pieces.len()) > self.blocks {
                return Err(Wrong::Large("the number of blocks in an update", self.blocks));
            }
            let client = self.reader.number()?;
            if !seen.insert(client) {
                return Err(Cut("a client stands twice").into());
            }
            let mut clock = self.clock()?;
            for _ in 0..blocks {
                let piece = self.block(Id { client, clock })?;
                clock = later(clock, piece.length.into())?;
                if piece.length > 0 {
                    scan.pieces.push(piece);
                }
            }
        }
        self.deletes(&mut scan)?;
        if self.reader.left() > 0 {
            return Err(Cut("something stands after its end").into());
        }
        Ok(scan)
    }

    fn deletes(&mut self, scan: &mut Scan) -> Result<(), Wrong> {
        for _ in 0..self.reader.count(2)? {
            let client = self.reader.number()?;
            for _ in 0..self.reader.count(2)? {
                let start = self.clock()?;
                let length = self.reader.number()?;
                if length > 0 {
                    scan.deletes.push((client, start..later(start, length)?));
                }
            }
        }
        Ok(())
    }

    fn clock(&mut self) -> Result<u32, Cut> {
        later(0, self.reader.number()?)
    }

    fn id(&mut self) -> Result<Id, Cut> {
        Ok(Id { client: self.reader.number()?, clock: self.clock()? })
    }

    fn block(&mut self, id: Id) -> Result<Piece, Wrong> {
        let info = self.reader.byte()?;
        let mut piece = Piece { id, length: 0, under: Under::Collected, origin: None, right: None, weight: 0 };
        if info == 0 || info == 10 {
            piece.under = if info == 0 { Under::Collected } else { Under::Left };
            piece.length = self.clock()?;
            return if piece.length == 0 { Err(Cut("an empty block").into()) } else { Ok(piece) };
        }
        piece.origin = (info & HAS_ORIGIN != 0).then(|| self.id()).transpose()?;
        piece.right = (info & HAS_RIGHT != 0).then(|| self.id()).transpose()?;
        piece.under = Under::Neighbours;
        if piece.origin.is_none() && piece.right.is_none() {
            piece.under = if self.reader.number()? == 1 {
                self.reader.string()?;
                Under::Root
            } else {
                Under::Node(self.id()?)
            };
            if info & HAS_KEY != 0 {
                self.reader.string()?;
            }
        }
        let before = self.reader.left();
        piece.length = self.content(info & 0x1f)?;
        piece.weight = u32::try_from(before - self.reader.left()).unwrap_or(u32::MAX);
        Ok(piece)
    }
}

fn later(clock: u32, by: u64) -> Result<u32, Cut> {
    let sum = u64::from(clock).saturating_add(by);
    u32::try_from(sum).ok().filter(|_| sum <= LAST_CLOCK).ok_or(Cut("a clock runs over"))
}
