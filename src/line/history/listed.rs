//! What the lists of conversations told goes into the schedule, and what follows where they cannot be read.

use std::time::Duration;

use tokio::time::Instant;

use super::lists::Told;
use super::{History, Lost, ends_all};
use crate::event::ConversationKind;
use crate::line::read::ReadError;
use crate::line::shape::Shaper;
use crate::line::wait::chance;

impl History {
    pub(super) fn rooms(&mut self, rooms: Result<Vec<Told>, ReadError>, shaper: &mut Shaper) -> Result<(), Lost> {
        let stale = self.listing.take().is_some_and(|began| began < self.connects);
        let expected = std::mem::take(&mut self.expected);
        match rooms {
            Ok(told) => {
                self.report_read();
                self.list(told, shaper);
            }
            Err(error) => return self.unlisted(error),
        }
        self.unlisted = expected.into_iter().filter(|id| !self.schedule.has(id)).collect();
        self.listed = true;
        if stale {
            self.schedule.list_in(Duration::ZERO, Instant::now(), 0.5);
        }
        Ok(())
    }

    /// The conversations as the lists have them now.
    pub(super) fn list(&mut self, told: Vec<Told>, shaper: &mut Shaper) {
        let now = Instant::now();
        let (rooms, moved) = self.told(told);
        shaper.listed(&rooms);
        let unstreamed = |id: &str, kind: Option<ConversationKind>| {
            let left_out = kind.is_some_and(|kind| self.spec.unstreamed.contains(&kind)) || self.hearing.leaves_out(id);
            left_out || self.spec.alone
        };
        self.schedule.listed(rooms.iter().map(|(id, room)| (id.clone(), unstreamed(id, room.kind))), now, chance());
        for id in moved {
            // A lively one is read soon anyway.
            if !self.schedule.is_lively(&id, now) {
                self.schedule.soon(&id, now);
            }
        }
        self.walked.retain(|id, _| self.schedule.has(id));
        self.refused.retain(|id| self.schedule.has(id));
        self.unreadable.retain(|id, _| self.schedule.has(id));
        let named = |(of, why): (&usize, &String)| (list_name(*of), why.clone());
        self.unreadable.extend(self.lists.unread.iter().map(named));
    }

    /// The list could not be read: until the first one that ends the line, later it is asked for again.
    fn unlisted(&mut self, error: ReadError) -> Result<(), Lost> {
        let now = Instant::now();
        if let ReadError::Throttled(wait) = error {
            self.schedule.hold(now + wait);
            self.schedule.list_in(wait, now, 0.5);
            return Ok(());
        }
        // Without a stream the lists are what shows that the platform is there.
        if !self.listed || self.spec.alone || ends_all(&error) {
            return Err(error.into());
        }
        self.schedule.list_in(self.reader.timing.longest_wait, now, chance());
        self.report.error(&error);
        Ok(())
    }
}

/// What a list is called among the conversations that cannot be read.
fn list_name(of: usize) -> String {
    if of == 0 { "(the list)".to_owned() } else { format!("(the list {})", of + 1) }
}
