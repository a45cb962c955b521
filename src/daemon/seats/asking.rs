//! What the agent asks of a platform: a question of its manifest, or a request of its own below the workspace's base.

use serde_json::{Value, json};
use url::Url;

use super::{Seats, documents, problem};
use crate::adapter::{Outcome, Question, Root, Scope};
use crate::api::params;
use crate::api::problem::Problem;
use crate::api::workspaces::Ask;
use crate::event::WorkspaceName;
use crate::http::{self, Body, Bounds, PrivateUrl, Response};
use crate::normalise::Scrubber;
use crate::session::Session;

impl Seats {
    pub(super) async fn ask_now(self, name: WorkspaceName, ask: Ask) -> Result<Value, Problem> {
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

    pub(super) async fn call_now(self, call: params::Call) -> Result<Value, Problem> {
        let session = self.session(&call.workspace)?;
        let bounds = Bounds { whole: Some(self.0.request), ..Bounds::default() };
        let request = free_request(session.base(), &call, bounds)?;
        let answer = session.send(request).await.map_err(problem)?;
        let shown = body(&session, &answer).unwrap_or_else(|_| text(&session, &answer));
        Ok(json!({ "status": answer.status, "body": shown }))
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
