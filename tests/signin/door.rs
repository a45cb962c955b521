//! A bench before the door of a platform where somebody must let the agent in.

use std::sync::Arc;

use agent_bridge::adapter::Manifests;
use agent_bridge::clock::Clock;
use agent_bridge::join::JoinRequest;
use agent_bridge_sim::agentunited::{Options, Sim};

use crate::bench::{Bench, NOW, with_setting};
use crate::burrow::{Burrow, MANIFEST};
use crate::memory_network::MemoryNetwork;

pub const BURROW: &str = "https://burrow.test";

/// The platform, and a bench that speaks with it.
pub fn burrow() -> (Burrow, Bench) {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("burrow.yaml"), MANIFEST).unwrap();
    let network = MemoryNetwork::default();
    let clock = Clock::paced(NOW);
    // The platform's own clock jumps with nobody's.
    let burrow = Burrow::new(Clock::paced(NOW));
    network.serve(BURROW, burrow.router());
    let mut bench = Bench::over(Sim::new(Options::default()), network.clone(), Arc::new(network), &clock);
    bench.manifest = Manifests::load(Some(dir.path())).unwrap().get("burrow").unwrap();
    (burrow, bench)
}

/// Asks to be let in.
pub fn knocks(bench: &Bench) -> JoinRequest {
    with_setting(bench.wants(BURROW), "owner", "ada@burrow.test")
}
