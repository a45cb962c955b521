//! Reads an answer's body: whole and no larger than it may be, or as it comes.

use std::time::Duration;

use bytes::BytesMut;
use futures_util::stream::{self, StreamExt};

use super::failure::failure;
use crate::http::{Failure, PrivateUrl, Request, Response, Stream};

pub(super) async fn read(request: &Request, cap: usize, mut answer: reqwest::Response) -> Result<Response, Failure> {
    let too_large = || Failure::TooLarge { host: request.url.host(), cap };
    if answer.content_length().is_some_and(|length| length > cap as u64) {
        return Err(too_large());
    }
    let (status, headers) = (answer.status().as_u16(), std::mem::take(answer.headers_mut()));
    let mut body = BytesMut::new();
    while let Some(chunk) = answer.chunk().await.map_err(|error| failure(&request.url, &error))? {
        if body.len() + chunk.len() > cap {
            return Err(too_large());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Response { status, headers, body: body.freeze() })
}

/// The body as it comes; ends with an error when nothing comes for `silence`.
pub(super) fn chunks(url: PrivateUrl, silence: Duration, mut answer: reqwest::Response) -> Stream {
    // Taken out, for they are parts of the buffer that they were read into: it would live as long as the stream.
    let (status, headers) = (answer.status().as_u16(), std::mem::take(answer.headers_mut()));
    let body = stream::unfold(Some((answer, url)), move |open| async move {
        let (mut answer, url) = open?;
        match tokio::time::timeout(silence, answer.chunk()).await {
            Ok(Ok(Some(chunk))) => Some((Ok(chunk), Some((answer, url)))),
            Ok(Ok(None)) => None,
            Ok(Err(error)) => Some((Err(failure(&url, &error)), None)),
            Err(_) => {
                let why = format!("nothing came for {silence:?}");
                Some((Err(Failure::Lost { host: url.host(), why }), None))
            }
        }
    });
    Stream { status, headers, body: body.boxed() }
}
