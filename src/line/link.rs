//! An open stream: bytes in, items out. Whether its silence means anything is judged by [`super::evidence`].

use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::BoxStream;
use futures_util::{FutureExt, StreamExt};
use tokio::time::Instant;

use super::event_stream::{EventStream, Item, Limits};
use crate::http::Failure;

/// Items of one burst: enough to fill a commit, few enough to hold in memory.
const BURST_ITEMS: usize = 512;
/// Bytes of one burst.
const BURST_BYTES: usize = 1 << 20;

/// Why a stream says no more.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Cut {
    /// The platform ended it in good order.
    #[error("the platform ended the stream")]
    Ended,
    /// It broke.
    #[error(transparent)]
    Broken(#[from] Failure),
}

/// An open stream of events.
pub struct Link {
    body: BoxStream<'static, Result<Bytes, Failure>>,
    parser: EventStream,
    opened: Instant,
    cut: Option<Cut>,
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Link").field("opened", &self.opened).field("cut", &self.cut).finish_non_exhaustive()
    }
}

impl Link {
    /// A link over the body of an answer that is an event stream. `resumed_at` is the id that the request named.
    pub fn new(body: BoxStream<'static, Result<Bytes, Failure>>, resumed_at: Option<&str>, limits: Limits) -> Self {
        let parser = EventStream::new(limits).resumed_at(resumed_at.unwrap_or_default());
        Self { body, parser, opened: Instant::now(), cut: None }
    }

    /// How long it has been open.
    pub fn age(&self) -> Duration {
        self.opened.elapsed()
    }

    /// Waits for bytes and hands out what they and those right behind them say; empty where they end no item.
    /// Nothing is lost when the future is dropped. What came before a cut is handed out before the cut is told.
    pub async fn burst(&mut self) -> Result<Vec<Item>, Cut> {
        if let Some(cut) = &self.cut {
            return Err(cut.clone());
        }
        let next = self.body.next().await;
        let bytes = self.take(next)?;
        let mut items: Vec<Item> = self.parser.by_ref().collect();
        self.more(bytes, &mut items);
        Ok(items)
    }

    /// What has arrived already, without waiting: for a stream that is about to be dropped.
    pub fn rest(&mut self) -> Vec<Item> {
        let mut items = Vec::new();
        if self.cut.is_none() {
            self.more(0, &mut items);
        }
        items
    }

    fn more(&mut self, mut bytes: usize, items: &mut Vec<Item>) {
        while bytes < BURST_BYTES && items.len() < BURST_ITEMS {
            let Some(next) = self.body.next().now_or_never() else { break };
            match self.take(next) {
                Ok(more) => bytes += more,
                Err(cut) => {
                    self.cut = Some(cut);
                    break;
                }
            }
            items.extend(self.parser.by_ref());
        }
    }

    fn take(&mut self, next: Option<Result<Bytes, Failure>>) -> Result<usize, Cut> {
        let chunk = next.ok_or(Cut::Ended)??;
        let size = chunk.len();
        self.parser.push(chunk);
        Ok(size)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::stream;

    use super::*;

    fn link(chunks: Vec<Result<Bytes, Failure>>, forever: bool) -> Link {
        let end = if forever { stream::pending().left_stream() } else { stream::empty().right_stream() };
        Link::new(stream::iter(chunks).chain(end).boxed(), None, Limits::default())
    }

    fn data(items: Vec<Item>) -> Vec<String> {
        items
            .into_iter()
            .filter_map(|item| match item {
                Item::Event(frame) => Some(frame.data),
                _ => None,
            })
            .collect()
    }

    #[tokio::test(start_paused = true)]
    async fn what_came_before_a_cut_is_told_first_and_half_an_event_never() {
        let broken = Failure::Lost { host: "h".into(), why: "reset".into() };
        let mut link =
            link(vec![Ok("data: 1\n\nda".into()), Ok("ta: 2\n\ndata: 3".into()), Err(broken.clone())], false);
        assert_eq!(data(link.burst().await.unwrap()), ["1", "2"]);
        assert_eq!(link.burst().await, Err(Cut::Broken(broken)));
    }

    #[tokio::test(start_paused = true)]
    async fn the_rest_is_what_has_arrived() {
        let mut waiting = link(vec![Ok("data: 1\n\n".into())], true);
        assert_eq!(data(waiting.rest()), ["1"]);
        assert_eq!(link(vec![], false).burst().await, Err(Cut::Ended));
    }
}
