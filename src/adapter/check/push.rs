//! Checks the ways of pushing: what they name stands in the manifest.

use http::HeaderName;

use super::super::manifest::Manifest;
use super::super::push::{Push, Webhook};
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

/// The lists of an inbox alone tell, so its webhook says which item it is about; a log is asked for its events.
fn about(hook: &Webhook, manifest: &Manifest, path: &[&str]) -> Verdict {
    let under = |key| [path, &["about", key]].concat();
    match (&hook.about, &manifest.receive.inbox) {
        (None, Some(_)) => Err(at(path, "a webhook beside an inbox says by `about` which item it is about")),
        (Some(_), None) => Err(at(&[path, &["about"]].concat(), "`about` is for a webhook beside an inbox")),
        (Some(about), Some(_)) if about.conversation.is_empty() || about.object.is_empty() => {
            Err(at(&[path, &["about"]].concat(), "`about` needs `conversation` and `object`"))
        }
        (Some(about), Some(_)) if !about.token.is_empty() && manifest.documents.is_none() => {
            Err(at(&under("token"), "a token opens a document: say under `documents` how one is opened"))
        }
        _ => Ok(()),
    }
}

pub(super) fn check(manifest: &Manifest) -> Verdict {
    once_each(&manifest.receive.push)?;
    for (index, push) in manifest.receive.push.iter().enumerate() {
        let index = index.to_string();
        let path = ["receive", "push", &index];
        match push {
            Push::ActionCable(cable) => joining::header(&cable.call.header, &path)?,
            Push::Attendance(attendance) => joining::header(&attendance.call.header, &path)?,
            Push::Webhook(hook) => {
                let under = |key| [&path[..], &["signature", key]].concat();
                if HeaderName::from_bytes(hook.signature.header.as_bytes()).is_err() {
                    let message = format!("`{}` is no header name (RFC 9110)", hook.signature.header);
                    return Err(at(&under("header"), message));
                }
                stands(&hook.signature.secret, "secret", manifest.ask.secrets.names(), &under("secret"))?;
                about(hook, manifest, &path)?;
            }
        }
    }
    Ok(())
}
