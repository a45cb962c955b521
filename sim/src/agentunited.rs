//! The simulated platform `agentunited`: one workspace, its people, its REST API and its stream.
//!
//! Written from the platform's document (`agentunited.external-workspace.txt`) and the field notes
//! alone. Files: `options` (switches), `world` `record` (state), `wire` (shapes),
//! `stream` `mangle` `burst` (events and their faults), `gate` `log` (what goes wrong, and the record of it), `answer`
//! `auth` `joining` `rooms` `messages` `history` (routes), `script` `auto` `control` (who plays the people).

use std::io;

use axum::{
    Router,
    extract::DefaultBodyLimit,
    http::HeaderMap,
    middleware,
    routing::{get, patch, post},
};

use crate::{
    answer::noting,
    serve::{self, Serving},
};
use answer::Outcome;

mod answer;
mod auth;
mod auto;
mod burst;
mod control;
mod gate;
mod history;
mod joining;
mod log;
mod mangle;
mod messages;
mod options;
mod record;
mod rooms;
mod script;
mod stream;
mod wire;
mod world;

pub use crate::fault::{Armed, Fault};
pub use crate::wall::Wall;
pub use burst::{Burst, burst_id, burst_text};
pub use log::{Entry, Facts};
pub use mangle::{Newline, StreamFault};
pub use options::{Accept, Crash, Cut, DeletedCursor, Options, Stream, UnknownCursor};
pub use script::{ApiKey, CentralJwt};
pub use world::{Account, AccountId, Kind, Message, MessageId, Room, RoomId, World};

/// Request bodies above this are cut off: a 10 MB file and its form fit.
const BODY: usize = 12 << 20;

/// One simulated workspace; clones share it.
pub type Sim = crate::platform::Sim<World>;

impl Sim {
    /// A workspace with nobody in it but its primary agent.
    pub fn new(options: Options) -> Self {
        let world = World::new(options);
        let changed = world.changed.clone();
        Self::around(world, changed)
    }

    /// Handles a request of somebody signed in.
    pub(crate) fn signed_in(&self, headers: &HeaderMap, handle: impl FnOnce(&mut World, &str) -> Outcome) -> Outcome {
        self.with(|world| {
            let caller = world.caller(headers, false)?;
            noting(handle(world, &caller.id), |facts| facts.authenticated_as = Some(caller.id))
        })
    }

    /// The platform's routes under `/api/v1` and the script's under `/_sim`; usable in memory.
    pub fn router(&self) -> Router {
        let api = Router::new()
            .route("/invite", get(joining::validate))
            .route("/invite/accept", post(joining::accept))
            .route("/auth/login", post(joining::login))
            .route("/agents", post(joining::make_agent))
            .route("/agents/{id}/keys", post(joining::make_key))
            .route("/events/stream", get(rooms::events))
            .route("/channels", get(rooms::channels))
            .route("/channels/{id}/messages", get(history::history).post(messages::post))
            .route("/channels/{id}/members", get(rooms::members))
            .route("/channels/{id}/read", post(rooms::read))
            .route("/messages/search", get(history::search))
            .route("/messages/{id}", patch(messages::edit).delete(messages::delete))
            .route("/dm", post(rooms::dm))
            .route("/users", get(rooms::users))
            .route_layer(middleware::from_fn_with_state(self.clone(), crate::gate::gate::<World>))
            .layer(DefaultBodyLimit::max(BODY))
            .with_state(self.clone());
        Router::new().nest("/api/v1", api).merge(control::router(self))
    }

    /// Serves on `127.0.0.1:port` (0 picks a free one); invite links show that address from then on.
    /// With [`Options::auto`] the scripted person talks until the listener stops.
    pub async fn serve(&self, port: u16) -> io::Result<Serving> {
        let serving = serve::serve(self.router(), port).await?;
        self.set_url(&serving.url());
        if let Some(every) = self.look(|world| world.options.auto) {
            let sim = self.clone();
            serving.meanwhile(async move { auto::talk(&sim, every).await });
        }
        Ok(serving)
    }
}
