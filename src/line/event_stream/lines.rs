//! Cuts chunks of bytes into lines, holding back no more than one bounded line.

use bytes::{Bytes, BytesMut};
use memchr::memchr2;

/// What is kept of a line over the limit: enough for a BOM and the longest field name with its colon.
const HEAD: usize = 16;

/// A buffer that grew beyond this for one long line is given back after it: a process holds many streams.
const KEPT_CAPACITY: usize = 64 * 1024;

const BOM: &[u8] = b"\xEF\xBB\xBF";

/// One line, its end removed.
#[derive(Clone, Copy)]
pub(super) enum Line<'a> {
    /// All of it.
    Whole(&'a [u8]),
    /// A line over the limit: its first bytes, and how many it had.
    Cut { head: &'a [u8], bytes: u64 },
}

/// The unread bytes, and the line that the last chunk left unfinished.
pub(super) struct Lines {
    limit: usize,
    chunk: Bytes,
    /// Where in `chunk` the unread bytes begin.
    at: usize,
    /// The unfinished line so far; only its head once it is over the limit.
    held: Vec<u8>,
    /// The length of the unfinished line so far.
    length: u64,
    /// The held line was handed out by the last call: forget it in the next.
    handed_out: bool,
    /// The last line ended in CR: an LF right after it belongs to that end.
    after_cr: bool,
    /// A BOM may open the first line, and no other.
    first: bool,
}

impl Lines {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            limit: limit.max(HEAD),
            chunk: Bytes::new(),
            at: 0,
            held: Vec::new(),
            length: 0,
            handed_out: false,
            after_cr: false,
            first: true,
        }
    }

    pub(super) fn push(&mut self, chunk: Bytes) {
        let unread = &self.chunk[self.at..];
        self.chunk = if unread.is_empty() {
            chunk
        } else {
            let mut joined = BytesMut::with_capacity(unread.len() + chunk.len());
            joined.extend_from_slice(unread);
            joined.extend_from_slice(&chunk);
            joined.freeze()
        };
        self.at = 0;
    }

    /// The next line that has its end, or `None` when more bytes are needed.
    pub(super) fn next_line(&mut self) -> Option<Line<'_>> {
        if std::mem::take(&mut self.handed_out) {
            self.forget();
        }
        self.skip_lf_after_cr();
        let start = self.at;
        let Some(length) = memchr2(b'\n', b'\r', &self.chunk[start..]) else {
            self.hold(start, self.chunk.len());
            // Frees the network buffer while the stream is idle.
            self.chunk = Bytes::new();
            self.at = 0;
            return None;
        };
        let end = start + length;
        self.after_cr = self.chunk[end] == b'\r';
        self.at = end + 1;
        Some(self.line(start, end))
    }

    /// The line whose last part is `start..end` of the chunk.
    fn line(&mut self, start: usize, end: usize) -> Line<'_> {
        let bom = std::mem::take(&mut self.first);
        if self.length == 0 {
            return Line::new(&self.chunk[start..end], (end - start) as u64, self.limit, bom);
        }
        self.hold(start, end);
        self.handed_out = true;
        Line::new(&self.held, self.length, self.limit, bom)
    }

    fn skip_lf_after_cr(&mut self) {
        if self.after_cr
            && let Some(&next) = self.chunk.get(self.at)
        {
            self.after_cr = false;
            self.at += usize::from(next == b'\n');
        }
    }

    /// Keeps a part of a line that has no end yet.
    fn hold(&mut self, start: usize, end: usize) {
        let part = &self.chunk[start..end];
        self.length += part.len() as u64;
        if self.length <= self.limit as u64 {
            reserve_within(&mut self.held, part.len(), self.limit);
            self.held.extend_from_slice(part);
        } else {
            let missing = HEAD.saturating_sub(self.held.len()).min(part.len());
            self.held.extend_from_slice(&part[..missing]);
            self.held.truncate(HEAD);
            self.held.shrink_to(HEAD);
        }
    }

    fn forget(&mut self) {
        self.held.clear();
        self.held.shrink_to(KEPT_CAPACITY);
        self.length = 0;
    }
}

impl<'a> Line<'a> {
    /// `kept` is the line, or at least its head where `bytes` is over the limit.
    fn new(kept: &'a [u8], bytes: u64, limit: usize, may_have_bom: bool) -> Self {
        let kept = if may_have_bom { kept.strip_prefix(BOM).unwrap_or(kept) } else { kept };
        if bytes <= limit as u64 { Self::Whole(kept) } else { Self::Cut { head: &kept[..kept.len().min(HEAD)], bytes } }
    }
}

/// Room for `more` bytes: doubling, so that growth stays linear, but never past `limit`, which the caller has checked.
pub(super) fn reserve_within(buffer: &mut Vec<u8>, more: usize, limit: usize) {
    let needed = buffer.len() + more;
    if needed > buffer.capacity() {
        let target = (buffer.capacity() * 2).min(limit).max(needed);
        buffer.reserve_exact(target - buffer.len());
    }
}
