//! One workspace: its seat, its lines, and what it tells of itself in the feed.
//!
//! The task of a workspace owns its lines and its outbox. A seat that cannot act leaves them closed, says why and which command
//! helps, and waits to be started again.

mod attending;
mod documents;
mod follow;
mod learning;
mod lines;
mod linger;
mod listed;
mod place;
pub mod presence;
mod push;
mod registered;
mod roster;
mod seat;
mod status;

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value, json};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::adapter::Manifests;
use crate::event::{Draft, Type, WorkspaceName};
use crate::ingress::Hooks;
use crate::line::policy::Policy;
use crate::line::report::{LineStatus, Report};
use crate::line::timing::{Backfill, Timing};
use crate::line::yjs::{Drafts, Rules};
use crate::outbox::{self, Courier};
use crate::pulse::pulse;
use crate::session::{self, Means, Session};
use crate::store::{Batch, Seat, StoreError, WorkspaceRecord};
use follow::Followed;
pub use place::keep_place;
use presence::{Presence, Tell};
pub use roster::{Fatal, Roster, RosterTask};
use status::Desk;
pub use status::Status;

/// What workspaces run with. Cheap to clone.
#[derive(Clone)]
pub struct Context {
    /// Store, network, clock, and the owner of renewals.
    pub means: Means,
    /// The platforms.
    pub manifests: Arc<Manifests>,
    /// How long and how much events may take.
    pub timing: Timing,
    /// How long and how often actions are tried.
    pub outbox: outbox::Limits,
    /// What is told of the time before a join, by workspace; where it says nothing, nothing.
    pub backfill: Arc<std::collections::BTreeMap<String, Backfill>>,
    /// Where webhooks of platforms come in.
    pub hooks: Hooks,
    /// What is told, by workspace; where it says nothing, everything.
    pub policy: Arc<std::collections::BTreeMap<String, Policy>>,
    /// Workspaces that get no document but those that the operator adds.
    pub strict: Arc<std::collections::BTreeSet<String>>,
    /// What the agent may change in live documents by itself, by workspace; where it says nothing, only its own words.
    pub rules: Arc<std::collections::BTreeMap<String, Rules>>,
}

/// Why a workspace's task ended by itself.
#[derive(Debug, thiserror::Error)]
pub enum Ended {
    /// The store failed: the daemon ends (P11).
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// One workspace's task.
pub struct Workspace {
    context: Context,
    session: Session,
    desk: Arc<Desk>,
    report: Report,
    presence: Presence,
}

impl Workspace {
    /// Runs the workspace called `name` until `token` is cancelled or the store fails. A workspace that cannot run
    /// says so in its status and waits. Its first connect waits for some time up to `spread`.
    pub async fn run(
        context: Context,
        name: WorkspaceName,
        desk: Arc<Desk>,
        spread: Duration,
        token: CancellationToken,
    ) -> Result<(), Ended> {
        match Self::open(context, &name, &desk) {
            Ok(mut workspace) => {
                let line = workspace.session.manifest().has_line().then(|| workspace.report.watch());
                desk.open(workspace.session.clone(), line);
                let (drafts, documents) = workspace.documents(&token);
                let outbox = workspace.outbox(drafts.clone(), token.clone());
                let learning = learning::learn(workspace.session.clone(), &token);
                let (own, session) = (workspace.context.clone(), workspace.session.clone());
                // Boxed: most platforms are shown nothing.
                let attending = Box::pin(attending::attend(own, session, drafts, &token));
                tokio::try_join!(workspace.lines(spread, &token), outbox, documents, learning, attending)?;
            }
            Err(Cannot::Store(error)) => return Err(error.into()),
            Err(Cannot::Start(why)) => {
                tracing::warn!(workspace = %name, %why, "the workspace cannot run");
                desk.trouble(why);
            }
        }
        token.cancelled().await;
        Ok(())
    }

    fn open(context: Context, name: &WorkspaceName, desk: &Arc<Desk>) -> Result<Self, Cannot> {
        let record = context.means.store.workspace(name)?;
        let record = record.ok_or_else(|| Cannot::Start(format!("there is no workspace `{name}`")))?;
        let manifest = context.manifests.get(&record.platform).ok_or_else(|| {
            let platform = &record.platform;
            Cannot::Start(format!("no manifest describes the platform `{platform}`: put it into adapters_dir"))
        })?;
        let session = match Session::open(context.means.clone(), manifest, record) {
            Err(session::Error::Store(error)) => return Err(error.into()),
            opened => opened.map_err(|error| Cannot::Start(error.to_string()))?,
        };
        let report = Report::new(lines::name(session.manifest()), context.means.clock.clone());
        let presence = Presence::new(context.timing.patience);
        Ok(Self { context, session, desk: Arc::clone(desk), report, presence })
    }

    /// Follows the platform until the lines end, and tells how they ended.
    async fn lines(&mut self, spread: Duration, token: &CancellationToken) -> Result<(), Ended> {
        let stopped = loop {
            match self.follow(spread, token).await? {
                Followed::To(stopped) => break stopped,
                Followed::Anew => self.desk.anew(),
            }
        };
        self.settle(stopped).await?;
        self.tell_seat(token).await?;
        // Boxed: most seats never need its room.
        Box::pin(self.linger(token)).await
    }

    /// Carries actions out: they need the seat alone, whatever the lines do.
    fn outbox(
        &self,
        drafts: Option<Drafts>,
        token: CancellationToken,
    ) -> impl Future<Output = Result<(), Ended>> + use<> {
        let Context { means, outbox: limits, .. } = &self.context;
        let courier = Courier::new(means.store.clone(), self.session.clone(), means.clock.clone(), *limits);
        let courier = courier.editing(drafts.map(|drafts| Arc::new(drafts) as Arc<dyn outbox::Editor>));
        let (pulse, beat) = pulse();
        self.desk.pulse("outbox", pulse);
        async move { Ok(outbox::run(Arc::new(courier), beat, token).await?) }
    }

    /// Tells in the feed that the workspace is there or gone, and keeps the seat in step.
    async fn observe(&mut self, status: &LineStatus) -> Result<(), StoreError> {
        self.desk.changed();
        let live = status.phase == "live";
        if live && self.session.record().seat == Seat::SignedOut {
            self.sit(Seat::SignedIn).await?;
        }
        match self.presence.observe(live, Instant::now()) {
            Some(Tell::Connected) => self.tell(Type::WorkspaceConnected, Map::new()).await,
            Some(Tell::Disconnected) => {
                let more = Map::from_iter([("reason".to_owned(), json!(status.error))]);
                self.tell(Type::WorkspaceDisconnected, more).await
            }
            None => Ok(()),
        }
    }

    async fn tell(&self, kind: Type, more: Map<String, Value>) -> Result<(), StoreError> {
        let event = self.about(kind, more).seal();
        self.context.means.store.commit(Batch::new().event(event)).await.map(drop)
    }

    fn about(&self, kind: Type, more: Map<String, Value>) -> Draft {
        let WorkspaceRecord { name, platform, .. } = self.session.record();
        let mut draft = Draft::about(&name, kind, self.context.means.clock.stamp(), more);
        draft.platform = Some(platform.into());
        draft
    }
}

/// Why a workspace does not run.
enum Cannot {
    Store(StoreError),
    Start(String),
}

impl From<StoreError> for Cannot {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}
