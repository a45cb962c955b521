//! One connection of a cable, from its opening to its end: what is said, and what time it is, to what is done. Pure.

use tokio::time::Instant;

use super::fault::Fault;
use super::limits::Limits;
use super::protocol::Said;

/// A subscription is sent again so often.
const RESENDS: u32 = 4;
/// Errors of the channel in a row, none of them mended by leaving out the cursor: then it is not the cursor.
const IN_VAIN: u32 = 3;

/// Where a connection stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Open, and not welcome yet.
    Greeting,
    /// The subscription was sent at `last`, for the first time at `first`.
    Subscribing { first: Instant, last: Instant, resends: u32 },
    /// In force.
    Confirmed,
    /// The channel said an error; `rejected`: it ended the subscription itself.
    Settling { until: Instant, rejected: bool },
}

/// What is done.
#[derive(Debug)]
pub(super) enum Do {
    /// Nothing.
    Wait,
    /// Subscribe from the owner's cursor on, and call [`State::subscribed`]. `leave`: end the old subscription first.
    Subscribe {
        /// The server may still have it.
        leave: bool,
    },
    /// Send the same subscription once more.
    Resend,
    /// Tell the owner to poll: from now on it is live.
    Confirm,
    /// Tell the owner what the channel says.
    Tell(String),
    /// Tell the owner to poll, and never subscribe from that cursor again.
    Gap(String),
    /// End the connection.
    Drop(Fault),
}

/// One connection.
#[derive(Debug)]
pub(super) struct State {
    limits: Limits,
    phase: Phase,
    opened: Instant,
    heard: Instant,
    /// The subscription names a cursor.
    from: bool,
    in_vain: u32,
    /// Not to subscribe before: the connection before this one met an error of the channel.
    settled: Instant,
    confirmed: Option<Instant>,
}

impl State {
    /// A connection that was opened `now` and does not subscribe before `settled`.
    pub const fn opened(limits: Limits, now: Instant, settled: Instant) -> Self {
        Self {
            limits,
            phase: Phase::Greeting,
            opened: now,
            heard: now,
            from: false,
            in_vain: 0,
            settled,
            confirmed: None,
        }
    }

    /// Anything came.
    pub const fn heard(&mut self, now: Instant) {
        self.heard = now;
    }

    /// A subscription was sent, from a cursor or not.
    pub const fn subscribed(&mut self, from: bool, now: Instant) {
        self.from = from;
        self.phase = Phase::Subscribing { first: now, last: now, resends: 0 };
    }

    /// Since when a subscription is in force.
    pub const fn confirmed(&self) -> Option<Instant> {
        self.confirmed
    }

    /// The server said something.
    pub fn said(&mut self, said: Said, now: Instant) -> Do {
        self.heard(now);
        match (said, self.phase) {
            (Said::Disconnect(disconnect), _) => Do::Drop(Fault::Disconnected(disconnect)),
            (Said::Welcome, Phase::Greeting) if self.settled > now => {
                self.phase = Phase::Settling { until: self.settled, rejected: true };
                Do::Wait
            }
            (Said::Welcome, Phase::Greeting) => Do::Subscribe { leave: false },
            // Before `welcome` nothing is owed to anybody, and what is said twice is said once.
            (_, Phase::Greeting)
            | (Said::Welcome | Said::Ping | Said::Ignored(_), _)
            | (Said::Confirmed, Phase::Confirmed)
            | (Said::Error(_), Phase::Settling { .. }) => Do::Wait,
            (Said::Confirmed, _) => {
                self.phase = Phase::Confirmed;
                self.in_vain = 0;
                self.confirmed.get_or_insert(now);
                Do::Confirm
            }
            // A channel replays before it confirms.
            (Said::Message(body), _) => Do::Tell(body),
            (Said::Error(word), _) => self.settle(format!(": {word}"), false, now),
            (Said::Rejected, Phase::Settling { until, .. }) => {
                self.phase = Phase::Settling { until, rejected: true };
                Do::Wait
            }
            // The error that explains it may not have come (field notes): then the cursor is suspected first.
            (Said::Rejected, Phase::Subscribing { .. }) if !self.from => Do::Drop(Fault::Refused(String::new())),
            (Said::Rejected, _) => self.settle(String::new(), true, now),
        }
    }

    /// Time has passed.
    pub fn wake(&mut self, now: Instant) -> Do {
        if now >= self.heard + self.limits.stale {
            return Do::Drop(Fault::Silent(self.limits.stale));
        }
        match self.phase {
            Phase::Greeting if now >= self.opened + self.limits.welcome => Do::Drop(Fault::NoWelcome),
            Phase::Subscribing { first, .. } if now >= first + self.limits.subscribe => Do::Drop(Fault::Unanswered),
            Phase::Subscribing { first, last, resends } if resends < RESENDS && now >= last + self.limits.resend => {
                self.phase = Phase::Subscribing { first, last: now, resends: resends + 1 };
                Do::Resend
            }
            Phase::Settling { until, rejected } if now >= until => Do::Subscribe { leave: !rejected },
            _ => Do::Wait,
        }
    }

    /// When [`Self::wake`] does something although nothing was said.
    pub fn due(&self) -> Instant {
        let phase = match self.phase {
            Phase::Greeting => Some(self.opened + self.limits.welcome),
            Phase::Subscribing { last, resends, .. } if resends < RESENDS => Some(last + self.limits.resend),
            Phase::Subscribing { first, .. } => Some(first + self.limits.subscribe),
            Phase::Settling { until, .. } => Some(until),
            Phase::Confirmed => None,
        };
        let silent = self.heard + self.limits.stale;
        phase.map_or(silent, |phase| phase.min(silent))
    }

    fn settle(&mut self, word: String, rejected: bool, now: Instant) -> Do {
        self.in_vain += 1;
        if self.in_vain >= IN_VAIN {
            return Do::Drop(Fault::Refused(word));
        }
        self.phase = Phase::Settling { until: now + self.limits.settle, rejected };
        Do::Gap(word)
    }
}

#[cfg(test)]
mod tests;
