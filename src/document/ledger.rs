//! What a document holds, as far as bounds go: how far each client has counted, and how deep each thing lies. An update
//! goes to the library only when everything that it builds on is there, so that nothing waits inside the library.

use std::collections::{BTreeMap, HashMap};

use super::scan::{Id, Piece, Scan, Under};
use super::{Bounds, DocumentError};

/// The clocks and depths of one document.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    clients: HashMap<u64, Client>,
    /// Blocks ever taken; over the bound the document is measured anew.
    pub(super) blocks: usize,
    /// Bytes of content ever taken; likewise.
    pub(super) weight: usize,
}

#[derive(Debug, Default)]
struct Client {
    end: u32,
    /// From this clock on things lie that deep.
    depths: BTreeMap<u32, u16>,
}

/// Whether an update can be taken.
#[derive(Debug)]
pub(super) enum Verdict {
    /// It can; these blocks are new, that deep.
    Ready(Vec<(Piece, u16)>),
    /// It builds on something that is not there.
    Early,
}

#[derive(Clone, Copy)]
enum Depth {
    Open,
    Asked,
    Known(u16),
}

enum Found {
    Depth(u16),
    Piece(usize),
    Missing,
}

impl Ledger {
    /// How far the client has counted.
    pub(super) fn end(&self, client: u64) -> u32 {
        self.clients.get(&client).map_or(0, |client| client.end)
    }

    /// Whether the update can be taken, and how deep its new blocks lie.
    pub(super) fn judge(&self, scan: &Scan, bounds: &Bounds) -> Result<Verdict, DocumentError> {
        let mut ends: HashMap<u64, u32> = HashMap::new();
        for piece in &scan.pieces {
            let end = ends.entry(piece.id.client).or_insert_with(|| self.end(piece.id.client));
            let hole = piece.id.clock > *end || (piece.under == Under::Left && piece.end() > *end);
            if hole {
                return Ok(Verdict::Early);
            }
            *end = piece.end().max(*end);
        }
        let reach = |client| ends.get(&client).copied().unwrap_or_else(|| self.end(client));
        if scan.deletes.iter().any(|(client, gone)| gone.end > reach(*client)) {
            return Ok(Verdict::Early);
        }
        Depths::new(self, &scan.pieces).all(bounds)
    }

    /// Takes what was judged ready.
    pub(super) fn take(&mut self, new: &[(Piece, u16)]) {
        for (piece, depth) in new {
            let client = self.clients.entry(piece.id.client).or_default();
            let start = piece.id.clock.max(client.end);
            let last = client.depths.last_key_value().map(|(_, depth)| *depth);
            if last != Some(*depth) {
                client.depths.insert(start, *depth);
            }
            client.end = piece.end().max(client.end);
            self.blocks += 1;
            self.weight += piece.weight as usize;
        }
    }

    fn depth(&self, id: Id) -> Option<u16> {
        let client = self.clients.get(&id.client).filter(|client| id.clock < client.end)?;
        client.depths.range(..=id.clock).next_back().map(|(_, depth)| *depth)
    }
}

/// Finds the depths of an update's blocks, each once, whatever the order in which they build on each other.
struct Depths<'a> {
    ledger: &'a Ledger,
    pieces: &'a [Piece],
    /// Where a client's pieces stand.
    runs: HashMap<u64, std::ops::Range<usize>>,
    found: Vec<Depth>,
}

impl<'a> Depths<'a> {
    fn new(ledger: &'a Ledger, pieces: &'a [Piece]) -> Self {
        let mut runs: HashMap<u64, std::ops::Range<usize>> = HashMap::new();
        for (at, piece) in pieces.iter().enumerate() {
            runs.entry(piece.id.client).or_insert(at..at).end = at + 1;
        }
        Self { ledger, pieces, runs, found: vec![Depth::Open; pieces.len()] }
    }

    fn all(mut self, bounds: &Bounds) -> Result<Verdict, DocumentError> {
        let mut new = Vec::new();
        for at in 0..self.pieces.len() {
            let piece = self.pieces[at];
            if piece.end() <= self.ledger.end(piece.id.client) || piece.under == Under::Left {
                continue;
            }
            let Some(depth) = self.resolve(at)? else { return Ok(Verdict::Early) };
            if depth > bounds.depth {
                return Err(DocumentError::too_large("the depth of a document", bounds.depth.into()));
            }
            new.push((piece, depth));
        }
        Ok(Verdict::Ready(new))
    }

    /// The depth of one block; `None` where it builds on what is not there.
    fn resolve(&mut self, at: usize) -> Result<Option<u16>, DocumentError> {
        let mut open = vec![at];
        while let Some(top) = open.last().copied() {
            if let Depth::Known(depth) = self.found[top] {
                open.pop();
                if open.is_empty() {
                    return Ok(Some(depth));
                }
                continue;
            }
            self.found[top] = Depth::Asked;
            match self.step(top)? {
                Found::Depth(depth) => self.found[top] = Depth::Known(depth),
                Found::Piece(next) => open.push(next),
                Found::Missing => return Ok(None),
            }
        }
        Ok(None)
    }

    /// The depth of a block, or the block that must be known first.
    fn step(&self, at: usize) -> Result<Found, DocumentError> {
        let piece = self.pieces[at];
        let (node, inside) = match piece.under {
            Under::Root => return Ok(Found::Depth(1)),
            Under::Collected | Under::Left => return Ok(Found::Depth(0)),
            Under::Node(id) => (Some(id), 1),
            Under::Neighbours => (None, 0),
        };
        let mut depth = 0;
        for id in [node, piece.origin, piece.right].into_iter().flatten() {
            match self.find(id) {
                Found::Depth(found) => depth = depth.max(found.saturating_add(inside)),
                Found::Missing => return Ok(Found::Missing),
                Found::Piece(next) => match self.found[next] {
                    Depth::Known(found) => depth = depth.max(found.saturating_add(inside)),
                    Depth::Open => return Ok(Found::Piece(next)),
                    Depth::Asked => return Err(DocumentError::malformed("update", "its blocks build on each other")),
                },
            }
        }
        Ok(Found::Depth(depth))
    }

    fn find(&self, id: Id) -> Found {
        if let Some(depth) = self.ledger.depth(id) {
            return Found::Depth(depth);
        }
        let Some(run) = self.runs.get(&id.client) else { return Found::Missing };
        let after = run.start + self.pieces[run.clone()].partition_point(|piece| piece.id.clock <= id.clock);
        match after.checked_sub(1).filter(|at| run.contains(at)) {
            Some(at) if id.clock < self.pieces[at].end() && self.pieces[at].under != Under::Left => Found::Piece(at),
            _ => Found::Missing,
        }
    }
}
