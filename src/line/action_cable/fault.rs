//! Why a cable is down, and what follows. Pure.

use std::time::Duration;

use http::HeaderMap;

use super::protocol::Disconnect;
use crate::http::NotAWebsocket;
use crate::line::{After, Dropped, Reason};
use crate::retry::retry_after;
use crate::session;

/// Why a cable is down; each implies the next move.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    /// The opening was answered with 401, or the server closed with `unauthorized`.
    #[error("the cable does not accept the session")]
    Unauthorised,
    /// The platform has no cable here, or not for this agent.
    #[error("the platform answers {0} where the cable should be")]
    NotThere(u16),
    /// The platform took the seat away (an outcome that the manifest calls `revoked`).
    #[error("the platform took the seat away{0}")]
    Revoked(String),
    /// The platform asks for a pause.
    #[error("the platform asks to wait {} s", .0.as_secs())]
    Throttled(Duration),
    /// The platform is in trouble.
    #[error("the platform answers {0} where the cable should be")]
    Failing(u16),
    /// It switched, and not to what was asked for.
    #[error("the cable cannot be opened: {0}")]
    NotACable(NotAWebsocket),
    /// The session, the network or the store.
    #[error(transparent)]
    Outside(#[from] Dropped),
    /// It opened and nothing more.
    #[error("the cable was opened and no `welcome` came")]
    NoWelcome,
    /// Nobody answers the subscription: perhaps there is no such channel.
    #[error("the subscription was not answered: does the platform have the channel that the manifest names?")]
    Unanswered,
    /// The channel refuses, whatever the cursor.
    #[error("the channel refuses the subscription{0}")]
    Refused(String),
    /// Without any message for too long.
    #[error("the cable was silent for {} s", .0.as_secs_f64())]
    Silent(Duration),
    /// More than may be taken in one message.
    #[error("a message is over {0} bytes")]
    TooLarge(usize),
    /// The server said why it closes.
    #[error("the platform disconnects ({})", .0.reason)]
    Disconnected(Disconnect),
    /// The server closed in good order.
    #[error("the platform closed the cable")]
    Closed,
    /// The connection broke.
    #[error("the cable broke ({0})")]
    Broken(String),
}

/// Why a cable is closed for good.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Stopped {
    /// The cable alone: polling goes on.
    #[error("{0}; events are polled")]
    Cable(String),
    /// Nothing of this workspace goes on.
    #[error(transparent)]
    Line(Reason),
}

/// What follows.
#[derive(Debug)]
pub(super) enum Next {
    /// Dial again after the backoff, and not before this time has gone by.
    Retry(Duration),
    /// Everybody was sent away together: beside that, spread.
    Scatter,
    /// Dial again after a long time.
    Rarely,
    /// Ask the session for a new credential.
    Renew,
    /// Do not dial again.
    Stop(Stopped),
}

impl From<session::Error> for Fault {
    fn from(error: session::Error) -> Self {
        Self::Outside(error.into())
    }
}

impl Fault {
    /// What an answer to the opening means that is not 101. `later`: what a platform gets that only says "later".
    pub fn refusal(status: u16, headers: &HeaderMap, now: u64, later: Duration) -> Self {
        let asked = retry_after(headers, now);
        match status {
            401 => Self::Unauthorised,
            429 => Self::Throttled(asked.unwrap_or(later)),
            // 200 is a page where a cable should be; a redirect is never followed, for the token is in the URL.
            100..=399 | 403 | 404 | 405 | 410 => Self::NotThere(status),
            _ => asked.map_or(Self::Failing(status), Self::Throttled),
        }
    }

