//! What a workspace says of itself, and how others reach it while it runs.

use std::sync::{Mutex, PoisonError};

use serde::Serialize;
use tokio::sync::{mpsc, watch};

use crate::clock::millis;
use crate::event::WorkspaceName;
use crate::line::poll::feed::Inlet;
use crate::line::report::LineStatus;
use crate::line::yjs::{DocumentStatus, Drafts};
use crate::pulse::Pulse;
use crate::session::{Session, repair_command};
use crate::store::{Seat, WorkspaceRecord};

/// One workspace as it stands. Times are wall time, milliseconds since 1970.
#[derive(Clone, Debug, Serialize)]
pub struct Status {
    /// The operator's name for it.
    pub workspace: WorkspaceName,
    /// The platform.
    pub platform: Option<String>,
    /// Whether it may act.
    #[serde(flatten)]
    pub seat: Option<Seat>,
    /// Its baseline line is live, and evidence proves it.
    pub live: bool,
    /// Its lines.
    pub lines: Vec<LineStatus>,
    /// For how long, in milliseconds, events may have gone unseen.
    pub lag: u64,
    /// When the credential ends; `null` where it does not, or there is none.
    pub credential_expires: Option<u64>,
    /// When signing in is tried again, while it waits.
    pub next_retry: Option<u64>,
    /// What is wrong.
    pub trouble: Option<String>,
    /// The one command that helps, where a person must act.
    pub command: Option<String>,
    /// Its documents that can be edited live: those it was given, and those of its own that are open or refused.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub documents: Vec<DocumentStatus>,
}

/// Where a workspace's task puts what others may see or use.
#[derive(Debug)]
pub struct Desk {
    name: WorkspaceName,
    on_it: Mutex<OnIt>,
    changes: watch::Sender<u64>,
}

#[derive(Default)]
struct OnIt {
    session: Option<Session>,
    line: Option<watch::Receiver<LineStatus>>,
    /// Push sources beside it.
    beside: Vec<watch::Receiver<LineStatus>>,
    hints: Option<mpsc::Sender<String>>,
    inlet: Option<Inlet>,
    drafts: Option<Drafts>,
    trouble: Option<String>,
    pulses: Vec<(&'static str, Pulse)>,
}

impl std::fmt::Debug for OnIt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OnIt").field("trouble", &self.trouble).finish_non_exhaustive()
    }
}

impl Desk {
    /// An empty desk; `changes` grows whenever a phase or seat changes.
    pub fn new(name: WorkspaceName, changes: watch::Sender<u64>) -> Self {
        Self { name, on_it: Mutex::default(), changes }
    }

    /// It runs; `line` is `None` where its platform has no work channel.
    pub(super) fn open(&self, session: Session, line: Option<watch::Receiver<LineStatus>>) {
        self.with(|on_it| (on_it.session, on_it.line) = (Some(session), line));
    }

    /// A push source has a line of its own from now on.
    pub(super) fn beside(&self, line: watch::Receiver<LineStatus>) {
        self.with(|on_it| on_it.beside.push(line));
    }

    pub(super) fn hints(&self, hints: mpsc::Sender<String>) {
        self.with(|on_it| on_it.hints = Some(hints));
    }

    /// Push sources and hints reach its line by this from now on; none: it takes none.
    pub(super) fn inlet(&self, inlet: Option<Inlet>) {
        self.with(|on_it| on_it.inlet = inlet);
    }

    /// Its live documents are reached by this.
    pub(super) fn drafts(&self, drafts: Option<Drafts>) {
        self.with(|on_it| on_it.drafts = drafts);
    }

    /// The way to its live documents, where the platform has them.
    pub fn live(&self) -> Option<Drafts> {
        self.with(|on_it| on_it.drafts.clone())
    }

    /// One of its loops can be asked from now on.
    pub(super) fn pulse(&self, which: &'static str, pulse: Pulse) {
        self.with(|on_it| on_it.pulses.push((which, pulse)));
    }

