//! What the simulated platforms of agent invites share: an operator makes an invite, a runtime accepts it, somebody
//! approves, and the runtime claims a key, once.
//!
//! A platform is a [`Dialect`] of this: its routes, its bodies, its texts ([`crate::thinkwork`], [`crate::paperclip`]).
//! Files: `dialect` `options` (what differs, and switches), `world` `record` (state), `books` (how often each kind of
//! request came, and how densely), `gate` `log` (faults, and the record of all requests), `asked` `answer` (what
//! handlers share), `script` `auto` `control` (who plays the operator).

use std::{io, time::Duration};

use axum::{Router, extract::DefaultBodyLimit, middleware};

use crate::{
    gate::gate,
    serve::{self, Serving},
};

pub(crate) mod answer;
pub(crate) mod asked;
mod auto;
mod books;
mod control;
mod dialect;
mod gate;
mod log;
mod options;
mod record;
mod script;
mod world;

pub use crate::fault::{Armed, Fault};
pub use books::Call;
pub use dialect::Dialect;
pub(crate) use dialect::{page, text};
pub use log::{Entry, Facts};
pub use options::Options;
pub(crate) use record::Wish;
pub use record::{Agent, AgentId, Invite, InviteId, JoinRequest, Joins, Key, NewInvite, RequestId, Status};
pub use script::Invited;
pub use world::World;

/// Request bodies above this are refused.
const BODY: usize = 1 << 20;

/// One simulated platform of a dialect; clones share it.
pub type Sim<D> = crate::platform::Sim<World<D>>;

impl<D: Dialect> Sim<D> {
    /// A platform that nobody was invited to yet.
    pub fn new(options: Options<D>) -> Self {
        Self::of(World::new(options))
    }

    /// The platform's routes and the script's under `/_sim`; usable in memory.
    pub fn router(&self) -> Router {
        self.look(|world| world.options.dialect.routes())
            // Also around what no route matches: what was asked there counts, too.
            .layer(middleware::from_fn_with_state(self.clone(), gate::<World<D>>))
            .layer(DefaultBodyLimit::max(BODY))
            .with_state(self.clone())
            .merge(control::router(self))
    }

    /// Serves on `127.0.0.1:port` (0 picks a free one); links show that address from then on.
    /// With [`Options::auto`] somebody approves what comes until the listener stops.
    pub async fn serve(&self, port: u16) -> io::Result<Serving> {
        let serving = serve::serve(self.router(), port).await?;
        self.set_url(&serving.url());
        if let Some(after) = self.look(|world| world.options.auto) {
            let (stopping, sim) = (serving.stopping(), self.clone());
            tokio::spawn(async move { stopping.run_until_cancelled(sim.approving(after)).await });
        }
        Ok(serving)
    }

    /// Somebody who approves each join request so long after it came; never returns. In memory a test spawns this.
    pub async fn approving(&self, after: Duration) {
        auto::approve(self, after).await;
    }
}
