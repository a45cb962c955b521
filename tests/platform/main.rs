//! The whole bridge against whole platforms: the real binary, the simulated platform, and one that nobody has heard of.

#[path = "../support/bridge.rs"]
#[allow(dead_code, reason = "each test binary uses its part")]
mod bridge;
#[path = "../support/scripted_server.rs"]
mod scripted;

mod bad_input;
mod contract;
mod drafts;
mod invented;
mod killed;
mod nonce;
mod simulated;
