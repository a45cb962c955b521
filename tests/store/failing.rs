//! When the disk says no, or the budget is reached.

use agent_bridge_sim::agentunited::burst_text;
use std::io;
use std::ops::Bound;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use agent_bridge::event::Type;
use agent_bridge::store::{Batch, Change, Health, Options, Store, StoreError};
use redb::backends::InMemoryBackend;
use redb::{BackendError, StorageBackend};

use crate::support::{Place, created, event_with, message, object};

/// A disk whose `fsync` can fail, and is counted.
#[derive(Debug, Default)]
struct Disk {
    memory: InMemoryBackend,
    broken: Arc<AtomicBool>,
    synced: Arc<AtomicUsize>,
}

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        self.memory.len()
    }
    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.memory.read(offset, out)
    }
    fn set_len(&self, length: u64) -> io::Result<()> {
        self.memory.set_len(length)
    }
    fn sync_data(&self) -> io::Result<()> {
        self.synced.fetch_add(1, Ordering::SeqCst);
        if self.broken.load(Ordering::SeqCst) { Err(io::Error::other("injected EIO")) } else { self.memory.sync_data() }
    }
    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.memory.write(offset, data)
    }
    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.memory.try_lock_range(start, end)
    }
}

#[tokio::test]
async fn what_nobody_waits_for_goes_with_the_next_commit_or_alone() {
    let place = Place::new();
    place.make();
    let key = place.file("key");
    std::fs::write(&key, [7; 32]).unwrap();
    let disk = Disk::default();
    let synced = Arc::clone(&disk.synced);
    let store = Store::open_on(disk, Options { vault_key: Some(key), ..place.options.clone() }).unwrap();
    let mark = |seq| Batch::new().with(Change::Mark { consumer: "main".into(), seq });
    let patient = |seq| Batch { patient: true, ..mark(seq) };

    store.commit(patient(1)).await.unwrap();
    let before = synced.load(Ordering::SeqCst);
    store.commit(mark(2)).await.unwrap();
    let one = synced.load(Ordering::SeqCst) - before;
    assert!(one > 0);
    let mut together = 0;
    for round in 0..40 {
        let before = synced.load(Ordering::SeqCst);
        let first = store.send(patient(3 + 2 * round));
        // Long enough for a writer that does not wait to have begun.
        tokio::time::sleep(Duration::from_millis(1)).await;
        store.commit(mark(4 + 2 * round)).await.unwrap();
        first.await.unwrap().unwrap();
        together += usize::from(synced.load(Ordering::SeqCst) - before == one);
    }
    assert!(together > 10, "{together} of 40 went with the next commit");
    assert_eq!(store.progress("main").unwrap().mark, 82);
}

#[tokio::test]
async fn p11_after_a_failed_fsync_nothing_is_committed_any_more() {
    let place = Place::new();
    let key = place.file("key");
    place.make();
    std::fs::write(&key, [7; 32]).unwrap();
    let disk = Disk::default();
    let broken = Arc::clone(&disk.broken);
    let options = Options { vault_key: Some(key), ..place.options.clone() };
    let store = Store::open_on(disk, options).unwrap();
    store.commit(Batch::intake().event(message("m1"))).await.unwrap();

    broken.store(true, Ordering::SeqCst);
    let (first, second) =
        (store.send(Batch::new().event(message("m2"))), store.send(Batch::new().event(message("m3"))));
    assert!(matches!(first.await.unwrap(), Err(StoreError::Failed(why)) if why.contains("injected EIO")));
    assert!(matches!(second.await.unwrap(), Err(StoreError::Failed(_))));
    assert_eq!(*store.head().borrow(), 1, "nobody hears of what was not committed");
    broken.store(false, Ordering::SeqCst);
    assert!(matches!(store.commit(Batch::new().event(message("m4"))).await, Err(StoreError::Failed(_))));
    assert!(matches!(&*store.health().borrow(), Health::Failed(why) if why.contains("injected EIO")));
}

#[tokio::test]
async fn p11_at_the_budget_intake_pauses_while_the_rest_goes_on_and_resumes_when_there_is_room() {
    let mut place = Place::new();
    place.options.disk_budget = 64 << 10;
    let store = place.open();
    let mut health = store.health();
    let text = burst_text(0, 0, 4096);
    let big = |index: u64| {
        Batch::intake().event(event_with(Type::MessageCreated, "c1", object(&format!("m{index}"), "r"), &text))
    };
    let mut stored = 0;
    let refused = loop {
        match store.commit(big(stored)).await {
            Ok(_) => stored += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(refused, StoreError::Full) && (10..20).contains(&stored), "{refused} after {stored}");
    assert_eq!(*health.borrow_and_update(), Health::Full);
    let (size, budget) = store.size();
    assert!(size >= budget && size < budget + 8192, "{size} of {budget}");

    let ack = Batch::new().with(Change::Mark { consumer: "main".into(), seq: 3 }).event(created("c2", "receipt"));
    store.commit(ack).await.unwrap();
    store.commit(Batch::new().with(Change::Trim(stored / 2))).await.unwrap();
    assert_eq!(*health.borrow_and_update(), Health::Open);
    store.commit(big(1_000)).await.unwrap();
    assert!(store.commit(big(1_000)).await.unwrap().events == [None], "a known event needs no room");
}

#[tokio::test]
async fn the_full_store_is_full_again_after_a_reopen() {
    let mut place = Place::new();
    place.options.disk_budget = 1;
    let store = place.open();
    store.commit(Batch::new().event(message("m1"))).await.unwrap();
    drop(store);
    let store = place.open();
    assert_eq!(*store.health().borrow(), Health::Full);
    assert!(matches!(store.commit(Batch::intake()).await, Err(StoreError::Full)));
}

#[tokio::test]
async fn a_closed_store_says_so() {
    let place = Place::new();
    let store = place.open();
    let sent = store.send(Batch::new().event(message("m1")));
    store.close().await.unwrap();
    assert_eq!(sent.await.unwrap().unwrap().events, [Some(1)], "what was sent before is committed");
    assert!(matches!(store.commit(Batch::new()).await, Err(StoreError::Closed)));
    assert!(matches!(store.oldest(), Err(StoreError::Closed)));
    drop(place.open());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p1_many_tasks_commit_at_once_and_each_event_has_one_place() {
    let place = Place::new();
    let store = place.open();
    let mut tasks = tokio::task::JoinSet::new();
    for task in 0..16 {
        let store = store.clone();
        tasks.spawn(async move {
            let mut places = Vec::new();
            for index in 0..50 {
                // Every second event is also told by the next task.
                let told = if index % 2 == 0 { format!("t{task}-{index}") } else { format!("shared-{index}") };
                let batch = Batch::intake().event(created("c1", &told));
                places.extend(store.commit(batch).await.unwrap().events.into_iter().flatten());
            }
            assert!(places.is_sorted(), "a task's events keep their order");
            places
        });
    }
    let mut places: Vec<u64> = tasks.join_all().await.into_iter().flatten().collect();
    places.sort_unstable();
    let expected: Vec<u64> = (1..=16 * 25 + 25).collect();
    assert_eq!(places, expected);
    assert_eq!(store.read(0, 1_000, 1 << 30).unwrap().len(), expected.len());
}
