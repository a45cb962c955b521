//! What the API asks of the joined workspaces, answered by their sessions. Nothing secret comes back.

mod at_once;
mod documents;
mod hook;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use serde_json::{Value, json};
use url::Url;

use super::approvals::Approvals;
use crate::action::Request;
use crate::adapter::{Manifest, Outcome, Question, Root, Scope};
use crate::api::params;
use crate::api::problem::Problem;
use crate::api::workspaces::{Ask, Asked, DocumentWish, Workspaces};
use crate::config::Config;
use crate::event::WorkspaceName;
use crate::http::{self, Body, Bounds, PrivateUrl, Response};
use crate::ingress::PublicUrl;
use crate::join::{self, JoinRequest};
use crate::normalise::Scrubber;
use crate::outbox::Fleeting;
use crate::session::{self, Session};
use crate::workspace::{self, Context, Roster};
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

    async fn join_now(self, join: params::Join) -> Result<Value, Problem> {
        let params::Join { platform, name, link, instance, settings, secrets } = join;
        let _busy = self.reserve(&name)?;
        let secrets = secrets.into_iter().map(|(name, secret)| (name, secret.0)).collect();
        let manifest = self.manifest(&platform)?;
        let public_url = self.0.public_url.clone();
        let request =
            JoinRequest { manifest, name: name.clone(), target: link, instance, settings, secrets, public_url };
        let mut steps = Vec::new();
        let mut progress = |step: &str| steps.push(step.to_owned());
        let late = || Problem::new("unreachable", "joining took too long: the same command goes on where it stopped");
        self.0.approvals.stop(&name).await;
        let rested = self.rest(&request).await?;
        let joining = join::join(request, &self.0.context.means, &mut progress);
        let joined = tokio::time::timeout(self.0.join, joining).await;
        let joined = joined.map_err(|_| late()).and_then(|joined| joined.map_err(|error| refused(&error)));
        let waits = self.wait_for(&name).await?;
        if joined.is_ok()
            && !waits
            && let Some(word) = self.keep_place(&name).await
        {
            steps.push(word);
        }
        if let Some(roster) = self.0.roster.as_ref().filter(|_| !waits && (joined.is_ok() || rested)) {
            roster.restart(&name).await;
        }
        let record = joined?;
        steps.extend(self.paste(&name).await?.map(|pasted| pasted.words()));
        let mut view = crate::api::view::workspace(&record, None);
        view["steps"] = steps.into();
        Ok(view)
    }

    /// A workspace that is to be mended stops first; whether it did.
    async fn rest(&self, request: &JoinRequest) -> Result<bool, Problem> {
        let mends = join::mends(request, &self.0.context.means.store)?;
        let roster = self.0.roster.as_ref().filter(|_| mends);
        if let Some(roster) = roster {
            roster.stop(&request.name).await;
        }
        Ok(roster.is_some())
    }

    /// From here on the feed tells; what to say where the platform did not let it begin.
    pub(super) async fn keep_place(&self, name: &WorkspaceName) -> Option<String> {
        let kept = tokio::time::timeout(self.0.request, workspace::keep_place(&self.0.context, name)).await;
        let why = kept.map_or_else(|_| Some("it took too long".to_owned()), |kept| Some(kept.err()?.to_string()))?;
        Some(format!("its histories cannot be read yet ({why}): the feed begins with the first connect"))
    }

    async fn leave_now(self, name: WorkspaceName) -> Result<Value, Problem> {
        let _busy = self.reserve(&name)?;
        self.0.approvals.stop(&name).await;
        if let Some(roster) = &self.0.roster {
            // Its lines end first: nothing may come in for a workspace that is no more.
            roster.stop(&name).await;
        }
        join::leave(&self.0.context.means.store, &name).await.map_err(|error| refused(&error))?;
        Ok(json!({ "left": name }))
    }

    async fn ask_now(self, name: WorkspaceName, ask: Ask) -> Result<Value, Problem> {
        let session = self.session(&name)?;
        let wish = ask.clone();
        let ask = documents::on_the_desk(&session, ask);
        let manifest = session.manifest().clone();
        let question = manifest
            .asks
            .get(ask.name)
            .ok_or_else(|| Problem::new("not_offered", format!("{} has no `{}`", manifest.title, ask.name)))?;
        may_ask(&session, &ask, question)?;
        if let Some(live) = self.live_now(&name, &wish).await {
            return Ok(live);
        }
        let faults: Vec<String> = question.faults(&ask.args).into_iter().map(|fault| fault.message).collect();
        if !faults.is_empty() {
            return Err(Problem::bad_params(faults.join("; ")));
        }
        let scope = Scope::new().with_all(Root::Ask, ask.args.clone());
        let about = ask.args.get("conversation").and_then(Value::as_str).filter(|_| !question.held.is_empty());
        let kind = about.map(|conversation| session.kind_of(conversation)).transpose()?.flatten();
        let call = question.call_for(&manifest, &session.record().session, kind);
        let mut request = session.prepare(call, scope).map_err(problem)?;
        request.bounds.whole = Some(self.0.request);
        let answer = session.send(request).await.map_err(problem)?;
        good(question, &session, &answer)?;
        let body = if question.is_text() { text(&session, &answer) } else { body(&session, &answer)? };
        let told = question.read(&body, &ask.args);
        told.map_err(|missing| Problem::new("platform", format!("{}: {missing}", manifest.title)))
    }

    async fn call_now(self, call: params::Call) -> Result<Value, Problem> {
        let session = self.session(&call.workspace)?;
        let bounds = Bounds { whole: Some(self.0.request), ..Bounds::default() };
        let request = free_request(session.base(), &call, bounds)?;
        let answer = session.send(request).await.map_err(problem)?;
        let shown = body(&session, &answer).unwrap_or_else(|_| text(&session, &answer));
        Ok(json!({ "status": answer.status, "body": shown }))
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

/// The free request: under the base, whatever the path tries.
fn free_request(base: &Url, call: &params::Call, bounds: Bounds) -> Result<http::Request, Problem> {
    let whole = format!("{}{}", base.as_str().trim_end_matches('/'), call.path);
    let outside = || Problem::bad_params("`path` leaves the workspace's own base");
    let url = Url::parse(&whole).map_err(|_| outside())?;
    // The check of the path was on text; this one is on what will be dialled.
    if url.origin() != base.origin() || !url.path().starts_with(base.path().trim_end_matches('/')) {
        return Err(outside());
    }
    let method = call.method.parse().map_err(|_| Problem::bad_params("`method` is none"))?;
    let body = match &call.body {
        Some(body) => Body::Bytes { content_type: "application/json", bytes: body.to_string().into() },
        None => Body::Empty,
    };
    Ok(http::Request {
        method,
        url: PrivateUrl::labelled(url, "/…"),
        headers: axum::http::HeaderMap::new(),
        body,
        bounds,
        bare: false,
    })
}

/// Whether the workspace's grant lets it ask this.
fn may_ask(session: &Session, ask: &Ask, question: &Question) -> Result<(), Problem> {
    let (manifest, record) = (session.manifest(), session.record());
    let needs = question.needs.as_deref();
    let Some(capability) = needs.filter(|_| !manifest.grants(&record.facts, needs)) else { return Ok(()) };
    let word = format!(
        "`{}` may not ask for `{}`: its grant lacks `{capability}`. Ask whoever let the agent in to allow it, and start the \
         bridge again",
        record.name, ask.name
    );
    Err(Problem::new("no_capability", word))
}

fn good(question: &Question, session: &Session, answer: &Response) -> Result<(), Problem> {
    let manifest = session.manifest();
    let words = match question.call.outcome(manifest, answer.status, &answer.body) {
        Outcome::Ok => return Ok(()),
        Outcome::Named { message, .. } => message,
        Outcome::Status(_) => None,
    };
    let said = match (words, question.call.words(manifest, &answer.body)) {
        (Some(words), Some(said)) => format!("{words} ({said})"),
        (Some(words), None) => words,
        (None, Some(said)) => format!("{said} (HTTP {})", answer.status),
        (None, None) => format!("HTTP {}", answer.status),
    };
    let said = Scrubber::new(session.secrets()).scrub(&said).into_owned();
    Err(Problem::new("platform", format!("{} says: {said}", manifest.title)))
}

fn body(session: &Session, answer: &Response) -> Result<Value, Problem> {
    let mut body = serde_json::from_slice(&answer.body)
        .map_err(|_| Problem::new("platform", "the platform's answer is not JSON: try again later"))?;
    Scrubber::new(session.secrets()).scrub_value(&mut body);
    Ok(body)
}

fn text(session: &Session, answer: &Response) -> Value {
    let mut body = Value::from(String::from_utf8_lossy(&answer.body).into_owned());
    Scrubber::new(session.secrets()).scrub_value(&mut body);
    body
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

fn refused(error: &join::Error) -> Problem {
    let kind = match error {
        join::Error::Asked(_) | join::Error::Link(_) => "bad_params",
        join::Error::Name(_) => "exists",
        join::Error::Refused(_) => "refused",
        join::Error::Unavailable(_) => "unreachable",
        join::Error::Store(_) => "store_failed",
    };
    Problem::new(kind, error.to_string())
}
