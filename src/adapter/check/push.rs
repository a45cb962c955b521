//! Checks the ways of pushing: what they name stands in the manifest.

use http::HeaderName;

use super::super::manifest::Manifest;
use super::super::push::Push;
use super::{Verdict, at, joining, stands};

pub(super) fn check(manifest: &Manifest) -> Verdict {
    for (index, push) in manifest.receive.push.iter().enumerate() {
        let index = index.to_string();
        let path = ["receive", "push", &index];
        match push {
            Push::ActionCable(cable) => joining::header(&cable.call.header, &path)?,
            Push::Webhook(hook) => {
                let under = |key| [&path[..], &["signature", key]].concat();
                if HeaderName::from_bytes(hook.signature.header.as_bytes()).is_err() {
                    let message = format!("`{}` is no header name (RFC 9110)", hook.signature.header);
                    return Err(at(&under("header"), message));
                }
                stands(&hook.signature.secret, "secret", manifest.ask.secrets.names(), &under("secret"))?;
            }
        }
    }
    Ok(())
}
