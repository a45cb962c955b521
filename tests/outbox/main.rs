//! Stories of the outbox against a simulated platform, in process and under paused time (P5, P6).

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails, and says where")]

mod desk;
mod doubt;
mod fleeting;
mod keys;
mod lists;
mod magpie;
#[path = "../support/memory_network.rs"]
mod memory_network;
mod pages;
mod parlour;
mod places;
mod refusals;
#[allow(dead_code, reason = "these stories need whole answers only")]
#[path = "../support/scripted_server.rs"]
mod scripted_server;
mod seats;
mod threads;
mod uploads;
mod wishes;
