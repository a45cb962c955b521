//! The task of one document: connect, sync, serve, wait. Its failure is its own.

mod attending;
mod connected;
mod wishes;
mod work;

use std::sync::Arc;

use serde_json::Value;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use super::about::{About, meet};
use super::dial::{self, Opened};
use super::engine::Engine;
use super::hold::{Hold, fail};
use super::news::News;
use super::standing::Board;
use super::written::Written;
use super::{Ask, Down, LINE, Parts, Standing};
use crate::adapter::Scope;
use crate::clock::millis;
use crate::document::{Bounds, Kind, Shared};
use crate::retry::Backoff;
use attending::Attended;

/// So many connects are refused in a row, or bring no document, before it counts as closed to the agent.
const DENIALS: u32 = 3;
/// The fact that lists the Yjs client ids under which the agent has edited: what stands under them it wrote itself.
const EDITORS: &str = "editors";

/// One document.
pub(super) struct Draft {
    parts: Arc<Parts>,
    board: Board,
    written: Written,
    id: String,
    about: About,
    attended: Attended,
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

impl Draft {
    pub fn new(parts: Arc<Parts>, (board, written): (Board, Written), id: String, asks: mpsc::Receiver<Ask>) -> Self {
        Self {
            backoff: Backoff::new(parts.waits.first, parts.waits.longest),
            news: News::new(&parts),
            parts,
            board,
            written,
            id,
            about: About::default(),
            attended: Attended::default(),
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
            self.stands_so(Standing::Opening);
            let down = match self.open().await {
                Ok(opened) => self.connected(opened).await,
                Err(down) => down,
            };
            let down = match self.parted(down) {
                Down::Later(why) => self.apart(why).await,
                down => Some(down),
            };
            match down {
                Some(Down::Failed(why)) => {
                    self.stands_so(Standing::Refused { why: why.clone() });
                    return self.fail("document_failed", &why);
                }
                Some(down) => {
                    self.stands_so(Standing::Closed);
                    if let Down::NotLive(why) = down {
                        self.fail("not_live", &why);
                    }
                    return;
                }
                None => {}
            }
        }
    }

    async fn open(&mut self) -> Result<Opened, Down> {
        self.about = meet(&self.parts, &self.id, &self.about).await?;
        dial::open(&self.parts, &self.id, &self.about, Bounds::default().frame).await
    }

    fn stands_so(&self, standing: Standing) {
        self.board.stands(&self.id, &self.about, standing);
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

    fn fail(mut self, kind: &'static str, why: &str) {
        let (workspace, document) = (self.parts.session.record().name, &self.id);
        tracing::warn!(line = LINE, %workspace, document, why, "the document cannot be edited live");
        self.hold.fail(kind, why);
        self.asks.close();
        while let Ok(ask) = self.asks.try_recv() {
            fail(ask, kind, why);
        }
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
        let mut engine = Engine::new(self.client, own, self.wanted(), Bounds::default(), name);
        engine.does(self.attended.word());
        Ok(engine)
    }

    /// The shared types that the manifest names, the rich ones first; none: the usual ones.
    fn wanted(&self) -> Vec<Shared> {
        let named = |names: &[String], kind| {
            let shared = move |name: &String| Shared { name: name.clone(), kind };
            names.iter().map(shared).collect::<Vec<_>>()
        };
        let live = &self.parts.live;
        [named(&live.rich, Kind::Fragment), named(&live.text, Kind::Text)].concat()
    }

    /// Not connected: waits, and serves what can be served. Why the document is let go; `None`: it is dialled again.
    async fn apart(&mut self, why: String) -> Option<Down> {
        tracing::info!(line = LINE, document = self.id, why, "the document is not connected");
        self.hold.lost(Instant::now());
        let wait = self.backoff.next();
        let (until, next_retry) = (Instant::now() + wait, self.parts.clock.now() + millis(wait));
        self.stands_so(Standing::Waiting { why: why.clone(), next_retry });
        self.why = why;
        loop {
            let own = [Some(until), self.hold.due(), self.news.due(), self.attended.lapses()];
            let due = own.into_iter().flatten().min().unwrap_or(until);
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
                    if let Err(down) = self.lapse(None).await {
                        return Some(down);
                    }
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
