//! The task of one document: connect, sync, serve, wait. Its failure is its own.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until, timeout};

use super::dial::{self, Opened};
use super::engine::{Engine, Tried};
use super::hold::{Hold, fail};
use super::wire::Came;
use super::{Ask, Down, LINE, Made, Parts};
use crate::adapter::Scope;
use crate::document::Bounds;
use crate::document::session::Phase;
use crate::document::{DocumentError, Edit};
use crate::normalise::Scrubber;
use crate::retry::Backoff;

/// Peers drop a presence that was not said again for 30 s.
const AGAIN: Duration = Duration::from_secs(15);
/// Without a frame, and without an answer to two pings, for so long, the connection is dead.
const SILENCE: Duration = Duration::from_secs(45);
/// The document is here in this time, or the connection is not worth keeping.
const SYNCED: Duration = Duration::from_secs(20);
/// No work on a document takes longer; what does is a bomb (see `document.rs`).
const WORK: Duration = Duration::from_secs(20);
/// Whoever asked for an edit has kept it in this time, or it is forgotten.
const KEPT: Duration = Duration::from_secs(30);
/// So many new tokens are refused in a row before the document counts as closed to the agent.
const DENIALS: u32 = 3;
/// Frames that a peer may leave unread.
const UNREAD: usize = 1_000;
/// The fact that lists the Yjs client ids under which the agent has edited: what stands under them it wrote itself.
const EDITORS: &str = "editors";
/// Ids remembered; beyond them the oldest text of the agent counts as somebody else's.
const REMEMBERED: usize = 2_000;

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
}

impl Draft {
    pub fn new(parts: Arc<Parts>, id: String, asks: mpsc::Receiver<Ask>) -> Self {
        Self {
            backoff: Backoff::new(parts.waits.first, parts.waits.longest),
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
        let mut open = Open { opened, live: false, began: now, heard: now, again: now + AGAIN };
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
        let idle = self.hold.is_empty().then_some(self.used + self.parts.idle);
        let own = [Some(open.again), Some(open.heard + SILENCE), sync, idle, self.hold.due()];
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
        if self.hold.is_empty() && now >= self.used + self.parts.idle {
            return Err(Down::Idle);
        }
        if now >= open.again {
            open.again = now + AGAIN;
            open.opened.wire.ping();
            let frame = self.work(Engine::again).await?;
            self.send(open, [frame])?;
        }
        Ok(())
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
        self.send(open, heard.outcome.send)?;
        if let Some(down) = standing(&heard.phase, &open.opened.secrets) {
            if self.engine.as_ref().is_some_and(|engine| !engine.is_whole()) {
                self.engine = None;
            }
            return Err(down);
        }
        if heard.outcome.synced {
            (open.live, self.known, self.denials) = (true, true, 0);
            self.backoff.good();
            tracing::debug!(line = LINE, document = self.id, "the document is live");
            for ask in self.hold.waited() {
                self.take(Some(open), ask).await?;
            }
        }
        Ok(())
    }

    async fn take(&mut self, open: Option<&mut Open>, ask: Ask) -> Result<(), Down> {
        let now = Instant::now();
        self.used = now;
        let live = open.filter(|open| open.live);
        match (ask, live) {
            (Ask::Make { edit, answer }, _) if self.known => self.make(edit, answer).await,
            (Ask::Bring { update, answer }, Some(open)) => {
                let number = self.hold.number();
                let frames = self.work(move |engine| engine.bring(number, &update)).await?;
                match frames {
                    Ok(frames) => {
                        self.hold.sent(number, answer, now);
                        self.send(open, frames)
                    }
                    Err(why) => {
                        drop(answer.send(Err(why)));
                        Ok(())
                    }
                }
            }
            (Ask::Read { answer }, Some(_)) => {
                let text = self.work(Engine::text).await?;
                drop(answer.send(text));
                Ok(())
            }
            (Ask::Read { answer }, None) => {
                drop(answer.send(None));
                Ok(())
            }
            (ask, _) => {
                self.hold.wait(ask, now);
                Ok(())
            }
        }
    }

    /// Makes an edit and holds everything until its bytes are kept: what leaves before could be made twice.
    async fn make(&mut self, edit: Edit, answer: oneshot::Sender<Made>) -> Result<(), Down> {
        if let Err(why) = self.name().await {
            drop(answer.send(Made::Later(why)));
            return Ok(());
        }
        let rules = self.parts.rules;
        let made = match self.work(move |engine| engine.make(&edit, rules)).await? {
            Tried::Made(update) => {
                let (go, kept) = oneshot::channel();
                let told = answer.send(Made::Here { update, go });
                if told.is_ok() && matches!(timeout(KEPT, kept).await, Ok(Ok(()))) {
                    return Ok(());
                }
                self.engine = None;
                return Err(Down::Later("an edit could not be kept, and was taken back".to_owned()));
            }
            Tried::Suggest => Made::Suggest,
            Tried::Refused { kind, message } => Made::Refused { kind, message },
        };
        drop(answer.send(made));
        Ok(())
    }

    /// Keeps the client id before anything is written under it.
    async fn name(&mut self) -> Result<(), String> {
        if self.named {
            return Ok(());
        }
        let record = self.parts.session.record();
        let mut listed = record.facts.get(EDITORS).and_then(Value::as_array).cloned().unwrap_or_default();
        listed.push(self.client.into());
        let old = listed.len().saturating_sub(REMEMBERED);
        listed.drain(..old);
        self.parts.session.learn(EDITORS, listed).await.map_err(|error| error.to_string())?;
        self.named = true;
        Ok(())
    }

    /// Not connected: waits, and serves what can be served. Why the document is let go; `None`: it is dialled again.
    async fn apart(&mut self, why: String) -> Option<Down> {
        tracing::info!(line = LINE, document = self.id, why, "the document is not connected");
        self.hold.lost(&why);
        self.why = why;
        let until = Instant::now() + self.backoff.next();
        loop {
            let due = [Some(until), self.hold.due()].into_iter().flatten().min().unwrap_or(until);
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
                    if self.hold.is_empty() && now >= self.used + self.parts.idle {
                        return Some(Down::Idle);
                    }
                    if now >= until {
                        return None;
                    }
                }
            }
        }
    }

    /// Works on the document on a thread where it may take long. One that takes too long is given up with its thread's
    /// work, which nobody can stop.
    async fn work<T: Send + 'static>(
        &mut self,
        job: impl FnOnce(&mut Engine) -> T + Send + 'static,
    ) -> Result<T, Down> {
        let Some(mut engine) = self.engine.take() else {
            return Err(Down::Later("the document is opened anew".to_owned()));
        };
        let working = tokio::task::spawn_blocking(move || {
            let done = job(&mut engine);
            (engine, done)
        });
        match timeout(WORK, working).await {
            Ok(Ok((engine, done))) => {
                self.engine = Some(engine);
                Ok(done)
            }
            Ok(Err(error)) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(_) => Err(Down::Later("the bridge is stopping".to_owned())),
            },
            Err(_) => Err(Down::Failed(format!("what came for the document took more than {} s to read", WORK.as_secs()))),
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
        Phase::Failed(error) => Some(Down::Failed(error.to_string())),
    }
}
