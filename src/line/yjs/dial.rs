//! Opens the connection of one document: a new token, the server that came with it, and no word of either.

use std::time::Duration;

use http::{HeaderMap, Method};
use serde_json::Value;
use url::Url;

use super::about::{About, token};
use super::wire::Wire;
use super::{Down, Parts};
use crate::adapter::{Call, Outcome, Root, Scope, platform_words, text};
use crate::http::{Body, Bounds, Handshake, Origin, PrivateUrl, Request};
use crate::normalise::Scrubber;
use crate::session;

/// One request of an opening takes no longer.
const WHOLE: Duration = Duration::from_secs(20);

/// A connection.
pub(super) struct Opened {
    pub wire: Wire,
    /// What may stand in the server's words and must not in anybody else's.
    pub secrets: Scrubber,
}

/// Opens a document's connection; `frame` bounds its frames.
pub(super) async fn open(parts: &Parts, id: &str, about: &About, frame: usize) -> Result<Opened, Down> {
    let (url, secrets) = address(parts, id, about).await?;
    let handshake = Handshake::offering("");
    let headers: HeaderMap = handshake.headers(&url);
    let bounds = Bounds { whole: Some(WHOLE), ..Bounds::default() };
    // The path may hold what the query does: nothing of it is shown.
    let url = PrivateUrl::labelled(url, "/…");
    let host = url.host();
    let request = Request { method: Method::GET, url, headers, body: Body::Empty, bounds, bare: true };
    let answer = parts.session.upgrade_outside(request).await.map_err(|failure| match failure {
        failure @ crate::http::Failure::Forbidden(_) => Down::Failed(failure.to_string()),
        failure => Down::Later(failure.to_string()),
    })?;
    match answer.status {
        101 => {}
        401 | 403 => return Err(Down::Denied(format!("{host} refuses the token ({})", answer.status))),
        status => return Err(Down::Later(format!("{host} answers {status} where the document should open"))),
    }
    let (socket, _) = handshake.open(answer, frame).map_err(|bad| Down::Later(format!("{host}: {bad}")))?;
    Ok(Opened { wire: Wire::new(socket), secrets })
}

/// Where the document's server is, token and all.
async fn address(parts: &Parts, id: &str, about: &About) -> Result<(Url, Scrubber), Down> {
    let (session, call) = (&parts.session, token(parts, about));
    let found = call.take(&ask(parts, call, id).await?);
    let part = |name: &str| found.get(name).and_then(text).filter(|text| !text.is_empty());
    match (part("server"), part("slug"), part("token")) {
        (Some(server), Some(slug), Some(token)) => {
            let url = place(&server, &slug, &token).map_err(Down::Failed)?;
            Ok((url, Scrubber::new(session.secrets().into_iter().chain([token.into()]))))
        }
        _ => Err(Down::Failed("the platform gave no token, slug and server for the document".to_owned())),
    }
}

/// What the platform answers to a call about a document.
pub(super) async fn ask(parts: &Parts, call: &Call, id: &str) -> Result<Value, Down> {
    let session = &parts.session;
    let scope = Scope::new().with(Root::Room, "id", id);
    let mut request = session.prepare(call, scope).map_err(|error| unasked(&error))?;
    request.bounds.whole = Some(WHOLE);
    let host = request.url.host();
    let answer = session.send(request).await.map_err(|error| unasked(&error))?;
    if answer.is_success() {
        return answer.json().map_err(|bad| Down::Later(format!("{host} {bad}")));
    }
    let scrub = Scrubber::new(session.secrets());
    let outcome = call.outcome(session.manifest(), answer.status, &answer.body);
    let words = match (outcome, platform_words(&answer.body)) {
        (Outcome::Named { message: Some(words), .. }, _) => words,
        (_, Some(said)) => format!("{host} says: {} ({})", scrub.scrub(&said), answer.status),
        (_, None) => format!("{host} answered {}", answer.status),
    };
    let passes = matches!(answer.status, 408 | 429 | 500..);
    Err(if passes { Down::Later(words) } else { Down::Failed(words) })
}

/// `{server as http}/{slug}?token=…`: an upgrade begins as http. Says why a server cannot be one, without showing it.
fn place(server: &str, slug: &str, token: &str) -> Result<Url, String> {
    let bad = |why: &str| format!("the platform names a document server that cannot be used: {why}");
    let mut url = Url::parse(server.trim()).map_err(|_| bad("it is no URL"))?;
    let http = match url.scheme() {
        "ws" => Some("http"),
        "wss" => Some("https"),
        _ => None,
    };
    if let Some(http) = http {
        // The library lets these two be exchanged for those two and nothing else.
        url = Url::parse(&url.as_str().replacen(url.scheme(), http, 1)).map_err(|_| bad("it is no URL"))?;
    }
    Origin::of(&url).map_err(|why| bad(&why.to_string()))?;
    url.path_segments_mut().map_err(|()| bad("it has no path"))?.pop_if_empty().push(slug);
    url.query_pairs_mut().clear().append_pair("token", token);
    url.set_fragment(None);
    Ok(url)
}

fn unasked(error: &session::Error) -> Down {
    use session::Error as E;
    match error {
        E::NoDocument(_) | E::Call(_) | E::Setup(_) | E::Lacks(_) | E::Foreign { .. } | E::Refused(_) | E::Left(_) => {
            Down::Failed(error.to_string())
        }
        E::NeedsAction { .. } | E::Waiting { .. } | E::Network(_) | E::Store(_) => Down::Later(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_a_url_of_the_web_and_what_is_pushed_stays_one_segment() {
        let at = |server| place(server, "a/../b c", "t&x=1").map(String::from);
        let query = "token=t%26x%3D1";
        for server in ["https://d.example/collab", "wss://d.example/collab/", "https://d.example/collab?old=1#x"] {
            assert_eq!(at(server), Ok(format!("https://d.example/collab/a%2F..%2Fb%20c?{query}")), "{server}");
        }
        assert_eq!(at("ws://127.0.0.1:7/"), Ok(format!("http://127.0.0.1:7/a%2F..%2Fb%20c?{query}")));
        for server in ["", "d.example", "file:///etc/passwd", "ws://d.example", "https://me:secret@d.example", "data:x"]
        {
            let why = at(server).unwrap_err();
            assert!(why.contains("cannot be used") && !why.contains("secret"), "{server}: {why}");
        }
    }
}
