//! The simulated platform `agentworkspace`: documents that people and agents edit together, calendars, e-mail.
//!
//! Written from the platform's document (`agentworkspace.docs.txt`) and the field notes alone. Files: `options`
//! (switches), `world` `record` (state), `wire` (shapes), `gate` `log` (faults, and the record of all requests), `asked`
//! `answer` `auth` `check` `when` (what handlers share), `share` `mentions` (by share token), `docs` `events` `email`
//! (by key), `pages` (text), `hook` (webhooks), `live` (drafts edited over a websocket), `script` `auto` `mischief` `control` (who plays the people, and the
//! weather).

use std::io;

use axum::{
    Router,
    extract::DefaultBodyLimit,
    middleware,
    routing::{get, post},
};

use crate::{
    gate::gate,
    serve::{self, Serving},
};

mod answer;
mod asked;
mod auth;
mod auto;
mod check;
mod control;
mod docs;
mod email;
mod events;
mod gate;
mod hook;
mod live;
mod log;
mod mentions;
mod mischief;
mod options;
mod pages;
mod record;
mod script;
mod share;
mod when;
mod wire;
mod world;

pub use crate::{
    armed::Turn,
    fault::{Armed, Fault},
};
pub use hook::{Delivery, HookFault};
pub use live::{Denial, Line, LiveFault, Memory, Peer, Shape, View};
pub use log::{Entry, Facts};
pub use options::{Notify, Options, Signing};
pub use record::{
    Agent, AgentId, CalendarEvent, Document, DocumentId, DocumentType, Mail, Mention, MentionId, MentionStatus,
    Presence, ShareToken, Suggestion, Thread, Verdict,
};
pub use world::World;

/// Request bodies above this are refused: 100,000 characters, escaped, fit.
const BODY: usize = 2 << 20;

/// One simulated platform; clones share it.
pub type Sim = crate::platform::Sim<World>;

impl Sim {
    /// A platform with no agent on it.
    pub fn new(options: Options) -> Self {
        Self::of(World::new(options))
    }

    /// The platform's routes and the script's under `/_sim`; usable in memory.
    pub fn router(&self) -> Router {
        let own = Router::new()
            .route("/skill", get(pages::own_skill))
            .route("/docs", get(docs::index).post(docs::create))
            .route("/docs/{id}", get(docs::show).put(docs::update).delete(docs::delete))
            .route("/docs/{id}/draft-token", post(docs::draft_token))
            .route("/events", get(events::index).post(events::create))
            .route("/events/{id}", get(events::show).put(events::update).delete(events::delete))
            .route("/email", get(email::index).post(email::send))
            .route("/email/{thread_id}", get(email::show))
            .route("/email/{thread_id}/reply", post(email::reply))
            .route("/email/{thread_id}/read", post(email::read));
        Router::new()
            .nest("/api/v1", own)
            .route("/api/skill", get(pages::skill))
            .route("/api/share/{token}", get(share::read))
            .route("/api/share/{token}/mentions", get(mentions::index).patch(mentions::mark))
            .route("/api/share/{token}/presence", post(share::presence))
            .route("/api/share/{token}/draft-token", post(share::draft_token))
            .route("/api/share/{token}/suggest", post(share::suggest))
            .route("/api/cal/{agent_id}/{token}", get(pages::calendar))
            .route("/docs/agent-collaboration", get(pages::collaboration))
            .route("/share/{token}", get(share::page))
            .route("/collab/{slug}", get(live::dial))
            .route_layer(middleware::from_fn_with_state(self.clone(), gate::<World>))
            .layer(DefaultBodyLimit::max(BODY))
            .with_state(self.clone())
            .merge(control::router(self))
    }

    /// Serves on `127.0.0.1:port` (0 picks a free one); URLs show that address from then on.
    /// With [`Options::auto`] a person asks and edits until the listener stops.
    pub async fn serve(&self, port: u16) -> io::Result<Serving> {
        let serving = serve::serve(self.router(), port).await?;
        self.set_url(&serving.url());
        serving.meanwhile(self.deliver_hooks());
        if let Some(every) = self.look(|world| world.options.auto) {
            let sim = self.clone();
            serving.meanwhile(async move { auto::talk(&sim, every).await });
        }
        Ok(serving)
    }
}
