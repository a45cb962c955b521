//! An open cable: the wire, where it stands, and the subscription on it.

use tokio::time::{Instant, timeout_at};

use super::dial::Opened;
use super::fault::Fault;
use super::limits::Limits;
use super::protocol::{self, Command, Ignored, Said};
use super::socket::{Incoming, Wire};
use super::state::{Do, State};
use crate::adapter::Pointer;
use crate::session::Shown;

/// An open cable.
pub(super) struct Link {
    wire: Wire,
    state: State,
    /// As it was sent; echoed byte for byte.
    identifier: String,
    cursor: Option<String>,
    pub shown: Shown,
}

/// What one message, or the time, brought.
pub(super) struct Met {
    /// What is done.
    pub what: Do,
    /// The server accepts the credential.
    pub welcome: bool,
    /// Something came, and was passed over.
    pub ignored: Option<Ignored>,
}

impl Link {
    /// Over a wire that was opened just now; it subscribes no sooner than `settled`.
    pub fn new(opened: Opened, limits: Limits, settled: Instant) -> Self {
        let Opened { wire, shown } = opened;
        let state = State::opened(limits, Instant::now(), settled);
        Self { wire, state, identifier: String::new(), cursor: None, shown }
    }

    /// The next message, or what is due without one. Nothing is lost when the future is dropped.
    pub async fn next(&mut self, error: Option<&Pointer>) -> Met {
        let due = self.state.due();
        let incoming = timeout_at(due, self.wire.next()).await;
        let now = Instant::now();
        let mut met = Met { what: Do::Wait, welcome: false, ignored: None };
        match incoming {
            Err(_) => {}
            Ok(Err(fault)) => met.what = Do::Drop(fault),
            Ok(Ok(Incoming::Beat)) => self.state.heard(now),
            Ok(Ok(Incoming::Bytes)) => {
                self.state.heard(now);
                met.ignored = Some(Ignored::NotJson);
            }
            Ok(Ok(Incoming::Text(text))) => {
                let said = protocol::read(&text, &self.identifier, error);
                met.welcome = said == Said::Welcome;
                met.ignored = if let Said::Ignored(ignored) = said { Some(ignored) } else { None };
                met.what = self.state.said(said, now);
            }
        }
        // Asked of a server that never pauses, too: what it owes would never be missed otherwise.
        if matches!(met.what, Do::Wait) && now >= due {
            met.what = self.state.wake(now);
        }
        met
    }

    /// Subscribes by this identifier, which names `cursor`. `leave`: the old subscription is ended first.
    pub fn subscribe(&mut self, identifier: String, cursor: Option<String>, leave: bool) {
        if leave {
            self.wire.send(Command::Unsubscribe.to(&self.identifier));
        }
        self.wire.send(Command::Subscribe.to(&identifier));
        self.state.subscribed(cursor.is_some(), Instant::now());
        (self.identifier, self.cursor) = (identifier, cursor);
    }

    /// Sends the subscription once more.
    pub fn resend(&mut self) {
        self.wire.send(Command::Subscribe.to(&self.identifier));
    }

    /// The cursor from which the channel does not go on.
    pub fn cursor(&mut self) -> Option<String> {
        self.cursor.take()
    }

    /// Since when a subscription is in force.
    pub const fn confirmed(&self) -> Option<Instant> {
        self.state.confirmed()
    }

    /// Says goodbye.
    pub fn close(self) {
        self.wire.close();
    }
}

impl From<crate::adapter::Missing> for Fault {
    fn from(missing: crate::adapter::Missing) -> Self {
        let error = crate::session::Error::Call(missing.into());
        error.into()
    }
}
