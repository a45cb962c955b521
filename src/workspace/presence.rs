//! When to tell that a workspace is there or gone: once each, and not for a stream that is merely renewed. Pure.

use std::time::Duration;

use tokio::time::Instant;

/// What to tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tell {
    /// `workspace.connected`.
    Connected,
    /// `workspace.disconnected`.
    Disconnected,
}

/// What was told, and since when it is no longer so.
#[derive(Debug)]
pub struct Presence {
    patience: Duration,
    connected: bool,
    down_since: Option<Instant>,
}

impl Presence {
    /// Nothing told yet; a line may be down for `patience` before that is told.
    pub const fn new(patience: Duration) -> Self {
        Self { patience, connected: false, down_since: None }
    }

    /// The line is live, or not, now.
    pub fn observe(&mut self, live: bool, now: Instant) -> Option<Tell> {
        if live {
            self.down_since = None;
            return (!std::mem::replace(&mut self.connected, true)).then_some(Tell::Connected);
        }
        let since = *self.down_since.get_or_insert(now);
        if self.connected && now >= since + self.patience {
            self.connected = false;
            return Some(Tell::Disconnected);
        }
        None
    }

    /// When to look again though nothing changed.
    pub fn due(&self) -> Option<Instant> {
        self.down_since.filter(|_| self.connected).map(|since| since + self.patience)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_absence_is_not_told_a_long_one_once() {
        let (start, second) = (Instant::now(), Duration::from_secs(1));
        let mut presence = Presence::new(30 * second);
        assert_eq!(presence.observe(false, start), None);
        assert_eq!(presence.observe(true, start), Some(Tell::Connected));
        assert_eq!(presence.observe(false, start + second), None);
        assert_eq!(presence.observe(true, start + 20 * second), None);
        assert_eq!(presence.observe(false, start + 40 * second), None);
        assert_eq!(presence.due(), Some(start + 70 * second));
        assert_eq!(presence.observe(false, start + 69 * second), None);
        assert_eq!(presence.observe(false, start + 70 * second), Some(Tell::Disconnected));
        assert_eq!(presence.observe(false, start + 90 * second), None);
        assert_eq!(presence.observe(true, start + 99 * second), Some(Tell::Connected));
    }
}
