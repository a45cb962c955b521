//! Which entries of the log are told: those from before the join by the operator's wish, and none a second time. Pure.

use crate::clock::millis;
use crate::line::timing::Backfill;
use crate::store::REMEMBERED;

use super::place::{Era, Place};

/// What becomes of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is told, unless it is known.
    Told {
        /// It is from before the join.
        backfill: bool,
    },
    /// It is from before the join, and nobody asked for that.
    Older,
    /// It was told so long ago that its id may be forgotten.
    Forgotten,
}

/// What an entry is judged by. Times are milliseconds since 1970 by the platform's clock.
#[derive(Clone, Copy, Debug)]
pub(super) struct Judge {
    /// When the workspace was joined.
    pub joined_at: u64,
    /// What is told of the time before.
    pub backfill: Backfill,
    /// The time now.
    pub now: u64,
}

impl Judge {
    /// What becomes of an entry of this time; one without a readable time is new.
    pub fn judge(&self, place: &Place, time: Option<u64>) -> Verdict {
        let Some(time) = time else { return Verdict::Told { backfill: false } };
        // Platforms that tell whole seconds tell the second of the join for all of it.
        let joined_at = self.joined_at - self.joined_at % 1_000;
        match place.era {
            Era::First if time >= joined_at => Verdict::Told { backfill: false },
            Era::First => match self.backfill {
                Backfill::All => Verdict::Told { backfill: true },
                Backfill::Last(span) if time >= joined_at.saturating_sub(millis(span)) => {
                    Verdict::Told { backfill: true }
                }
                Backfill::None | Backfill::Last(_) => Verdict::Older,
            },
            _ if place.skipped.is_some_and(|skipped| time <= skipped) => Verdict::Older,
            Era::Refused | Era::Rescan if self.is_forgotten(place, time) => Verdict::Forgotten,
            _ => Verdict::Told { backfill: false },
        }
    }

    fn is_forgotten(&self, place: &Place, time: u64) -> bool {
        time.saturating_add(REMEMBERED) <= self.now && place.told_to.is_some_and(|told_to| time <= told_to)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const DAY: u64 = 24 * 60 * 60 * 1_000;
    const JOINED: u64 = 1_000 * DAY + 500;

    fn judge(backfill: Backfill, place: &Place, time: u64) -> Verdict {
        Judge { joined_at: JOINED, backfill, now: JOINED + 100 * DAY }.judge(place, Some(time))
    }

    #[test]
    fn what_is_older_than_the_join_is_told_as_the_operator_wishes() {
        let place = Place::default();
        let week = Backfill::Last(Duration::from_hours(7 * 24));
        for backfill in [Backfill::None, week, Backfill::All] {
            assert_eq!(judge(backfill, &place, JOINED - 500), Verdict::Told { backfill: false }, "the same second");
        }
        assert_eq!(judge(Backfill::None, &place, JOINED - 501), Verdict::Older);
        assert_eq!(judge(week, &place, JOINED - 6 * DAY), Verdict::Told { backfill: true });
        assert_eq!(judge(week, &place, JOINED - 8 * DAY), Verdict::Older);
        assert_eq!(judge(Backfill::All, &place, 0), Verdict::Told { backfill: true });
    }

    #[test]
    fn later_only_what_was_passed_over_then_is_old_whatever_the_clocks_say() {
        let onward = Place { era: Era::Onward, skipped: Some(JOINED - DAY), ..Place::default() };
        assert_eq!(judge(Backfill::All, &onward, JOINED - DAY), Verdict::Older);
        assert_eq!(judge(Backfill::None, &onward, JOINED - 5_000), Verdict::Told { backfill: false });
    }

    #[test]
    fn row_19_a_rescan_does_not_tell_again_what_is_too_old_to_be_known() {
        let told_to = Some(JOINED + 50 * DAY);
        let rescan = Place { era: Era::Rescan, told_to, ..Place::default() };
        assert_eq!(judge(Backfill::None, &rescan, JOINED + 50 * DAY), Verdict::Forgotten);
        assert_eq!(judge(Backfill::None, &rescan, JOINED + 50 * DAY + 1), Verdict::Told { backfill: false }, "unseen");
        let onward = Place { era: Era::Onward, ..rescan };
        assert_eq!(judge(Backfill::None, &onward, JOINED + 50 * DAY), Verdict::Told { backfill: false });
    }
}
