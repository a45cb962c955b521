//! What the histories say of the stream: whether it leaves something out.

use std::time::Duration;

use tokio::time::Instant;

use super::History;

impl History {
    /// Everything is looked at now, to see whether the stream leaves something out.
    pub fn check_head(&mut self) {
        self.schedule.all_due(Instant::now());
    }

    /// Every conversation was looked at at this time or later.
    pub fn checked(&self) -> Option<Instant> {
        self.schedule.checked()
    }

    /// The stream has told something of this conversation.
    pub fn heard(&mut self, conversation: &str) {
        if let Some(reading) = self.reading.get_mut(conversation) {
            reading.heard = true;
        }
        if self.hearing.heard(conversation) {
            self.schedule.streamed(conversation, true);
        }
    }

    /// The line goes live: what was found until now may be among the frames that have waited, and proves nothing.
    pub fn goes_live(&mut self) {
        self.hearing.opened();
    }

    /// Since when a history has something that the stream has not told.
    pub fn unheard(&self) -> Option<Instant> {
        self.hearing.since()
    }

    /// What the stream owed for `grace`: a conversation for which it is worth dialling again. What two streams in a
    /// row leave out is polled from now on.
    pub fn give_up_hearing(&mut self, grace: Duration) -> Option<String> {
        let worth = self.hearing.give_up(grace, Instant::now());
        for conversation in self.hearing.left_out() {
            self.schedule.streamed(conversation, false);
        }
        worth
    }
}
