//! One delivery: read within its bounds, verified, parsed, handed over, answered.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{Request, State};
use axum::http::Method;
use axum::http::request::Parts;
use bytes::BytesMut;
use futures_util::StreamExt;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::debug;

use super::answer::{Answer, Tally};
use super::expect::{Expectation, Expectations};
use super::hooks::{Hooks, Taken, Waiting};
use super::public_url::PublicUrl;
use crate::event::WorkspaceName;
use crate::store::Health;

/// Bounds of one delivery.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// The longest body, in bytes. Default 1 MiB.
    pub body: usize,
    /// How long the body may take to come. Default 30 s.
    pub receive: Duration,
    /// How long the commit may take to come. Default 10 s.
    pub wait: Duration,
}

/// What every delivery can reach.
pub struct Door {
    /// Under which URL platforms reach it.
    pub public: PublicUrl,
    /// What deliveries must show.
    pub expectations: Expectations,
    /// Who takes them.
    pub hooks: Hooks,
    /// The store's state: at the disk budget nothing is taken.
    pub health: tokio::sync::watch::Receiver<Health>,
    /// How many came.
    pub tally: Tally,
    /// Bounds of one.
    pub bounds: Bounds,
    /// Who waits for a commit when this is cancelled is answered at once.
    pub token: CancellationToken,
}

/// Answers everything that comes to the listener.
pub fn router(door: Door) -> Router {
    Router::new().fallback(knock).with_state(Arc::new(door))
}

async fn knock(State(door): State<Arc<Door>>, request: Request) -> Answer {
    let answer = door.settle(request).await.unwrap_or_else(|refused| refused);
    door.tally.count(answer);
    debug!(answer = answer.name(), "ingress: a delivery");
    answer
}

impl Door {
    async fn settle(&self, request: Request) -> Result<Answer, Answer> {
        if request.method() != Method::POST {
            return Err(Answer::NotPost);
        }
        // Nothing is looked at before all is there: how far a request gets must not depend on what it guessed.
        let (head, body) = request.into_parts();
        let body = timeout(self.bounds.receive, whole(body, self.bounds.body)).await.map_err(|_| Answer::TooSlow)??;
        let (workspace, revoked) = self.verify(&head, &body)?;
        let event = serde_json::from_slice(&body).map_err(|_| Answer::NotJson)?;
        match &*self.health.borrow() {
            Health::Open => {}
            Health::Full => return Err(Answer::Full),
            Health::Failed(_) => return Err(Answer::Stopping),
        }
        match self.hooks.offer(&workspace, event) {
            Ok(waiting) => self.wait(waiting).await,
            Err(Answer::Nobody) if revoked => Err(Answer::Gone),
            Err(why) => Err(why),
        }
    }

    /// Whose delivery it is, and whether that seat was taken away.
    fn verify(&self, head: &Parts, body: &[u8]) -> Result<(WorkspaceName, bool), Answer> {
        let (name, path) = self.public.within(head.uri.path()).unwrap_or_default();
        let workspace = WorkspaceName::new(name).ok();
        let expected = workspace.as_ref().map_or_else(|| Ok(Expectation::unmet()), |name| self.expectations.of(name));
        let expected = expected.map_err(|_| Answer::Stopping)?;
        expected.judge(path, &head.headers, body)?;
        workspace.map(|workspace| (workspace, expected.revoked)).ok_or(Answer::Unknown)
    }

    async fn wait(&self, mut waiting: Waiting) -> Result<Answer, Answer> {
        tokio::select! {
            taken = timeout(self.bounds.wait, &mut waiting.answered) => match taken {
                Ok(Ok(Taken::Committed)) => Ok(Answer::Taken),
                Ok(Ok(Taken::Gone)) => Ok(Answer::Gone),
                Ok(Err(_)) => Err(Answer::Nobody),
                Err(_) => Err(Answer::TooLate),
            },
            () = self.token.cancelled() => Err(Answer::Stopping),
        }
    }
}

/// The whole body, or why it is not taken.
async fn whole(body: Body, cap: usize) -> Result<Bytes, Answer> {
    if body.size_hint().lower() > cap as u64 {
        return Err(Answer::TooLarge);
    }
    let (mut chunks, mut whole) = (body.into_data_stream(), BytesMut::new());
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|_| Answer::CutOff)?;
        if whole.len() + chunk.len() > cap {
            return Err(Answer::TooLarge);
        }
        whole.extend_from_slice(&chunk);
    }
    Ok(whole.freeze())
}
