//! How a store is opened.

use std::path::{Path, PathBuf};

use super::vault::KeyFile;
use crate::clock::Clock;

/// How a store is opened. Sizes in bytes.
#[derive(Clone, Debug)]
pub struct Options {
    /// Page cache of the engine. Default 48 MiB.
    pub cache: usize,
    /// Intake pauses when this many bytes are stored (P11). Default 10 GiB.
    pub disk_budget: u64,
    /// The file given up when the disk itself is full. Default 16 MiB; 0 for none.
    pub ballast: u64,
    /// Recent events kept in memory for consumers that keep up. Default 8 MiB.
    pub recent: usize,
    /// The only wall time.
    pub clock: Clock,
    /// Where the vault key comes from; `None`: `vault.key` beside the store, made on first start with mode 0600.
    /// A file named here is never made: 32 raw bytes, or 32 bytes as hex or base64.
    pub vault_key: Option<PathBuf>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            cache: 48 << 20,
            disk_budget: 10 << 30,
            ballast: 16 << 20,
            recent: 8 << 20,
            clock: Clock::system(),
            vault_key: None,
        }
    }
}

impl Options {
    /// The key file of the store at `path`.
    pub(super) fn key_file(&self, path: &Path) -> KeyFile {
        match &self.vault_key {
            Some(path) => KeyFile { path: path.clone(), own: false },
            None => KeyFile { path: path.with_file_name("vault.key"), own: true },
        }
    }
}
