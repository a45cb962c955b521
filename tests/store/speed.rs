//! How fast the writer is; run by hand: `cargo test --test store speed -- --ignored --nocapture`.

use agent_bridge_sim::agentunited::burst_text;
use std::time::Instant;

use agent_bridge::event::Type;
use agent_bridge::store::{Batch, Options, Store};

use crate::support::{Place, event_with, object};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "measures, a minute and 2 GiB of disk: cargo test --release --test store speed -- --ignored --nocapture"]
async fn events_a_second_with_many_stored() {
    let place = Place::new();
    let store = Store::open(&place.path(), Options { ballast: 0, ..Options::default() }).unwrap();
    let total: u64 = std::env::var("SPEED_EVENTS").ok().and_then(|count| count.parse().ok()).unwrap_or(200_000);
    let random = std::env::var("SPEED_RANDOM").is_ok();
    let mut told = 0;
    for per_batch in [1_usize, 10, 100] {
        let mut seconds = 0.0;
        let goal = told + total / 3;
        while told < goal {
            let batches: Vec<Batch> = (0..20_000 / per_batch)
                .map(|_| {
                    (0..per_batch).fold(Batch::intake(), |batch, _| {
                        told += 1;
                        let id = format!("{:016x}", if random { scatter(told) } else { told });
                        batch.event(event_with(
                            Type::MessageCreated,
                            "c1",
                            object(&id, "r1"),
                            &burst_text(0, told, 560),
                        ))
                    })
                })
                .collect();
            let start = Instant::now();
            let answers: Vec<_> = batches.into_iter().map(|batch| store.send(batch)).collect();
            for answer in answers {
                answer.await.unwrap().unwrap();
            }
            seconds += start.elapsed().as_secs_f64();
        }
        let (file, head) = (std::fs::metadata(place.path()).unwrap().len(), *store.head().borrow());
        let row = store.read(head - 1, 1, 1).unwrap()[0].bytes.len();
        let rate = f64::from(u32::try_from(total / 3).unwrap()) / seconds;
        let counted = store.size().0 >> 20;
        let (user, system) = writer_seconds();
        println!("{per_batch} a batch, {row} bytes, {head} stored: {rate:.0} events/s in {seconds:.1} s");
        println!("  counted {counted} MiB, file {} MiB; writer so far {user} s user, {system} s system", file >> 20);
    }
    store.close().await.unwrap();
    let start = Instant::now();
    let db = redb::Database::open(place.path()).unwrap();
    println!("reopened in {:?}", start.elapsed());
    println!("{:?}", db.begin_write().unwrap().stats().unwrap());
}

/// Seconds of processor that the writer's thread has used, in user and system mode.
fn writer_seconds() -> (u64, u64) {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    let stat = tasks.map(|task| std::fs::read_to_string(task.unwrap().path().join("stat")).unwrap());
    let stat = stat.into_iter().find(|stat| stat.contains("(store)")).unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    // Counted from the state on, utime and stime stand at 11 and 12 (proc(5)), in hundredths.
    (fields[11].parse::<u64>().unwrap() / 100, fields[12].parse::<u64>().unwrap() / 100)
}

fn scatter(index: u64) -> u64 {
    index.wrapping_mul(0x9e37_79b9_7f4a_7c15)
}
