//! Nothing reaches a store's file before the file has proven to be ours: until then every write waits in memory.
//!
//! The engine writes as soon as it opens a file (a flag, a repair). Behind a shut gate it reads its own writes back
//! from memory, and the file below stays byte for byte as it was; opening the gate replays the writes and syncs in
//! the order in which they came, so that a crash in between is no other crash than without a gate.

use std::collections::BTreeMap;
use std::io;
use std::ops::Bound;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use redb::{BackendError, StorageBackend};

use super::fault::is_no_space;
use crate::failpoint;

const PAGE: u64 = 4096;

#[derive(Debug)]
enum Deed {
    Write(u64, Vec<u8>),
    Length(u64),
    Sync,
}

#[derive(Debug)]
struct Waiting {
    length: u64,
    /// The shortest the file has been: what the file below has beyond it counts as zeros.
    floor: u64,
    pages: BTreeMap<u64, Box<[u8]>>,
    deeds: Vec<Deed>,
}

#[derive(Debug)]
struct Inner {
    below: Box<dyn StorageBackend>,
    open: AtomicBool,
    waiting: Mutex<Waiting>,
    no_space: AtomicBool,
}

/// A storage backend that can be shut. Clones are the same gate.
#[derive(Clone, Debug)]
pub struct Gate(Arc<Inner>);

impl Gate {
    /// A gate before `below`, open or shut.
    pub fn new(below: Box<dyn StorageBackend>, open: bool) -> io::Result<Self> {
        let length = below.len()?;
        let waiting = Waiting { length, floor: length, pages: BTreeMap::new(), deeds: Vec::new() };
        Ok(Self(Arc::new(Inner {
            below,
            open: AtomicBool::new(open),
            waiting: Mutex::new(waiting),
            no_space: AtomicBool::new(false),
        })))
    }

    /// Replays what waited, in order, and lets everything through from now on.
    pub fn open(&self) -> io::Result<()> {
        let mut waiting = self.waiting();
        for deed in std::mem::take(&mut waiting.deeds) {
            match deed {
                Deed::Write(at, bytes) => self.noting(self.0.below.write(at, &bytes))?,
                Deed::Length(length) => self.noting(self.0.below.set_len(length))?,
                Deed::Sync => self.sync_below()?,
            }
        }
        waiting.pages.clear();
        self.0.open.store(true, Ordering::Release);
        Ok(())
    }

    /// Whether the disk (or a quota) was ever found full.
    pub fn no_space(&self) -> bool {
        self.0.no_space.load(Ordering::Relaxed)
    }

    fn is_open(&self) -> bool {
        self.0.open.load(Ordering::Acquire)
    }

    fn sync_below(&self) -> io::Result<()> {
        self.noting(failpoint::sync().and_then(|()| self.0.below.sync_data()))
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn noting<T>(&self, result: io::Result<T>) -> io::Result<T> {
        if result.as_ref().is_err_and(is_no_space) {
            self.0.no_space.store(true, Ordering::Relaxed);
        }
        result
    }
}

impl Waiting {
    fn page(&self, below: &dyn StorageBackend, index: u64) -> io::Result<Box<[u8]>> {
        if let Some(page) = self.pages.get(&index) {
            return Ok(page.clone());
        }
        let mut page = vec![0; usize::try_from(PAGE).unwrap_or_default()].into_boxed_slice();
        let from = index * PAGE;
        let there = usize::try_from(self.floor.saturating_sub(from).min(PAGE)).unwrap_or_default();
        if there > 0 {
            below.read(from, &mut page[..there])?;
        }
        Ok(page)
    }

