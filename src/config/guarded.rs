//! Whether other users of this machine could meddle with the bridge's directories and secrets; asked before anything
//! is opened there.

use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Others could put something of theirs in the place of what is the bridge's.
#[derive(Debug, thiserror::Error)]
pub enum Loose {
    /// Somebody else's.
    #[error("{path} belongs to user {uid}, who could replace what is in it: `chown` it to this user, or name another")]
    Owner {
        /// The path.
        path: String,
        /// Whose it is.
        uid: u32,
    },
    /// Writable by everybody.
    #[error("everybody may write {path}: `chmod o-w` it, or name another")]
    Writable {
        /// The path.
        path: String,
    },
}

const OTHERS_READ: u32 = 0o004;
const OTHERS_WRITE: u32 = 0o002;

/// Refuses a directory that belongs to neither this user nor root, also as a link, or that everybody may write; one
/// that is not there, or cannot be looked at, is left to who opens it.
pub fn directory(path: &Path) -> Result<(), Loose> {
    for found in [fs::symlink_metadata(path), fs::metadata(path)].into_iter().flatten() {
        owned(path, &found)?;
    }
    file(path)
}

/// Refuses what everybody may write.
pub fn file(path: &Path) -> Result<(), Loose> {
    match fs::metadata(path) {
        Ok(found) if found.mode() & OTHERS_WRITE != 0 && !is_device(&found) => {
            Err(Loose::Writable { path: path.display().to_string() })
        }
        _ => Ok(()),
    }
}

/// Whether everybody may read a file.
pub fn is_open(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| found.mode() & OTHERS_READ != 0 && !is_device(&found))
}

/// `/dev/null` and `/dev/stdin` are everybody's and hold nothing.
fn is_device(found: &Metadata) -> bool {
    !found.is_file() && !found.is_dir()
}

fn owned(path: &Path, found: &Metadata) -> Result<(), Loose> {
    let own = rustix::process::geteuid().as_raw();
    if found.uid() == own || found.uid() == 0 {
        return Ok(());
    }
    Err(Loose::Owner { path: path.display().to_string(), uid: found.uid() })
}
