//! From the upgrade to the first word: whose line it is, or why it is nobody's.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::time::{Instant, MissedTickBehavior};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::protocol::{Role, WebSocketConfig},
};

use super::{Ended, Line, Socket, speak};
use crate::speakeasy::{
    Sim,
    cable::{fault::CableFault, frame::Reason},
    record::GrantId,
};

/// A command is a few hundred bytes: an identifier with a cursor.
const COMMAND: usize = 64 << 10;
/// One read; a line that is idle should be cheap.
const BUFFER: usize = 4 << 10;

/// A line before its upgrade.
pub(in crate::speakeasy::cable) struct Opening {
    pub(in crate::speakeasy::cable) sim: Sim,
    pub(in crate::speakeasy::cable) token: String,
    /// The fault that struck the dial.
    pub(in crate::speakeasy::cable) struck: Option<CableFault>,
}

/// Marks the line as over when its task ends, also when that is cancelled.
struct Over {
    sim: Sim,
    id: u64,
}

impl Drop for Over {
    fn drop(&mut self) {
        self.sim.with(|world| {
            if let Some(line) = world.push.cables.line(self.id) {
                line.open = false;
            }
        });
    }
}

impl Opening {
    /// Talks over the upgraded connection until it ends.
    pub(in crate::speakeasy::cable) async fn run(self, io: Upgraded) {
        let config = WebSocketConfig::default()
            .read_buffer_size(BUFFER)
            .write_buffer_size(0)
            .max_message_size(Some(COMMAND))
            .max_frame_size(Some(COMMAND));
        let mut socket = WebSocketStream::from_raw_socket(TokioIo::new(io), Role::Server, Some(config)).await;
        let grant = self.sim.look(|world| world.grant_by_access_token(&self.token));
        let Ended = match self.admit(grant) {
            Ok(grant) => self.line(grant, socket).await,
            Err((reason, reconnect)) => {
                let (id, _orders) = self.sim.with(|world| world.push.cables.open(grant));
                let _over = Over { sim: self.sim.clone(), id };
                speak::disconnect(&self.sim, &mut socket, reason, reconnect).await
            }
        };
    }

    /// Whose line it is, or the reason to end it, and whether to come again.
    fn admit(&self, grant: Option<GrantId>) -> Result<GrantId, (Reason, bool)> {
        if let Some(CableFault::TurnAway { reason, reconnect }) = self.struck {
            return Err((reason, reconnect));
        }
        grant.ok_or_else(|| {
            self.sim.with(|world| world.served("cable.bad_token"));
            (Reason::Unauthorized, false)
        })
    }

    async fn line(self, grant: GrantId, socket: Socket) -> Ended {
        let ((id, orders), news, ping) =
            self.sim.with(|world| (world.push.cables.open(Some(grant)), world.hear_events(), world.push.options.ping));
        let _over = Over { sim: self.sim.clone(), id };
        // An interval of no time is none.
        let ping = ping.max(Duration::from_millis(1));
        let mut beat = tokio::time::interval_at(Instant::now() + ping, ping);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut line = Line {
            changed: self.sim.changes(),
            sim: self.sim,
            id,
            token: self.token,
            grant,
            socket,
            orders,
            news,
            beat,
            pings: true,
            delayed: BTreeMap::new(),
            replays: VecDeque::new(),
            next_replay: Instant::now(),
            collecting: None,
        };
        let Err(ended) = line.talk(self.struck != Some(CableFault::NoWelcome)).await;
        ended
    }
}
