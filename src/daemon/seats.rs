//! What the API asks of the joined workspaces, answered by their sessions. Nothing secret comes back.

mod asking;
mod at_once;
mod documents;
mod hook;
mod joining;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use serde_json::Value;

use super::approvals::Approvals;
use crate::action::Request;
use crate::adapter::Manifest;
use crate::api::params;
use crate::api::problem::Problem;
use crate::api::workspaces::{Ask, Asked, DocumentWish, Workspaces};
use crate::config::Config;
use crate::event::WorkspaceName;
use crate::ingress::PublicUrl;
use crate::outbox::Fleeting;
use crate::session::{self, Session};
use crate::workspace::{Context, Roster};
use hook::Pasted;

/// The joined workspaces. Cheap to clone.
#[derive(Clone)]
pub struct Seats(pub(super) Arc<Inner>);

pub(super) struct Inner {
    pub context: Context,
    /// A whole join takes no longer, but for the time until somebody has approved it.
    pub join: Duration,
    /// Nor that.
    pub wait: Duration,
    /// One request takes no longer.
    request: Duration,
    /// The running workspaces, whose sessions are used; none where no daemon runs.
    pub roster: Option<Roster>,
    /// Names that are being joined or left: one at a time.
    busy: Mutex<BTreeSet<WorkspaceName>>,
    /// Joins that somebody must approve.
    pub approvals: Approvals,
    /// Sends what is never stored.
    fleeting: Fleeting,
    /// Where platforms can reach the bridge, where they can.
    public_url: Option<PublicUrl>,
}

impl Seats {
    /// With the bounds of the config; `roster` where workspaces run.
    pub fn new(context: Context, roster: Option<Roster>, approvals: Approvals, config: &Config) -> Self {
        let fleeting =
            Fleeting::new(context.means.store.clone(), context.means.clock.clone(), context.outbox.ephemeral);
        Self(Arc::new(Inner {
            context,
            join: config.join.whole.0,
            wait: config.join.wait.0,
            request: config.join.request.0,
            roster,
            busy: Mutex::default(),
            approvals,
            fleeting,
            public_url: config.ingress.public_url.clone(),
        }))
    }

    pub(super) fn manifest(&self, platform: &str) -> Result<Arc<Manifest>, Problem> {
        self.0.context.manifests.get(platform).ok_or_else(|| {
            let known: Vec<_> = self.0.context.manifests.platforms().collect();
            let word = format!("there is no manifest for `{platform}`: known are {}", known.join(", "));
            Problem::new("no_such_platform", word)
        })
    }

    /// The running workspace's session: one token, renewed by one.
    fn session(&self, name: &WorkspaceName) -> Result<Session, Problem> {
        let session = self.0.roster.as_ref().and_then(|roster| roster.session(name));
        session.ok_or_else(|| {
            let word = format!("`{name}` does not run now: `agent-bridge status {name}` says why");
            Problem::new("no_session", word)
        })
    }

    /// Reserves a name for a join or a leave.
    fn reserve(&self, name: &WorkspaceName) -> Result<Busy, Problem> {
        let fresh = self.0.busy.lock().unwrap_or_else(PoisonError::into_inner).insert(name.clone());
        let word = || Problem::new("busy", format!("`{name}` is being joined or left right now: wait for that"));
        fresh.then(|| Busy(self.clone(), name.clone())).ok_or_else(word)
    }
}

/// A reserved name; free again when dropped.
struct Busy(Seats, WorkspaceName);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.0.busy.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.1);
    }
}

impl Workspaces for Seats {
    fn status(&self, name: &WorkspaceName) -> Option<Value> {
        let status = self.0.roster.as_ref()?.status(name)?;
        let mut status = serde_json::to_value(status).ok()?;
        if let Ok(Some(Pasted::Url(url))) = self.pasted(name) {
            status["webhook_url"] = url.into();
        }
        Some(status)
    }

    fn ask(&self, name: WorkspaceName, ask: Ask) -> Asked {
        self.clone().ask_now(name, ask).boxed()
    }

    fn at_once(&self, name: &WorkspaceName, wish: &Request) -> Option<Asked> {
        self.fleeting(name, wish)
    }

    fn document(&self, name: WorkspaceName, wish: DocumentWish) -> Asked {
        self.clone().document_now(name, wish).boxed()
    }

    fn call(&self, call: params::Call) -> Asked {
        self.clone().call_now(call).boxed()
    }

    fn join(&self, join: params::Join) -> Asked {
        self.clone().join_now(join).boxed()
    }

    fn leave(&self, name: WorkspaceName) -> Asked {
        self.clone().leave_now(name).boxed()
    }
}

fn problem(error: session::Error) -> Problem {
    let kind = match &error {
        session::Error::NeedsAction { .. } => "needs_action",
        session::Error::Waiting { .. } => "no_session",
        session::Error::Network(_) => "unreachable",
        session::Error::Call(_) => "bad_params",
        session::Error::Foreign { .. } => "forbidden",
        session::Error::Left(_) => "no_such_workspace",
        session::Error::Setup(_) => "internal",
        session::Error::Refused(_) => "refused",
        session::Error::NoDocument(_) => "no_such_document",
        session::Error::Lacks(_) => "lacks",
        session::Error::Store(_) => {
            return match error {
                session::Error::Store(error) => error.into(),
                other => Problem::new("internal", other.to_string()),
            };
        }
    };
    Problem::new(kind, error.to_string())
}
