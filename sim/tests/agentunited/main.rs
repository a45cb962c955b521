//! The simulated platform `agentunited`, asked the way a bridge would ask it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails, and says where")]

mod contract;
mod serving;
mod stream;
mod support;
