//! One attempt as it goes out: body, signature, headers; and what a fault makes of them.

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use bytes::Bytes;
use serde_json::Value;

use super::fault::{HookFault, Rewriting, Signature};
use crate::post;
pub(crate) use crate::post::Letter;

const SIGNATURE: HeaderName = HeaderName::from_static("x-agent-signature");
const GRANT: HeaderName = HeaderName::from_static("x-agent-grant-id");
const DELIVERY: HeaderName = HeaderName::from_static("x-agent-delivery-id");
const TIMESTAMP: HeaderName = HeaderName::from_static("x-agent-timestamp");

/// What a letter is made from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Draft<'a> {
    pub(crate) envelope: &'a Value,
    pub(crate) secret: &'a str,
    pub(crate) grant: &'a str,
    pub(crate) event: u64,
    /// ISO 8601.
    pub(crate) time: &'a str,
}

impl Draft<'_> {
    /// The letter, spoilt where a fault says so.
    pub(crate) fn letter(&self, fault: Option<&HookFault>) -> Letter {
        let signed = self.signed_body(fault);
        let signature = signature(self.secret, &signed, fault);
        let body = match fault {
            Some(HookFault::Reserialise { with }) => rewritten(self.envelope, *with).into_bytes().into(),
            _ => signed,
        };
        let stops_at = matches!(fault, Some(HookFault::HalfBody)).then_some(body.len() / 2);
        Letter { headers: self.headers(signature, fault == Some(&HookFault::OtherHeaders)), body, stops_at }
    }

    fn signed_body(&self, fault: Option<&HookFault>) -> Bytes {
        match fault {
            Some(HookFault::NotJson) => Bytes::from_static(b"an event, but not as JSON"),
            Some(HookFault::Huge { bytes }) => padded(self.envelope, *bytes).to_string().into(),
            _ => self.envelope.to_string().into(),
        }
    }

    fn headers(&self, signature: Option<String>, others: bool) -> HeaderMap {
        let own = (self.grant, self.event, self.time);
        let (grant, event, time) = if others { ("0", 0, "1970-01-01T00:00:00Z") } else { own };
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let mut put = |name, value: &str| HeaderValue::from_str(value).map(|value| headers.insert(name, value)).is_ok();
        // What no header may carry is left out: the receiver then misses it.
        let _left_out = signature.is_some_and(|it| put(SIGNATURE, &it));
        let _left_out = put(GRANT, grant);
        let _left_out = put(DELIVERY, &delivery_id(event));
        let _left_out = put(TIMESTAMP, time);
        headers
    }
}

/// The name of an event's delivery, the same in every retry.
pub(crate) fn delivery_id(event: u64) -> String {
    format!("agent-event-{event}")
}

/// An envelope with a field of its own that makes it at least `bytes` long.
pub(crate) fn padded(envelope: &Value, bytes: usize) -> Value {
    let mut envelope = envelope.clone();
    if let Some(fields) = envelope.as_object_mut() {
        fields.insert("padding".into(), Value::String("x".repeat(bytes)));
    }
    envelope
}

fn signature(secret: &str, body: &[u8], fault: Option<&HookFault>) -> Option<String> {
    let right = hex_hmac(secret, body);
    let Some(HookFault::Signature { is }) = fault else {
        return Some(right);
    };
    match is {
        Signature::Wrong => Some(hex_hmac("somebody else's secret", body)),
        Signature::Missing => None,
        Signature::Empty => Some(String::new()),
        Signature::Truncated => Some(right[..right.len() / 2].to_owned()),
        Signature::UpperCase => Some(right.to_uppercase()),
    }
}

/// HMAC-SHA256 in lower-case hexadecimal digits.
pub(crate) fn hex_hmac(secret: &str, body: &[u8]) -> String {
    post::hex(&post::signature(secret, body))
}

/// The same event in other bytes.
fn rewritten(envelope: &Value, with: Rewriting) -> String {
    let fields: Vec<String> = envelope
        .as_object()
        .into_iter()
        .flatten()
        .map(|(key, value)| format!("{}:{value}", Value::from(key.as_str())))
        .collect();
    match with {
        Rewriting::WhiteSpace => format!("{{ {} }}", fields.join(", ")),
        Rewriting::KeyOrder => format!("{{{}}}", fields.iter().rev().map(String::as_str).collect::<Vec<_>>().join(",")),
        Rewriting::DuplicateKey => {
            let first = fields.first().map(String::as_str);
            format!("{{{}}}", first.into_iter().chain(fields.iter().map(String::as_str)).collect::<Vec<_>>().join(","))
        }
    }
}
