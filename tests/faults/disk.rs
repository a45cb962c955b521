//! Rows about the disk: 5–7. A sync that fails, a disk (or a budget) that is full, a bit that has turned.

use agent_bridge_sim::agentunited::burst_text;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::Stdio;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::bridge::{Home, PATIENCE, until};
use crate::house::{House, QUICK, ack, documented};
use crate::matrix;

/// The quick config with this in `[store]`, and more sections.
fn config(store: &str, more: &str) -> String {
    format!("{}\n{more}", QUICK.replace("ballast = \"0B\"", store))
}

/// What everybody has passed goes soon.
const SOON_FORGOTTEN: &str = "[retention]\nkeep = \"1s\"\nevery = \"200ms\"";

#[tokio::test]
async fn row_05_a_sync_that_fails_ends_the_bridge_and_no_ack_after_it_counts() {
    matrix::row(5, async {
        let mut house = House::new(documented()).await;
        house.stop().await;
        // From the first sync of a start to some in the midst of its work.
        let mut answered = 0;
        for at in (0..matrix::cycles(6)).map(|cycle| 1 + cycle * 7 % 50) {
            let before = house.home.log().len();
            let (acked, code) = until_the_disk_fails(&mut house, at).await;
            answered += acked.len();
            let log = house.home.log().split_off(before);
            assert_ne!(code, Some(0), "sync {at}: {log}");
            assert!(log.contains("Input/output error"), "sync {at}: {log}");
            house.start().await;
            let had = house.ledger.seqs().len();
            let mut agent = house.agent().await;
            house.hears_all(&mut agent).await;
            let again = &house.ledger.seqs()[had..];
            assert!(again.iter().all(|seq| !acked.contains(seq)), "sync {at}: acked {acked:?}, and again {again:?}");
            drop(agent);
            house.stop().await;
        }
        assert!(answered > 0, "some of them failed in the midst of acks");
        house.start().await;
        let mut agent = house.agent().await;
        house.is_sound(&mut agent, 0).await;
    })
    .await;
}

/// Talks, reads and acks until the daemon has ended: whose ack was answered with success, and the exit code.
async fn until_the_disk_fails(house: &mut House, at: usize) -> (BTreeSet<u64>, Option<i32>) {
    let at = at.to_string();
    let mut daemon = house.home.spawn(&[("AGENT_BRIDGE_FAIL_SYNC_AT", at.as_str())]);
    let mut acked = BTreeSet::new();
    if house.home.is_ready(&mut daemon).await {
        let mut agent = house.home.agent().await;
        // Its own commits (lines, acks) and those of what is said here bring it to its end.
        if let Some(Ok(_)) = agent.try_call("subscribe", json!({ "consumer": "main" })).await {
            house.say("before the end");
            while let Some(delivery) = agent.try_delivery().await {
                house.ledger.had(&delivery);
                match agent.try_call("ack", json!({ "seq": delivery.seq })).await {
                    Some(Ok(_)) => drop(acked.insert(delivery.seq)),
                    Some(Err(_)) => {}
                    None => break,
                }
                house.say("and on");
            }
        }
    }
    (acked, daemon.exit().await)
}

/// A file system of its own below a home's state, in a mount namespace that lives as long as this.
struct SmallDisk {
    holder: Child,
    state: PathBuf,
}

impl SmallDisk {
    /// Mounts it and has the home's binary run there; `None` where this machine does not let us.
    async fn below(home: &mut Home, size: &str) -> Option<Self> {
        let state = home.path("state");
        for (unshare, nsenter) in [("-Urm", ["-U", "-m"]), ("-m", ["-m", "-m"])] {
            let script = r#"mount -t tmpfs -o "size=$1,mode=700" tmpfs "$0" && echo mounted && exec sleep 86400"#;
            let mut holder = Command::new("unshare")
                .args([unshare, "sh", "-c", script])
                .arg(&state)
                .arg(size)
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .kill_on_drop(true)
                .spawn()
                .ok()?;
            let mut word = BufReader::new(holder.stdout.take()?).lines();
            if word.next_line().await.ok().flatten().is_some_and(|word| word == "mounted") {
                let pid = holder.id()?.to_string();
                let enter = ["nsenter", "--preserve-credentials", nsenter[0], nsenter[1], "-t", &pid, "--"];
                home.run_inside(enter.map(str::to_owned).to_vec());
                return Some(Self { holder, state });
            }
        }
        None
    }

    /// A file there, as this process can see it.
    fn file(&self, name: &str) -> PathBuf {
        let root = PathBuf::from(format!("/proc/{}/root", self.holder.id().expect("it lives")));
        root.join(self.state.strip_prefix("/").expect("an absolute path")).join(name)
    }
}

