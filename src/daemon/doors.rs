//! Opens the doors: the agent's socket, `control.sock`, loopback TCP where configured, and the watchdog's rounds.

use tokio::net::TcpListener;

use super::{Daemon, Failure, watchdog};
use crate::api::bind::bind;
use crate::api::http::{Control, Doors, Guard, read_token, router};
use crate::api::{Bridge, socket};
use crate::config::Config;
use crate::config::places::Places;
use crate::serve::{Tcp, serve};
use crate::workspace::Roster;

impl Daemon {
    pub(super) async fn open_doors(
        &mut self,
        bridge: Bridge,
        roster: Roster,
        config: &Config,
        places: &Places,
    ) -> Result<(), Failure> {
        let (agent, control) = (places.agent_socket()?, places.control_socket()?);
        let agent_bound = bind(&agent, 0o660, config.socket.gids.first().copied()).await?;
        let control_bound = bind(&control, 0o600, None).await?;
        let mut doors = Doors::new(bridge.clone(), self.ready.subscribe(), self.token.clone(), &config.http);
        doors.panicked = self.panicked.clone();
        doors.deliveries = self.deliveries.clone();
        self.open_loopback(&doors, config).await?;

        let (token, socket_config) = (self.token.clone(), config.socket.clone());
        self.tasks.spawn(async move {
            socket::serve(agent_bound, bridge, &socket_config, token).await;
            "agent.sock"
        });
        let (token, routes) = (self.token.clone(), router(doors, Guard::peers(config.http.requests)));
        let (listener, limits) = (Control::new(control_bound, config.http.connections), config.http.limits());
        self.tasks.spawn(async move {
            serve(listener, routes, limits, token).await;
            "control.sock"
        });
        let loops = watchdog::Loops {
            store: self.store.clone(),
            consumers: self.consumers.clone(),
            roster,
            sockets: vec![agent, control],
        };
        let token = self.token.clone();
        self.tasks.spawn(async move {
            watchdog::run(loops, token).await;
            "the watchdog"
        });
        Ok(())
    }

    async fn open_loopback(&mut self, doors: &Doors, config: &Config) -> Result<(), Failure> {
        let (Some(address), Some(file)) = (config.http.listen, &config.http.token_file) else { return Ok(()) };
        let guard = Guard::token(read_token(file)?, config.http.requests);
        let listener =
            TcpListener::bind(address).await.map_err(|source| Failure::Listen { address, section: "http", source })?;
        let (token, routes) = (self.token.clone(), router(doors.clone(), guard));
        let (listener, limits) = (Tcp::new(listener, config.http.connections), config.http.limits());
        self.tasks.spawn(async move {
            serve(listener, routes, limits, token).await;
            "http"
        });
        Ok(())
    }
}
