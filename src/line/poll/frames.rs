//! What others bring while the log is read or not: live frames wait for a read or go on, in their order (P3).

use serde_json::Value;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::absorb::time;
use super::feed::{Hint, Live, Outlet};
use super::judge::Verdict;
use super::{Poll, SOON};
use crate::event::{Arrival, Draft, Type, Via};
use crate::line::held::{Held, Waiting};
use crate::store::{Health, StoreError};

/// Frames that go on together: enough to fill a commit.
const BURST: usize = 512;

/// What was said.
#[derive(Debug)]
pub(super) enum Said {
    Live(Live),
    Hint(Hint),
    /// The agent acted.
    Acted,
}

/// Everything that can be said to the line.
#[derive(Debug)]
pub(super) struct Inlets {
    feed: Outlet,
    acted: mpsc::Receiver<String>,
}

impl Inlets {
    pub const fn new(feed: Outlet, acted: mpsc::Receiver<String>) -> Self {
        Self { feed, acted }
    }

    /// What is said next; nothing is lost when the future is dropped. For ever where nobody is left to say anything.
    pub async fn next(&mut self) -> Said {
        tokio::select! {
            Some(live) = self.feed.live.recv() => Said::Live(live),
            Some(hint) = self.feed.hints.recv() => Said::Hint(hint),
            Some(_) = self.acted.recv() => Said::Acted,
            else => std::future::pending().await,
        }
    }

    fn more(&mut self) -> Option<Said> {
        self.feed.live.try_recv().ok().map(Said::Live)
    }
}

/// Live frames, and the sources that they come from.
#[derive(Debug)]
pub(super) struct Frames {
    held: Held<(Draft, Arrival)>,
    ready: Vec<(Draft, Arrival)>,
    sources: Vec<Via>,
    /// Frames wait until a read that begins after this one has ended.
    behind: Option<u64>,
    /// The log is being read.
    pub reading: bool,
    /// More came than may wait: the log has it.
    overran: bool,
}

impl Frames {
    /// Nothing yet; so many frames and bytes may wait.
    pub const fn new(frames: usize, bytes: usize) -> Self {
        let held = Held::new(frames, bytes);
        Self { held, ready: Vec::new(), sources: Vec::new(), behind: Some(0), reading: false, overran: false }
    }

    /// Whether a push source is live.
    pub const fn has_source(&self) -> bool {
        !self.sources.is_empty()
    }

    /// This read has ended; whether another one is due at once, for frames were dropped while it ran.
    pub fn read(&mut self, round: u64) -> bool {
        self.behind = self.behind.filter(|behind| *behind >= round);
        std::mem::take(&mut self.overran)
    }

    /// Frames wait for no read any more: none succeeds.
    pub const fn wait_no_more(&mut self) {
        self.behind = None;
    }

    /// Drops what waits: the log has it.
    pub fn clear(&mut self) {
        drop(self.held.release(|_| false));
        self.ready.clear();
        self.overran = true;
    }

    fn must_wait(&self) -> bool {
        self.reading || self.behind.is_some()
    }

    fn up(&mut self, via: Via, round: u64) {
        self.down(via);
        self.sources.push(via);
        self.behind = Some(round);
    }

    /// A source tells before it says that it is there, as a channel does that replays before it confirms: what it replays
    /// and what is live come in no order, so its frames wait, too. Whether this is such a frame.
    fn is_early(&mut self, via: Via, round: u64) -> bool {
        let early = !self.sources.contains(&via);
        if early {
            self.behind = Some(round);
        }
        early
    }

    fn down(&mut self, via: Via) {
        self.sources.retain(|source| *source != via);
    }

    /// `false`: more came than may wait, and all of it is dropped; the log has it.
    fn put(&mut self, draft: Draft, arrival: Arrival, size: usize) -> bool {
        let conversation = draft.data.conversation.as_ref().map_or_else(String::new, |it| it.id.clone());
        let held = self.held.push(Waiting { conversation, size, what: (draft, arrival) }).is_ok();
        if !held {
            self.clear();
        }
        held
    }
}

