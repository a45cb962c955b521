//! Stories on the real binary: real sockets, real signals, short real time, against the simulated platform.

mod acting;
mod agents;
mod approvals;
mod asking;
mod attended;
mod bad_input;
#[path = "../support/bench.rs"]
#[allow(dead_code, reason = "each test binary uses its part")]
mod bench;
#[path = "../support/bridge.rs"]
#[allow(dead_code, reason = "each test binary uses its part")]
mod bridge;
mod brought;
#[path = "../support/burrow.rs"]
#[allow(dead_code, reason = "each test binary uses its part")]
mod burrow;
#[path = "../support/cabinet.rs"]
#[allow(dead_code, reason = "each test binary uses its part")]
mod cabinet;
mod capabilities;
mod codes;
#[path = "../support/den.rs"]
#[allow(dead_code, reason = "each test binary uses its part")]
mod den;
mod desk;
mod documents;
mod doors;
mod drafts;
mod entries;
mod files;
mod guard;
#[path = "../support/house.rs"]
#[allow(dead_code, reason = "each test binary uses its part")]
mod house;
mod invites;
#[path = "../support/ledger.rs"]
#[allow(dead_code, reason = "each test binary uses its part")]
mod ledger;
mod lists;
mod live;
#[path = "../support/lounge.rs"]
#[allow(dead_code, reason = "each test binary uses its part")]
mod lounge;
mod lounge_verbs;
#[path = "../support/margin.rs"]
#[allow(dead_code, reason = "each test binary uses its part")]
mod margin;
mod mentions;
mod office;
mod policies;
mod receipts;
mod refused;
mod restarts;
mod revocations;
mod seats;
mod speakeasy;
mod standing;
mod streams;
#[path = "../support/studio.rs"]
#[allow(dead_code, reason = "each test binary uses its part")]
mod studio;
mod tls;
mod topics;
mod tracing;
