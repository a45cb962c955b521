//! The network of a paused-time story: each origin is an axum router in memory, and a lost reply is a lost reply.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use agent_bridge::http::{Body, Failure, FormPart, Network, Request, Response, Stream, Upgrade};
use agent_bridge_sim::serve::ReplyLost;
use axum::Router;
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream;
use http::header::CONTENT_TYPE;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tower::ServiceExt;

/// Origins and their routers; an origin that is not there cannot be reached.
#[derive(Clone, Default)]
pub struct MemoryNetwork(Arc<Mutex<BTreeMap<String, Router>>>);

impl MemoryNetwork {
    /// Serves `router` as `https://…` from now on.
    pub fn serve(&self, origin: &str, router: Router) {
        self.0.lock().unwrap().insert(origin.to_owned(), router);
    }

    /// Nothing of it can be reached any more.
    pub fn unplug(&self, origin: &str) {
        self.0.lock().unwrap().remove(origin);
    }

    fn router(&self, request: &Request) -> Result<Router, Failure> {
        let (url, host) = (request.url.expose(), request.url.host());
        let router = self.0.lock().unwrap().get(&url.origin().ascii_serialization()).cloned();
        router.ok_or_else(|| Failure::Unreachable { host, why: "connection refused".into() })
    }

    /// Over a connection of its own, in memory: what switches protocols needs one.
    async fn switch(&self, request: &Request) -> Result<Upgrade, Failure> {
        let router = TowerToHyperService::new(self.router(request)?);
        let (here, there) = tokio::io::duplex(64 << 10);
        let server = hyper::server::conn::http1::Builder::new();
        tokio::spawn(server.serve_connection(TokioIo::new(there), router).with_upgrades());
        let lost = |_| broken(request.url.host());
        let (mut client, connection) = hyper::client::conn::http1::handshake(TokioIo::new(here)).await.map_err(lost)?;
        tokio::spawn(connection.with_upgrades());
        let sent = http::Request::get(&request.url.expose()[url::Position::BeforePath..]);
        let mut sent = sent.header("host", request.url.host()).body(axum::body::Body::empty()).unwrap();
        sent.headers_mut().extend(request.headers.clone());
        let mut answer = client.send_request(sent).await.map_err(lost)?;
        let (status, headers) = (answer.status().as_u16(), std::mem::take(answer.headers_mut()));
        if status != 101 {
            return Ok(Upgrade { status, headers, pipe: None });
        }
        let pipe = TokioIo::new(hyper::upgrade::on(answer).await.map_err(lost)?);
        Ok(Upgrade { status, headers, pipe: Some(Box::new(pipe)) })
    }

    async fn dial(&self, request: &Request) -> Result<axum::response::Response, Failure> {
        let (url, host) = (request.url.expose(), request.url.host());
        let router = self.router(request)?;
        let mut sent = http::Request::builder().method(&request.method).uri(&url[url::Position::BeforePath..]);
        sent.headers_mut().unwrap().extend(request.headers.clone());
        let sent = match &request.body {
            Body::Empty => sent.body(axum::body::Body::empty()),
            Body::Bytes { content_type, bytes } => sent.header(CONTENT_TYPE, *content_type).body(bytes.clone().into()),
            Body::Raw(bytes) => sent.body(bytes.clone().into()),
            Body::Multipart(parts) => {
                sent.header(CONTENT_TYPE, "multipart/form-data; boundary=memory").body(form(parts).into())
            }
        };
        // A handler goes on when its caller gives up, as a server does that has the request.
        let answer = tokio::spawn(router.oneshot(sent.unwrap()));
        let answer = answer.await.expect("no handler panics").expect("a router is infallible");
        match answer.extensions().get::<ReplyLost>() {
            Some(_) => Err(Failure::Lost { host, why: "connection closed".into() }),
            None => Ok(answer),
        }
    }
}

fn form(parts: &[FormPart]) -> Bytes {
    let mut body = BytesMut::new();
    for part in parts {
        let file = part.file_name.as_ref().map(|name| format!("; filename=\"{name}\"")).unwrap_or_default();
        let head = format!("--memory\r\ncontent-disposition: form-data; name=\"{}\"{file}\r\n\r\n", part.name);
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(&part.bytes);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--memory--\r\n");
    body.freeze()
}

fn broken(host: String) -> Failure {
    Failure::Lost { host, why: "the body broke off".into() }
}

impl Network for MemoryNetwork {
    fn call(&self, request: Request) -> BoxFuture<'_, Result<Response, Failure>> {
        Box::pin(async move {
            let (host, cap) = (request.url.host(), request.bounds.body.unwrap_or(4 << 20));
            let whole = async {
                let (parts, body) = self.dial(&request).await?.into_parts();
                let mut chunks = body.into_data_stream();
                let mut body = BytesMut::new();
                while let Some(chunk) = chunks.next().await {
                    body.extend_from_slice(&chunk.map_err(|_| broken(host.clone()))?);
                    if body.len() > cap {
                        return Err(Failure::TooLarge { host: host.clone(), cap });
                    }
                }
                Ok(Response { status: parts.status.as_u16(), headers: parts.headers, body: body.freeze() })
            };
            let why = format!("no whole answer within {:?}", within(&request));
            let late = Failure::Lost { host: host.clone(), why };
            tokio::time::timeout(within(&request), whole).await.unwrap_or(Err(late))
        })
    }

    fn open(&self, request: Request) -> BoxFuture<'_, Result<Stream, Failure>> {
        Box::pin(async move {
            let host = request.url.host();
            let late = Failure::Lost { host: host.clone(), why: "no headers in time".into() };
            let answer = tokio::time::timeout(within(&request), self.dial(&request)).await.unwrap_or(Err(late))?;
            let (parts, body) = answer.into_parts();
            let silence = request.bounds.silence;
            let body = stream::unfold(Some((body.into_data_stream(), host)), move |open| async move {
                let (mut chunks, host) = open?;
                match tokio::time::timeout(silence, chunks.next()).await {
                    Ok(Some(Ok(chunk))) => Some((Ok(chunk), Some((chunks, host)))),
                    Ok(None) => None,
                    Ok(Some(Err(_))) | Err(_) => Some((Err(broken(host)), None)),
                }
            });
            Ok(Stream { status: parts.status.as_u16(), headers: parts.headers, body: body.boxed() })
        })
    }

    fn upgrade(&self, request: Request) -> BoxFuture<'_, Result<Upgrade, Failure>> {
        Box::pin(async move {
            let why = format!("no answer within {:?}", within(&request));
            let late = Failure::Lost { host: request.url.host(), why };
            tokio::time::timeout(within(&request), self.switch(&request)).await.unwrap_or(Err(late))
        })
    }
}

/// As the real network has it by default.
fn within(request: &Request) -> Duration {
    request.bounds.whole.unwrap_or(Duration::from_secs(30))
}
