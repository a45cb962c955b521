//! The task of one document: connect, sync, serve, wait. Its failure is its own.

mod wishes;
mod work;

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use super::dial::{self, Opened};
use super::engine::Engine;
use super::hold::{Hold, fail};
use super::news::News;
use super::wire::Came;
use super::{Ask, Down, LINE, Parts};
use crate::adapter::Scope;
use crate::document::Bounds;
use crate::document::DocumentError;
use crate::document::session::Phase;
use crate::normalise::Scrubber;
use crate::retry::Backoff;

/// Peers drop a presence that was not said again for 30 s.
const AGAIN: Duration = Duration::from_secs(15);
/// Without a frame, and without an answer to two pings, for so long, the connection is dead.
const SILENCE: Duration = Duration::from_secs(45);
/// The document is here in this time, or the connection is not worth keeping.
const SYNCED: Duration = Duration::from_secs(20);
/// So many connects are refused in a row, or bring no document, before it counts as closed to the agent.
const DENIALS: u32 = 3;
/// Frames that a peer may leave unread.
const UNREAD: usize = 1_000;
/// The fact that lists the Yjs client ids under which the agent has edited: what stands under them it wrote itself.
const EDITORS: &str = "editors";

/// One document.
pub(super) struct Draft {
    parts: Arc<Parts>,
    id: String,
    asks: mpsc::Receiver<Ask>,
    /// Away while a thread works on it.
    engine: Option<Box<Engine>>,
    client: u64,
    /// The client id is among the facts.
    named: bool,
    /// The document was here since the engine was made: it can be edited, connected or not.
    known: bool,
    hold: Hold,
    news: News,
    denials: u32,
    backoff: Backoff,
    used: Instant,
    why: String,
}

/// An open connection.
struct Open {
    opened: Opened,
    live: bool,
    began: Instant,
    heard: Instant,
    again: Instant,
    /// Something is lacking; asked for at the next turn, so that nobody makes the two ask each other for ever.
    behind: bool,
    asked: Option<Instant>,
}

impl Draft {
    pub fn new(parts: Arc<Parts>, id: String, asks: mpsc::Receiver<Ask>) -> Self {
        Self {
            backoff: Backoff::new(parts.waits.first, parts.waits.longest),
            news: News::new(&parts),
            parts,
            id,
            asks,
            engine: None,
            client: 0,
            named: false,
            known: false,
            hold: Hold::default(),
            denials: 0,
            used: Instant::now(),
            why: "the document is not open yet".to_owned(),
        }
    }

    /// Until nobody asks any more, or the document fails.
    pub async fn run(mut self) {
        loop {
            let down = match dial::open(&self.parts, &self.id, Bounds::default().frame).await {
                Ok(opened) => self.connected(opened).await,
                Err(down) => down,
            };
            let down = match self.parted(down) {
                Down::Later(why) => self.apart(why).await,
                down => Some(down),
            };
            match down {
                Some(Down::Failed(why)) => return self.fail(&why),
                Some(_) => return,
                None => {}
            }
        }
    }

    /// What the end of a connection means.
    fn parted(&mut self, down: Down) -> Down {
        match down {
            Down::Denied(why) => {
                self.denials += 1;
                if self.denials < DENIALS { Down::Later(why) } else { Down::Failed(why) }
            }
            down => down,
        }
    }

    fn fail(mut self, why: &str) {
        let (workspace, document) = (self.parts.session.record().name, &self.id);
        tracing::warn!(line = LINE, %workspace, document, why, "the document cannot be edited live");
        self.hold.fail(why);
        self.asks.close();
        while let Ok(ask) = self.asks.try_recv() {
            fail(ask, why);
        }
    }

    /// Serves one connection to its end.
    async fn connected(&mut self, opened: Opened) -> Down {
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
        if self.engine.is_none() {
            self.engine = Some(Box::new(self.fresh()?));
            (self.named, self.known) = (false, false);
        }
        let (frames, phase) = self.work(Engine::opened).await?;
        open.opened.wire.send(frames);
        standing(&phase, &open.opened.secrets).map_or(Ok(()), Err)
    }

