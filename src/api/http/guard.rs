//! Who may come in by HTTP: a loopback `Host`, no foreign `Origin`, the token where one is set, and not too many.

use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::sync::Arc;

use axum::body::HttpBody;
use axum::extract::{Request, State};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::api::problem::Problem;

/// The shortest token: 16 characters, so that nobody guesses it.
const SHORTEST: usize = 16;

/// The guard of one door.
#[derive(Clone)]
pub struct Guard {
    token: Option<Arc<SecretString>>,
    places: Arc<Semaphore>,
}

impl Guard {
    /// A door whose peers were checked when they connected.
    pub fn peers(requests: u32) -> Self {
        Self { token: None, places: Arc::new(Semaphore::new(usize::try_from(requests).unwrap_or(256).max(1))) }
    }

    /// A door that asks for this bearer token.
    pub fn token(token: SecretString, requests: u32) -> Self {
        Self { token: Some(Arc::new(token)), ..Self::peers(requests) }
    }

    fn admits(&self, target: &Uri, headers: &HeaderMap) -> Result<(), Problem> {
        let path = target.path();
        // A target may name a host as well, and counts more (RFC 9112, section 3.2.2).
        if !hosts(headers).chain(target.authority().map(Authority::as_str)).all(is_loopback) {
            return Err(Problem::new("forbidden", "`Host` must be a loopback name"));
        }
        if !origins(headers).all(is_loopback) {
            return Err(Problem::new("forbidden", "pages of other origins may not call the bridge"));
        }
        let open = matches!(path, "/healthz" | "/readyz");
        match &self.token {
            Some(token) if !open && !bears(headers, token) => {
                Err(Problem::new("unauthorised", "send `Authorization: Bearer` with the token of [http] token_file"))
            }
            _ => Ok(()),
        }
    }
}

/// Each `Host`: were only the first looked at, another could count elsewhere.
fn hosts(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    headers.get_all(header::HOST).iter().map(|host| host.to_str().unwrap_or("?"))
}

/// The host of each `Origin`; one that cannot be read (`null` too) is a stranger's.
fn origins(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    headers.get_all(header::ORIGIN).iter().map(|origin| {
        let origin = origin.to_str().unwrap_or("?");
        origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://")).unwrap_or("?")
    })
}

/// Whether a name with or without a port is this machine's own.
fn is_loopback(authority: &str) -> bool {
    let name = match authority.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => authority,
    };
    matches!(name, "localhost" | "127.0.0.1" | "[::1]")
}

/// Compares digests in constant time: neither content nor length of the token leaks.
fn bears(headers: &HeaderMap, token: &SecretString) -> bool {
    let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let given =
        given.and_then(|value| value.split_once(' ')).filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    let given = given.map(|(_, token)| token).unwrap_or_default();
    let (given, wanted) = (Sha256::digest(given), Sha256::digest(token.expose_secret()));
    given.as_slice().ct_eq(wanted.as_slice()).into()
}

/// Lets a request in, or answers why not.
pub async fn check(State(guard): State<Guard>, request: Request, next: Next) -> Response {
    if let Err(problem) = guard.admits(request.uri(), request.headers()) {
        return problem.into_response();
    }
    let Ok(place) = guard.places.clone().try_acquire_owned() else {
        return Problem::new("too_many_requests", "too many requests at once: see [http] requests").into_response();
    };
    let response = next.run(request).await;
    if response.body().size_hint().exact().is_some() {
        return response;
    }
    // A watcher of the feed holds its place as long as its body goes on.
    response.map(|body| {
        use futures_util::StreamExt;
        axum::body::Body::from_stream(body.into_data_stream().map(move |chunk| {
            let _held = &place;
            chunk
        }))
    })
}

/// A panic must end the daemon, not just one request.
pub async fn notice_panics(State(panicked): State<CancellationToken>, request: Request, next: Next) -> Response {
    AssertUnwindSafe(next.run(request)).catch_unwind().await.unwrap_or_else(|_| {
        panicked.cancel();
        Problem::new("internal", "the bridge failed and stops; its log says where").into_response()
    })
}

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The file cannot be read.
    #[error("cannot read the token file {path}: {source}")]
    Read {
        /// The file.
        path: String,
        /// The system's word.
        source: std::io::Error,
    },
    /// Too short to be safe.
    #[error("the token in {0} has under {SHORTEST} characters: `openssl rand -hex 32` makes a good one")]
    Short(String),
}

/// Reads the bearer token of `[http] token_file`.
pub fn read_token(path: &Path) -> Result<SecretString, TokenError> {
    let shown = path.display().to_string();
    let text = zeroize::Zeroizing::new(
        std::fs::read_to_string(path).map_err(|source| TokenError::Read { path: shown.clone(), source })?,
    );
    let token = text.trim();
    if token.chars().count() < SHORTEST {
        return Err(TokenError::Short(shown));
    }
    Ok(SecretString::from(token))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(header::HeaderName, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect()
    }

    #[test]
    fn names_of_this_machine_pass_and_others_do_not() {
        let guard = Guard::peers(1);
        for good in ["localhost", "localhost:8484", "127.0.0.1:1", "[::1]:8484", "[::1]"] {
            assert!(guard.admits(&Uri::from_static("/v1/ping"), &headers(&[(header::HOST, good)])).is_ok(), "{good}");
        }
        for bad in ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example:80", "::1", ""] {
            assert!(guard.admits(&Uri::from_static("/v1/ping"), &headers(&[(header::HOST, bad)])).is_err(), "{bad}");
        }
        for bad in ["https://evil.example", "null", "http://localhost.evil.example", "file://"] {
            assert!(guard.admits(&Uri::from_static("/v1/ping"), &headers(&[(header::ORIGIN, bad)])).is_err(), "{bad}");
        }
        assert!(
            guard.admits(&Uri::from_static("/v1/ping"), &headers(&[(header::ORIGIN, "http://localhost:3000")])).is_ok()
        );
    }

    #[test]
    fn the_token_opens_everything_and_its_lack_only_the_health() {
        let guard = Guard::token("0123456789abcdef".into(), 1);
        let with = |value: &str| {
            guard.admits(&Uri::from_static("/v1/ping"), &headers(&[(header::AUTHORIZATION, value)])).is_ok()
        };
        assert!(with("Bearer 0123456789abcdef"));
        for bad in ["Bearer 0123456789abcde", "Bearer ", "Basic 0123456789abcdef", "0123456789abcdef"] {
            assert!(!with(bad), "{bad}");
        }
        assert_eq!(guard.admits(&Uri::from_static("/metrics"), &HeaderMap::new()).unwrap_err().kind, "unauthorised");
        assert!(guard.admits(&Uri::from_static("/healthz"), &HeaderMap::new()).is_ok());
    }
}
