//! The push side, cable and webhooks together: its switches, its state, and the script over HTTP.

use std::{collections::BTreeSet, time::Duration};

use axum::{
    Json, Router,
    extract::State,
    routing::{get, post},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Sim,
    cable::{self, Cables},
    hook::Hooks,
    transport::{Delays, Transports},
    world::World,
};
use crate::control::{happens, ok, takes};

/// The contract of the push side: `id | request | status | says | source`.
pub const PUSH_CONTRACT: &str = include_str!("../../contract/speakeasy-wire.txt");

/// When a subscription is confirmed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Confirm {
    /// Before anything is replayed.
    #[default]
    First,
    /// After the whole replay.
    Last,
}

/// The switches of the push side.
#[derive(Clone, Debug)]
pub struct PushOptions {
    /// Time between two pings of a cable.
    pub ping: Duration,
    /// Time between two replayed events; live ones come in between.
    pub replay_pace: Duration,
    /// How many of the last events of a replay also come live, in the midst of it.
    pub replay_overlap: usize,
    /// When a subscription is confirmed.
    pub confirm: Confirm,
    /// Waiting before each retry of a webhook; when they are used up, it is given up.
    pub hook_retries: Vec<Duration>,
    /// How long one attempt may last.
    pub hook_timeout: Duration,
}

impl Default for PushOptions {
    fn default() -> Self {
        Self {
            ping: Duration::from_secs(3),
            replay_pace: Duration::ZERO,
            replay_overlap: 0,
            confirm: Confirm::First,
            hook_retries: [3, 18, 83, 258, 627].map(Duration::from_secs).to_vec(),
            hook_timeout: Duration::from_secs(10),
        }
    }
}

/// The state of the push side.
#[derive(Debug, Default)]
pub(crate) struct Push {
    pub(crate) options: PushOptions,
    pub(crate) cables: Cables,
    pub(crate) hooks: Hooks,
    pub(crate) transports: Transports,
}

impl Sim {
    /// Changes the switches of the push side; lines that are open keep their beat.
    pub fn set_push(&self, change: impl FnOnce(&mut PushOptions)) {
        self.with(|world| change(&mut world.push.options));
    }

    /// A line of the contract was served. Whoever waits is woken by the first time alone: with a thousand cables, each
    /// ping of one would wake all the others.
    pub(super) fn notes(&self, line: &'static str) {
        if !self.look(|world| world.ledger.served.contains(line)) {
            self.with(|world| world.served(line));
        }
    }
}

impl World {
    /// Which lines of the contracts were served so far.
    pub fn served_lines(&self) -> &BTreeSet<&'static str> {
        &self.ledger.served
    }
}

/// `GET /cable`, and the script's routes for the push side.
pub(super) fn router(sim: &Sim) -> Router {
    Router::new()
        .route("/cable", get(cable::dial))
        .route("/_sim/cable_fault", takes(Sim::arm_cable))
        .route("/_sim/hook_fault", takes(Sim::arm_hook))
        .route("/_sim/push_options", post(options))
        .route("/_sim/delays", post(delays))
        .route(
            "/_sim/heal_push",
            happens(|sim: &Sim| {
                sim.heal_cable();
                sim.heal_hooks();
            }),
        )
        .route("/_sim/hook_replay", post(hook_replay))
        .route("/_sim/push", get(state))
        .with_state(sim.clone())
}

/// The switches over HTTP, durations in milliseconds; what is absent stays.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Switches {
    ping: Option<u64>,
    replay_pace: Option<u64>,
    replay_overlap: Option<usize>,
    confirm: Option<Confirm>,
    hook_retries: Option<Vec<u64>>,
    hook_timeout: Option<u64>,
}

async fn options(State(sim): State<Sim>, Json(switches): Json<Switches>) -> Json<Value> {
    sim.set_push(|it| {
        let millis = |millis: Option<u64>, now| millis.map_or(now, Duration::from_millis);
        let retries = switches.hook_retries.map(|it| it.into_iter().map(Duration::from_millis).collect());
        *it = PushOptions {
            ping: millis(switches.ping, it.ping),
            replay_pace: millis(switches.replay_pace, it.replay_pace),
            replay_overlap: switches.replay_overlap.unwrap_or(it.replay_overlap),
            confirm: switches.confirm.unwrap_or(it.confirm),
            hook_retries: retries.unwrap_or_else(|| std::mem::take(&mut it.hook_retries)),
            hook_timeout: millis(switches.hook_timeout, it.hook_timeout),
        };
    });
    ok()
}

/// In milliseconds; what is absent is no time.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
#[derive(Default)]
struct Waits {
    polling: u64,
    webhook: u64,
    cable: u64,
}

async fn delays(State(sim): State<Sim>, Json(waits): Json<Waits>) -> Json<Value> {
    let Waits { polling, webhook, cable } = waits;
    let [polling, webhook, cable] = [polling, webhook, cable].map(Duration::from_millis);
    sim.set_delays(Delays { polling, webhook, cable });
    ok()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Replay {
    event: u64,
}

async fn hook_replay(State(sim): State<Sim>, Json(replay): Json<Replay>) -> Json<Value> {
    Json(json!({"ok": sim.replay_hook(replay.event)}))
}

async fn state(State(sim): State<Sim>) -> Json<Value> {
    sim.look(|world| {
        let cables: Vec<_> = world.cables().collect();
        let deliveries: Vec<_> = world.deliveries().collect();
        Json(json!({
            "cables": cables, "dials": world.cable_dials(), "subscribed": world.subscribed(),
            "deliveries": deliveries, "firsts": world.firsts(),
            "faults_left": world.push.cables.turns.len() + world.push.hooks.turns.len(),
            "served": world.ledger.served,
        }))
    })
}
