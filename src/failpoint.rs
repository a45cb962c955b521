//! Where tests end the process, and the defences they take away: the only code that a test build has more.
//!
//! Without the feature `failpoints`, which nothing but the tests switches on, every function here is empty. With it
//! the process reads, once:
//!
//! - `AGENT_BRIDGE_KILL_AT`: `store.commit.before@3` is `kill -9` at the third time that point is reached.
//! - `AGENT_BRIDGE_FAIL_SYNC_AT`: 7 makes the store's seventh sync fail with EIO, and every one after it.
//! - `AGENT_BRIDGE_REACHED`: a file to which every point that is reached is appended, a name a line.
//! - `AGENT_BRIDGE_WITHOUT`: names of [`Defence`]s that do not stand, separated by commas. A fault's test must turn
//!   red without the defence that it is about, or it proves nothing.

/// Makes an enum whose values have a stable name each.
macro_rules! named {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $value:ident = $text:literal,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name { $($(#[$doc])* $value,)* }

        impl $name {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$value,)*];

            /// Its stable name.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$value => $text,)* }
            }
        }
    };
}

named! {
    /// A place before or after something that lasts: a commit, or a request that leaves. Each has one call site.
    Point {
        /// All is in the transaction; nothing is durable.
        StoreCommitBefore = "store.commit.before",
        /// It is durable; nobody has been told.
        StoreCommitAfter = "store.commit.after",
        /// A fresh store's tables are laid out, under another name; nothing is durable.
        StoreMadeBefore = "store.made.before",
        /// The fresh store is whole; it has not its name yet.
        StoreMadeAfter = "store.made.after",
        /// What was made under another name is whole.
        StorePlacedBefore = "store.placed.before",
        /// It has its name, durably.
        StorePlacedAfter = "store.placed.after",
        /// An old store has proven to be ours; what its engine repaired waits in memory.
        StoreOpenedBefore = "store.opened.before",
        /// The repair is in the file.
        StoreOpenedAfter = "store.opened.after",
        /// A store of an earlier version has the tables of this one, in the transaction.
        StoreUpgradedBefore = "store.upgraded.before",
        /// It is of this version.
        StoreUpgradedAfter = "store.upgraded.after",
        /// Every secret is sealed with the new key, in the transaction.
        StoreResealedBefore = "store.resealed.before",
        /// The store fits the new key; the old one is still in its place.
        StoreResealedAfter = "store.resealed.after",
        /// All is committed; the engine has not said that it ends in peace.
        StoreClosedBefore = "store.closed.before",
        /// It has.
        StoreClosedAfter = "store.closed.after",
        /// The file of a key is there, and empty.
        VaultWrittenBefore = "vault.written.before",
        /// The key is durable, under another name than it will have.
        VaultWrittenAfter = "vault.written.after",
        /// The new key is about to take the old one's place.
        VaultRenamedBefore = "vault.renamed.before",
        /// It has.
        VaultRenamedAfter = "vault.renamed.after",
        /// A request is ready; nothing has left.
        HttpRequestBefore = "http.request.before",
        /// The head of the answer is here; nobody has read it.
        HttpRequestAfter = "http.request.after",
        /// An event is signed for a webhook; nothing has left.
        WebhookPostedBefore = "webhook.posted.before",
        /// The head of the webhook's answer is here; nothing is settled.
        WebhookPostedAfter = "webhook.posted.after",
    }
}

named! {
    /// What stands between a fault and its harm.
    Defence {
        /// P2: an event that is known is not appended again.
        Once = "once",
        /// P5: an ack is answered after its commit.
        AckAfterCommit = "ack-after-commit",
        /// P6: after a lost reply the own messages past the fence are read before anything is sent again.
        ReadBack = "read-back",
        /// P7: that a refresh token is about to leave is durable before it does.
        WriteAhead = "write-ahead",
        /// P7: however many ask for a new token, one request for it is under way.
        SingleFlight = "single-flight",
    }
}

#[cfg(not(feature = "failpoints"))]
mod work {
    use super::{Defence, Point};

    /// Nothing.
    #[inline]
    pub const fn reach(_: Point) {}

    /// No sync fails.
    #[inline]
    pub const fn sync() -> std::io::Result<()> {
        Ok(())
    }

    /// Every defence stands.
    #[inline]
    pub const fn stands(_: Defence) -> bool {
        true
    }
}

#[cfg(feature = "failpoints")]
mod work {
    use std::fs::File;
    use std::io::Write;
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::{Defence, Point};

    struct Plan {
        /// The name of a point, and how often it may still be reached, this time included.
        kill: Option<(String, AtomicUsize)>,
        /// How many syncs are well.
        fail_sync: Option<AtomicUsize>,
        reached: Option<File>,
        without: Vec<String>,
    }

    fn plan() -> &'static Plan {
        static PLAN: OnceLock<Plan> = OnceLock::new();
        PLAN.get_or_init(|| {
            let told = |name: &str| std::env::var(format!("AGENT_BRIDGE_{name}")).ok();
            let kill = told("KILL_AT").map(|at| {
                let (name, time) = at.split_once('@').expect("AGENT_BRIDGE_KILL_AT is `point@time`");
                assert!(Point::ALL.iter().any(|point| point.name() == name), "there is no failpoint `{name}`");
                (name.to_owned(), AtomicUsize::new(time.parse().expect("a number of times")))
            });
            let fail_sync = told("FAIL_SYNC_AT").map(|at| {
                let at: usize = at.parse().expect("AGENT_BRIDGE_FAIL_SYNC_AT is a number");
                AtomicUsize::new(at.saturating_sub(1))
            });
            let reached = told("REACHED").map(|path| {
                File::options().append(true).create(true).open(path).expect("AGENT_BRIDGE_REACHED can be written")
            });
            let without: Vec<String> =
                told("WITHOUT").iter().flat_map(|names| names.split(',')).map(str::to_owned).collect();
            for name in &without {
                let known = Defence::ALL.iter().any(|defence| defence.name() == name);
                assert!(known, "there is no defence `{name}`");
            }
            Plan { kill, fail_sync, reached, without }
        })
    }

    /// Notes that the process is here, and ends it where a test wants that.
    pub fn reach(point: Point) {
        let plan = plan();
        if let Some(mut file) = plan.reached.as_ref() {
            file.write_all(format!("{}\n", point.name()).as_bytes()).expect("AGENT_BRIDGE_REACHED can be written");
        }
        if let Some((name, left)) = &plan.kill
            && name == point.name()
            && left.fetch_sub(1, Ordering::SeqCst) == 1
        {
            let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
            loop {
                std::thread::park();
            }
        }
    }

    /// Fails where a test wants the disk to be broken.
    pub fn sync() -> std::io::Result<()> {
        let Some(well) = &plan().fail_sync else { return Ok(()) };
        let left = well.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        left.map(|_| ()).map_err(|_| rustix::io::Errno::IO.into())
    }

    /// Whether a test has left this defence in place.
    pub fn stands(defence: Defence) -> bool {
        !plan().without.iter().any(|name| name == defence.name())
    }
}

pub use work::{reach, stands, sync};
