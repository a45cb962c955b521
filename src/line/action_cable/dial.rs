//! Opens a cable: one request, its credential in the query, and nothing taken for a cable that is none.

use std::sync::Arc;
use std::time::Duration;

use super::fault::Fault;
use super::limits::Limits;
use super::protocol::{OFFERED, SPOKEN};
use super::socket::Wire;
use crate::adapter::{ActionCable, Outcome};
use crate::clock::Clock;
use crate::http::{Bounds, Handshake, NotAWebsocket, Upgrade};
use crate::session::{Session, Shown};

/// The outcome by which a manifest says that the seat is gone.
const REVOKED: &str = "revoked";

/// Opens one workspace's cables.
#[derive(Clone)]
pub(super) struct Dial {
    pub session: Session,
    pub spec: Arc<ActionCable>,
    pub clock: Clock,
    pub limits: Limits,
    pub later: Duration,
    /// The largest message.
    pub cap: usize,
}

/// A cable that is open, and the credential with which it was.
pub(super) struct Opened {
    pub wire: Wire,
    pub shown: Shown,
}

/// One that is not, and the credential that was shown, if any was.
pub(super) struct Closed {
    pub fault: Fault,
    pub shown: Option<Shown>,
}

impl Dial {
    /// Opens one. Owns what it needs: whoever asked may ask again later.
    pub async fn open(self) -> Result<Opened, Closed> {
        let handshake = Handshake::offering(OFFERED);
        let headers = handshake.headers(self.session.base());
        let bounds = Bounds { whole: Some(self.limits.open), ..Bounds::default() };
        let asked = self.session.upgrade(&self.spec.call, headers, bounds).await;
        let (answer, shown) = asked.map_err(|error| Closed { fault: error.into(), shown: None })?;
        match self.accept(&handshake, answer) {
            Ok(wire) => Ok(Opened { wire, shown }),
            Err(fault) => Err(Closed { fault, shown: Some(shown) }),
        }
    }

    fn accept(&self, handshake: &Handshake, answer: Upgrade) -> Result<Wire, Fault> {
        if answer.status != 101 {
            return Err(self.refusal(&answer));
        }
        let (socket, chosen) = handshake.open(answer, self.cap).map_err(Fault::NotACable)?;
        let wire = Wire::new(socket, self.cap);
        if chosen == SPOKEN {
            return Ok(wire);
        }
        wire.close();
        Err(Fault::NotACable(NotAWebsocket::Protocol(chosen)))
    }

    fn refusal(&self, answer: &Upgrade) -> Fault {
        let outcome = self.spec.call.outcome(self.session.manifest(), answer.status, b"");
        match outcome {
            Outcome::Named { is, message, .. } if is == REVOKED => {
                Fault::Revoked(message.map(|message| format!(": {message}")).unwrap_or_default())
            }
            // What else the manifest has to say of a status is about requests, and not about a cable.
            _ => Fault::refusal(answer.status, &answer.headers, self.clock.now(), self.later),
        }
    }
}