/// A joined house on a small disk.
async fn on_small_disk(size: &str, config: &str) -> Option<(House, SmallDisk)> {
    let mut home = Home::new(config);
    let Some(disk) = SmallDisk::below(&mut home, size).await else {
        matrix::skip(6, "no tmpfs can be mounted here: neither a user namespace nor root");
        return None;
    };
    let house = House::at(documented(), home).await;
    house.join().await;
    house.listens().await;
    Some((house, disk))
}

#[tokio::test]
async fn row_06_at_the_budget_intake_pauses_says_so_and_drains() {
    let config = config("ballast = \"0B\"\ndisk_budget = \"400KiB\"", SOON_FORGOTTEN);
    let Some((mut house, _disk)) = on_small_disk("64m", &config).await else { return };
    matrix::row(6, async {
        let text = burst_text(0, 0, 1_000);
        let mut agent = house.agent().await;
        while house.store_status().await["health"] != "full" {
            for _ in 0..20 {
                house.say(&text);
            }
        }
        // What the platform tells now is refused, with the cursor or anchor that would move past it (P1).
        for _ in 0..50 {
            house.say(&text);
        }
        assert!(house.home.ok(&["status"]).await.contains("intake is paused"));
        until(|| async { house.home.log().contains("intake pauses").then_some(()) }, || house.home.log()).await;
        let first = agent.delivery().await;
        house.ledger.had(&first);
        ack(&mut agent, &first).await;
        house.is_sound(&mut agent, 0).await;
        until(|| async { house.home.log().contains("there is room again").then_some(()) }, || house.home.log()).await;
        let again = house.home.log().matches("the disk budget is reached").count();
        assert!((1..10).contains(&again), "said once for each time: {again}");
        house.stop().await;
    })
    .await;
}

#[tokio::test]
async fn row_06_a_disk_that_is_really_full_ends_the_bridge_and_the_next_start_drains_from_the_ballast() {
    // Pages of such messages are much to read again and again.
    let config = config("ballast = \"2MiB\"", SOON_FORGOTTEN).replace("others = \"500ms\"", "others = \"10m\"");
    let Some((mut house, disk)) = on_small_disk("16m", &config).await else { return };
    matrix::row(6, async {
        let ballast = disk.file("bridge.redb.ballast");
        until(|| async { ballast.exists().then_some(()) }, || house.home.log()).await;
        let text = burst_text(0, 0, 20_000);
        while !house.daemon().has_ended() {
            for _ in 0..5 {
                house.say(&text);
            }
            has_taken_them(&mut house).await;
        }
        let code = house.daemon().exit().await;
        let log = house.home.log();
        assert_eq!(code, Some(74), "EX_IOERR: {log}");
        assert!(log.contains("No space left on device"), "{log}");
        assert!(!ballast.exists(), "it is given up");

        house.start().await;
        let mut agent = house.agent().await;
        house.is_sound(&mut agent, 0).await;
        house.stop().await;
    })
    .await;
}

/// Waits until the newest message is in the feed, or the daemon is gone.
async fn has_taken_them(house: &mut House) {
    let said = house.sim.history(&house.room).len() as u64;
    let begun = std::time::Instant::now();
    while !house.daemon().has_ended() {
        let status = house.home.cli(&["status", "--json"]).await;
        let status: Value = serde_json::from_slice(&status.stdout).unwrap_or_default();
        if status["store"]["head"].as_u64() >= Some(said) && status["daemon"] == true {
            return;
        }
        assert!(begun.elapsed() < PATIENCE, "{}", house.home.log());
    }
}

#[tokio::test]
async fn row_06_with_drop_oldest_intake_goes_on_and_only_who_missed_events_is_told() {
    let consumers = "[[consumer]]\nname = \"main\"\n[[consumer]]\nname = \"slow\"\nfrom = \"start\"\nper_lane = 0";
    let store = "ballast = \"0B\"\ndisk_budget = \"300KiB\"\non_full = \"drop-oldest\"";
    let mut house = House::with(documented(), &config(store, consumers)).await;
    matrix::row(6, async {
        let text = burst_text(0, 0, 1_000);
        let mut agent = house.agent().await;
        for _ in 0..25 {
            for _ in 0..20 {
                house.say(&text);
            }
            house.hears_all(&mut agent).await;
        }
        house.is_sound(&mut agent, 0).await;
        assert!(house.ledger.firsts("consumer.gap").is_empty(), "who kept up missed nothing");
        let status = house.store_status().await;
        let [oldest, dropped] = ["oldest", "dropped"].map(|key| status[key].as_u64().expect("a number"));
        assert!(oldest > 250 && dropped >= oldest - 1, "{status}");
        assert_eq!(house.home.log().matches("the oldest events are dropped").count(), 1, "{}", house.home.log());

        let mut slow = house.agent_of("slow").await;
        // `main` had everything there is, but for what is said to `slow` alone.
        let all: BTreeSet<u64> = house.ledger.seqs().into_iter().collect();
        let (mut had, mut gaps) = (BTreeSet::new(), Vec::<Value>::new());
        while gaps.is_empty() || had.last() != all.last() {
            let delivery = slow.delivery().await;
            ack(&mut slow, &delivery).await;
            match delivery.event["type"].as_str() {
                Some("consumer.gap") => gaps.push(delivery.event["data"].clone()),
                _ => drop(had.insert(delivery.seq)),
            }
        }
        assert_eq!(gaps.len(), 1, "one hole, one gap: {gaps:?}");
        let last = gaps[0]["last"].as_u64().expect("a number");
        assert_eq!(gaps[0]["count"], all.range(..=last).count(), "{gaps:?}");
        assert_eq!(had, all.range(last + 1..).copied().collect(), "{gaps:?}");
        house.stop().await;
    })
    .await;
}

