//! The document on a thread where work may take long.

use std::time::Duration;

use tokio::time::timeout;

use super::Draft;
use crate::line::yjs::Down;
use crate::line::yjs::engine::Engine;

/// No work on a document takes longer; what does is a bomb (see `document.rs`).
const WORK: Duration = Duration::from_secs(20);

impl Draft {
    /// Works on the document on a thread where it may take long. One that takes too long is given up with its thread's
    /// work, which nobody can stop.
    pub(super) async fn work<T: Send + 'static>(
        &mut self,
        job: impl FnOnce(&mut Engine) -> T + Send + 'static,
    ) -> Result<T, Down> {
        let Some(mut engine) = self.engine.take() else {
            return Err(Down::Later("the document is opened anew".to_owned()));
        };
        let working = tokio::task::spawn_blocking(move || {
            let done = job(&mut engine);
            (engine, done)
        });
        match timeout(WORK, working).await {
            Ok(Ok((engine, done))) => {
                self.engine = Some(engine);
                Ok(done)
            }
            Ok(Err(error)) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(_) => Err(Down::Later("the bridge is stopping".to_owned())),
            },
            Err(_) => {
                Err(Down::Failed(format!("what came for the document took more than {} s to read", WORK.as_secs())))
            }
        }
    }
}
