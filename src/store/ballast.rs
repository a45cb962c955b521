//! A file that holds room on the disk, given up when the disk is full, so that the next start can drain.

use std::fs::OpenOptions;
use std::io::{self, ErrorKind};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use rustix::fs::FallocateFlags;

/// The ballast is remade only where this many times its size is free: taking the last room would bring back at once
/// what it was given up for.
const MARGIN: u64 = 4;

/// The file beside a store.
#[derive(Debug)]
pub struct Ballast {
    path: PathBuf,
    size: u64,
}

impl Ballast {
    /// Ballast of `size` bytes at `path`; 0 for none.
    pub const fn new(path: PathBuf, size: u64) -> Self {
        Self { path, size }
    }

    /// Makes the file where it is missing and there is room enough. The room is taken, not only promised.
    pub fn keep(&self) -> io::Result<()> {
        if self.size == 0 || self.path.metadata().is_ok_and(|there| there.len() == self.size) {
            return Ok(());
        }
        let disk = rustix::fs::statvfs(self.path.parent().unwrap_or(&self.path))?;
        if disk.f_bavail.saturating_mul(disk.f_frsize) < self.size.saturating_mul(MARGIN) {
            return Ok(());
        }
        let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&self.path)?;
        rustix::fs::fallocate(&file, FallocateFlags::empty(), 0, self.size)
            .map_err(io::Error::from)
            .or_else(|_| io::copy(&mut io::Read::take(io::repeat(1), self.size), &mut &file).map(|_| ()))
            .inspect_err(|_| drop(std::fs::remove_file(&self.path)))
    }

    /// Gives the room back.
    pub fn give_up(&self) -> io::Result<()> {
        match std::fs::remove_file(&self.path) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    use redb::backends::InMemoryBackend;
    use redb::{BackendError, StorageBackend};

    use super::*;
    use crate::store::{Batch, Change, Health, Options, Store, StoreError, VaultKey, open};

    /// A disk that can be full.
    #[derive(Debug, Default)]
    struct Disk {
        memory: InMemoryBackend,
        full: Arc<AtomicBool>,
    }

    impl StorageBackend for Disk {
        fn len(&self) -> io::Result<u64> {
            self.memory.len()
        }
        fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
            self.memory.read(offset, out)
        }
        fn set_len(&self, length: u64) -> io::Result<()> {
            self.memory.set_len(length)
        }
        fn sync_data(&self) -> io::Result<()> {
            self.memory.sync_data()
        }
        fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
            if self.full.load(Ordering::SeqCst) {
                return Err(ErrorKind::StorageFull.into());
            }
            self.memory.write(offset, data)
        }
        fn try_lock_range(&self, start: std::ops::Bound<u64>, end: std::ops::Bound<u64>) -> Result<bool, BackendError> {
            self.memory.try_lock_range(start, end)
        }
    }

    #[tokio::test]
    async fn p11_a_full_disk_ends_the_store_and_gives_the_ballast_up() {
        let directory = tempfile::tempdir().unwrap();
        let (path, key) = (directory.path().join("ballast"), directory.path().join("key"));
        std::fs::write(&key, [7; 32]).unwrap();
        let options = Options { vault_key: Some(key), ballast: 1 << 20, ..Options::default() };
        let disk = Disk::default();
        let full = Arc::clone(&disk.full);
        let opened = open::on_backend(Box::new(disk), &options).unwrap();
        let ballast = Ballast::new(path.clone(), options.ballast);
        ballast.keep().unwrap();
        assert_eq!(path.metadata().unwrap().len(), 1 << 20);

        let store = Store::start(opened, options, Some(ballast)).unwrap();
        full.store(true, Ordering::SeqCst);
        let mark = Batch::new().with(Change::Mark { consumer: "main".into(), seq: 1 });
        assert!(matches!(store.commit(mark).await, Err(StoreError::Failed(_))));
        assert!(!path.exists());
        assert!(matches!(*store.health().borrow(), Health::Failed(_)));
        full.store(false, Ordering::SeqCst);
        assert!(matches!(store.rotate_key(VaultKey::fresh()).await, Err(StoreError::Failed(_))), "it never goes on");
    }

    #[test]
    fn ballast_that_is_given_up_twice_is_no_error() {
        let directory = tempfile::tempdir().unwrap();
        let ballast = Ballast::new(directory.path().join("ballast"), 4096);
        ballast.keep().unwrap();
        ballast.keep().unwrap();
        ballast.give_up().unwrap();
        ballast.give_up().unwrap();
        let absurd = Ballast::new(directory.path().join("ballast"), u64::MAX / 8);
        absurd.keep().unwrap();
        assert!(!absurd.path.exists(), "the last room is not taken");
    }
}
