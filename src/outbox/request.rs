//! Makes the request of an action, but for its credentials.

use bytes::Bytes;
use serde_json::{Map, Value};

use super::accept::Refusal;
use super::answer::Pause;
use super::decide::Tried;
use super::files::{self, File};
use super::{keyed, upload};
use crate::action::{Action, Prepared};
use crate::adapter::{Action as Verb, CallError, Files, Root, Scope, UPLOADS};
use crate::http::{Body, FormPart, Request};
use crate::session::{self, Session};

/// A request, and what is stored with the action before it leaves.
pub struct Ready {
    /// Complete but for its credentials.
    pub request: Request,
    /// The key and the body, where the platform takes a key.
    pub prepared: Option<Prepared>,
}

/// The request by which this action is asked for there. Files are read now, and uploaded where the verb wants that: not
/// again once the body that names them is stored.
pub async fn build(session: &Session, action: &Action, verb: &Verb, now: u64, pause: Pause) -> Result<Ready, Tried> {
    let header = keyed::header(session, action, verb);
    if let (Some(header), Some(prepared)) = (header, &action.prepared) {
        let scope = scope(session, &action.args);
        let request = keyed::request(session, verb, scope, header, prepared).map_err(unbuilt)?;
        return Ok(Ready { request, prepared: Some(prepared.clone()) });
    }
    let mut scope = scope(session, &action.args);
    let files = files::named(&action.args).map_err(refused)?;
    if let (Some(rule), false) = (&verb.uploads, files.is_empty()) {
        scope = scope.with(Root::Action, UPLOADS, upload::upload(session, rule, &files, now, pause).await?);
    }
    let prepared = header
        .map(|header| Ok((header, keyed::prepare(action, verb, &scope)?)))
        .transpose()
        .map_err(|error| unfit(&error))?;
    if let Some((header, prepared)) = prepared {
        let request = keyed::request(session, verb, scope, header, &prepared).map_err(unbuilt)?;
        return Ok(Ready { request, prepared: Some(prepared) });
    }
    let request = match (&verb.files, files.is_empty()) {
        (Some(rule), false) => {
            let form = form(&action.args, rule, files).await.map_err(refused)?;
            session.prepare_with(&verb.call, scope, form)
        }
        _ => session.prepare(&verb.call, scope),
    };
    Ok(Ready { request: request.map_err(unbuilt)?, prepared: None })
}

/// What the call of an action may name: settings, facts, its arguments.
pub fn scope(session: &Session, args: &Map<String, Value>) -> Scope {
    session.scope().with_all(Root::Action, args.iter().map(|(name, value)| (name, value.clone())))
}

async fn form(args: &Map<String, Value>, rule: &Files, files: Vec<File>) -> Result<Body, Refusal> {
    let mut parts = Vec::new();
    if let Some(text) = args.get("text").and_then(Value::as_str) {
        let bytes = Bytes::from(text.to_owned());
        parts.push(FormPart { name: rule.text_field.clone(), file_name: None, bytes });
    }
    for file in files {
        let bytes = files::read(&file, rule.cap).await?;
        parts.push(FormPart { name: rule.field.clone(), file_name: Some(file.name), bytes });
    }
    Ok(Body::Multipart(parts))
}

/// A refusal of ours ends an action like one of the platform's.
pub fn refused(Refusal { kind, message }: Refusal) -> Tried {
    Tried::Refused { kind: kind.to_owned(), status: None, message }
}

/// A request that cannot be made in this workspace, or that the arguments do not fit.
pub fn unbuilt(error: session::Error) -> Tried {
    match error {
        session::Error::Call(error) => unfit(&error),
        error => refused(Refusal::new("not_sent", error.to_string())),
    }
}

/// A request that the arguments do not fit.
pub fn unfit(error: &CallError) -> Tried {
    refused(Refusal::new("bad_args", error.to_string()))
}