    /// An empty document under a new client id: under an old one, clocks would be counted twice.
    fn fresh(&mut self) -> Result<Engine, Down> {
        let mut bytes = [0_u8; 4];
        getrandom::fill(&mut bytes).map_err(|_| Down::Later("the system has no random numbers".to_owned()))?;
        self.client = u64::from(u32::from_le_bytes(bytes).max(1));
        let record = self.parts.session.record();
        let listed = record.facts.get(EDITORS).and_then(Value::as_array);
        let own = listed.into_iter().flatten().filter_map(Value::as_u64).collect();
        let scope: Scope = self.parts.session.scope();
        let name = self.parts.live.name.render(&scope).map_err(|missing| Down::Failed(missing.to_string()))?;
        Ok(Engine::new(self.client, own, Bounds::default(), &name))
    }

    async fn serve(&mut self, open: &mut Open) -> Down {
        loop {
            let due = self.due(open);
            let went = tokio::select! {
                came = open.opened.wire.next() => match came {
                    Ok(Came::Frame(frame)) => self.frame(open, frame.to_vec()).await,
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
        own.into_iter().flatten().min().unwrap_or(open.again)
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
        if self.is_idle() && now >= self.used + self.parts.idle {
            return Err(Down::Idle);
        }
        if now >= open.again {
            open.again = now + AGAIN;
            open.opened.wire.ping();
            let frame = self.work(Engine::again).await?;
            self.send(open, [frame])?;
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
            self.send(open, [frame])?;
        }
        Ok(())
    }

    /// Nobody waits for anything, and nothing is to be told.
    fn is_idle(&self) -> bool {
        self.hold.is_empty() && !self.news.waits()
    }

    fn send(&self, open: &mut Open, frames: impl IntoIterator<Item = Vec<u8>>) -> Result<(), Down> {
        open.opened.wire.send(frames);
        if open.opened.wire.unsent() > UNREAD {
            return Err(Down::Later("the document server does not read what it is sent".to_owned()));
        }
        Ok(())
    }

    async fn frame(&mut self, open: &mut Open, frame: Vec<u8>) -> Result<(), Down> {
        open.heard = Instant::now();
        let heard = self.work(move |engine| engine.frame(&frame)).await?;
        for ignored in &heard.outcome.ignored {
            tracing::debug!(line = LINE, document = self.id, why = ignored, "something of a frame was not taken");
        }
        self.hold.shown(&heard.proven);
        if heard.outcome.changed {
            self.news.changed(open.heard);
        }
        self.send(open, heard.outcome.send)?;
        if let Some(down) = standing(&heard.phase, &open.opened.secrets) {
            if self.engine.as_ref().is_some_and(|engine| !engine.is_whole()) {
                self.engine = None;
            }
            return Err(down);
        }
        open.behind |= heard.behind && open.live;
        self.catch_up(open).await?;
        if heard.outcome.synced {
            (open.live, self.known, self.denials) = (true, true, 0);
            self.backoff.good();
            tracing::debug!(line = LINE, document = self.id, "the document is live");
            // What it said before the agent opened it is no news; what changed while the connection was lost is.
            if !self.news.has_begun() {
                self.stands().await?;
            }
            for ask in self.hold.waited() {
                self.take(Some(open), ask).await?;
            }
        }
        Ok(())
    }

    /// Not connected: waits, and serves what can be served. Why the document is let go; `None`: it is dialled again.
    async fn apart(&mut self, why: String) -> Option<Down> {
        tracing::info!(line = LINE, document = self.id, why, "the document is not connected");
        self.hold.lost(&why);
        self.why = why;
        let until = Instant::now() + self.backoff.next();
        loop {
            let due = [Some(until), self.hold.due(), self.news.due()].into_iter().flatten().min().unwrap_or(until);
            tokio::select! {
                ask = self.asks.recv() => match ask {
                    Some(ask) => match self.take(None, ask).await {
                        Ok(()) | Err(Down::Later(_)) => {}
                        Err(down) => return Some(down),
                    },
                    None => return Some(Down::Idle),
                },
                () = sleep_until(due) => {
                    let now = Instant::now();
                    self.hold.tire(now, &self.why);
                    if self.news.due().is_some_and(|due| now >= due) && self.tell().await.is_err() {
                        // It is told when the document is open again.
                        self.news.changed(now);
                    }
                    if self.is_idle() && now >= self.used + self.parts.idle {
                        return Some(Down::Idle);
                    }
                    if now >= until {
                        return None;
                    }
                }
            }
        }
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
