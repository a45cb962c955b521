//! What no life of a fresh bridge leads to: a store of an older schema is opened, and its secrets get another key. It
//! happens in a process of its own, this test binary once more, because the command line has no word for it.

use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use agent_bridge::clock::Clock;
use agent_bridge::store::{Batch, Change, Options, Store, VaultKey};
use secrecy::ExposeSecret;

use super::Cut;

/// Tells the process where the store is.
const STORE: &str = "AGENT_BRIDGE_OLD_STORE";
/// When the fixture was written: 2026-01-01, in milliseconds.
const NOW: u64 = 1_767_225_600_000;

/// A copy of the oldest store, with its key.
struct Old {
    folder: tempfile::TempDir,
}

impl Old {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
        for (from, to) in [("store-v1.redb", "store.redb"), ("store-v1.key", "vault.key")] {
            std::fs::copy(fixtures.join(from), folder.path().join(to)).expect("a copy");
        }
        Self { folder }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("store.redb")
    }

    /// The process, to its end.
    fn renewed(&self, told: &[(&str, &str)]) -> ExitStatus {
        let mut child = Command::new(std::env::current_exe().expect("this binary"));
        child.args(["--exact", "walk::old::a_process_of_its_own", "--ignored", "--test-threads=1"]);
        child.env(STORE, self.path()).envs(told.iter().copied()).stdout(Stdio::null()).status().expect("it runs")
    }

    /// Nothing is missing, and it takes more.
    async fn is_whole(&self) {
        let store = open(&self.path());
        assert_eq!(store.read(0, 9, 1 << 20).expect("it is read").len(), 4);
        let secret = store.secret("acme", "token").expect("it opens").expect("it is there");
        assert_eq!(secret.expose_secret(), "canary");
        let another = Change::Secret { owner: "acme".into(), field: "more".into(), value: Some("x".to_owned().into()) };
        store.commit(Batch::new().with(another)).await.expect("it commits");
        store.close().await.expect("it closes");
    }
}

fn open(path: &Path) -> Store {
    let options = Options { ballast: 0, clock: Clock::paced(NOW), ..Options::default() };
    Store::open(path, options).expect("it opens")
}

/// Without a cut; how often each point is reached.
pub async fn untouched() -> BTreeMap<String, usize> {
    let (old, file) = (Old::new(), tempfile::NamedTempFile::new().expect("a file"));
    assert!(old.renewed(&[("AGENT_BRIDGE_REACHED", &file.path().to_string_lossy())]).success());
    old.is_whole().await;
    let mut reached = super::reached(file.path());
    // Whether forgetting commits something before the store is closed is a matter of chance; a life walks these.
    reached.retain(|point, _| !point.starts_with("store.commit."));
    reached
}

/// Dies there, and is whole all the same; what is done again comes to its end.
pub async fn is_cut_off(cut: Cut) {
    let old = Old::new();
    let status = old.renewed(&[("AGENT_BRIDGE_KILL_AT", &cut.word())]);
    assert_eq!(status.signal(), Some(9), "{}", cut.word());
    old.is_whole().await;
    assert!(old.renewed(&[]).success(), "after {}", cut.word());
    old.is_whole().await;
}

#[tokio::test]
#[ignore = "a process that the walk starts and kills: cargo test --test faults a_daemon_killed_at_any_failpoint"]
async fn a_process_of_its_own() {
    let path = std::env::var_os(STORE).expect("the walk says where");
    let store = open(Path::new(&path));
    store.rotate_key(VaultKey::fresh()).await.expect("it gets another key");
    store.close().await.expect("it closes");
}
