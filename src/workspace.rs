//! One workspace: its seat, its lines, and what it tells of itself in the feed.
//!
//! The task of a workspace owns its lines and its outbox. A seat that cannot act leaves them closed, says why and which command
//! helps, and waits to be started again.

mod attending;
mod documents;
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

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value, json};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::adapter::Manifests;
use crate::event::{Draft, Type, WorkspaceName};
use crate::ingress::Hooks;
use crate::line::Reason;
use crate::line::policy::Policy;
use crate::line::poll::feed::Inlet;
use crate::line::report::{LineStatus, Report};
use crate::line::timing::{Backfill, Timing};
use crate::line::yjs::{Drafts, Rules};
use crate::outbox::{self, Courier};
use crate::pulse::pulse;
use crate::session::{self, Means, Session};
use crate::store::{Batch, Seat, StoreError, WorkspaceRecord};
use lines::{AnyLine, Needs, unwound};
pub use place::keep_place;
use presence::{Presence, Tell};
pub use roster::{Fatal, Roster, RosterTask};
use status::Desk;
pub use status::Status;

/// Hints that may wait for a line; more are as good as these.
const HINTS: usize = 64;

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

    /// Runs the lines, as far as the seat allows it, until they end or the task is cancelled.
    async fn follow(&mut self, spread: Duration, token: &CancellationToken) -> Result<Followed, Ended> {
        self.keep_in_step().await?;
        if !matches!(self.session.record().seat, Seat::SignedOut | Seat::SignedIn) {
            self.report.phase("stopped", None);
            return Ok(Followed::To(None));
        }
        let mut regranted = pin!(learning::regranted(self.session.clone()));
        if let Some(lacking) = learning::no_line(&self.session) {
            self.report.phase("stopped", None);
            self.desk.trouble(lacking);
            return Ok(tokio::select! {
                () = token.cancelled() => Followed::To(None),
                () = regranted => Followed::Anew,
            });
        }
        let (hint, hints) = mpsc::channel(HINTS);
        self.desk.hints(hint);
        let mut lines = JoinSet::new();
        let (line_pulse, line_beat) = pulse();
        let (line, inlet) = self.line(hints)?;
        lines.spawn(line_beat.during(line.run(spread)));
        for (also, report) in lines::also(&self.context, &self.session)? {
            self.desk.beside(report.watch());
            lines.spawn(also.run(spread));
        }
        if let Some(inlet) = inlet {
            self.beside(&inlet, spread, &mut lines)?;
        }
        let (own_pulse, mut beat) = pulse();
        self.desk.pulse("line", line_pulse);
        self.desk.pulse("task", own_pulse);
        let mut status = self.report.watch();
        loop {
            let seen = status.borrow_and_update().clone();
            self.observe(&seen).await?;
            let due = self.presence.due();
            tokio::select! {
                () = token.cancelled() => return Ok(Followed::To(None)),
                () = &mut regranted => {
                    lines.shutdown().await;
                    return Ok(Followed::Anew);
                }
                () = beat.asked() => {}
                ended = lines.join_next() => return Ok(Followed::To(ended.map(unwound))),
                changed = status.changed() => changed.map_err(|_| StoreError::Closed)?,
                () = at(due) => {}
            }
        }
    }

    fn line(&self, hints: mpsc::Receiver<String>) -> Result<(AnyLine, Option<Inlet>), StoreError> {
        let Self { context, session, report, .. } = self;
        let (line, inlet) = lines::line(Needs { context, session, report, hints })?;
        self.desk.inlet(inlet.clone());
        Ok((line, inlet))
    }

    /// The push sources beside a polled line live as long as it does.
    fn beside(&self, inlet: &Inlet, spread: Duration, lines: &mut JoinSet<Reason>) -> Result<(), StoreError> {
        for source in push::sources(&self.context, &self.session)? {
            if let Some(report) = source.report() {
                self.desk.beside(report.watch());
            }
            lines.spawn(source.run(self.context.clone(), self.session.clone(), inlet.clone(), spread));
        }
        Ok(())
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

/// How following a platform has ended.
enum Followed {
    /// For good, and why; or because the task ends.
    To(Option<Reason>),
    /// The grant allows other lines than before.
    Anew,
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

async fn at(due: Option<Instant>) {
    match due {
        Some(due) => sleep_until(due).await,
        None => std::future::pending().await,
    }
}