#[tokio::test]
async fn row_07_a_flipped_bit_is_refused_by_name_or_harmless_never_silently_less() {
    matrix::row(7, async {
        let (house, whole, told) = filled().await;
        let path = house.home.path("state/bridge.redb");
        let (mut refused, mut harmless) = (0, 0);
        for at in places(&whole) {
            let mut flipped = whole.clone();
            flipped[at] ^= 0x10;
            std::fs::write(&path, &flipped).expect("the store is written");
            match starts(&house.home, told.len()).await {
                Ok(events) => {
                    harmless += 1;
                    assert_eq!(events, told, "byte {at}");
                }
                Err((code, words)) => {
                    refused += 1;
                    assert!(code == Some(65) || code == Some(74), "byte {at}: {code:?} {words}");
                    assert!(words.contains("cannot be read as a store") || words.contains("damaged"), "{at}: {words}");
                    let restore = words.contains("restore it from a backup");
                    assert!(code == Some(74) || restore, "byte {at}: it says what to do: {words}");
                    let unchanged = code == Some(74) || std::fs::read(&path).expect("it is there") == flipped;
                    assert!(unchanged, "byte {at}: it was left as it is");
                }
            }
        }
        assert!(refused >= 4, "{refused} refused, {harmless} harmless");
        std::fs::write(&path, &whole).expect("the store is put back");
        assert_eq!(starts(&house.home, told.len()).await.expect("it starts"), told, "put back, it is as before");
    })
    .await;
}

/// A house that stopped well, the bytes of its store, and all that is in its feed.
async fn filled() -> (House, Vec<u8>, Vec<Value>) {
    let archive = "[[consumer]]\nname = \"main\"\n[[consumer]]\nname = \"archive\"\nfrom = \"start\"\nper_lane = 0";
    let mut house = House::with(documented(), &format!("{QUICK}\n{archive}")).await;
    let mut agent = house.agent().await;
    for index in 0..30 {
        house.say(&format!("{index} {}", burst_text(0, index, 2_000)));
    }
    house.hears_all(&mut agent).await;
    drop(agent);
    let head = house.store_status().await["head"].as_u64().expect("a number");
    let told = archived(&house.home, usize::try_from(head).expect("few")).await.expect("the archive");
    // What a start adds to the feed comes behind what is compared.
    house.stop().await;
    let whole = std::fs::read(house.home.path("state/bridge.redb")).expect("the store");
    (house, whole, told)
}

/// The header, page by page what holds something, and a few places that do not.
fn places(whole: &[u8]) -> Vec<usize> {
    let filled: Vec<usize> = whole.iter().enumerate().filter(|(_, byte)| **byte != 0).map(|(at, _)| at).collect();
    let many = matrix::cycles(9).max(4);
    let header = [0, 9, 64, 192];
    let rows = (1..many).map(|part| filled[part * (filled.len() - 1) / many]);
    header.into_iter().chain(rows).chain([whole.len() / 2, whole.len() - 1]).collect()
}

/// Starts the daemon on what is there: the first `count` events of the feed, or how it refused.
async fn starts(home: &Home, count: usize) -> Result<Vec<Value>, (Option<i32>, String)> {
    let before = home.log().len();
    let mut daemon = home.spawn(&[]);
    let events = if home.is_ready(&mut daemon).await { archived(home, count).await } else { None };
    match events {
        Some(events) => {
            daemon.kill().await;
            Ok(events)
        }
        None => Err((daemon.exit().await, home.log().split_off(before))),
    }
}

/// The first `count` events as the consumer `archive` gets them, which never acks: those of an earlier connection rest
/// for a moment, and come behind newer ones. `None` where the bridge ended.
async fn archived(home: &Home, count: usize) -> Option<Vec<Value>> {
    let mut agent = home.agent().await;
    agent.try_call("subscribe", json!({ "consumer": "archive", "max_in_flight": 4_096 })).await?.ok()?;
    let mut events = BTreeMap::new();
    while events.len() < count {
        let delivery = agent.try_delivery().await?;
        if delivery.seq <= count as u64 {
            events.insert(delivery.seq, delivery.event);
        }
    }
    Some(events.into_values().collect())
}
