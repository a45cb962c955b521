//! One read of the log to its end, whether from the cursor on or from a while before it.

use serde_json::Value;
use tokio::time::Instant;

use super::ask::Asker;
use super::page::{Circle, Page};
use super::place::PAGES;
use super::{Poll, unwell};
use crate::line::Dropped;
use crate::line::schedule::sooner;
use crate::line::wait::{chance, trouble};

/// Pages that are read again together: those of the overlap, and what is new behind them.
const AGAIN_PAGES: usize = PAGES + 5;
/// Bytes of pages that are held together.
const AGAIN_BYTES: usize = 16 << 20;

/// How a read ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Round {
    /// Others follow.
    On,
    /// The seat is gone, and all that could be read is read.
    Last,
}

impl Poll {
    /// Reads the log to its end.
    pub(super) async fn round(&mut self) -> Result<Round, Dropped> {
        let now = Instant::now();
        (self.rounds, self.began, self.wanted) = (self.rounds + 1, now, None);
        self.shaper.refresh()?;
        let by_itself = now >= self.next;
        self.read_on().await?;
        // What a live push source leaves out may have become visible late as well.
        if now >= self.again || (by_itself && self.frames.has_source()) {
            self.again = now + self.pace.overlap;
            self.read_again().await?;
        }
        self.ended().await
    }

    /// From the cursor on, each page committed as it comes.
    async fn read_on(&mut self) -> Result<(), Dropped> {
        let (mut circle, mut empty) = (Circle::default(), 0);
        loop {
            let page = match self.page(self.stand.cursor.clone()).await {
                Err(Dropped::CursorRefused { status }) => {
                    self.cursor_refused(status).await?;
                    // What comes now was met before, and is no circle.
                    (circle, empty) = (Circle::default(), 0);
                    continue;
                }
                page => page?,
            };
            let closes = page.next.as_ref().is_some_and(|next| circle.closes(next));
            if closes && !page.entries.is_empty() {
                return Err(round_in_a_circle());
            }
            let last = page.is_last(&mut empty) || closes;
            let cursor = page.next.or_else(|| self.stand.cursor.clone());
            self.absorb(page.entries, cursor, last).await?;
            if last {
                return Ok(());
            }
            self.answer_known()?;
            self.let_known_go().await?;
        }
    }

    /// From a while before the cursor up to the end (row 21). The pages are held until then, for only together they tell
    /// what is late. They move no cursor: that the platform still knows it has just been proven, and stays so.
    async fn read_again(&mut self) -> Result<(), Dropped> {
        let overlap = self.stand.trail.overlap().map(str::to_owned);
        self.stand.trail.read_again(Instant::now());
        if overlap == self.stand.cursor {
            return Ok(());
        }
        let (mut from, mut entries, mut bytes, mut empty): (_, Vec<Value>, _, _) = (overlap, Vec::new(), 0, 0);
        for _ in 0..AGAIN_PAGES {
            let page = match self.page(from.clone()).await {
                Err(Dropped::CursorRefused { .. }) => {
                    self.stand.forget_overlap();
                    break;
                }
                page => page?,
            };
            let last = page.is_last(&mut empty);
            bytes += page.bytes;
            entries.extend(page.entries);
            from = page.next.or(from);
            if last || bytes > AGAIN_BYTES {
                break;
            }
        }
        Ok(self.absorb(entries, self.stand.cursor.clone(), false).await?)
    }

    /// One page; what others say meanwhile waits.
    async fn page(&mut self, cursor: Option<String>) -> Result<Page, Dropped> {
        let asker = Asker { farewell: self.farewell.is_some(), ..self.asker.clone() };
        let mut asking = Box::pin(asker.page(cursor));
        self.frames.reading = true;
        let page = loop {
            let mapping = self.shaper.mapping();
            tokio::select! {
                page = &mut asking => break page,
                () = self.members.turn(&mapping) => {}
                said = self.inlets.next() => self.heard(said).await?,
                health = trouble(&mut self.health) => break Err(unwell(health)),
            }
        };
        self.frames.reading = false;
        if page.is_ok() {
            self.report.byte();
        }
        page
    }

    /// The end of the log is reached: what waited for that goes on.
    async fn ended(&mut self) -> Result<Round, Dropped> {
        let now = Instant::now();
        self.tries.all_is_well();
        self.backoff.good();
        if self.frames.read(self.rounds) {
            self.want(now);
        }
        self.let_go().await?;
        let interval = if self.frames.has_source() { self.pace.beside } else { self.pace.every };
        self.next = now + sooner(interval, chance());
        self.report.bound(interval + self.pace.grace);
        self.report.checked(Some(now));
        let last = self.farewell.is_some_and(|heard| heard < self.rounds);
        self.answer(last)?;
        if !last {
            return Ok(Round::On);
        }
        self.intake.drain().await?;
        Ok(Round::Last)
    }

    /// The platform knows the cursor no more: the log is read from its beginning (row 19), once for each read that ends
    /// well, or a platform that refuses each cursor it gives would be asked for ever.
    async fn cursor_refused(&mut self, status: u16) -> Result<(), Dropped> {
        tracing::warn!(workspace = %self.asker.session.record().name, status, "the cursor is refused and forgotten");
        self.members.forget();
        let mut place = self.stand.place.clone();
        place.refused();
        self.stand.is_stale();
        self.intake.commit(Vec::new(), None, self.stand.changes(None, &place)).await?;
        self.stand.committed(None, place);
        self.stand.restart();
        if self.tries.refuses_cursors() {
            return Err(Dropped::Failing { status, words: ": it refuses the cursor that it gave a moment ago".into() });
        }
        Ok(())
    }
}

fn round_in_a_circle() -> Dropped {
    Dropped::Unreadable("its cursors lead back to where they came from".to_owned())
}
