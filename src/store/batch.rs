//! What changes together: everything in a batch commits in one transaction, or nothing does.

use secrecy::SecretString;

use super::record::{Anchor, DeadLetter, Exception, Way, WorkspaceRecord};
use crate::action::{Action, ActionId};
use crate::consumer::Consumer;
use crate::event::{NewEvent, Type, Via, WorkspaceName};

/// One change.
#[derive(Debug)]
pub enum Change {
    /// Append an event, unless its identity is known already (P2).
    Event(Box<NewEvent>),
    /// Remember an event's identity and leave the event out of the feed: it is not told, now or later, and counted.
    HeldBack(Box<NewEvent>),
    /// These objects are still listed by the platform: their ids are not forgotten yet.
    Listed {
        /// Whose.
        workspace: WorkspaceName,
        /// The conversation.
        conversation: String,
        /// What they were told as.
        kind: Type,
        /// Object ids.
        objects: Vec<String>,
    },
    /// Another kind of line has seen these objects, which were told before.
    Sighted {
        /// Whose.
        workspace: WorkspaceName,
        /// The conversation.
        conversation: String,
        /// Object ids, told as messages.
        objects: Vec<String>,
        /// Which kind.
        via: Via,
    },
    /// Move a line's cursor; `None` forgets it.
    Cursor {
        /// Whose.
        workspace: WorkspaceName,
        /// Which line of it.
        line: String,
        /// The platform's opaque text.
        value: Option<String>,
    },
    /// Move a conversation's anchor; `None` forgets it.
    Anchor {
        /// Whose.
        workspace: WorkspaceName,
        /// Which conversation.
        conversation: String,
        /// The new anchor.
        anchor: Option<Anchor>,
    },
    /// Make or change a workspace.
    Workspace(Box<WorkspaceRecord>),
    /// Remove a workspace with its secrets, cursors, anchors and unsettled actions. Its events and ids stay.
    ForgetWorkspace(WorkspaceName),
    /// Seal a secret of `owner` (a workspace, or `consumer:NAME`); `None` erases it.
    Secret {
        /// Whose.
        owner: String,
        /// Which.
        field: String,
        /// The secret.
        value: Option<SecretString>,
    },
    /// Make or change a consumer. A new one begins where its `from` says.
    Consumer(Box<Consumer>),
    /// Remove a consumer with its marks, dead letters and secrets.
    ForgetConsumer(String),
    /// Everything up to here is settled for this consumer, but for its waiting exceptions. Settled exceptions up to
    /// here are dropped.
    Mark {
        /// Whose.
        consumer: String,
        /// Up to and with this sequence.
        seq: u64,
    },
    /// Set or drop what is special about one event for one consumer.
    Except {
        /// Whose.
        consumer: String,
        /// Which event.
        seq: u64,
        /// `None` drops it.
        exception: Option<Exception>,
    },
    /// Remember the actions of the first ack of (consumer, seq).
    Acked {
        /// Whose.
        consumer: String,
        /// Which event.
        seq: u64,
        /// In the order in which they rode.
        actions: Vec<ActionId>,
    },
    /// Remember how a run of events left a consumer.
    Way {
        /// Whose.
        consumer: String,
        /// The last event of the run.
        last: u64,
        /// How.
        way: Way,
    },
    /// Put an event among a consumer's dead letters, or take it out.
    Dead {
        /// Whose.
        consumer: String,
        /// Which event.
        seq: u64,
        /// `None` takes it out.
        letter: Option<Box<DeadLetter>>,
    },
    /// Accept an action. Where its (workspace, key) is known for less than 30 days, nothing is written and
    /// [`Committed::actions`] carries the first one's id. Where its workspace is gone, nothing is written either, and
    /// [`Committed::refused`] names it.
    Accept(Box<Action>),
    /// Write an action's new state.
    Action(Box<Action>),
    /// Drop events up to and with this sequence from the feed. Their ids stay remembered.
    Trim(u64),
}

/// Changes that commit together.
#[derive(Debug, Default)]
pub struct Batch {
    /// In order.
    pub changes: Vec<Change>,
    /// Comes from a platform: refused with `StoreError::Full` at the disk budget.
    pub intake: bool,
    /// Nobody waits for its commit: it goes with the next one that somebody waits for, or alone after a moment.
    pub patient: bool,
}

impl Batch {
    /// An empty batch of the bridge's own.
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty batch that brings something in from a platform.
    pub fn intake() -> Self {
        Self { intake: true, ..Self::default() }
    }

    /// Adds a change.
    #[must_use]
    pub fn with(mut self, change: Change) -> Self {
        self.changes.push(change);
        self
    }

    /// Adds an event.
    #[must_use]
    pub fn event(self, event: NewEvent) -> Self {
        self.with(Change::Event(Box::new(event)))
    }

    /// About how many bytes it holds.
    pub(super) fn weight(&self) -> usize {
        let weigh = |change: &Change| match change {
            Change::Event(event) | Change::HeldBack(event) => event.bytes.len(),
            Change::Dead { letter, .. } => letter.as_ref().map_or(0, |letter| letter.event.len()),
            Change::Listed { objects, .. } | Change::Sighted { objects, .. } => objects.len() * 64,
            _ => 0,
        };
        self.changes.iter().map(|change| weigh(change) + 64).sum()
    }
}

/// What became of a batch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Committed {
    /// For each event of the batch in order: its sequence, or `None` where it was known already.
    pub events: Vec<Option<u64>>,
    /// How many events were held back that were not known before.
    pub held_back: u64,
    /// For each accepted action in order: its id, or the id of the first one with its key.
    pub actions: Vec<ActionId>,
    /// Those of them of which nothing was written, for their workspace was left or taken away meanwhile.
    pub refused: Vec<ActionId>,
}
