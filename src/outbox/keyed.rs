//! Which actions go out with an idempotency key, and how such a request is made again, byte for byte. Pure.

use http::{HeaderName, HeaderValue};

use crate::action::{Action, Prepared};
use crate::adapter::{Action as Verb, CallError, Scope, json};
use crate::http::{Body, Request};
use crate::session::{self, Session};

/// The header that takes this action's key; none where it goes without.
///
/// What went out without a key before stays without: the platform would take a repetition for something new.
pub fn header<'a>(session: &Session, action: &Action, verb: &'a Verb) -> Option<&'a HeaderName> {
    let rule = verb.idempotency.as_ref()?;
    let granted = || session.manifest().grants(&session.record().facts, rule.needs.as_deref());
    let with_key = action.prepared.is_some() || (action.tries == 0 && granted());
    with_key.then_some(&rule.header)
}

/// What is stored before the first try. The key is the action's id: one row, one key, with 64 bits of chance in it.
pub fn prepare(action: &Action, verb: &Verb, scope: &Scope) -> Result<Prepared, CallError> {
    let body = verb.call.body(scope)?.unwrap_or_default();
    Ok(Prepared { key: action.id.to_string(), body })
}

/// The request by which the action is asked for, every time.
pub fn request(
    session: &Session,
    verb: &Verb,
    scope: Scope,
    header: &HeaderName,
    prepared: &Prepared,
) -> Result<Request, session::Error> {
    let body = if verb.call.json.is_some() { json(prepared.body.clone()) } else { Body::Empty };
    let mut request = session.prepare_with(&verb.call, scope, body)?;
    let bad = |_| CallError::Header { name: header.to_string() };
    request.headers.insert(header, HeaderValue::from_str(&prepared.key).map_err(bad)?);
    Ok(request)
}
