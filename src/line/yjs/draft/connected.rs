//! One connection of a document, from the first word to its end.

use std::time::Duration;

use bytes::Bytes;
use tokio::time::{Instant, sleep_until};

use super::Draft;
use crate::document::DocumentError;
use crate::document::session::Phase;
use crate::line::yjs::dial::Opened;
use crate::line::yjs::engine::Engine;
use crate::line::yjs::wire::Came;
use crate::line::yjs::{Down, LINE, Standing};
use crate::normalise::Scrubber;

/// Peers drop a presence that was not said again for 30 s.
const AGAIN: Duration = Duration::from_secs(15);
/// Without a frame, and without an answer to two pings, for so long, the connection is dead.
const SILENCE: Duration = Duration::from_secs(45);
/// The document is here in this time, or the connection is not worth keeping.
const SYNCED: Duration = Duration::from_secs(20);
/// Frames that a peer may leave unread.
const UNREAD: usize = 1_000;

/// An open connection.
pub(super) struct Open {
    pub opened: Opened,
    pub live: bool,
    began: Instant,
    heard: Instant,
    again: Instant,
    /// Something is lacking; asked for at the next turn, so that nobody makes the two ask each other for ever.
    behind: bool,
    asked: Option<Instant>,
}

impl Draft {
    /// Serves one connection to its end.
    pub(super) async fn connected(&mut self, opened: Opened) -> Down {
        let now = Instant::now();
        let again = now + AGAIN;
        let mut open = Open { opened, live: false, began: now, heard: now, again, behind: false, asked: None };
        let down = match self.greet(&mut open).await {
            Ok(()) => self.serve(&mut open).await,
            Err(down) => down,
        };
        if matches!(down, Down::Idle) {
            if let Ok(frame) = self.work(Engine::leave).await {
                open.opened.wire.send([frame]);
            }
        } else if self.engine.is_some() {
            drop(self.work(Engine::closed).await);
        }
        open.opened.wire.close();
        down
    }

    async fn greet(&mut self, open: &mut Open) -> Result<(), Down> {
        // What was asked meanwhile comes before the greeting, which says what the agent does there.
        while let Ok(ask) = self.asks.try_recv() {
            self.take(None, ask).await?;
        }
        if self.engine.is_none() {
            self.engine = Some(Box::new(self.fresh()?));
            (self.named, self.known) = (false, false);
        }
        let (frames, phase) = self.work(Engine::opened).await?;
        open.opened.wire.send(frames);
        standing(&phase, &open.opened.secrets).map_or(Ok(()), Err)
    }

    async fn serve(&mut self, open: &mut Open) -> Down {
        loop {
            let due = self.due(open);
            let went = tokio::select! {
                came = open.opened.wire.next() => match came {
                    Ok(Came::Frame(frame)) => self.frame(open, frame).await,
                    Ok(Came::Beat) => {
                        open.heard = Instant::now();
                        Ok(())
                    }
                    Err(why) => Err(Down::Later(why)),
                },
                ask = self.asks.recv() => match ask {
                    Some(ask) => self.take(Some(open), ask).await,
                    None => Err(Down::Idle),
                },
                () = sleep_until(due) => self.late(open).await,
            };
            if let Err(down) = went {
                return down;
            }
        }
    }

    fn due(&self, open: &Open) -> Instant {
        let sync = (!open.live).then_some(open.began + SYNCED);
        let idle = self.is_idle().then_some(self.used + self.parts.idle);
        let own = [Some(open.again), Some(open.heard + SILENCE), sync, idle, self.hold.due(), self.news.due()];
        own.into_iter().chain([self.attended.lapses()]).flatten().min().unwrap_or(open.again)
    }

