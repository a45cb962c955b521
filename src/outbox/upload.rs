//! Puts the files of an action where the platform wants them, before the action names them.
//!
//! For each file a place is asked for, with its size and MD5, and the bytes are put there. The URL is the platform's
//! word: it may aim anywhere, so it leads to public addresses only, gets nothing of the session, and no redirect is
//! followed. An upload that is done again, after a crash or a lost reply, leaves a file that nothing names.

mod headers;
mod kind;

use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http::Method;
use http::header::{CONTENT_TYPE, HeaderValue};
use md5::{Digest, Md5};
use serde_json::{Map, Value};
use url::Url;

use super::Refusal;
use super::answer::{self, Pause};
use super::decide::Tried;
use super::files::{self, File};
use super::request::{refused, unbuilt};
use super::send::{scrubbed, unsent};
use crate::adapter::{Root, Uploads};
use crate::http::{Body, Bounds, Failure, Origin, PrivateUrl, Request, Response};
use crate::normalise::Scrubber;
use crate::session::Session;

/// A storage service that takes fewer bytes a second than this, after the first minute, is too slow.
const SLOWEST: u64 = 64 << 10;
/// The longest answer of a storage service that is read: it says nothing that is needed.
const ANSWER: usize = 64 << 10;

/// Uploads all of them and says how the action names them. Nothing is sent before every file was looked at.
pub async fn upload(session: &Session, rule: &Uploads, files: &[File], now: u64, pause: Pause) -> Result<Value, Tried> {
    for file in files {
        files::look(file, rule.cap).await.map_err(refused)?;
    }
    let mut ids = Vec::new();
    for file in files {
        let bytes = files::read(file, rule.cap).await.map_err(refused)?;
        let place = create(session, rule, file, &bytes, now, pause).await?;
        put(session, file, bytes, place.url, place.headers, pause).await?;
        ids.push(place.id);
    }
    Ok(rule.named(&ids))
}

/// Where one file goes.
struct Place {
    id: String,
    url: String,
    headers: Map<String, Value>,
}

async fn create(
    session: &Session,
    rule: &Uploads,
    file: &File,
    bytes: &Bytes,
    now: u64,
    pause: Pause,
) -> Result<Place, Tried> {
    let scope = session
        .scope()
        .with(Root::File, "name", file.name.as_str())
        .with(Root::File, "size", bytes.len())
        .with(Root::File, "md5", BASE64_STANDARD.encode(Md5::digest(bytes)))
        .with(Root::File, "type", kind::of(&file.name));
    let request = session.prepare(&rule.create, scope).map_err(unbuilt)?;
    let response = session.send(request).await.map_err(|error| unsent(error, pause))?;
    if !(200..300).contains(&response.status) {
        let response = scrubbed(session, response);
        return Err(answer::failed(session.manifest(), &rule.create, &response, now, pause));
    }
    let answer = serde_json::from_slice::<Value>(&response.body).map_err(|error| {
        let why = format!("the platform's answer about `{}` cannot be read ({error})", file.name);
        Tried::Lost { why, spoke: true }
    })?;
    placed(rule, &answer).ok_or_else(|| {
        let message = format!("the platform's answer names no place for `{}`", file.name);
        refused(Refusal::new("upload_failed", message))
    })
}

fn placed(rule: &Uploads, answer: &Value) -> Option<Place> {
    let (id, url, headers) = rule.take.read(answer)?;
    // An id with the separator in it would be read as two.
    let whole = rule.join.as_ref().is_none_or(|between| !id.contains(between.as_str()));
    (whole && !id.is_empty()).then_some(Place { id, url, headers })
}

async fn put(
    session: &Session,
    file: &File,
    bytes: Bytes,
    url: String,
    given: Map<String, Value>,
    pause: Pause,
) -> Result<(), Tried> {
    let forbidden =
        |why: String| refused(Refusal::new("forbidden", format!("`{}` was not uploaded: {why}", file.name)));
    let url = target(&url).map_err(forbidden)?;
    let mut headers = headers::read(&given, &session.credential_headers().collect::<Vec<_>>()).map_err(forbidden)?;
    let scrubber = Scrubber::new(session.secrets());
    let leaks = |text: &str| scrubber.scrub(text) != text;
    if leaks(url.as_str()) || headers.values().any(|value| value.to_str().is_ok_and(leaks)) {
        return Err(forbidden("the platform's upload URL or its headers carry a secret of this workspace".to_owned()));
    }
    headers.entry(CONTENT_TYPE).or_insert(HeaderValue::from_static(kind::of(&file.name)));
    let whole = Duration::from_secs(60 + bytes.len() as u64 / SLOWEST);
    let bounds = Bounds { whole: Some(whole), body: Some(ANSWER), ..Bounds::default() };
    // The path of such a URL is as good as a secret, like its query.
    let url = PrivateUrl::labelled(url, "/…");
    let request = Request { method: Method::PUT, url, headers, body: Body::Raw(bytes), bounds, bare: false };
    match session.send_outside(request).await {
        Ok(Response { status: 200..=299, .. }) => Ok(()),
        Ok(Response { status: status @ (408 | 429 | 500..), .. }) => {
            let why = format!("the storage of the platform answered {status} to `{}`", file.name);
            Err(Tried::Lost { why, spoke: true })
        }
        Ok(Response { status, .. }) => {
            let message = format!("the storage of the platform refused `{}` ({status})", file.name);
            Err(Tried::Refused { kind: "upload_failed".to_owned(), status: Some(status), message })
        }
        Err(Failure::Forbidden(why)) => Err(forbidden(format!("the platform's upload URL may not be called ({why})"))),
        Err(failure @ Failure::Elsewhere { .. }) => Err(forbidden(failure.to_string())),
        Err(failure @ Failure::Unreachable { .. }) => Err(answer::missing(&failure, pause)),
        Err(failure @ (Failure::Lost { .. } | Failure::TooLarge { .. })) => {
            Err(Tried::Lost { why: failure.to_string(), spoke: true })
        }
    }
}

/// The URL, if the bridge speaks to such places at all. What it says shows neither path nor query.
fn target(url: &str) -> Result<Url, String> {
    let url = Url::parse(url).map_err(|_| "the platform's upload URL is none".to_owned())?;
    match Origin::of(&url) {
        Ok(_) => Ok(url),
        Err(bad) => Err(format!("the platform's upload URL may not be called ({bad})")),
    }
}
