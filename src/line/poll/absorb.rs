//! Entries of the log go into the feed: in the log's order, with the cursor behind them, in one commit (P1).

use std::collections::HashSet;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::Poll;
use super::judge::{Judge, Verdict};
use super::place::{Era, Farewell, Place};
use crate::event::{Arrival, Draft, Type, Via};
use crate::session::GOT_AT;
use crate::store::StoreError;

/// What a page holds for the feed, and what is known of it.
#[derive(Default)]
struct Found {
    drafts: Vec<Draft>,
    /// The time of the first entry, whatever becomes of it.
    first: Option<u64>,
}

impl Poll {
    /// Commits entries with the cursor behind them. `last`: the log ends there.
    pub(super) async fn absorb(
        &mut self,
        entries: Vec<Value>,
        cursor: Option<String>,
        last: bool,
    ) -> Result<(), StoreError> {
        let arrival = Arrival { at: self.shaper.now(), via: Via::Poll };
        self.shaper.knows_itself().await?;
        // What frames brought is known only once it is committed.
        self.intake.drain().await?;
        let mut place = self.stand.place.clone();
        if let Some(heard) = &self.heard {
            place.farewell = Some(heard.clone());
        }
        let says_something = last || !entries.is_empty();
        let mut found = self.sort(entries, &mut place);
        let ids: Vec<String> = found.drafts.iter().map(Draft::id).collect();
        let known = self.store.knows(&ids)?;
        self.meet(&found.drafts, Some(&known))?;
        self.met(&found.drafts).await?;
        // An empty page in the midst of the log says nothing about how far that reaches back.
        let gap = if says_something { self.hole(&place, &found, &known) } else { None };
        self.order(&mut found.drafts, &known);
        if place.era == Era::Refused && says_something {
            place.era = Era::Rescan;
        }
        if last {
            place.ended();
        }
        if let Some(cursor) = cursor.as_deref() {
            self.stand.trail.moved(cursor, Instant::now());
        }
        place.overlap = self.stand.trail.overlap().map(str::to_owned);
        let changes = self.stand.changes(cursor.as_deref(), &place);
        // Until the commit has returned the store knows better than this line.
        self.stand.is_stale();
        self.intake.commit(gap.into_iter().chain(found.drafts).collect(), Some(arrival), changes).await?;
        self.stand.committed(cursor, place);
        self.report.cursor(self.stand.cursor.as_deref());
        Ok(())
    }

    /// What entries are judged by.
    pub(super) fn judge(&self) -> Judge {
        let joined_at = self.asker.by_their_clock(self.asker.session.record().joined_at);
        let now = self.asker.by_their_clock(self.shaper.now());
        Judge { joined_at, backfill: self.backfill, now }
    }

    /// Shapes entries and leaves out what is not told.
    fn sort(&mut self, entries: Vec<Value>, place: &mut Place) -> Found {
        let (judge, mut found) = (self.judge(), Found::default());
        for entry in entries {
            let Some(mut draft) = self.shaper.entry(None, &entry) else { continue };
            let time = time(&draft);
            found.first = found.first.or(time);
            match judge.judge(place, time) {
                verdict if draft.kind == Type::WorkspaceRevoked => self.says_farewell(&draft, verdict, place),
                Verdict::Told { backfill } => {
                    draft.data.backfill = backfill;
                    found.drafts.push(draft);
                }
                Verdict::Older if place.era == Era::First => place.skipped = place.skipped.max(time),
                Verdict::Older | Verdict::Forgotten => {}
            }
            place.read(time);
        }
        found
    }

    /// The log says that the seat is gone: it is read to its end, and that is all. One that ended an earlier seat, or
    /// is read again, says nothing new.
    fn says_farewell(&mut self, draft: &Draft, verdict: Verdict, place: &mut Place) {
        let event = draft.id();
        if verdict == (Verdict::Told { backfill: false }) && !place.ended_by(&event) {
            place.farewell = Some(self.farewell_of(event));
            self.farewell = Some(self.rounds.saturating_sub(1));
        }
    }

    /// The end of this seat, by this event.
    pub(super) fn farewell_of(&self, event: String) -> Farewell {
        let token = self.asker.session.record().facts.get(GOT_AT).and_then(Value::as_u64);
        Farewell { event, token, unread: false }
    }

    /// An entry that stands before a known one of its conversation became visible, or was sent, behind it.
    fn order(&mut self, drafts: &mut [Draft], known: &[bool]) {
        let mut told = HashSet::new();
        let mut late = vec![false; drafts.len()];
        for (index, draft) in drafts.iter().enumerate().rev() {
            let room = draft.data.conversation.as_ref().map_or("", |conversation| &conversation.id);
            late[index] = !known[index] && told.contains(room);
            if known[index] {
                told.insert(room.to_owned());
            }
        }
        for (draft, late) in drafts.iter_mut().zip(late) {
            self.tells(draft, Some(late));
        }
    }

    /// After a refused cursor: what the log has lost between what was read before and its first entry, nobody knows.
    fn hole(&self, place: &Place, found: &Found, known: &[bool]) -> Option<Draft> {
        let told_to = place.told_to.filter(|_| place.era == Era::Refused)?;
        let reaches_back = found.first.is_some_and(|first| first <= told_to) || known.first() == Some(&true);
        if reaches_back {
            return None;
        }
        let after = i64::try_from(told_to).ok().and_then(|at| jiff::Timestamp::from_millisecond(at).ok());
        let before = found.drafts.first().map(Draft::id);
        let bounds = json!({ "after": after.map(|at| at.to_string()), "before": before });
        Some(self.shaper.gap("cursor_refused", None, bounds))
    }
}

/// When it happened, in milliseconds since 1970 by the platform's clock.
pub(super) fn time(draft: &Draft) -> Option<u64> {
    let time: jiff::Timestamp = draft.time.parse().ok()?;
    u64::try_from(time.as_millisecond()).ok()
}
