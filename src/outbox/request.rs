//! Makes the request of an action, but for its credentials.

use bytes::Bytes;
use serde_json::Value;

use super::accept::Refusal;
use super::files;
use crate::action::Action;
use crate::adapter::{Action as Verb, Root};
use crate::http::{Body, FormPart, Request};
use crate::session::Session;

/// The request by which this action is asked for there; files are read now.
pub async fn build(session: &Session, action: &Action, verb: &Verb) -> Result<Request, Refusal> {
    let scope = session.scope().with_all(Root::Action, action.args.iter().map(|(k, v)| (k, v.clone())));
    let files = files::named(&action.args)?;
    let built = match (&verb.files, files.is_empty()) {
        (Some(rule), false) => {
            let mut parts = Vec::new();
            if let Some(text) = action.args.get("text").and_then(Value::as_str) {
                let bytes = Bytes::from(text.to_owned());
                parts.push(FormPart { name: rule.text_field.clone(), file_name: None, bytes });
            }
            for file in files {
                let bytes = files::read(&file, rule.cap).await?;
                parts.push(FormPart { name: rule.field.clone(), file_name: Some(file.name), bytes });
            }
            verb.call.request_with(session.base(), &scope, Body::Multipart(parts))
        }
        _ => verb.call.request(session.base(), &scope),
    };
    built.map_err(|error| Refusal::new("bad_args", error.to_string()))
}
