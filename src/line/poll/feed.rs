//! What others bring to a polled line: live frames of push sources, and hints that something is new.
//!
//! The log is the truth about order. A push source is quicker, so its frames are told as they come, but for those that
//! come while the log is read: they wait. A hint tells nothing itself: it makes the line read its log at once.

use tokio::sync::{mpsc, oneshot};

use crate::event::Via;

/// Frames that wait in the queue itself: the line takes them out all the time, and bounds what waits by its bytes.
const FRAMES: usize = 16;
/// Hints that wait in the queue: who finds no room is told so.
const HINTS: usize = 64;

/// What a push source says.
#[derive(Debug)]
pub enum Live {
    /// It is connected, for the first time or again. The line reads its log, and the source's frames wait until a read
    /// that began after this has ended; from then on the log is read seldom.
    Up(Via),
    /// One event.
    Frame {
        /// Which source.
        via: Via,
        /// The transport's name for the event, where it has one; the event's own name counts before it.
        name: Option<String>,
        /// The event as JSON, as it stands in the log.
        body: String,
    },
    /// It is no longer connected. The line reads its log, and does so often from then on.
    Down(Via),
}

/// A request to read the log at once.
#[derive(Debug)]
pub struct Hint {
    /// The event that is said to be new, as JSON, where the hint has it: then the hint is answered once that event is
    /// committed, and the log is read until it stands there.
    pub event: Option<String>,
    /// The item of a list that is said to be new, where what waits is read by lists: answered once that one is committed.
    pub item: Option<Item>,
    /// Answered once everything in the log up to the end of a read that began after the hint is committed. Dropped
    /// without an answer where the line ends, or too many wait. Whoever waits no longer drops the receiver.
    pub done: oneshot::Sender<()>,
}

/// An item of a list of what waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// The document or conversation in whose list it stands.
    pub list: String,
    /// The item's id.
    pub object: String,
}

/// There is no room for another hint, or no line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the workspace cannot take a hint now: try again")]
pub struct NoRoom;

/// The way to a polled line. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Inlet {
    live: mpsc::Sender<Live>,
    hints: mpsc::Sender<Hint>,
}

impl Inlet {
    /// Hands over what a push source says; waits while the line is busy. `false`: the line has ended, and so can the
    /// source.
    pub async fn push(&self, live: Live) -> bool {
        self.live.send(live).await.is_ok()
    }

    /// Asks for a read of the log. The receiver hears when what is new is committed; it fails where the line ends.
    pub fn hint(&self, event: Option<String>) -> Result<oneshot::Receiver<()>, NoRoom> {
        self.ask(event, None)
    }

    /// Asks for a read of the lists of what waits. The receiver hears when this item is committed.
    pub fn hint_item(&self, item: Item) -> Result<oneshot::Receiver<()>, NoRoom> {
        self.ask(None, Some(item))
    }

    fn ask(&self, event: Option<String>, item: Option<Item>) -> Result<oneshot::Receiver<()>, NoRoom> {
        let (done, is_done) = oneshot::channel();
        self.hints.try_send(Hint { event, item, done }).map_err(|_| NoRoom)?;
        Ok(is_done)
    }
}

/// The line's end of it.
#[derive(Debug)]
pub struct Outlet {
    pub(crate) live: mpsc::Receiver<Live>,
    pub(crate) hints: mpsc::Receiver<Hint>,
}

/// Both ends for one line.
pub fn feed() -> (Inlet, Outlet) {
    let ((live, lives), (hint, hints)) = (mpsc::channel(FRAMES), mpsc::channel(HINTS));
    (Inlet { live, hints: hint }, Outlet { live: lives, hints })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn p10_hints_beyond_the_room_are_refused_and_a_line_that_ends_says_so() {
        let (inlet, outlet) = feed();
        let waiting: Vec<_> = (0..HINTS).map(|_| inlet.hint(None).unwrap()).collect();
        assert_eq!(inlet.hint(None).unwrap_err(), NoRoom);
        drop(outlet);
        for hint in waiting {
            assert!(hint.await.is_err(), "nobody will answer it");
        }
        assert!(!inlet.push(Live::Up(Via::ActionCable)).await);
    }
}