    /// Calls `each` with page index, range within the page, range within the run.
    fn runs(
        at: u64,
        length: usize,
        mut each: impl FnMut(u64, std::ops::Range<usize>, std::ops::Range<usize>) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut done = 0;
        while done < length {
            let place = at + done as u64;
            let start = usize::try_from(place % PAGE).unwrap_or_default();
            let count = (length - done).min(usize::try_from(PAGE).unwrap_or_default() - start);
            each(place / PAGE, start..start + count, done..done + count)?;
            done += count;
        }
        Ok(())
    }
}

impl StorageBackend for Gate {
    fn len(&self) -> io::Result<u64> {
        if self.is_open() { self.0.below.len() } else { Ok(self.waiting().length) }
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        if self.is_open() {
            return self.0.below.read(offset, out);
        }
        let waiting = self.waiting();
        if offset.saturating_add(out.len() as u64) > waiting.length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Waiting::runs(offset, out.len(), |index, within, run| {
            let page = waiting.page(&*self.0.below, index)?;
            out[run].copy_from_slice(&page[within]);
            Ok(())
        })
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        if self.is_open() {
            return self.noting(self.0.below.set_len(length));
        }
        let mut waiting = self.waiting();
        if length < waiting.length {
            waiting.floor = waiting.floor.min(length);
            waiting.pages.retain(|index, _| index * PAGE < length);
            let (edge, rest) = (length / PAGE, usize::try_from(length % PAGE).unwrap_or_default());
            if let Some(page) = waiting.pages.get_mut(&edge) {
                page[rest..].fill(0);
            }
        }
        waiting.length = length;
        waiting.deeds.push(Deed::Length(length));
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        if self.is_open() {
            return self.sync_below();
        }
        self.waiting().deeds.push(Deed::Sync);
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        if self.is_open() {
            return self.noting(self.0.below.write(offset, data));
        }
        let mut waiting = self.waiting();
        Waiting::runs(offset, data.len(), |index, within, run| {
            let mut page = waiting.page(&*self.0.below, index)?;
            page[within].copy_from_slice(&data[run]);
            waiting.pages.insert(index, page);
            Ok(())
        })?;
        waiting.length = waiting.length.max(offset + data.len() as u64);
        waiting.deeds.push(Deed::Write(offset, data.to_vec()));
        Ok(())
    }

    fn close(&self) -> io::Result<()> {
        self.0.below.close()
    }

    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.0.below.try_lock_range(start, end)
    }

    fn try_lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.0.below.try_lock_shared_range(start, end)
    }

    fn lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.0.below.lock_range(start, end)
    }

    fn lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.0.below.lock_shared_range(start, end)
    }

    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.0.below.unlock_range(start, end)
    }

    fn query_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.0.below.query_lock_range(start, end)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use redb::backends::InMemoryBackend;

    use super::*;

    /// The backend below, kept in sight.
    #[derive(Clone, Debug, Default)]
    struct Below(Arc<InMemoryBackend>);

    impl StorageBackend for Below {
        fn len(&self) -> io::Result<u64> {
            self.0.len()
        }
        fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
            self.0.read(offset, out)
        }
        fn set_len(&self, length: u64) -> io::Result<()> {
            self.0.set_len(length)
        }
        fn sync_data(&self) -> io::Result<()> {
            self.0.sync_data()
        }
        fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
            self.0.write(offset, data)
        }
    }

    fn content(backend: &dyn StorageBackend) -> Vec<u8> {
        let mut content = vec![0; usize::try_from(backend.len().unwrap()).unwrap()];
        backend.read(0, &mut content).unwrap();
        content
    }

    proptest! {
        #[test]
        fn p11_behind_a_shut_gate_the_file_is_untouched_and_reads_as_if_written(
            deeds in prop::collection::vec((any::<bool>(), 0_u64..20_000, 1_usize..9_000, any::<u8>()), 1..20),
        ) {
            let (below, plain) = (Below::default(), InMemoryBackend::new());
            for backend in [&below as &dyn StorageBackend, &plain] {
                backend.set_len(10_000).unwrap();
                backend.write(0, &[7; 10_000]).unwrap();
            }
            let gate = Gate::new(Box::new(below.clone()), false).unwrap();
            for (write, at, length, byte) in deeds {
                for backend in [&gate as &dyn StorageBackend, &plain] {
                    let there = backend.len().unwrap();
                    if write && at + length as u64 <= there {
                        backend.write(at, &vec![byte; length]).unwrap();
                    } else {
                        backend.set_len(at).unwrap();
                    }
                }
                prop_assert!(content(&gate) == content(&plain));
            }
            prop_assert!(content(&below) == [7; 10_000]);
            gate.open().unwrap();
            prop_assert!(content(&below) == content(&plain));
        }
    }
}
