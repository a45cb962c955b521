//! Lines, as stories against the simulated platform: nothing lost, nothing doubled, in order, and on it goes.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "support/memory_network.rs"]
mod memory_network;
#[path = "support/overheard.rs"]
mod overheard;

#[path = "lines/alive.rs"]
mod alive;
#[path = "lines/bench.rs"]
mod bench;
#[path = "lines/cable.rs"]
mod cable;
#[path = "lines/holes.rs"]
mod holes;
#[path = "lines/lists.rs"]
mod lists;
#[path = "lines/log.rs"]
mod log;
#[path = "lines/office.rs"]
mod office;
#[path = "lines/policies.rs"]
mod policies;
#[path = "lines/rooms.rs"]
mod rooms;
#[path = "lines/seats.rs"]
mod seats;
#[path = "lines/sound.rs"]
mod sound;
#[path = "lines/stage.rs"]
mod stage;
#[path = "lines/streams.rs"]
mod streams;
#[path = "lines/ways.rs"]
mod ways;
