//! Joins a place as its manifest tells it. Whatever is answered or chosen is durable before the next step is sent.
//!
//! A join that was cut short (a crash, a lost reply) goes on when it is run again: what we chose, passwords above
//! all, was committed before the request that set it, so an invite that "has already been used" was used by us and
//! signs in with them (P7). A join that failed before it changed anything there leaves nothing here either.

mod added;
mod ask;
mod claim;
mod dialect;
mod enter;
mod identity;
mod keep;
mod link;
mod made;
mod once;
mod patience;
mod progress;
pub mod recognise;
mod step;
mod verdict;
mod wait;
mod walk;
mod wallet;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;

use crate::adapter::Manifest;
use crate::event::WorkspaceName;
use crate::ingress::PublicUrl;
use crate::session::{self, Means};
use crate::store::{Batch, Change, Store, StoreError, WorkspaceRecord};

pub use dialect::ONBOARDING;
pub use link::{LinkError, Target, parse_link};
pub use patience::Patience;
pub use wait::{Pause, Pending, Waits, pending};

/// The fact that holds how far a join is; gone once joined.
const JOINING: &str = "joining";

/// What the operator asks for. Prints neither link nor secrets.
pub struct JoinRequest {
    /// The platform.
    pub manifest: Arc<Manifest>,
    /// What the place will be called here.
    pub name: WorkspaceName,
    /// An invite link, or the URL of the instance; `None` goes on with what is stored.
    pub target: Option<String>,
    /// The instance, where the link's host is a relay.
    pub instance: Option<String>,
    /// By the names of the manifest's `ask.settings`.
    pub settings: BTreeMap<String, String>,
    /// By the names of the manifest's `ask.secrets`.
    pub secrets: BTreeMap<String, SecretString>,
    /// Where the platform can reach the bridge (`{ingress.url?}`); `None` where nothing listens.
    pub public_url: Option<PublicUrl>,
}

/// What a join has come to.
#[derive(Debug)]
pub enum Joined {
    /// Signed in, or registered where there is no work channel.
    Seated(WorkspaceRecord),
    /// Somebody must decide first: [`go_on`] after the pause.
    Waits(WorkspaceRecord, Pause),
}

impl fmt::Debug for JoinRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinRequest")
            .field("platform", &self.manifest.platform)
            .field("name", &self.name)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

/// Why a join did not come to its end. Each says what to do; none carries a secret.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// What was asked for cannot be: nothing was sent.
    #[error("{0}")]
    Asked(String),
    /// The link or URL cannot be used: nothing was sent.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// The name is taken, or belonged to another account whose ids are still remembered.
    #[error("{0}")]
    Name(String),
    /// The platform says no.
    #[error("{0}")]
    Refused(String),
    /// The platform cannot be reached, is broken, or its answer was lost. The same command goes on later.
    #[error("{0}")]
    Unavailable(String),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Joins, or goes on with a join, or replaces the credentials of a workspace whose seat needs a person. Two joins
/// under one name must not run at once: the caller sees to that. `progress` gets one short line a step. Where somebody
/// must let the bridge in, the seat is still `Joining`: [`go_on`] then.
pub async fn join(
    request: JoinRequest,
    means: &Means,
    progress: &mut (dyn FnMut(&str) + Send),
) -> Result<WorkspaceRecord, Error> {
    let plan = ask::plan(request, &means.store)?;
    // Boxed: a walk is large, and whoever joins should not be.
    match Box::pin(walk::Walk::new(plan, means, progress).run()).await? {
        Joined::Seated(record) | Joined::Waits(record, _) => Ok(record),
    }
}

/// Whether this join touches a workspace that stands: its seat needs a person, or it gets the key that it has not. Then
/// the workspace must not run meanwhile, for its session would commit its record over the join's.
pub fn mends(request: &JoinRequest, store: &Store) -> Result<bool, StoreError> {
    let record = store.workspace(&request.name)?;
    let mends =
        |record: &WorkspaceRecord| !record.seat.acts() || added::adds_key(&request.manifest, record, &request.secrets);
    Ok(record.as_ref().is_some_and(mends))
}

/// Asks once whether a [`pending`] join was approved, and finishes it where it was; `limit` is how long it may wait in
/// all. `None` where nothing waits under this name. [`Error::Unavailable`] passes: go on later. After any other error
/// but the store's the seat says what to do.
pub async fn go_on(
    name: &WorkspaceName,
    manifest: Arc<Manifest>,
    limit: Duration,
    means: &Means,
) -> Result<Option<Joined>, Error> {
    let Some(record) = means.store.workspace(name)?.filter(|record| pending(record).is_some()) else { return Ok(None) };
    let Some(way) = progress::way_of(&record) else { return Ok(None) };
    let plan = ask::resume(manifest, record, way, &means.store)?;
    let mut silence = |_: &str| {};
    let walk = walk::Walk { limit: Some(limit), ..walk::Walk::new(plan, means, &mut silence) };
    Box::pin(walk.go_on()).await.map(Some)
}

/// Removes a workspace with its secrets. Its name stays with its account, for the ids of its events are remembered.
pub async fn leave(store: &Store, name: &WorkspaceName) -> Result<WorkspaceRecord, Error> {
    let record = store.workspace(name)?;
    let record =
        record.ok_or_else(|| Error::Name(format!("there is no workspace `{name}`; see agent-bridge status")))?;
    let mut batch = Batch::new().with(Change::ForgetWorkspace(name.clone()));
    if record.joined_at > 0 {
        batch = batch.with(identity::remember(&record));
    }
    store.commit(batch).await?;
    Ok(record)
}

impl From<session::Error> for Error {
    fn from(error: session::Error) -> Self {
        match error {
            session::Error::NeedsAction { reason, .. } => {
                Self::Refused(format!("{reason}: check what you gave and run the join again"))
            }
            session::Error::Refused(reason) => Self::Refused(reason),
            session::Error::Waiting { why, .. } => Self::Unavailable(why),
            session::Error::Network(failure) => Self::Unavailable(later(&failure)),
            session::Error::Store(error) => Self::Store(error),
            session::Error::Left(name) => Self::Name(format!("`{name}` was left while it was being joined")),
            other => Self::Asked(other.to_string()),
        }
    }
}

/// A network failure, with what to do.
fn later(failure: &crate::http::Failure) -> String {
    use crate::http::Failure;
    match failure {
        Failure::Unreachable { .. } => {
            format!("{failure}: check the URL and the network, then run the same command again")
        }
        Failure::Lost { .. } => format!("{failure}: run the same command again, it goes on from here"),
        Failure::TooLarge { .. } => format!("{failure}: is the URL right?"),
        Failure::Elsewhere { to, .. } => {
            format!("{failure}; if that is where the workspace is, join with --instance {to}")
        }
        Failure::Forbidden(_) => failure.to_string(),
    }
}
