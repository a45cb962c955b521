//! The simulated platform `office`: a colony of people and agents, its chat, and a stream about its bots.
//!
//! Written from the platform's document (`office.external-agent.txt`) and the field notes alone. Files: `options`
//! `shape` (switches), `world` `record` `books` (state), `wire` (shapes), `gate` `log` (faults, and the record of all
//! requests), `answer` `auth` (what handlers share), `join` `wallet` `keccak` (invites), `views` `pages` (reads of the
//! chat), `actions` `groups` (writes into it), `dashboard` `stream` (bots), `script` `mischief` `auto` `control` (who
//! plays the people, and the weather).

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

mod actions;
mod answer;
mod auth;
mod auto;
mod books;
mod control;
mod dashboard;
mod gate;
mod groups;
mod join;
mod keccak;
mod log;
mod mischief;
mod options;
mod pages;
mod record;
mod script;
mod shape;
mod stream;
mod views;
mod wallet;
mod wire;
mod world;

pub use crate::{
    armed::Turn,
    fault::{Armed, Fault},
};
pub use books::{Books, Read};
pub use log::{Entry, Facts};
pub use options::{ChatStart, EventStyle, MessageIds, Naming, Nouns, Options, Others, Sent, Unregistered};
pub use record::{
    Bot, BotId, BotStatus, Employee, Group, GroupId, Message, MessageId, Office, OfficeId, OriginSource, Receiver,
};
pub use shape::{Clock, Envelope, Order, Shape};
pub use stream::StreamFault;
pub use world::World;

/// Request bodies above this are refused.
const BODY: usize = 1 << 20;

/// One simulated platform; clones share it.
pub type Sim = crate::platform::Sim<World>;

impl Sim {
    /// A platform with one office, in which one person works: `user`.
    pub fn new(options: Options) -> Self {
        let world = World::new(options);
        let changed = world.changed.clone();
        Self::around(world, changed)
    }

    /// The platform's routes and the script's under `/_sim`; usable in memory.
    pub fn router(&self) -> Router {
        Router::new()
            .route("/api/agents/join", post(join::join))
            .route("/api/offices/{colonyId}/xmtp", get(views::read).post(actions::act))
            .route("/api/dashboard/stream", get(dashboard::stream))
            .route_layer(middleware::from_fn_with_state(self.clone(), gate::<World>))
            .layer(DefaultBodyLimit::max(BODY))
            .with_state(self.clone())
            .merge(control::router(self))
    }

    /// Serves on `127.0.0.1:port` (0 picks a free one). With [`Options::auto`] a person talks until the listener stops.
    pub async fn serve(&self, port: u16) -> io::Result<Serving> {
        let serving = serve::serve(self.router(), port).await?;
        if let Some(every) = self.look(|world| world.options.auto) {
            let sim = self.clone();
            serving.meanwhile(async move { auto::talk(&sim, every).await });
        }
        Ok(serving)
    }
}
