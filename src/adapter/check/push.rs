//! Checks the ways of pushing: what they name stands in the manifest.

use http::HeaderName;

use super::super::manifest::Manifest;
use super::super::push::Push;
use super::{Verdict, at, joining, stands};

/// A workspace has one cable and one address for its webhooks: of two descriptions the second would never be used.
fn once_each(ways: &[Push]) -> Verdict {
    for (index, way) in ways.iter().enumerate() {
        if ways[..index].iter().any(|other| other.flavour() == way.flavour()) {
            let message = format!("`{}` stands here twice: keep one", way.flavour());
            return Err(at(&["receive", "push", &index.to_string(), "flavour"], message));
        }
    }
    Ok(())
}

pub(super) fn check(manifest: &Manifest) -> Verdict {
    once_each(&manifest.receive.push)?;
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