impl Poll {
    /// Takes what was said, and what waits behind it, and sends it on where nothing has to wait.
    pub(super) async fn heard_all(&mut self, said: Said) -> Result<(), StoreError> {
        self.heard(said).await?;
        for _ in 1..BURST {
            let Some(said) = self.inlets.more() else { break };
            self.heard(said).await?;
        }
        self.let_go().await
    }

    /// Takes what was said.
    pub(super) async fn heard(&mut self, said: Said) -> Result<(), StoreError> {
        let now = Instant::now();
        match said {
            Said::Live(Live::Frame { via, name, body }) => return self.frame(via, name.as_deref(), &body).await,
            Said::Live(Live::Up(via)) => {
                self.frames.up(via, self.rounds);
                self.want(now);
            }
            Said::Live(Live::Down(via)) => {
                self.frames.down(via);
                self.want(now);
            }
            Said::Hint(hint) => self.hint(hint),
            Said::Acted => self.want(now + SOON),
        }
        Ok(())
    }

    /// Sends on what waits and is told already: it overtakes nothing, and only notes that its source has it, too. A log in
    /// which much happens may be read for long, and its end is all that the others wait for.
    pub(super) async fn let_known_go(&mut self) -> Result<(), StoreError> {
        let ids: Vec<String> = self.frames.held.iter().map(|(draft, _)| draft.id()).collect();
        let mut known = self.store.knows(&ids)?.into_iter();
        let freed = self.frames.held.release_by(|_| !known.next().unwrap_or(false));
        if freed.is_empty() {
            return Ok(());
        }
        self.intake.send(freed.into_iter().map(|waiting| waiting.what).collect(), None).await
    }

    /// Sends on what no longer has to wait.
    pub(super) async fn let_go(&mut self) -> Result<(), StoreError> {
        if self.frames.must_wait() {
            return Ok(());
        }
        // Behind the last word nothing comes that frames could wait for.
        let (members, last) = (&self.members, self.farewell.is_some());
        for Waiting { what: (mut draft, arrival), .. } in self.frames.held.release(|room| !last && members.waits(room))
        {
            self.tells(&mut draft, None);
            self.frames.ready.push((draft, arrival));
        }
        if self.frames.ready.is_empty() {
            return Ok(());
        }
        self.intake.send(std::mem::take(&mut self.frames.ready), None).await
    }

    async fn frame(&mut self, via: Via, name: Option<&str>, body: &str) -> Result<(), StoreError> {
        if *self.health.borrow() != Health::Open {
            self.frames.clear();
            return Ok(());
        }
        if self.frames.is_early(via, self.rounds) {
            self.want(Instant::now());
        }
        let arrival = Arrival { at: self.shaper.now(), via };
        self.shaper.knows_itself().await?;
        if let Some(draft) = self.pushed(name, body) {
            self.meet(std::slice::from_ref(&draft), None)?;
            if !self.frames.put(draft, arrival, body.len()) {
                // Not only while the log is read: a burst of large ones is too much at any time.
                self.want(Instant::now());
            }
        }
        Ok(())
    }

    /// The event of something that was pushed; `None` where the feed does not get it. That the seat is gone is noted.
    pub(super) fn pushed(&mut self, name: Option<&str>, body: &str) -> Option<Draft> {
        let mut draft = match serde_json::from_str::<Value>(body) {
            Ok(entry) => self.shaper.entry(name, &entry),
            Err(_) => self.shaper.frame(name.unwrap_or_default(), body),
        }?;
        let Verdict::Told { backfill } = self.judge().judge(&self.stand.place, time(&draft)) else { return None };
        if draft.kind != Type::WorkspaceRevoked {
            draft.data.backfill = backfill;
            return Some(draft);
        }
        if !backfill && !self.stand.place.ended_by(&draft.id()) {
            self.farewell.get_or_insert(self.rounds);
            self.heard = Some(self.farewell_of(draft.id()));
            self.want(Instant::now());
        }
        None
    }
}
