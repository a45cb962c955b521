//! Who opens the documents of a workspace and owns their tasks: one for each that is open.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinSet};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::about::About;
use super::draft::Draft;
use super::standing::Board;
use super::written::Written;
use super::{Ask, Doing, Drafts, Parts, Standing, WAITING, hold};
use crate::session::Held;

/// Documents of a workspace that are open at once; whoever asks for more is told to come again.
const OPEN: usize = 500;
/// So long a bridge that stops waits for its goodbyes; without one, others see the agent there for half a minute more.
const GOODBYE: Duration = Duration::from_secs(1);

/// Owns the tasks of the documents.
pub struct Keeper {
    parts: Arc<Parts>,
    board: Board,
    written: Written,
    queue: mpsc::Receiver<(String, Ask)>,
    open: HashMap<String, mpsc::Sender<Ask>>,
    tasks: JoinSet<String>,
}

/// The live documents of a workspace; none is open yet.
pub fn drafts(parts: Parts) -> (Drafts, Keeper) {
    let (asks, queue) = mpsc::channel(WAITING);
    let (board, written, parts) = (Board::new(parts.clock.clone()), Written::default(), Arc::new(parts));
    let (open, tasks) = (HashMap::new(), JoinSet::new());
    let keeper = Keeper { parts, board: board.clone(), written: written.clone(), queue, open, tasks };
    (Drafts { asks, board, written }, keeper)
}

impl Keeper {
    /// Serves until it is told to stop, and then lets the agent leave where it is. A panic in a document is the workspace's.
    pub async fn run(mut self, stop: CancellationToken) {
        self.serve(&stop).await;
        // Nobody can ask them anything any more, so each says goodbye and ends.
        self.open.clear();
        let ended = async { while self.tasks.join_next().await.is_some() {} };
        let _in_vain = timeout(GOODBYE, ended).await;
    }

    async fn serve(&mut self, stop: &CancellationToken) {
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                Some((document, ask)) = self.queue.recv() => self.pass_on(document, ask),
                Some(ended) = self.tasks.join_next() => self.ended(ended),
                else => return stop.cancelled().await,
            }
        }
    }

    fn pass_on(&mut self, document: String, ask: Ask) {
        use mpsc::error::TrySendError;
        if matches!(ask, Ask::Close) {
            // Its task says goodbye and ends when nobody can ask it anything.
            self.open.remove(&document);
            return self.board.stands(&document, &About::default(), Standing::Closed);
        }
        let ask = match self.open.get(&document) {
            Some(open) => match open.try_send(ask) {
                // Where there is no room, whoever asked hears that it was let go, and comes again.
                Ok(()) | Err(TrySendError::Full(_)) => return,
                Err(TrySendError::Closed(ask)) => ask,
            },
            None => ask,
        };
        if !self.opens(&document, &ask) {
            return;
        }
        if self.tasks.len() >= OPEN {
            return hold::later(ask, "as many documents are open as a workspace may have: later");
        }
        let (asks, queue) = mpsc::channel(WAITING);
        // The channel is new and empty.
        let _taken = asks.try_send(ask);
        self.open.insert(document.clone(), asks);
        let shared = (self.board.clone(), self.written.clone());
        let draft = Draft::new(self.parts.clone(), shared, document.clone(), queue);
        self.tasks.spawn(async move {
            draft.run().await;
            document
        });
    }

    /// Whether a document is opened for this.
    fn opens(&self, document: &str, ask: &Ask) -> bool {
        match ask {
            Ask::Make { .. } | Ask::Bring(_) => true,
            Ask::Attend(Some(Doing { busy: true, .. })) => {
                let held = self.parts.session.holds(document);
                let fits = |held| matches!(held, Held::Given(it) if self.parts.live.takes(it.kind.as_deref()));
                !self.board.is_refused(document) && held.is_some_and(fits)
            }
            Ask::Attend(_) | Ask::Read { .. } | Ask::Close => false,
        }
    }

    fn ended(&mut self, ended: Result<String, JoinError>) {
        match ended.map_err(JoinError::try_into_panic) {
            Ok(document) => {
                // It may have been opened again already.
                if self.open.get(&document).is_some_and(mpsc::Sender::is_closed) {
                    self.open.remove(&document);
                }
            }
            Err(Ok(panic)) => std::panic::resume_unwind(panic),
            Err(Err(_)) => {}
        }
    }
}
