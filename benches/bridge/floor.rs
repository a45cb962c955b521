//! What disk and engine themselves take: one two-phase commit of one row; bytes one after the other; opening a file.

use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use redb::{Database, ReadableDatabase, TableDefinition};

use super::report::quantile;

const ROWS: TableDefinition<u64, &[u8]> = TableDefinition::new("rows");
/// Commits that are timed.
const COMMITS: u64 = 300;

/// Median and 99th percentile of one two-phase commit of one row of 1 KiB, beside the stores that are measured, in
/// microseconds. Waits a millisecond between two, as a bridge at 1,000 events a second does.
pub fn commit() -> anyhow::Result<(f64, f64)> {
    settle();
    let folder = tempfile::Builder::new().prefix("bridge-bench-").tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let db = Database::create(folder.path().join("floor.redb"))?;
    let mut times = Vec::new();
    for row in 0..COMMITS {
        std::thread::sleep(Duration::from_millis(1));
        let begun = Instant::now();
        let mut tx = db.begin_write()?;
        tx.set_two_phase_commit(true);
        tx.open_table(ROWS)?.insert(row, &[7; 1024][..])?;
        tx.commit()?;
        times.push(begun.elapsed().as_secs_f64() * 1e6);
    }
    times.sort_by(f64::total_cmp);
    Ok((quantile(&times, 0.5), quantile(&times, 0.99)))
}

/// Bytes a second that the disk takes, each piece of `at_once` bytes durable before the next is written: no store that
/// commits so many bytes at once can take more.
pub fn disk(at_once: usize) -> anyhow::Result<f64> {
    const WHOLE: usize = 256 << 20;
    settle();
    let mut file = tempfile::tempfile_in(env!("CARGO_TARGET_TMPDIR"))?;
    let (piece, begun) = (vec![7; at_once], Instant::now());
    for _ in 0..WHOLE / at_once {
        file.write_all(&piece)?;
        file.sync_data()?;
    }
    Ok((WHOLE / at_once * at_once) as f64 / begun.elapsed().as_secs_f64())
}

/// What earlier scenarios left on its way to the disk is no part of a floor: it would make the bridge look better.
fn settle() {
    rustix::fs::sync();
}

/// Milliseconds that the engine takes to open a file, repairs included, and to be ready to read.
pub fn open(path: &Path) -> anyhow::Result<f64> {
    let begun = Instant::now();
    let db = Database::open(path)?;
    drop(db.begin_read()?);
    let millis = begun.elapsed().as_secs_f64() * 1e3;
    drop(db);
    Ok(millis)
}
