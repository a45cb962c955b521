//! The script's routes for live documents.

use axum::{
    Json, Router,
    extract::State,
    routing::{get, post},
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::{
    agentworkspace::{Memory, Sim},
    control::{Reply, done, happens, ok, takes},
};

pub(super) fn router(sim: &Sim) -> Router {
    Router::new()
        .route("/_sim/edit", post(edit))
        .route("/_sim/browser", post(browser))
        .route("/_sim/live_fault", takes(Sim::arm_live))
        .route("/_sim/heal_live", happens(Sim::heal_live))
        .route("/_sim/restart", post(restart))
        .route("/_sim/live", get(state))
        .with_state(sim.clone())
}

/// A person's edit; offsets in UTF-16 code units.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Edit {
    document: String,
    /// Absent: a new last paragraph.
    at: Option<usize>,
    #[serde(default)]
    delete: usize,
    #[serde(default)]
    text: String,
}

async fn edit(State(sim): State<Sim>, Json(body): Json<Edit>) -> Reply {
    let known = match body.at {
        Some(at) => sim.deletes(&body.document, at, body.delete) && sim.types(&body.document, at, &body.text),
        None => sim.appends(&body.document, &body.text),
    };
    done(known, "draft")
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Browser {
    document: String,
    does: Does,
}

/// What becomes of a person's browser.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Does {
    Arrive(String),
    Leave,
    GoOffline,
    ComeBack,
}

async fn browser(State(sim): State<Sim>, Json(body): Json<Browser>) -> Json<Value> {
    match body.does {
        Does::Arrive(person) => sim.arrives(&body.document, &person),
        Does::Leave => sim.leaves(&body.document),
        Does::GoOffline => sim.goes_offline(&body.document),
        Does::ComeBack => sim.comes_back(&body.document),
    }
    ok()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Restart {
    memory: Memory,
}

async fn restart(State(sim): State<Sim>, Json(body): Json<Restart>) -> Json<Value> {
    sim.restart(body.memory);
    ok()
}

async fn state(State(sim): State<Sim>) -> Json<Value> {
    sim.look(|world| {
        let drafts = world.live.rooms.iter().map(|(document, room)| {
            let awake: Vec<Value> = world.awake(document).into_iter().map(|(_, said)| said).collect();
            (document.clone(), json!({"content": room.text(), "seen": room.seen(), "awake": awake}))
        });
        let drafts: Map<String, Value> = drafts.collect();
        Json(json!({
            "drafts": drafts, "lines": world.lines().collect::<Vec<_>>(), "faults_left": world.live.turns.len(),
        }))
    })
}
