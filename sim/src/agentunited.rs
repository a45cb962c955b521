//! The simulated platform `agentunited`: one workspace, its people, its REST API and its stream.
//!
//! Written from the platform's document (`agentunited.external-workspace.txt`) and the field notes
//! alone. Files: `options` (switches), `world` `record` (state), `wire` (shapes),
//! `stream` `feed` `mangle` `burst` (events and their faults), `gate` `log` (what goes wrong, and the record of it), `answer`
//! `auth` `joining` `rooms` `messages` `history` (routes), `script` `auto` `control` (who plays the people).

use std::{
    fmt, io,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    Router,
    extract::DefaultBodyLimit,
    http::HeaderMap,
    middleware,
    routing::{get, patch, post},
};
use tokio::sync::watch;

use crate::serve::{self, Serving};
use answer::Outcome;

mod answer;
mod auth;
mod auto;
mod burst;
mod control;
mod feed;
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
pub use log::Entry;
pub use mangle::{Newline, StreamFault};
pub use options::{Accept, Crash, Cut, DeletedCursor, Options, Stream, UnknownCursor};
pub use script::{ApiKey, CentralJwt};
pub use world::{Account, AccountId, Kind, Message, MessageId, Room, RoomId, World};

/// Request bodies above this are cut off: a 10 MB file and its form fit.
const BODY: usize = 12 << 20;

/// One simulated workspace; clones share it.
#[derive(Clone)]
pub struct Sim {
    inner: Arc<Inner>,
}

struct Inner {
    world: Mutex<World>,
    changed: watch::Sender<u64>,
}

impl fmt::Debug for Sim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.look(|world| f.debug_struct("Sim").field("options", &world.options).finish_non_exhaustive())
    }
}

impl Sim {
    /// A workspace with nobody in it but its primary agent.
    pub fn new(options: Options) -> Self {
        let world = World::new(options);
        let changed = world.changed.clone();
        Self { inner: Arc::new(Inner { world: Mutex::new(world), changed }) }
    }

    /// Changes the state, then wakes everybody who waits for a condition.
    pub(crate) fn with<T>(&self, change: impl FnOnce(&mut World) -> T) -> T {
        let result = change(&mut self.inner.world.lock().unwrap_or_else(PoisonError::into_inner));
        self.inner.changed.send_modify(|version| *version += 1);
        result
    }

    /// Looks at the state; the lock is held while it does.
    pub fn look<T>(&self, read: impl FnOnce(&World) -> T) -> T {
        read(&self.inner.world.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Waits until the state fulfils a condition; it is asked again after each change.
    pub async fn wait_for(&self, mut condition: impl FnMut(&World) -> bool) {
        let mut changed = self.inner.changed.subscribe();
        while !self.look(&mut condition) {
            if changed.changed().await.is_err() {
                return;
            }
        }
    }

    /// Waits until `find` finds something in the state.
    pub async fn wait_some<T>(&self, mut find: impl FnMut(&World) -> Option<T>) -> T {
        let mut changed = self.inner.changed.subscribe();
        loop {
            if let Some(found) = self.look(&mut find) {
                return found;
            }
            // The sender lives in `self`: this cannot end while we wait.
            if changed.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    /// Handles a request of somebody signed in.
    pub(crate) fn signed_in(&self, headers: &HeaderMap, handle: impl FnOnce(&mut World, &str) -> Outcome) -> Outcome {
        self.with(|world| {
            let caller = world.caller(headers, false)?;
            match handle(world, &caller.id) {
                Ok(mut answer) => {
                    answer.noted.who = Some(caller.id);
                    Ok(answer)
                }
                Err(mut refusal) => {
                    refusal.noted.who = Some(caller.id);
                    Err(refusal)
                }
            }
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
            .route_layer(middleware::from_fn_with_state(self.clone(), gate::gate))
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
            let (stopping, sim) = (serving.stopping(), self.clone());
            tokio::spawn(async move { stopping.run_until_cancelled(auto::talk(&sim, every)).await });
        }
        Ok(serving)
    }
}
