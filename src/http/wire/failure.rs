//! What went wrong on the wire, as what may be done next: whether anything can have been sent decides.

use std::error::Error as _;
use std::time::Duration;

use crate::http::reach::Barred;
use crate::http::{Failure, PrivateUrl};

/// Whether anything can have been sent decides what may be repeated.
pub(super) fn failure(url: &PrivateUrl, error: &reqwest::Error) -> Failure {
    let (host, why) = (url.host(), innermost(error));
    let mut source = error.source();
    while let Some(inner) = source {
        if let Some(barred) = inner.downcast_ref::<Barred>() {
            return Failure::Forbidden(barred.to_string());
        }
        source = inner.source();
    }
    if error.is_connect() {
        Failure::Unreachable { host, why }
    } else if error.is_builder() {
        Failure::Forbidden(why)
    } else {
        Failure::Lost { host, why }
    }
}

/// What the system said. The outer errors carry the URL, and the URL may carry secrets.
pub(super) fn innermost(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = match error.source() {
        Some(source) => source,
        None => return if error.is_timeout() { "timed out".into() } else { "refused as malformed".into() },
    };
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

pub(super) fn late(url: &PrivateUrl, within: Duration) -> Failure {
    Failure::Lost { host: url.host(), why: format!("no whole answer within {within:?}") }
}
