//! A disk whose power can be cut: what was not synced may be gone, there in parts, or torn.

use std::collections::BTreeSet;
use std::io;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use redb::StorageBackend;

use crate::chance::Chance;

/// What a cut leaves of the writes that no sync has covered. A system writes its cache back in any order: each page
/// (or sector) by itself stands at any of its versions since the last sync.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// Nothing of them.
    Everything,
    /// All of them: they had just reached the disk.
    Nothing,
    /// Whole pages of 4 KiB, each at any version.
    Pages,
    /// Sectors of 512 bytes, each at any version: pages are torn.
    Sectors,
    /// As `Sectors`, and one sector that was on its way holds noise: neither old nor new.
    Noise,
}

impl Loss {
    const fn grain(self) -> usize {
        if matches!(self, Self::Pages) { 4096 } else { 512 }
    }
}

#[derive(Debug)]
enum Unsynced {
    Bytes(usize, Vec<u8>),
    Length(usize),
}

#[derive(Debug, Default)]
struct Platter {
    /// What the last honest sync has covered.
    durable: Vec<u8>,
    /// What is read while the power is on.
    seen: Vec<u8>,
    unsynced: Vec<Unsynced>,
    /// Writes, lengths and syncs until the power goes.
    left: Option<u64>,
    off: bool,
    lies: bool,
    deeds: u64,
}

/// The disk. Clones are the same disk: it outlives the store that writes on it.
#[derive(Clone, Debug, Default)]
pub struct Disk(Arc<Mutex<Platter>>);

impl Disk {
    /// A disk that holds `content`, all of it durable.
    pub fn holding(content: &[u8]) -> Self {
        let platter = Platter { durable: content.to_vec(), seen: content.to_vec(), ..Platter::default() };
        Self(Arc::new(Mutex::new(platter)))
    }

    /// From now on its syncs answer without making anything durable: the negative control.
    pub fn lie(&self) {
        self.platter().lies = true;
    }

    /// The power goes at the write, change of length or sync after `deeds` further ones; that one fails.
    pub fn cut_after(&self, deeds: u64) {
        self.platter().left = Some(deeds);
    }

    /// The power goes now.
    pub fn cut(&self) {
        self.platter().off = true;
    }

    /// Whether the power is gone.
    pub fn is_off(&self) -> bool {
        self.platter().off
    }

    /// Writes, changes of length and syncs so far.
    pub fn deeds(&self) -> u64 {
        self.platter().deeds
    }

    /// Whether nothing stands on it.
    pub fn is_blank(&self) -> bool {
        self.platter().seen.is_empty()
    }

    /// The power comes back, and what is left is on the disk. Only with no store on it.
    pub fn power_on(&self, loss: Loss, chance: &mut Chance) {
        let mut platter = self.platter();
        let left = platter.leave(loss, chance);
        *platter = Platter { durable: left.clone(), seen: left, deeds: platter.deeds, ..Platter::default() };
    }

    fn platter(&self) -> MutexGuard<'_, Platter> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a deed; whether it was done before the power went.
    fn powered(platter: &mut Platter) -> io::Result<()> {
        platter.deeds += 1;
        match &mut platter.left {
            Some(0) => platter.off = true,
            Some(left) => *left -= 1,
            None => {}
        }
        gone(platter)
    }
}

fn gone(platter: &Platter) -> io::Result<()> {
    if platter.off { Err(io::Error::other("the power is gone")) } else { Ok(()) }
}

fn size(number: u64) -> usize {
    usize::try_from(number).expect("a disk in memory is small")
}

impl Platter {
    fn leave(&self, loss: Loss, chance: &mut Chance) -> Vec<u8> {
        match loss {
            Loss::Everything => return self.durable.clone(),
            Loss::Nothing => return self.seen.clone(),
            Loss::Pages | Loss::Sectors | Loss::Noise => {}
        }
        let mut lengths = vec![self.durable.len()];
        let mut touched = BTreeSet::new();
        for deed in &self.unsynced {
            let range = match deed {
                Unsynced::Bytes(at, bytes) => *at..at + bytes.len(),
                Unsynced::Length(length) => {
                    lengths.push(*length);
                    *length..self.seen.len().max(self.durable.len())
                }
            };
            touched.extend(range.start / loss.grain()..range.end.div_ceil(loss.grain()));
        }
        let longest = self.seen.len().max(self.durable.len());
        let mut left = self.durable.clone();
        left.resize(longest, 0);
        for grain in &touched {
            let range = grain * loss.grain()..((grain + 1) * loss.grain()).min(longest);
            self.age(&mut left, range, chance);
        }
        if loss == Loss::Noise && !touched.is_empty() {
            let grain = touched.iter().nth(chance.below(touched.len())).expect("one of them") * loss.grain();
            left[grain..(grain + loss.grain()).min(longest)].fill_with(|| chance.byte());
        }
        left.truncate(*chance.pick(&lengths));
        left
    }

    /// Brings one page or sector to one of its versions since the last sync.
    fn age(&self, left: &mut [u8], range: Range<usize>, chance: &mut Chance) {
        let touches = |deed: &&Unsynced| match deed {
            Unsynced::Bytes(at, bytes) => *at < range.end && at + bytes.len() > range.start,
            Unsynced::Length(length) => *length < range.end,
        };
        let versions = self.unsynced.iter().filter(touches).count();
        for deed in self.unsynced.iter().filter(touches).take(chance.below(versions + 1)) {
            match deed {
                Unsynced::Bytes(at, bytes) => {
                    let both = range.start.max(*at)..range.end.min(at + bytes.len());
                    left[both.clone()].copy_from_slice(&bytes[both.start - at..both.end - at]);
                }
                Unsynced::Length(length) => left[range.start.max(*length)..range.end].fill(0),
            }
        }
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        let platter = self.platter();
        gone(&platter)?;
        Ok(platter.seen.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let platter = self.platter();
        gone(&platter)?;
        let there = platter.seen.get(size(offset)..size(offset) + out.len()).ok_or(io::ErrorKind::UnexpectedEof)?;
        out.copy_from_slice(there);
        Ok(())
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        let mut platter = self.platter();
        gone(&platter)?;
        platter.unsynced.push(Unsynced::Length(size(length)));
        platter.seen.resize(size(length), 0);
        Self::powered(&mut platter)
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut platter = self.platter();
        gone(&platter)?;
        Self::powered(&mut platter)?;
        if !platter.lies {
            let Platter { durable, seen, unsynced, .. } = &mut *platter;
            durable.clone_from(seen);
            unsynced.clear();
        }
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut platter = self.platter();
        gone(&platter)?;
        let (at, end) = (size(offset), size(offset) + data.len());
        if platter.seen.len() < end {
            platter.unsynced.push(Unsynced::Length(end));
            platter.seen.resize(end, 0);
        }
        platter.seen[at..end].copy_from_slice(data);
        platter.unsynced.push(Unsynced::Bytes(at, data.to_vec()));
        Self::powered(&mut platter)
    }
}
