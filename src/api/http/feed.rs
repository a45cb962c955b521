//! The feed for watchers, as Server-Sent Events. `Last-Event-ID` is a place to go on from, never an ack.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Query, State};
use axum::http::{HeaderMap, header};
use axum::response::Response;
use futures_util::stream;
use serde::Deserialize;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::Doors;
use crate::api::problem::Problem;
use crate::api::rpc;
use crate::config::consumer::Start;
use crate::consumer::{From, Only};
use crate::event::{AuthorKind, Stored};
use crate::store::Store;

/// Events, and about bytes, of one chunk.
const EVENTS: usize = 256;
const BYTES: usize = 256 << 10;

/// Where to begin and what to show; lists are separated by commas.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Watch {
    /// `now` (the default), `start`, a sequence (behind it), or a time. `Last-Event-ID` counts more.
    from: Option<String>,
    workspaces: Option<String>,
    types: Option<String>,
    conversations: Option<String>,
    authors: Option<String>,
    author_kinds: Option<String>,
    mentions_me: bool,
    /// The agent's own echoes as well.
    own: bool,
    /// End when there is nothing more, instead of waiting.
    once: bool,
}

impl Watch {
    fn only(&self) -> Result<Only, Problem> {
        let list = |text: &Option<String>| {
            text.iter().flat_map(|text| text.split(',')).filter(|part| !part.is_empty()).map(str::to_owned).collect()
        };
        let kinds: Vec<String> = list(&self.author_kinds);
        let kind = |kind: &String| match kind.as_str() {
            "human" => Ok(AuthorKind::Human),
            "agent" => Ok(AuthorKind::Agent),
            _ => Err(Problem::bad_params("`author_kinds` may name human and agent")),
        };
        Ok(Only {
            workspaces: list(&self.workspaces),
            types: list(&self.types),
            conversations: list(&self.conversations),
            authors: list(&self.authors),
            author_kinds: kinds.iter().map(kind).collect::<Result<_, _>>()?,
            mentions_me: self.mentions_me,
            own: self.own,
        })
    }
}

/// The sequence behind which the watcher begins.
fn place(store: &Store, watch: &Watch, headers: &HeaderMap) -> Result<u64, Problem> {
    let last = headers.get("last-event-id").and_then(|last| last.to_str().ok()).filter(|last| !last.is_empty());
    let text = last.or(watch.from.as_deref()).unwrap_or("now");
    let start: Start =
        text.parse().map_err(|error: crate::config::consumer::BadStart| Problem::bad_params(error.to_string()))?;
    Ok(match start.0 {
        From::Now => *store.head().borrow(),
        From::Start => 0,
        From::Seq(seq) => seq,
        From::Time(at) => store.since(at)?.saturating_sub(1),
    })
}

/// `GET /v1/feed`.
pub async fn watch(
    State(doors): State<Doors>,
    query: Result<Query<Watch>, axum::extract::rejection::QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let Query(watch) = query.map_err(|error| Problem::bad_params(error.body_text()))?;
    let store = doors.bridge.store().clone();
    let watcher = Watcher {
        after: place(&store, &watch, &headers)?,
        head: store.head(),
        only: watch.only()?,
        once: watch.once,
        store,
        token: doors.token.clone(),
        keepalive: doors.keepalive,
        begun: false,
    };
    let chunks = stream::unfold(watcher, |mut watcher| async move {
        let chunk = watcher.next().await?;
        Some((Ok::<_, Infallible>(chunk), watcher))
    });
    let mut response = Response::new(Body::from_stream(chunks));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static("text/event-stream"));
    headers.insert(header::CACHE_CONTROL, header::HeaderValue::from_static("no-store"));
    Ok(response)
}

struct Watcher {
    store: Store,
    head: watch::Receiver<u64>,
    after: u64,
    only: Only,
    once: bool,
    token: CancellationToken,
    keepalive: Duration,
    begun: bool,
}

impl Watcher {
    /// The next chunk; `None` at the end: the bridge stops, or the store cannot be read.
    async fn next(&mut self) -> Option<Bytes> {
        if !std::mem::replace(&mut self.begun, true) {
            return self.greet();
        }
        while !self.token.is_cancelled() {
            self.head.mark_unchanged();
            let events = self.store.read(self.after, EVENTS, BYTES).ok()?;
            let Some(last) = events.last() else {
                if self.once {
                    return None;
                }
                if let Some(chunk) = self.wait().await? {
                    return Some(chunk);
                }
                continue;
            };
            self.after = last.seq;
            let mut chunk = Vec::new();
            // What is for one consumer is for no watcher: no consumer has an empty name.
            for event in events.iter().filter(|event| self.only.wants("", &event.head)) {
                write(event, &mut chunk);
            }
            if !chunk.is_empty() {
                return Some(chunk.into());
            }
            // A filter that passes over a million events must not hold up whoever shares this thread.
            tokio::task::yield_now().await;
        }
        None
    }

    /// The first bytes, so that a client knows at once that it is connected; and what it cannot get any more.
    fn greet(&mut self) -> Option<Bytes> {
        let oldest = self.store.oldest().ok()?;
        if self.after + 1 < oldest && self.after > 0 {
            let word = format!(": events {} to {} are no longer kept\n\n", self.after + 1, oldest - 1);
            return Some(word.into());
        }
        Some(Bytes::from_static(b": the feed\n\n"))
    }

    /// Waits for more: `Some(None)` when there is, a comment when it takes long, `None` at the end.
    async fn wait(&mut self) -> Option<Option<Bytes>> {
        tokio::select! {
            () = self.token.cancelled() => None,
            changed = self.head.changed() => changed.ok().map(|()| None),
            () = tokio::time::sleep(self.keepalive) => Some(Some(Bytes::from_static(b":\n\n"))),
        }
    }
}

fn write(event: &Stored, chunk: &mut Vec<u8>) {
    chunk.extend_from_slice(format!("id: {}\nevent: {}\ndata: ", event.seq, event.head.kind.as_str()).as_bytes());
    rpc::flat(&event.bytes, chunk);
    chunk.extend_from_slice(b"\n\n");
}
