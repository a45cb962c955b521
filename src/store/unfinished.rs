//! What must be there whole or not at all, the store and its key, is made under another name: a crash leaves nothing
//! half-made under the one that counts, and of two processes that begin at once one is first.

use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, RenameFlags, renameat_with};

use super::vault::sync_directory;
use crate::failpoint::{Point, reach};

/// Makes a directory, and durably: its name is data of the one above, without which a power cut takes the store along.
pub fn make_directory(path: &Path) -> io::Result<()> {
    let missing: Vec<&Path> = path.ancestors().take_while(|folder| !folder.exists()).collect();
    DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    missing.into_iter().filter(|folder| !folder.as_os_str().is_empty()).try_for_each(sync_directory)
}

/// A file that is being made, under a name of its own; gone when dropped before it is in place.
pub struct Unfinished {
    /// Where it is made.
    pub path: PathBuf,
    prefix: String,
}

impl Unfinished {
    /// For what will be at `path`.
    pub fn beside(path: &Path) -> Self {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let prefix = format!(".{name}.new-");
        let unique = getrandom::u64().expect("the system's random source answers");
        Self { path: path.with_file_name(format!("{prefix}{unique:016x}")), prefix }
    }

    /// Removes what a crash during creation left.
    pub fn sweep(&self) {
        let entries = self.path.parent().and_then(|parent| std::fs::read_dir(parent).ok()).into_iter().flatten();
        for entry in entries.flatten() {
            if entry.file_name().to_string_lossy().starts_with(&self.prefix) {
                // What cannot be removed costs a little room and is tried again with the next fresh file.
                drop(std::fs::remove_file(entry.path()));
            }
        }
    }

    /// Gives it its name, durably; fails with `AlreadyExists` where somebody else was first.
    pub fn put_in_place(&self, path: &Path) -> io::Result<()> {
        reach(Point::StorePlacedBefore);
        match renameat_with(CWD, &self.path, CWD, path, RenameFlags::NOREPLACE) {
            // Not every file system can refuse to replace; a hard link can on the rest.
            Err(rustix::io::Errno::INVAL) => std::fs::hard_link(&self.path, path)?,
            other => other?,
        }
        sync_directory(path)?;
        reach(Point::StorePlacedAfter);
        Ok(())
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        // In place, the name is gone already.
        drop(std::fs::remove_file(&self.path));
    }
}
