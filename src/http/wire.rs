//! The real network: HTTP/1.1 over rustls, no redirect followed blindly, no body without a cap, no detour.
//!
//! No cookie is kept, nothing is decompressed, and no proxy is taken from the environment: what the operator
//! configured is what is dialled. Certificates are checked against the system's roots.

mod body;
mod failure;

use std::sync::OnceLock;
use std::time::Duration;

use futures_util::future::BoxFuture;
use http::Method;
use http::header::{CONTENT_TYPE, LOCATION};
use reqwest::redirect::Policy;
use reqwest::{Client, multipart};
use tokio::sync::{Semaphore, SemaphorePermit};
use url::Url;

use super::origin::Origin;
use super::reach::Resolver;
use super::{Body, Failure, Limits, Network, Reach, Request, Response, Stream, Upgrade};
use crate::failpoint::{Point, reach};
use body::{chunks, read};
use failure::{failure, innermost, late};

/// Same-origin redirects followed for a GET.
const HOPS: usize = 3;
/// More header lines than this, and the answer is refused.
const HEADER_LINES: usize = 100;

/// The network client of a running bridge.
pub struct Reqwest {
    calls: Client,
    /// Streams have connections of their own: each holds one for hours.
    streams: Client,
    room: Semaphore,
    limits: Limits,
    /// For URLs that a platform sent; made when the first one comes.
    public: OnceLock<Client>,
    public_or_loopback: OnceLock<Client>,
}

/// The network client cannot be made.
#[derive(Debug, thiserror::Error)]
#[error("the network client cannot be set up: {0}")]
pub struct SetupError(String);

impl Reqwest {
    /// With the default bounds.
    pub fn new() -> Result<Self, SetupError> {
        Self::within(Limits::default())
    }

    /// Sets up the clients; installs ring as the process's TLS provider where none is installed yet.
    pub fn within(limits: Limits) -> Result<Self, SetupError> {
        // An error means that one is installed already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        Ok(Self {
            calls: client(Reach::Operator, limits.idle_connections, &limits)?,
            streams: client(Reach::Operator, 0, &limits)?,
            room: Semaphore::new(limits.calls),
            limits,
            public: OnceLock::new(),
            public_or_loopback: OnceLock::new(),
        })
    }

    fn client(&self, reach: Reach, otherwise: &'_ Client) -> Result<Client, Failure> {
        let cell = match reach {
            Reach::Operator => return Ok(otherwise.clone()),
            Reach::Public => &self.public,
            Reach::PublicOrLoopback => &self.public_or_loopback,
        };
        if let Some(client) = cell.get() {
            return Ok(client.clone());
        }
        let made = client(reach, 0, &self.limits).map_err(|error| Failure::Forbidden(error.to_string()))?;
        Ok(cell.get_or_init(|| made).clone())
    }

    fn whole(&self, request: &Request) -> Duration {
        request.bounds.whole.unwrap_or(self.limits.request)
    }

    async fn room(&self, request: &Request) -> Result<SemaphorePermit<'_>, Failure> {
        let full = || Failure::Unreachable {
            host: request.url.host(),
            why: format!("{} calls are under way", self.limits.calls),
        };
        let room = tokio::time::timeout(self.whole(request), self.room.acquire()).await;
        room.map_err(|_| full())?.map_err(|_| full())
    }

    /// Sends, following same-origin redirects of a GET; returns with the headers.
    async fn dial(&self, request: &Request, client: &Client) -> Result<reqwest::Response, Failure> {
        let mut url = request.url.expose().clone();
        for hop in 0.. {
            request.bounds.reach.check(&url).map_err(|barred| Failure::Forbidden(barred.to_string()))?;
            let answer = send(request, url.clone(), client).await?;
            match next_hop(request, &url, &answer)? {
                Some(next) if hop < HOPS => url = next,
                _ => return Ok(answer),
            }
        }
        unreachable!("the loop ends by returning")
    }
}

fn client(reach: Reach, idle: usize, limits: &Limits) -> Result<Client, SetupError> {
    let builder = || {
        Client::builder()
            .user_agent(concat!("agent-bridge/", env!("CARGO_PKG_VERSION")))
            .redirect(Policy::none())
            .referer(false)
            .retry(reqwest::retry::never())
            .no_proxy()
            .http1_only()
            .http1_max_headers(HEADER_LINES)
            .connect_timeout(limits.connect)
            .tcp_keepalive(Duration::from_secs(30))
            .pool_max_idle_per_host(idle)
            .pool_idle_timeout(limits.idle)
            .dns_resolver(Resolver::new(reach))
    };
    builder().build().or_else(|error| {
        // A bare container has no certificates; plain http on this machine must work there all the same.
        tracing::warn!(why = %innermost(&error), "no CA certificates: every https connection will fail");
        builder().tls_certs_only([]).build().map_err(|error| SetupError(innermost(&error)))
    })
}

