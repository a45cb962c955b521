//! From the upgrade to the first word: where the line leads, or why nowhere.

use std::time::Duration;

use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::time::{Instant, MissedTickBehavior};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::protocol::{Role, WebSocketConfig},
};

use super::{Ended, Line, deny};
use crate::agentworkspace::{Sim, record::DocumentId, share::Claims};

/// How often a server looks for clients that fell silent.
const BEAT: Duration = Duration::from_secs(3);
/// The largest message that is read.
const MESSAGE: usize = 16 << 20;

/// A line before its upgrade: where it leads, or why nowhere.
pub(in crate::agentworkspace::live) struct Opening {
    pub(in crate::agentworkspace::live) sim: Sim,
    pub(in crate::agentworkspace::live) verdict: Result<(DocumentId, Claims), String>,
}

/// Marks the line as over when its task ends, also when that is cancelled.
struct Over {
    sim: Sim,
    id: u64,
    document: DocumentId,
}

impl Drop for Over {
    fn drop(&mut self) {
        self.sim.with(|world| {
            if let Some(line) = world.live.line(self.id) {
                line.open = false;
            }
            world.take_leave(&self.document, Some(self.id));
        });
    }
}

impl Opening {
    /// Talks over the upgraded connection until it ends.
    pub(in crate::agentworkspace::live) async fn run(self, io: Upgraded) {
        let config = WebSocketConfig::default()
            .write_buffer_size(0)
            .max_message_size(Some(MESSAGE))
            .max_frame_size(Some(MESSAGE));
        let mut socket = WebSocketStream::from_raw_socket(TokioIo::new(io), Role::Server, Some(config)).await;
        let (document, claims) = match self.verdict {
            Ok(admitted) => admitted,
            Err(reason) => {
                let Ended = deny(&mut socket, &reason).await;
                return;
            }
        };
        let ((id, orders), now, ends, idle) = self.sim.with(|world| {
            let opened = world.live.open(&document, &claims.name);
            (opened, world.now(), world.options.line_ends_with_token, world.options.idle)
        });
        let _over = Over { sim: self.sim.clone(), id, document: document.clone() };
        let left = Duration::from_millis((claims.exp * 1000).saturating_sub(now));
        let mut beat = tokio::time::interval_at(Instant::now() + BEAT, BEAT);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let expires = ends.then(|| Instant::now() + left);
        let heard = Instant::now();
        let mut line = Line { sim: self.sim, id, document, socket, orders, expires, idle, heard, beat };
        let Err(Ended) = line.talk().await;
    }
}
