//! What the agent does in a document, shown to the others there for as long as it is so.

use tokio::time::Instant;

use super::Draft;
use super::connected::Open;
use crate::line::yjs::{Doing, Down};

/// What others are shown while nothing is known but that the agent is there.
const THERE: &str = "online";

/// What the agent was last said to do.
#[derive(Default)]
pub(super) struct Attended(Option<(Doing, Instant)>);

impl Attended {
    /// The word that others are shown.
    pub fn word(&self) -> &str {
        self.0.as_ref().map_or(THERE, |(doing, _)| &doing.word)
    }

    /// It is still at something.
    pub fn is_busy(&self) -> bool {
        self.0.as_ref().is_some_and(|(doing, _)| doing.busy)
    }

    /// When that is no longer known.
    pub fn lapses(&self) -> Option<Instant> {
        self.0.as_ref().filter(|(doing, _)| doing.busy).map(|(_, until)| *until)
    }
}

impl Draft {
    /// The agent does this now. From then on that it is at nothing any more the document is idle.
    pub(super) async fn attend(&mut self, open: Option<&mut Open>, doing: Option<Doing>) -> Result<(), Down> {
        let now = Instant::now();
        let before = self.attended.word().to_owned();
        self.used = now;
        self.attended = Attended(doing.map(|doing| (doing, now + self.parts.lapses)));
        if self.attended.word() == before || self.engine.is_none() {
            return Ok(());
        }
        let word = self.attended.word().to_owned();
        let frame = self.work(move |engine| engine.does(&word)).await?;
        // Where it is not connected, the next greeting says it.
        open.map_or(Ok(()), |open| Self::send(open, [frame]))
    }

    /// Nobody has said for too long that the agent is still at it.
    pub(super) async fn lapse(&mut self, open: Option<&mut Open>) -> Result<(), Down> {
        if self.attended.lapses().is_some_and(|until| Instant::now() >= until) {
            return self.attend(open, None).await;
        }
        Ok(())
    }
}
