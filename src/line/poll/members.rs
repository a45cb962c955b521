//! Asks who takes part in a conversation, before its first event is told: only so an event log's direct conversations
//! are told apart. An answer that does not come holds nothing up and loses nothing: then it stays unknown.

mod ask;
mod memory;

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use tokio::time::Instant;

use super::Poll;
use crate::clock::Clock;
use crate::event::{ConversationKind, Draft, Identity, Type};
use crate::line::timing::Timing;
use crate::normalise::Mapping;
use crate::retry::Backoff;
use crate::session::Session;
use crate::store::StoreError;
use ask::{Asker, Brought};
use memory::Memory;

/// How conversations are held, and who is being asked.
pub(super) struct Members {
    asker: Option<Asker>,
    memory: Memory,
    under_way: FuturesUnordered<BoxFuture<'static, (String, Brought)>>,
    /// Requests at once.
    most: usize,
    /// The longest that events wait for an answer.
    patience: Duration,
    /// A conversation whose people are kept from the agent is asked for again after this time.
    refused: Duration,
    backoff: Backoff,
    /// Nobody is asked before.
    paused: Option<Instant>,
}

impl Members {
    /// Nothing is known yet. Where the manifest does not say how to ask, nothing ever is.
    pub fn new(session: &Session, clock: &Clock, timing: &Timing) -> Self {
        let spec = session.manifest().receive.log.as_ref().and_then(|log| log.members.clone());
        let (session, clock, later) = (session.clone(), clock.clone(), timing.later);
        Self {
            asker: spec.map(|spec| Asker { session, clock, spec, later }),
            memory: Memory::default(),
            under_way: FuturesUnordered::new(),
            most: timing.reads.max(1),
            patience: timing.members,
            refused: timing.longest_wait,
            backoff: Backoff::new(timing.first_wait, timing.longest_wait),
            paused: None,
        }
    }

    /// Whether events of a conversation wait for the answer.
    pub fn waits(&self, room: &str) -> bool {
        self.memory.waits(room)
    }

    /// Whether an event is the first of its conversation, or changes who takes part there.
    fn lacks(&self, draft: &Draft) -> bool {
        let Some(room) = room(draft).filter(|_| self.asker.is_some()) else { return false };
        self.memory.lacks(room, changes(draft), Instant::now())
    }

    /// An event is about to be told: its conversation is asked for, where that is not known.
    fn meets(&mut self, room: &str, changed: bool, hangs: bool) {
        let now = Instant::now();
        let Some(asker) = self.asker.as_ref().filter(|_| self.memory.lacks(room, changed, now)) else { return };
        if hangs {
            // What hangs from another conversation is no direct one, whoever takes part.
            self.memory.is(room, ConversationKind::Group);
        } else if let Some(until) = self.paused.filter(|until| now < *until) {
            self.memory.puts_off(room, until);
        } else if !(asker.may_ask() && self.memory.ask(room, now + self.patience)) {
            self.memory.puts_off(room, now + self.refused);
        }
    }

    /// The next answer is there; for ever where nobody was asked. Nothing is lost when the future is dropped.
    pub async fn turn(&mut self, mapping: &Arc<Mapping>) {
        while self.under_way.len() < self.most
            && let Some((room, until)) = self.memory.next()
            && let Some(asker) = self.asker.clone()
        {
            self.under_way.push(asker.ask(room, until, Arc::clone(mapping)).boxed());
        }
        match self.under_way.next().await {
            Some((room, brought)) => self.brought(&room, &brought),
            None => pending().await,
        }
    }

    fn brought(&mut self, room: &str, brought: &Brought) {
        let now = Instant::now();
        match brought {
            Brought::Answer(answer) => {
                self.backoff.good();
                self.memory.answered(room, *answer, now + self.refused);
            }
            Brought::Trouble(asked) if self.memory.waits(room) => {
                let wait = self.backoff.next_after(asked.unwrap_or_default());
                self.pause(wait);
            }
            // It was given up with the others.
            Brought::Trouble(_) => {}
        }
    }

    /// The platform wants to be left alone for so long: nobody is asked, and nobody waits.
    pub fn pause(&mut self, wait: Duration) {
        let until = Instant::now() + wait;
        self.paused = self.paused.max(Some(until));
        self.memory.gives_up(until);
    }

    /// Events were missed.
    pub fn forget(&mut self) {
        self.memory.forget();
    }

    /// What is known goes into an event that is about to be told.
    pub fn tell(&self, draft: &mut Draft, mapping: &Mapping) {
        let Some(room) = room(draft).filter(|_| self.asker.is_some()) else { return };
        let kind = if hangs(draft) { Some(ConversationKind::Group) } else { self.memory.kind(room) };
        if let Some(kind) = kind {
            mapping.held_as(draft, kind);
        }
    }
}

impl Poll {
    /// Events that are about to be told: the conversations among them that are not known are asked for. `known`: those
    /// that were told before, where the store was asked already.
    pub(super) fn meet(&mut self, drafts: &[Draft], known: Option<&[bool]>) -> Result<(), StoreError> {
        let fresh: Vec<&Draft> = match known {
            // The seat is gone: whoever asks now only hears so.
            _ if self.farewell.is_some() => return Ok(()),
            Some(known) => drafts.iter().zip(known).filter(|(_, known)| !**known).map(|(draft, _)| draft).collect(),
            None => drafts.iter().collect(),
        };
        let mut lacking: Vec<&Draft> = fresh.into_iter().filter(|draft| self.members.lacks(draft)).collect();
        if known.is_none() && !lacking.is_empty() {
            let ids: Vec<String> = lacking.iter().map(|draft| draft.id()).collect();
            let mut told = self.store.knows(&ids)?.into_iter();
            lacking.retain(|_| told.next() == Some(false));
        }
        for draft in lacking {
            let Some(room) = room(draft) else { continue };
            self.members.meets(room, changes(draft), hangs(draft));
        }
        Ok(())
    }

    /// Waits for the answers that these events wait for; what others say meanwhile waits.
    pub(super) async fn met(&mut self, drafts: &[Draft]) -> Result<(), StoreError> {
        while drafts.iter().filter_map(room).any(|room| self.members.waits(room)) {
            let mapping = self.shaper.mapping();
            tokio::select! {
                () = self.members.turn(&mapping) => {}
                said = self.inlets.next() => self.heard(said).await?,
            }
        }
        Ok(())
    }

    /// An event goes into the feed, or is there already.
    pub(super) fn tells(&mut self, draft: &mut Draft, late: Option<bool>) {
        self.members.tell(draft, &self.shaper.mapping());
        self.shaper.tell(draft, late);
    }
}

/// Where it happened; none for what concerns no conversation, or only the bridge has seen.
fn room(draft: &Draft) -> Option<&str> {
    let conversation = draft.data.conversation.as_ref().filter(|_| draft.identity != Identity::Sequence)?;
    Some(conversation.id.as_str()).filter(|id| !id.is_empty())
}

/// Whether its conversation hangs from another one, as the event itself tells.
fn hangs(draft: &Draft) -> bool {
    draft.data.conversation.as_ref().is_some_and(|conversation| conversation.parent.is_some())
}

/// Whether it changes who takes part.
const fn changes(draft: &Draft) -> bool {
    matches!(draft.kind, Type::ParticipantAdded | Type::ParticipantRemoved)
}