    /// What follows.
    pub fn next(self) -> Next {
        let words = self.to_string();
        match self {
            Self::Unauthorised => Next::Renew,
            Self::Disconnected(Disconnect { reason, .. }) if reason == "unauthorized" => Next::Renew,
            Self::Disconnected(Disconnect { reason, .. }) if reason == "invalid_request" => stop(words),
            Self::Disconnected(Disconnect { reconnect: false, .. }) | Self::NotACable(NotAWebsocket::Protocol(_)) => {
                stop(words)
            }
            Self::Disconnected(_) | Self::Closed => Next::Scatter,
            Self::NotThere(_) | Self::Refused(_) | Self::NotACable(_) => Next::Rarely,
            Self::Throttled(wait) => Next::Retry(wait),
            Self::Revoked(_) => Next::Stop(Stopped::Line(Reason::Revoked(words))),
            Self::Outside(dropped) => match dropped.after(false, 0) {
                After::Redial => Next::Retry(Duration::ZERO),
                After::Wait(asked) => Next::Retry(asked),
                After::Stop(reason) => Next::Stop(Stopped::Line(reason)),
            },
            Self::Failing(_)
            | Self::NoWelcome
            | Self::Unanswered
            | Self::Silent(_)
            | Self::TooLarge(_)
            | Self::Broken(_) => Next::Retry(Duration::ZERO),
        }
    }
}

const fn stop(words: String) -> Next {
    Next::Stop(Stopped::Cable(words))
}

#[cfg(test)]
mod tests {
    use http::header::{HeaderValue, RETRY_AFTER};

    use super::*;

    const LATER: Duration = Duration::from_secs(5);

    fn refused(status: u16, retry: Option<&'static str>) -> Next {
        let mut headers = HeaderMap::new();
        headers.extend(retry.map(|it| (RETRY_AFTER, HeaderValue::from_static(it))));
        Fault::refusal(status, &headers, 0, LATER).next()
    }

    #[test]
    fn each_refusal_of_the_opening_has_its_patience() {
        assert!(matches!(refused(401, None), Next::Renew));
        for status in [200, 301, 302, 307, 403, 404, 410] {
            assert!(matches!(refused(status, None), Next::Rarely), "{status}");
        }
        let wait = |status, retry| match refused(status, retry) {
            Next::Retry(wait) => wait,
            other => panic!("{status}: {other:?}"),
        };
        assert_eq!(wait(429, None), LATER);
        assert_eq!(wait(429, Some("7")), Duration::from_secs(7));
        assert_eq!(wait(503, Some("9")), Duration::from_secs(9));
        assert_eq!(wait(503, Some("999999999")), Duration::from_hours(1), "clamped");
        assert_eq!(
            (wait(503, None), wait(500, None), wait(400, None)),
            (Duration::ZERO, Duration::ZERO, Duration::ZERO)
        );
    }

    #[test]
    fn disconnect_frames_of_every_reason() {
        let next =
            |reason: &str, reconnect| Fault::Disconnected(Disconnect { reason: reason.into(), reconnect }).next();
        for reconnect in [true, false] {
            assert!(matches!(next("unauthorized", reconnect), Next::Renew));
            assert!(matches!(next("invalid_request", reconnect), Next::Stop(Stopped::Cable(_))));
        }
        for reason in ["server_restart", "remote", "something new", ""] {
            assert!(matches!(next(reason, true), Next::Scatter), "{reason}");
            assert!(matches!(next(reason, false), Next::Stop(Stopped::Cable(_))), "{reason}");
        }
    }

    #[test]
    fn another_protocol_stops_it_and_what_the_session_says_counts_for_the_line() {
        let protocol = Fault::NotACable(NotAWebsocket::Protocol("actioncable-unsupported".into())).next();
        assert!(matches!(protocol, Next::Stop(Stopped::Cable(why)) if why.contains("actioncable-unsupported")));
        assert!(matches!(Fault::NotACable(NotAWebsocket::Unproven).next(), Next::Rarely));
        let error = session::Error::NeedsAction { reason: "r".into(), command: "c".into() };
        let Next::Stop(Stopped::Line(Reason::NeedsAction { command, .. })) = Fault::from(error).next() else {
            panic!("a person must act")
        };
        assert_eq!(command, "c");
        let wait = Duration::from_secs(40);
        let error = session::Error::Waiting { why: "w".into(), retry_in: wait };
        assert!(matches!(Fault::from(error).next(), Next::Retry(asked) if asked == wait));
    }
}
