//! By which kind of line an event arrived, and when: what `trace` tells first.

/// A kind of line, named for its flavour. Its place here is its number on disk: new ones go last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Via {
    /// A stream of Server-Sent Events.
    Sse,
    /// Pages of a conversation's history.
    History,
    /// Polling with a cursor.
    Poll,
    /// A cable.
    ActionCable,
    /// The platform called.
    Webhook,
    /// An open document.
    Yjs,
}

impl Via {
    /// Every kind, in the order of their numbers.
    pub const ALL: [Self; 6] = [Self::Sse, Self::History, Self::Poll, Self::ActionCable, Self::Webhook, Self::Yjs];

    /// The word for people and programs.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Sse => "sse",
            Self::History => "history",
            Self::Poll => "poll",
            Self::ActionCable => "action_cable",
            Self::Webhook => "webhook",
            Self::Yjs => "yjs",
        }
    }
}

/// How an event came to the bridge first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// When its frame or page arrived, milliseconds since 1970.
    pub at: u64,
    /// By what.
    pub via: Via,
}

/// The kinds of line that have seen an event: at most seven, so that they fit beside a flag in one byte.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lines(u8);

impl Lines {
    /// As stored: one bit each.
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// Reads them back.
    pub const fn from_bits(bits: u8) -> Self {
        Self(bits)
    }

    /// Whether this kind is among them.
    pub const fn has(self, via: Via) -> bool {
        self.0 & 1 << via as u8 != 0
    }

    /// With this kind among them.
    #[must_use]
    pub const fn with(self, via: Via) -> Self {
        Self(self.0 | 1 << via as u8)
    }

    /// Each of them.
    pub fn iter(self) -> impl Iterator<Item = Via> {
        Via::ALL.into_iter().filter(move |via| self.has(*via))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_a_bit_and_a_number_of_its_own() {
        for (number, via) in Via::ALL.into_iter().enumerate() {
            assert_eq!(via as usize, number, "{via:?}");
            assert_eq!(Lines::default().with(via).iter().collect::<Vec<_>>(), [via]);
        }
        let all = Via::ALL.into_iter().fold(Lines::default(), Lines::with);
        assert_eq!(
            (all.iter().count(), all.bits() >> 7),
            (Via::ALL.len(), 0),
            "a bit is left for the flag beside them"
        );
    }
}