    async fn late(&mut self, open: &mut Open) -> Result<(), Down> {
        let now = Instant::now();
        self.hold.tire(now, &self.why);
        if self.hold.is_owed(now) {
            return Err(Down::Later("the document server does not show that it has an edit".to_owned()));
        }
        if !open.live && now >= open.began + SYNCED {
            return Err(Down::Later("the document server did not send the document".to_owned()));
        }
        if now >= open.heard + SILENCE {
            return Err(Down::Later("the document server has gone silent".to_owned()));
        }
        if self.news.due().is_some_and(|due| now >= due) {
            self.tell().await?;
        }
        self.lapse(Some(open)).await?;
        if self.is_idle() && now >= self.used + self.parts.idle {
            return Err(Down::Idle);
        }
        if now >= open.again {
            open.again = now + AGAIN;
            open.opened.wire.ping();
            let frame = self.work(Engine::again).await?;
            Self::send(open, [frame])?;
            self.catch_up(open).await?;
        }
        Ok(())
    }

    /// Asks for what is lacking, now and then.
    async fn catch_up(&mut self, open: &mut Open) -> Result<(), Down> {
        let now = Instant::now();
        if open.behind && open.asked.is_none_or(|asked| now >= asked + AGAIN) {
            (open.behind, open.asked) = (false, Some(now));
            let frame = self.work(Engine::ask).await?;
            Self::send(open, [frame])?;
        }
        Ok(())
    }

    /// Nobody waits for anything, and nothing is to be told.
    pub(super) fn is_idle(&self) -> bool {
        self.hold.is_empty() && !self.news.waits() && !self.attended.is_busy()
    }

    pub(super) fn send(open: &mut Open, frames: impl IntoIterator<Item = Vec<u8>>) -> Result<(), Down> {
        open.opened.wire.send(frames);
        if open.opened.wire.unsent() > UNREAD {
            return Err(Down::Later("the document server does not read what it is sent".to_owned()));
        }
        Ok(())
    }

    async fn frame(&mut self, open: &mut Open, frame: Bytes) -> Result<(), Down> {
        open.heard = Instant::now();
        let expected = self.news.has_begun() && self.written.expects(&self.id);
        let watched = self.news.wants_before() || expected;
        let heard = self.work(move |engine| engine.frame(&frame, watched)).await?;
        for ignored in &heard.outcome.ignored {
            tracing::debug!(line = LINE, document = self.id, why = ignored, "something of a frame was not taken");
        }
        self.hold.shown(&heard.proven);
        if heard.outcome.changed {
            self.changed(heard.before.as_deref(), expected, open.heard).await?;
        }
        Self::send(open, heard.outcome.send)?;
        if let Some(down) = standing(&heard.phase, &open.opened.secrets) {
            if self.engine.as_ref().is_some_and(|engine| !engine.is_whole()) {
                self.let_go();
            }
            return Err(down);
        }
        open.behind |= heard.behind && open.live;
        self.catch_up(open).await?;
        if heard.outcome.synced {
            (open.live, self.known, self.denials) = (true, true, 0);
            self.backoff.good();
            self.stands_so(Standing::Live);
            tracing::debug!(line = LINE, document = self.id, "the document is live");
            // What it said before the agent opened it is no news; what changed while the connection was lost is.
            if !self.news.has_begun() {
                self.news.stands();
            }
            for ask in self.hold.waited() {
                self.take(Some(open), ask).await?;
            }
        }
        Ok(())
    }
}

/// What a phase means for the connection; nothing while it goes on.
fn standing(phase: &Phase, secrets: &Scrubber) -> Option<Down> {
    match phase {
        Phase::Apart | Phase::Syncing | Phase::Live => None,
        Phase::Refused(reason) => {
            let reason = secrets.scrub(reason);
            Some(Down::Denied(format!("the document server refuses the agent ({reason})")))
        }
        // Broken by what came or by the library: the document itself may be well.
        Phase::Failed(error @ DocumentError::Broken(_)) => Some(Down::Later(error.to_string())),
        // Another connect may bring it whole; if it does not, it is so.
        Phase::Failed(error @ DocumentError::Malformed { .. }) => Some(Down::Denied(error.to_string())),
        Phase::Failed(error) => Some(Down::Failed(error.to_string())),
    }
}