async fn send(request: &Request, url: Url, client: &Client) -> Result<reqwest::Response, Failure> {
    let builder = client.request(request.method.clone(), url).headers(request.headers.clone());
    let builder = match &request.body {
        Body::Empty => builder,
        Body::Bytes { content_type, bytes } => builder.header(CONTENT_TYPE, *content_type).body(bytes.clone()),
        Body::Raw(bytes) => builder.body(bytes.clone()),
        Body::Multipart(parts) => builder.multipart(form(parts)),
    };
    reach(Point::HttpRequestBefore);
    let answer = builder.send().await;
    reach(Point::HttpRequestAfter);
    answer.map_err(|error| failure(&request.url, &error))
}

fn form(parts: &[super::FormPart]) -> multipart::Form {
    parts.iter().fold(multipart::Form::new(), |form, part| {
        let data = multipart::Part::stream_with_length(part.bytes.clone(), part.bytes.len() as u64);
        let data = match &part.file_name {
            Some(name) => data.file_name(name.clone()),
            None => data,
        };
        form.part(part.name.clone(), data)
    })
}

/// Where a redirect leads: on within the origin for a GET, an error across it, nowhere for any other method.
fn next_hop(request: &Request, from: &Url, answer: &reqwest::Response) -> Result<Option<Url>, Failure> {
    if !matches!(answer.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return Ok(None);
    }
    let location = answer.headers().get(LOCATION).and_then(|location| location.to_str().ok());
    let Some(next) = location.and_then(|location| from.join(location).ok()) else {
        return Ok(None);
    };
    if next.origin() != from.origin() {
        return Err(Failure::Elsewhere { host: request.url.host(), to: next.origin().ascii_serialization() });
    }
    Ok((request.method == Method::GET).then_some(next))
}

/// Takes over the connection where the platform switches; a refusal's body is not read.
async fn switched(request: &Request, client: &Client) -> Result<Upgrade, Failure> {
    let url = request.url.expose();
    request.bounds.reach.check(url).map_err(|barred| Failure::Forbidden(barred.to_string()))?;
    let mut answer = send(request, url.clone(), client).await?;
    let (status, headers) = (answer.status().as_u16(), std::mem::take(answer.headers_mut()));
    if status != 101 {
        return Ok(Upgrade { status, headers, pipe: None });
    }
    let pipe = answer.upgrade().await.map_err(|error| failure(&request.url, &error))?;
    Ok(Upgrade { status, headers, pipe: Some(Box::new(pipe)) })
}

fn permitted(request: &Request) -> Result<(), Failure> {
    Origin::of(request.url.expose()).map(|_| ()).map_err(|bad| Failure::Forbidden(bad.to_string()))
}

impl Network for Reqwest {
    fn call(&self, request: Request) -> BoxFuture<'_, Result<Response, Failure>> {
        Box::pin(async move {
            permitted(&request)?;
            let client = self.client(request.bounds.reach, &self.calls)?;
            let _room = self.room(&request).await?;
            let (within, cap) = (self.whole(&request), request.bounds.body.unwrap_or(self.limits.body));
            let whole = async { read(&request, cap, self.dial(&request, &client).await?).await };
            tokio::time::timeout(within, whole).await.unwrap_or_else(|_| Err(late(&request.url, within)))
        })
    }

    fn open(&self, request: Request) -> BoxFuture<'_, Result<Stream, Failure>> {
        Box::pin(async move {
            permitted(&request)?;
            let client = self.client(request.bounds.reach, &self.streams)?;
            let within = self.whole(&request);
            let answer = tokio::time::timeout(within, self.dial(&request, &client))
                .await
                .unwrap_or_else(|_| Err(late(&request.url, within)))?;
            Ok(chunks(request.url, request.bounds.silence, answer))
        })
    }

    fn upgrade(&self, request: Request) -> BoxFuture<'_, Result<Upgrade, Failure>> {
        Box::pin(async move {
            permitted(&request)?;
            let client = self.client(request.bounds.reach, &self.streams)?;
            let within = self.whole(&request);
            let switched = tokio::time::timeout(within, switched(&request, &client)).await;
            switched.unwrap_or_else(|_| Err(late(&request.url, within)))
        })
    }
}