    pub(super) fn pulses(&self) -> Vec<(&'static str, Pulse)> {
        self.with(|on_it| on_it.pulses.clone())
    }

    /// The lines are made anew.
    pub(super) fn anew(&self) {
        self.with(|on_it| {
            on_it.beside.clear();
            on_it.pulses.retain(|(which, _)| matches!(*which, "outbox" | "documents"));
            on_it.trouble = None;
        });
    }

    pub(super) fn trouble(&self, why: String) {
        self.with(|on_it| on_it.trouble = Some(why));
        self.changed();
    }

    pub(super) fn changed(&self) {
        self.changes.send_modify(|count| *count += 1);
    }

    /// The session, once the workspace runs.
    pub fn session(&self) -> Option<Session> {
        self.with(|on_it| on_it.session.clone())
    }

    /// The way to its line for push sources and hints, where its line takes them.
    pub fn feeds(&self) -> Option<Inlet> {
        self.with(|on_it| on_it.inlet.clone())
    }

    /// Reads a conversation's history soon. A hint that finds no room is as good as those before it.
    pub fn poll_soon(&self, conversation: &str) {
        self.with(|on_it| {
            if let Some(hints) = &on_it.hints {
                drop(hints.try_send(conversation.to_owned()));
            }
        });
    }

    /// The workspace as it stands `now` (milliseconds since 1970).
    pub fn status(&self, now: u64) -> Status {
        let (session, line, beside, trouble) = self.with(|on_it| {
            let beside = on_it.beside.iter().map(|line| line.borrow().clone());
            (on_it.session.clone(), on_it.line.clone(), beside.collect::<Vec<_>>(), on_it.trouble.clone())
        });
        // Where there is no work channel there is no line, which is no lack.
        let channel = session.as_ref().is_none_or(|session| session.manifest().has_line());
        let mut line = line.unwrap_or_else(super::lines::never_opened).borrow().clone();
        line.evidence = line.evidence(now);
        let record = session.as_ref().map(Session::record);
        // A seat that cannot act proves nothing and holds no credential, whatever its line has not noticed yet.
        let acts = record.as_ref().is_none_or(|record| record.seat.acts());
        let waiting = session.as_ref().and_then(Session::waiting);
        let next_retry = waiting.as_ref().map(|(_, left)| now.saturating_add(millis(*left)));
        Status {
            workspace: self.name.clone(),
            live: acts && line.evidence.is_some(),
            next_retry,
            lag: if channel { line.lag(now) } else { 0 },
            credential_expires: session.as_ref().filter(|_| acts).and_then(Session::expires),
            trouble: trouble
                .or_else(|| record.as_ref().and_then(seat_trouble))
                .or(waiting.map(|(why, _)| why))
                .or_else(|| line.error.clone()),
            command: session.as_ref().zip(record.as_ref()).and_then(|(session, record)| command(session, record)),
            platform: record.as_ref().map(|record| record.platform.clone()),
            documents: self.live().zip(record.as_ref()).map_or_else(Vec::new, |(live, record)| live.statuses(record)),
            seat: record.map(|record| record.seat),
            lines: Some(line).filter(|_| channel).into_iter().chain(beside).collect(),
        }
    }

    fn with<T>(&self, change: impl FnOnce(&mut OnIt) -> T) -> T {
        change(&mut self.on_it.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn seat_trouble(record: &WorkspaceRecord) -> Option<String> {
    match &record.seat {
        Seat::NeedsAction { reason, .. } | Seat::Revoked { reason } => Some(reason.clone()),
        Seat::Joining => Some("the join was not finished".to_owned()),
        _ => None,
    }
}

fn command(session: &Session, record: &WorkspaceRecord) -> Option<String> {
    match &record.seat {
        Seat::NeedsAction { command, .. } => Some(command.clone()),
        Seat::Revoked { .. } | Seat::Joining => Some(repair_command(session.manifest(), record)),
        _ => None,
    }
}
