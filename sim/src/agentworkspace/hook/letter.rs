//! One webhook as it goes out: body, signature, headers; and what a fault makes of them.

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use serde_json::json;

use super::HookFault;
use crate::{
    agentworkspace::{options::Signing, record::Mention, world::World},
    post::{self, Letter},
};

const SIGNATURE: HeaderName = HeaderName::from_static("x-webhook-signature");

impl World {
    /// The letter of a mention to the agent with this secret.
    pub(super) fn letter(&mut self, mention: &Mention, secret: &str, fault: Option<&HookFault>) -> Letter {
        let body = match fault {
            Some(HookFault::NotJson) => Bytes::from_static(b"a mention, but not as JSON"),
            _ => self.hook_body(mention).into(),
        };
        let signature = match fault {
            Some(HookFault::NoSignature) => None,
            Some(HookFault::WrongSignature) => Some(signature(self.options.signing, "somebody else's secret", &body)),
            _ => Some(signature(self.options.signing, secret, &body)),
        };
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(signature) = signature.and_then(|it| HeaderValue::from_str(&it).ok()) {
            headers.insert(SIGNATURE, signature);
        }
        let stops_at = (fault == Some(&HookFault::HalfBody)).then_some(body.len() / 2);
        Letter { headers, body, stops_at }
    }

    fn hook_body(&mut self, mention: &Mention) -> String {
        let shared = self.shares.iter().find(|(_, document)| document.as_deref() == Some(mention.document.as_str()));
        let token = match shared.map(|(token, _)| token.clone()) {
            Some(token) => token,
            None => self.share(&mention.document),
        };
        let title = self.document(&mention.document).map(|it| it.title.clone());
        json!({
            "mentionId": mention.id,
            "documentId": mention.document,
            "docTitle": title,
            "shareToken": token,
            "context": mention.context,
            "authorName": mention.author,
            "endpoints": {
                "read": format!("/api/share/{token}"),
                "draftToken": format!("/api/share/{token}/draft-token"),
                "suggest": format!("/api/share/{token}/suggest"),
            },
        })
        .to_string()
    }
}

/// HMAC-SHA256 of the body.
fn signature(signing: Signing, secret: &str, body: &[u8]) -> String {
    let sum = post::signature(secret, body);
    match signing {
        Signing::Hex => post::hex(&sum),
        Signing::Prefixed => format!("sha256={}", post::hex(&sum)),
        Signing::Base64 => STANDARD.encode(sum),
    }
}
