//! What is known of a document before it is opened, and whether it can be edited live at all.

use super::dial::ask;
use super::{Down, Parts};
use crate::adapter::{Call, text};
use crate::session::{self, Held};

/// What is known of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct About {
    /// What people call it.
    pub title: Option<String>,
    /// What it is, in the platform's word.
    pub kind: Option<String>,
    /// It is the agent's own.
    pub own: bool,
}

/// Reads what must be known of a document; what is `known` of one of the agent's own is not asked for again.
pub(super) async fn meet(parts: &Parts, id: &str, known: &About) -> Result<About, Down> {
    let about = match parts.session.holds(id) {
        Some(Held::Given(document)) => About { title: document.title, kind: document.kind, own: false },
        Some(Held::Own) if known.own => known.clone(),
        Some(Held::Own) => read(parts, id).await?,
        None => return Err(Down::Failed(session::Error::NoDocument(id.to_owned()).to_string())),
    };
    if parts.live.takes(about.kind.as_deref()) { Ok(about) } else { Err(Down::NotLive(otherwise(parts, &about))) }
}

async fn read(parts: &Parts, id: &str) -> Result<About, Down> {
    let manifest = parts.session.manifest().clone();
    let own = manifest.documents.as_ref().and_then(|documents| documents.own.as_ref());
    let Some(own) = own else { return Ok(About::default()) };
    let answer = ask(parts, &own.open, id).await?;
    let found = own.open.take(&answer);
    let part = |name: &str| found.get(name).and_then(text);
    Ok(About { title: part("title"), kind: part("type"), own: true })
}

/// The call that asks for the token of such a document.
pub(super) fn token<'a>(parts: &'a Parts, about: &About) -> &'a Call {
    let own = parts.session.manifest().documents.as_ref().and_then(|documents| documents.own.as_ref());
    own.filter(|_| about.own).map_or(&parts.live.call, |own| &own.token)
}

/// What to do about a document of a type that is not edited live.
fn otherwise(parts: &Parts, about: &About) -> String {
    let kind = about.kind.as_deref().unwrap_or_default();
    let help = instead(parts, about).map(|verb| format!(": change it with `{verb}`")).unwrap_or_default();
    format!("its type is `{kind}`, which is not edited live{help}")
}

/// What to do about one that nobody has written into.
pub(super) fn first(parts: &Parts, about: &About) -> String {
    let own = instead(parts, about).filter(|_| about.own);
    own.map(|verb| format!(": write its first words with `{verb}`, then it can be edited live")).unwrap_or_default()
}

fn instead<'a>(parts: &'a Parts, about: &About) -> Option<&'a String> {
    let own = parts.session.manifest().documents.as_ref().and_then(|documents| documents.own.as_ref());
    if about.own { own.and_then(|own| own.instead.as_ref()) } else { parts.live.instead.as_ref() }
}
