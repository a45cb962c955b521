//! A network namespace of its own, in which a connection can be cut so that neither end is told.

use crate::matrix;

/// Set in the process that runs inside.
const INSIDE: &str = "AGENT_BRIDGE_TEST_INSIDE";

/// Runs a row inside: the test called `test` begins anew there, and alone, and its `story` is told. Skipped where no
/// namespace can be made.
pub async fn row(row: u32, test: &str, story: impl Future<Output = ()>) {
    if std::env::var_os(INSIDE).is_some() {
        return story.await;
    }
    let unshare: &[&str] = if rustix::process::geteuid().is_root() { &["--net"] } else { &["-r", "--net"] };
    let may = tokio::process::Command::new("unshare").args(unshare).args(["ip", "link"]).output().await;
    if !may.is_ok_and(|output| output.status.success()) {
        return matrix::skip(row, "no network namespace can be made here (unshare, iproute2)");
    }
    matrix::row(row, async {
        let inside = tokio::process::Command::new("unshare")
            .args(unshare)
            .arg(std::env::current_exe().expect("this test"))
            .args(["--exact", test])
            .args(["--nocapture"])
            .env(INSIDE, "1")
            .kill_on_drop(true)
            .output();
        let inside = inside.await.expect("the test runs inside");
        let said = String::from_utf8_lossy(&[inside.stdout, inside.stderr].concat()).into_owned();
        // A name that no test has would pass, too.
        assert!(inside.status.success() && said.contains(": ok. 1 passed"), "{said}");
    })
    .await;
}

/// The only interface there: while it is down, no packet passes in either direction.
pub async fn lo(up: bool) {
    let done = tokio::process::Command::new("ip").args(["link", "set", "lo", if up { "up" } else { "down" }]).status();
    assert!(done.await.expect("ip runs").success());
}
