//! What every row of the matrix shares: its report, its right to be skipped, and how long it goes on.

use std::io::Write;

/// Says on the terminal what became of a row. Straight to the file descriptor: what a test prints is only shown when
/// it fails, and a row that is silently not run proves nothing.
fn report(row: u32, what: &str) {
    let line = format!("fault row {row}: {what}\n");
    std::io::stderr().write_all(line.as_bytes()).expect("stderr takes a line");
}

/// Runs a row; it is reported as run when it has held.
pub async fn row(row: u32, story: impl Future<Output = ()>) {
    story.await;
    report(row, "run");
}

/// A row, or a part of it, that this machine cannot show. Under `.ci/run`, which sets `FAULTS_MAY_SKIP`, only what is
/// named there may be skipped.
pub fn skip(row: u32, why: &str) {
    if let Ok(may) = std::env::var("FAULTS_MAY_SKIP") {
        let listed = may.split_whitespace().any(|number| number.parse() == Ok(row));
        assert!(listed, "row {row} may not be skipped here ({why}); the list is FAULTS_MAY_SKIP=`{may}`");
    }
    report(row, &format!("skipped: {why}"));
}

/// How many cycles: few in the normal run, `FAULT_CYCLES` in a long one.
pub fn cycles(normal: usize) -> usize {
    std::env::var("FAULT_CYCLES").map_or(normal, |many| many.parse().expect("FAULT_CYCLES is a number"))
}
