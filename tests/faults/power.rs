//! Rows about power: 2, 3.
//!
//! The real store runs in process on a disk of the test's own, whose power is cut anywhere: while a store is made,
//! opened, worked on, left alone for a moment, closed. On what the cut has left it is opened again, and must hold what
//! a naive model holds after all that was answered, and after none, some or all of what was not: whole batches, in
//! order. A failure names its seed; `FAULT_SEED` begins there.

mod disk;
mod facts;
mod life;
mod story;
mod truth;
mod work;

use agent_bridge::clock::Clock;
use agent_bridge::store::{OpenError, Options, Store};

use self::disk::{Disk, Loss};
use self::life::{Bridge, Count};
use crate::chance::Chance;
use crate::matrix;

/// Runs `cycles` stories with a seed each; what all of them counted.
async fn stories(cycles: usize, losses: &[Loss]) -> Count {
    let first = std::env::var("FAULT_SEED").map_or(1, |seed| seed.parse().expect("FAULT_SEED is a number"));
    let mut count = Count::default();
    for seed in (first..).take(cycles) {
        let mut bridge = Bridge::new(seed, losses);
        if let Err(why) = bridge.lives().await {
            panic!("FAULT_SEED={seed}: {why}");
        }
        count.add(&bridge.count);
    }
    count
}

#[tokio::test]
async fn row_02_what_was_answered_outlives_a_power_cut() {
    matrix::row(2, async {
        let count = stories(matrix::cycles(12), &[Loss::Everything, Loss::Pages, Loss::Nothing]).await;
        eprintln!("row 2: {count:?}");
        assert!(count.cuts > 0 && count.answered > 0, "it was put to the test");
    })
    .await;
}

/// The negative control: on a disk that answers its syncs and keeps nothing the same stories lose what was answered.
/// Now and then a cut falls where nothing was answered yet; never in half of the stories.
#[tokio::test]
async fn row_02_control_a_store_without_durability_is_found_out() {
    const STORIES: u64 = 8;
    let mut found_out = 0;
    for seed in 1..=STORIES {
        let mut bridge = Bridge::new(seed, &[Loss::Everything, Loss::Pages]);
        bridge.on_a_lying_disk();
        if let Err(found) = bridge.lives().await {
            let loss = ["lost:", "altered:", "refused:"].iter().any(|word| found.contains(word));
            assert!(loss, "seed {seed}: {found}");
            found_out += 1;
        }
    }
    assert!(found_out > STORIES / 2, "the oracle saw a loss in {found_out} of {STORIES} stories");
}

#[tokio::test]
async fn row_02_a_cut_while_a_store_of_an_earlier_version_is_opened_takes_nothing() {
    matrix::row(2, async {
        let directory = tempfile::tempdir().expect("a directory");
        let key = directory.path().join("key");
        let fixture = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
        std::fs::copy(fixture.join("store-v1.key"), &key).expect("the fixture's key");
        let file = std::fs::read(fixture.join("store-v1.redb")).expect("the fixture");
        let options =
            Options { clock: Clock::paced(story::NOW), cache: 1 << 20, vault_key: Some(key), ..Options::default() };
        let open = |disk: &Disk| Store::open_on(disk.clone(), options.clone());
        let holds = |store: &Store| {
            let secret = store.secret("acme", "token").expect("a secret").is_some();
            (store.read(0, 9, 1 << 20).expect("its events").len(), secret)
        };
        let mut chance = Chance::new(4);
        // Until an opening and a closing need fewer deeds than that, and end uncut.
        for deeds in 0.. {
            let disk = Disk::holding(&file);
            disk.cut_after(deeds);
            if let Ok(store) = open(&disk) {
                drop(store.close().await);
            }
            let cut = disk.is_off();
            disk.power_on(*chance.pick(&[Loss::Everything, Loss::Pages, Loss::Sectors]), &mut chance);
            let store = open(&disk).expect("the store opens after the cut");
            assert_eq!(holds(&store), (4, true), "cut after {deeds}");
            if !cut {
                assert!(deeds > 3, "nothing was ever cut");
                break;
            }
        }
    })
    .await;
}

#[tokio::test]
async fn row_03_torn_writes_are_recovered_from_or_refused_by_name() {
    matrix::row(3, async {
        let count = stories(matrix::cycles(12), &[Loss::Sectors, Loss::Sectors, Loss::Sectors, Loss::Noise]).await;
        eprintln!("row 3: {count:?}");
        assert!(count.cuts > count.refused, "most were recovered from");
    })
    .await;
}

/// Whether a refusal tells what it refuses and why.
fn is_loud(error: &OpenError) -> bool {
    matches!(error, OpenError::Damaged { path, why } if !path.is_empty() && !why.is_empty())
}
