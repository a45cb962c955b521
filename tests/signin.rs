//! Signing in: the network it goes over, the session, and joining by every way.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails, and says where")]

#[path = "support/burrow.rs"]
#[allow(dead_code, reason = "each test binary uses its part")]
mod burrow;
#[path = "support/memory_network.rs"]
mod memory_network;
#[path = "support/overheard.rs"]
mod overheard;
#[path = "support/scripted_server.rs"]
mod scripted_server;

#[path = "signin/approval.rs"]
mod approval;
#[path = "signin/bench.rs"]
mod bench;
#[path = "signin/cut_short.rs"]
mod cut_short;
#[path = "signin/door.rs"]
mod door;
#[path = "signin/grants.rs"]
mod grants;
#[path = "signin/invented.rs"]
mod invented;
#[path = "signin/invites.rs"]
mod invites;
#[path = "signin/joining.rs"]
mod joining;
#[path = "signin/network.rs"]
mod network;
#[path = "signin/recognised.rs"]
mod recognised;
#[path = "signin/secrets.rs"]
mod secrets;
#[path = "signin/sessions.rs"]
mod sessions;
