//! How long a cable waits; each a key of the configuration (`[lines.cable]`).

use std::time::Duration;

/// How long a cable waits. The figures are those of Rails' own client, where it has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Name, connection, TLS and the answer to the opening take no longer together. Default 10 s.
    pub open: Duration,
    /// From there to `welcome`. Default 6 s.
    pub welcome: Duration,
    /// Without any message for so long it is dead: the server pings every 3 s, two missed means dead. Default 6 s.
    pub stale: Duration,
    /// A subscription that is not answered is sent again after this, a few times. Default 500 ms.
    pub resend: Duration,
    /// Not answered for so long, the cable is dropped. Default 5 s.
    pub subscribe: Duration,
    /// After an error of the channel: to poll, before it subscribes again. Default 10 s, the least that platforms ask for.
    pub settle: Duration,
    /// Where the cable is refused or not there it is tried again after this, or up to a quarter sooner. Default 15 min.
    pub rarely: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            open: Duration::from_secs(10),
            welcome: Duration::from_secs(6),
            stale: Duration::from_secs(6),
            resend: Duration::from_millis(500),
            subscribe: Duration::from_secs(5),
            settle: Duration::from_secs(10),
            rarely: Duration::from_mins(15),
        }
    }
}
