//! The fault matrix: each row a test named after it, `row_07_…`, on the real binary wherever that can be done, with
//! the oracle behind each: nothing lost (L), nothing doubled (D), in order (O), and alive afterwards (V).
//! `docs/faults.md` says which test shows which row.

#[path = "../support/bridge.rs"]
#[allow(dead_code, reason = "each test binary uses its part")]
mod bridge;
#[path = "../support/house.rs"]
#[allow(dead_code, reason = "each test binary uses its part")]
mod house;
#[path = "../support/ledger.rs"]
#[allow(dead_code, reason = "each test binary uses its part")]
mod ledger;
#[path = "../support/lib0.rs"]
mod lib0;
#[path = "../support/lounge.rs"]
#[allow(dead_code, reason = "each test binary uses its part")]
mod lounge;
#[path = "../support/margin.rs"]
#[allow(dead_code, reason = "each test binary uses its part")]
mod margin;
#[allow(dead_code, reason = "rows use their part")]
mod matrix;
#[path = "../support/studio.rs"]
#[allow(dead_code, reason = "each test binary uses its part")]
mod studio;

mod actions;
mod agents;
mod asked;
mod attacks;
#[path = "../support/chance.rs"]
#[allow(dead_code, reason = "rows use their part")]
mod chance;
mod controls;
mod crashes;
mod disk;
mod effects;
mod lines;
mod liveness;
mod logged;
mod namespace;
mod power;
mod pushed;
mod soak;
mod walk;
