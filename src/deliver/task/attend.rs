//! Tells how far the agent is with what asks something of it, for the workspaces that show it on their platform.

use std::sync::Arc;

use super::Task;
use crate::attention::{Attention, Stage};
use crate::deliver::lanes::{Moment, Place};
use crate::event::{Stored, Type, WorkspaceName};

/// Events that are acked.
pub(super) struct Through {
    attention: Attention,
    name: Arc<str>,
    all: Vec<(WorkspaceName, u64)>,
}

impl Through {
    pub(super) fn tell(self) {
        for (workspace, seq) in &self.all {
            self.attention.further(workspace, (&self.name, *seq), Stage::Acked);
        }
    }
}

impl Task {
    /// An event was handed over. Only mentions are followed: they ask something of the agent.
    pub(super) fn handed(&mut self, event: &Stored, now: Moment) {
        let head = &event.head;
        if head.kind == Type::MentionCreated {
            let who = (&self.handle.name, event.seq);
            self.ground.store.attention().handed(&head.workspace, who, &head.conversation, now.wall);
            self.attended.insert(event.seq, head.workspace.clone());
        }
    }

    /// The agent is still at it.
    pub(super) fn extended(&self, seq: u64) {
        if let Some(workspace) = self.attended.get(&seq) {
            self.ground.store.attention().further(workspace, (&self.handle.name, seq), Stage::Extended);
        }
    }

    /// The agent is through with these: to be told once that, and what rides on it, is committed.
    pub(super) fn through(&mut self, seqs: &[u64]) -> Through {
        // Few events are followed, and many are acked.
        let seqs = if self.attended.is_empty() { &[] } else { seqs };
        let all = seqs.iter().filter_map(|seq| Some((self.attended.remove(seq)?, *seq))).collect();
        Through { attention: self.ground.store.attention().clone(), name: Arc::clone(&self.handle.name), all }
    }

    /// What has come back, or gone elsewhere, nobody deals with any more.
    pub(super) fn look_away(&mut self) {
        let Self { attended, lanes, ground, handle, .. } = self;
        attended.retain(|seq, workspace| {
            let held = matches!(lanes.place(*seq), Place::Open(Some(_)));
            if !held {
                ground.store.attention().gone(workspace, (&handle.name, *seq));
            }
            held
        });
    }
}
