//! The simulated platform `speakeasy`: people and their topics, agents with grants, an event log.
//!
//! Written from the platform's document (`speakeasy.messaging-api.txt`) and the field notes alone. Files:
//! `options` (switches), `world` `record` (state), `events` `cursor` (the event log), `wire` `records` `markdown`
//! (shapes), `gate` `log` (faults, and the record of all requests), `asked` `answer` `auth` `idempotency` (what handlers
//! share), `connect` `tokens` `me` `topics` `participants` `history` `chats` `files` `md5` `poll` (routes), `play` (what
//! happens), `script` `auto` `mischief` `control` (who plays the people, and the weather), `push` `cable` `hook` (the other
//! ways of an event, and their faults), `transport` (how long each way takes, and which was first).

use std::io;

use axum::{
    Router,
    extract::DefaultBodyLimit,
    middleware,
    routing::{get, patch, post, put},
};

use crate::{
    armed,
    serve::{self, Serving},
};

mod answer;
mod asked;
mod auth;
mod auto;
mod cable;
mod chats;
mod connect;
mod control;
mod cursor;
mod events;
mod files;
mod gate;
mod history;
mod hook;
mod idempotency;
mod log;
mod markdown;
mod md5;
mod me;
mod mischief;
mod options;
mod participants;
mod play;
mod poll;
mod push;
mod record;
mod records;
mod script;
mod tokens;
mod topics;
mod transport;
mod wire;
mod world;

pub use crate::fault::{Armed, Fault};
pub use armed::Turn;
pub use cable::{Cable, CableFault, Reason, Subscription};
pub use events::{CursorError, StoredEvent};
pub use hook::{Attempt, Delivery, Fate, HookFault, Rewriting, Signature};
pub use log::{Entry, Facts};
pub use options::{Approval, Options, Reuse, Tokens};
pub use poll::PollFault;
pub use push::{Confirm, PUSH_CONTRACT, PushOptions};
pub use record::{
    Account, Blob, CAPABILITIES, Chat, ChatId, Grant, GrantId, Participant, Request, Status, Topic, TopicId,
};
pub use transport::{Delays, Transport};
pub use world::World;

/// Request bodies above this are refused; an upload goes in one.
const BODY: usize = 32 << 20;

/// One simulated platform; clones share it.
pub type Sim = crate::platform::Sim<World>;

impl Sim {
    /// A platform with nobody on it.
    pub fn new(options: Options) -> Self {
        Self::of(World::new(options))
    }

    /// The platform's routes and the script's under `/_sim`; usable in memory.
    pub fn router(&self) -> Router {
        let api = Router::new()
            .route("/agent_connect/requests", post(connect::create))
            .route("/agent_connect/requests/{id}", get(connect::poll))
            .route("/agent_sessions/exchange", post(connect::exchange))
            .route("/agent_sessions/refresh", post(connect::refresh))
            .route("/files", post(files::announce))
            .route("/agent/me", get(me::show).patch(me::rename))
            .route("/agent/people", get(me::people))
            .route("/agent/events", get(poll::events))
            .route("/agent/direct_chats", post(topics::direct))
            .route("/agent/topics", get(topics::index).post(topics::create))
            .route("/agent/topics/{topic_id}", get(topics::show))
            .route("/agent/topics/{topic_id}/participants", get(participants::index).post(participants::add))
            .route("/agent/topics/{topic_id}/typing", patch(participants::typing))
            .route("/agent/topics/{topic_id}/files", get(history::files))
            .route("/agent/topics/{topic_id}/chats", get(history::index).post(chats::create))
            .route(
                "/agent/topics/{topic_id}/chats/{id}",
                get(history::show).patch(chats::update).delete(chats::delete),
            );
        Router::new()
            .nest("/api/v1", api)
            .route("/storage/{key}", put(files::put))
            .route("/storage/{key}/{filename}", get(files::get))
            .fallback(stray)
            .method_not_allowed_fallback(stray)
            // Also around what no route matches: what was asked there is logged, too.
            .layer(middleware::from_fn_with_state(self.clone(), crate::gate::gate::<World>))
            .layer(DefaultBodyLimit::max(BODY))
            .with_state(self.clone())
            .merge(control::router(self))
            .merge(push::router(self))
    }

    /// Serves on `127.0.0.1:port` (0 picks a free one); URLs show that address from then on.
    /// With [`Options::auto`] a person talks until the listener stops.
    pub async fn serve(&self, port: u16) -> io::Result<Serving> {
        let serving = serve::serve(self.router(), port).await?;
        self.set_url(&serving.url());
        // Before the first event: deliveries count from this call on.
        serving.meanwhile(self.deliver_hooks());
        if let Some(every) = self.look(|world| world.options.auto) {
            let sim = self.clone();
            serving.meanwhile(async move { auto::talk(&sim, every).await });
        }
        Ok(serving)
    }
}

/// What is no route. Rails matches method and path together, so that there is no 405.
async fn stray() -> answer::Refusal {
    answer::refuse(404, "not found", "any.404")
}
