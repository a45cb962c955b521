//! The simulated platform `agentunited`, asked the way a bridge would ask it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails, and says where")]

mod contract;
#[path = "../shared/lines.rs"]
#[allow(dead_code, reason = "each test binary uses its part")]
mod lines;
#[path = "../shared/listener.rs"]
mod listener;
mod serving;
#[path = "../shared/socket.rs"]
mod socket;
mod stream;
mod support;
