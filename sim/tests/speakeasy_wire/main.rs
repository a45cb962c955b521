//! The push side of the simulated platform `speakeasy`: its cable asked by a plain websocket client,
//! its webhooks received by a plain server.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails, and says where")]

mod cable;
mod cable_faults;
mod contract;
mod hook;
mod hook_faults;
#[path = "../shared/lines.rs"]
#[allow(dead_code, reason = "each test binary uses its part")]
mod lines;
mod serving;
mod support;
mod transports;
