//! Which commits also write the state that makes a start after a crash quick.
//!
//! Without that state (the engine's map of free pages) the start after a kill walks the whole file: seconds for each
//! GiB. With it the start takes what a clean one takes, whenever the kill comes. It is two bits for each page, so that
//! beside the one row of a small commit it may be most of what is written; then it waits for a commit that is larger,
//! or that stands alone. Among small commits that follow each other closely one with it would help only if the kill
//! came before the next: there it waits for a quiet moment.

use std::time::Duration;

/// Bytes of the file for each byte of state: pages of 4 KiB, two bits each.
const PER_BYTE: u64 = 4 * 4096;
/// As much state as a part of what the commit adds anyway. With a million events of 1 KiB of text stored, a commit that
/// adds some 120 carries it, as each of a burst does.
const SHARE: u64 = 2;
/// As much state in a second, in bytes.
const RATE: u64 = 8 << 20;

/// Whether the state of a file of `file` bytes costs little beside a commit that adds `grown` bytes, `since` after the
/// last one.
pub fn is_cheap(file: u64, grown: u64, since: Duration) -> bool {
    let state = file / PER_BYTE;
    state <= grown / SHARE || u128::from(state) * 1_000_000 <= u128::from(RATE) * since.as_micros()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_files_large_commits_and_lone_ones_always_write_it() {
        const GIB: u64 = 1 << 30;
        assert!(is_cheap(8 << 20, 1_000, Duration::from_micros(100)), "512 bytes");
        assert!(is_cheap(2 * GIB, 270 << 10, Duration::ZERO), "a burst");
        assert!(is_cheap(2 * GIB, 1_000, Duration::from_millis(20)), "50 a second");
        assert!(!is_cheap(2 * GIB, 1_000, Duration::from_millis(1)), "1,000 a second");
        assert!(!is_cheap(20 * GIB, 1_000, Duration::from_millis(20)), "state is bounded by time, not by commits");
    }
}
