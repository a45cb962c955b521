//! What a document keeps for those who asked: wishes that wait for the connection, and edits that wait to be seen there.

use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;

use super::{Ask, Made};

/// A wish waits so long for the connection; then whoever asked tries again later.
const PATIENCE: Duration = Duration::from_secs(20);
/// A server that was asked for an edit shows it in this time, or the connection is not worth keeping.
const SHOWN: Duration = Duration::from_secs(10);

/// An edit that was sent.
struct Sent {
    number: u64,
    until: Instant,
    answer: oneshot::Sender<Result<(), String>>,
}

/// What is kept.
#[derive(Default)]
pub(super) struct Hold {
    waiting: Vec<(Instant, Ask)>,
    sent: Vec<Sent>,
    numbers: u64,
}

impl Hold {
    /// A wish waits for the connection.
    pub fn wait(&mut self, ask: Ask, now: Instant) {
        self.waiting.push((now + PATIENCE, ask));
    }

    /// The connection is there: what waited for it.
    pub fn waited(&mut self) -> Vec<Ask> {
        std::mem::take(&mut self.waiting).into_iter().map(|(_, ask)| ask).collect()
    }

    /// A number for an edit that is about to be sent.
    pub const fn number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    /// It was sent.
    pub fn sent(&mut self, number: u64, answer: oneshot::Sender<Result<(), String>>, now: Instant) {
        self.sent.push(Sent { number, until: now + SHOWN, answer });
    }

    /// The server has these.
    pub fn shown(&mut self, numbers: &[u64]) {
        for sent in self.sent.extract_if(.., |sent| numbers.contains(&sent.number)) {
            // Who waits no longer is not missed.
            let _gone = sent.answer.send(Ok(()));
        }
    }

    /// Whether the server owes an edit for too long.
    pub fn is_owed(&self, now: Instant) -> bool {
        self.sent.iter().any(|sent| sent.until <= now)
    }

    /// The connection is gone: what was sent may have arrived, and nobody saw it.
    pub fn lost(&mut self, why: &str) {
        for sent in self.sent.drain(..) {
            let _gone = sent.answer.send(Err(why.to_owned()));
        }
    }

    /// Those who waited long enough come again later.
    pub fn tire(&mut self, now: Instant, why: &str) {
        for (_, ask) in self.waiting.extract_if(.., |(until, _)| *until <= now) {
            later(ask, why);
        }
    }

    /// The document has failed: everybody hears why.
    pub fn fail(&mut self, kind: &'static str, why: &str) {
        self.lost(why);
        for (_, ask) in self.waiting.drain(..) {
            fail(ask, kind, why);
        }
    }

    /// When something here is due.
    pub fn due(&self) -> Option<Instant> {
        self.waiting.iter().map(|(until, _)| *until).chain(self.sent.iter().map(|sent| sent.until)).min()
    }

    /// Nobody waits for anything.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.sent.is_empty()
    }
}

/// Tells whoever asked to come again.
pub(super) fn later(ask: Ask, why: &str) {
    match ask {
        Ask::Make { answer, .. } => drop(answer.send(Made::Later(why.to_owned()))),
        Ask::Bring { answer, .. } => drop(answer.send(Err(why.to_owned()))),
        Ask::Read { answer } => drop(answer.send(None)),
        Ask::Attend(_) | Ask::Close => {}
    }
}

/// Answers a wish of a document that has failed.
pub(super) fn fail(ask: Ask, kind: &'static str, why: &str) {
    match ask {
        Ask::Make { answer, .. } => drop(answer.send(Made::Refused { kind, message: why.to_owned() })),
        ask => later(ask, why),
    }
}
