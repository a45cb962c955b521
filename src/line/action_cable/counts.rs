//! What is passed over: counted by its kind.

use super::protocol::Ignored;

/// What was passed over since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Messages that are not of the protocol.
    pub strange: u64,
    /// Messages of another subscription.
    pub elsewhere: u64,
}

impl Counts {
    /// One more; whether it is the first of its kind.
    pub(super) const fn pass_over(&mut self, ignored: Ignored) -> bool {
        let count = match ignored {
            Ignored::Elsewhere => &mut self.elsewhere,
            Ignored::NotJson | Ignored::Strange => &mut self.strange,
        };
        *count += 1;
        *count == 1
    }
}
