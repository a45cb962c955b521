//! Whether the open stream is alive: evidence goes in, and a stream without any is dropped.

use tokio::time::Instant;

use super::Sse;
use super::turn::Turn;
use crate::line::Dropped;
use crate::line::evidence::{Facts, Verdict};
use crate::line::history::{History, Read};

impl Sse {
    /// A stream is open: it is renewed in time, everything is read behind it, and it has to prove itself.
    pub(super) fn opened(&mut self) {
        self.renew_from_now();
        self.facts = Facts::opened(Instant::now());
        if let Some(history) = &mut self.history {
            history.connected();
        }
    }

    /// Bytes came.
    pub(super) fn byte(&mut self) {
        self.facts.byte = Instant::now();
        self.report.byte();
    }

    /// While the line catches up no head check can be whole: a platform that answers is proof enough.
    pub(super) fn answered(&mut self, turn: &Turn) {
        if matches!(turn, Turn::Read(Read::Rooms(Ok(_)) | Read::Room(_, Ok(_)))) {
            self.facts.checked = Some(Instant::now());
        }
    }

    /// Judges a live stream; asks for a head check where only that can prove it alive.
    pub(super) fn judge(&mut self) -> Result<(), Dropped> {
        let (now, limits) = (Instant::now(), self.limits);
        if let Some(history) = &self.history {
            self.facts.unheard = history.unheard();
            if self.facts.is_quiet(limits, now) {
                self.facts.checked = history.checked();
            }
        }
        match (self.facts.judge(limits, now), &mut self.history) {
            (Verdict::Silent, _) => Err(Dropped::Silent(limits.silence)),
            (Verdict::Deaf, Some(history)) => match history.give_up_hearing(limits.grace) {
                Some(conversation) => Err(Dropped::Deaf { conversation }),
                None => Ok(()),
            },
            (Verdict::Doubtful, Some(history)) => {
                history.check_head();
                self.facts.asked = Some(now);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// The same before the line is live, where no conversation can be missed yet.
    pub(super) fn judge_silence(&self) -> Result<(), Dropped> {
        match self.facts.judge(self.limits, Instant::now()) {
            Verdict::Silent => Err(Dropped::Silent(self.limits.silence)),
            _ => Ok(()),
        }
    }

    /// When to judge again though nothing happens.
    pub(super) fn judged_at(&self) -> Instant {
        self.facts.next(self.limits, Instant::now())
    }

    /// Whether what the stream says of a conversation has to wait; it is noted that it says something.
    pub(super) fn hears(history: &mut Option<History>, conversation: &str) -> bool {
        history.as_mut().is_some_and(|history| {
            history.heard(conversation);
            history.must_wait(conversation)
        })
    }
}
