//! Signs a webhook's letter, and posts it to its URL: HTTP/1.1, to loopback alone, a connection for each.

use std::{
    fmt::Write as _,
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    http::{HeaderMap, HeaderValue, Request, Uri, header},
};
use bytes::Bytes;
use futures_util::stream;
use hmac::{Hmac, KeyInit as _, Mac as _};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use sha2::Sha256;
use tokio::net::TcpStream;
use tower::ServiceExt as _;

/// One attempt of a webhook.
#[derive(Clone, Debug)]
pub(crate) struct Letter {
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// How much of the body leaves before the connection closes, where not all of it does.
    pub(crate) stops_at: Option<usize>,
}

/// HMAC-SHA256 of a body.
pub(crate) fn signature(secret: &str, body: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes keys of any length");
    mac.update(body);
    mac.finalize().into_bytes().into()
}

/// Lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        let _infallible = write!(text, "{byte:02x}");
        text
    })
}

/// Where letters go.
#[derive(Clone, Debug, Default)]
pub(crate) enum Way {
    /// Over a socket.
    #[default]
    Socket,
    /// Into a router in memory, whatever host the URL names: paused time stands still for sockets.
    Router(Router),
}

impl Way {
    /// The status of the answer, or what went wrong, in words.
    pub(crate) async fn post(&self, url: &str, letter: Letter, timeout: Duration) -> Result<u16, String> {
        let sent = async {
            let (uri, request) = request(url, letter)?;
            match self {
                Self::Socket => over_socket(&uri, request).await,
                Self::Router(router) => {
                    let Ok(response) = router.clone().oneshot(request).await;
                    Ok(response.status().as_u16())
                }
            }
        };
        tokio::time::timeout(timeout, sent).await.unwrap_or_else(|_| Err(format!("no answer within {timeout:?}")))
    }
}

fn request(url: &str, letter: Letter) -> Result<(Uri, Request<Body>), String> {
    let uri: Uri = url.parse().map_err(|error| format!("not a URL: {error}"))?;
    let host = uri.authority().map(|it| HeaderValue::from_str(it.as_str())).ok_or("a URL without a host")?;
    let path = uri.path_and_query().map_or("/", |it| it.as_str());
    let mut request = Request::post(path).body(Body::empty()).map_err(|error| error.to_string())?;
    *request.headers_mut() = letter.headers;
    request.headers_mut().insert(header::HOST, host.map_err(|error| error.to_string())?);
    request.headers_mut().insert(header::CONTENT_LENGTH, letter.body.len().into());
    *request.body_mut() = body(letter.body, letter.stops_at);
    Ok((uri, request))
}

/// The body; one that stops early ends with an error, which closes the connection.
fn body(whole: Bytes, stops_at: Option<usize>) -> Body {
    let Some(stops_at) = stops_at else {
        return Body::from(whole);
    };
    let part = whole.slice(..stops_at.min(whole.len()));
    let cut = io::Error::new(io::ErrorKind::UnexpectedEof, "the simulated server closed in mid-body");
    Body::from_stream(stream::iter([Ok(part), Err(cut)]))
}

async fn over_socket(uri: &Uri, request: Request<Body>) -> Result<u16, String> {
    let socket = TcpStream::connect(loopback(uri)?).await.map_err(|error| format!("connect: {error}"))?;
    let (mut sender, connection) =
        http1::handshake(TokioIo::new(socket)).await.map_err(|error| format!("handshake: {error}"))?;
    let answered = sender.send_request(request);
    tokio::pin!(answered);
    // The connection only moves while it is polled: it ends with this call, answered or not.
    let answer = tokio::select! {
        biased;
        answer = answered.as_mut() => answer,
        ended = connection => match ended {
            Ok(()) => answered.await,
            Err(error) => return Err(format!("connection: {error}")),
        },
    };
    answer.map(|it| it.status().as_u16()).map_err(|error| format!("no answer: {error}"))
}

/// The address of a URL on this machine; the simulator talks to nobody else.
fn loopback(uri: &Uri) -> Result<SocketAddr, String> {
    if uri.scheme_str() != Some("http") {
        return Err("the simulator delivers to http:// on loopback only".into());
    }
    let host = uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    let address = if host == "localhost" { Ok(IpAddr::V4(Ipv4Addr::LOCALHOST)) } else { host.parse() };
    let address = address.ok().filter(IpAddr::is_loopback);
    let address = address.ok_or_else(|| format!("{host} is not loopback: the simulator delivers nowhere else"))?;
    Ok(SocketAddr::new(address, uri.port_u16().unwrap_or(80)))
}
