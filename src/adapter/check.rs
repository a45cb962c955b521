//! Checks at start what a manifest's types cannot: that every name it uses stands somewhere in it.

mod acting;
mod joining;
mod push;
mod receiving;
mod references;
mod secrets;

use super::error::Finding;
use super::manifest::{Keep, Manifest, SettingKind};
use super::scope::Root;
use super::template::{Part, Reference};

/// What one check says: nothing, or where and what.
type Verdict = Result<(), Finding>;

/// The first thing that is wrong.
pub(super) fn check(manifest: &Manifest) -> Verdict {
    platform(manifest)?;
    ask(manifest)?;
    joining::sessions(manifest)?;
    joining::join(manifest)?;
    me(manifest)?;
    receiving::receive(manifest)?;
    push::check(manifest)?;
    references::check(manifest)?;
    places_taken(manifest)?;
    base(manifest)?;
    acting::actions(manifest)?;
    acting::documents(manifest)?;
    acting::asks(manifest)?;
    outcomes(manifest)
}

/// A finding at this place.
fn at<S: AsRef<str>>(path: &[S], message: impl Into<String>) -> Finding {
    Finding { path: path.iter().map(|part| part.as_ref().to_owned()).collect(), message: message.into() }
}

/// The name must be one of those that stand there.
fn stands<'a>(name: &str, what: &str, there: impl Iterator<Item = &'a str>, path: &[&str]) -> Verdict {
    let names: Vec<&str> = there.collect();
    if names.contains(&name) {
        return Ok(());
    }
    let known = if names.is_empty() { "there is none".to_owned() } else { format!("there are {}", names.join(", ")) };
    Err(at(path, format!("`{name}` is no {what}: {known}")))
}

/// A setting stands in the place of something that joining teaches.
fn places_taken(manifest: &Manifest) -> Verdict {
    for (name, setting) in manifest.ask.settings.iter() {
        let Some(fact) = &setting.instead_of else { continue };
        stands(fact, "fact", references::facts(manifest).into_iter(), &["ask", "settings", name, "instead_of"])?;
    }
    Ok(())
}

fn platform(manifest: &Manifest) -> Verdict {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let name = &manifest.platform;
    if name.is_empty() || name.len() > 32 || !name.chars().all(plain) {
        return Err(at(&["platform"], format!("`{name}` is no platform name: use 1 to 32 of a-z, 0-9, `-`")));
    }
    Ok(())
}

/// Secrets go to the origin of `http.base` and nowhere else, so no value may be a part of that origin.
fn base(manifest: &Manifest) -> Verdict {
    let origin = |it: &Reference| {
        let setting = manifest.ask.settings.get(&it.name).filter(|_| it.root == Root::Settings && !it.optional);
        setting.is_some_and(|setting| setting.kind == SettingKind::HttpsOrigin)
    };
    let good = match manifest.http.base.parts() {
        [Part::Value(it)] => origin(it),
        [Part::Value(it), Part::Text(rest), ..] => origin(it) && rest.starts_with('/'),
        [Part::Text(host)] => host.starts_with("https://"),
        [Part::Text(host), ..] => host.strip_prefix("https://").is_some_and(|host| host.contains('/')),
        _ => false,
    };
    let message = "begin with a setting of the kind https-origin or with https://host, and go on with `/`";
    if good { Ok(()) } else { Err(at(&["http", "base"], message)) }
}

fn ask(manifest: &Manifest) -> Verdict {
    secrets::check(manifest)?;
    if manifest.ask.settings.has("token") || manifest.ask.secrets.has("token") {
        return Err(at(&["ask"], "`token` is the session's own name: choose another"));
    }
    let Some(link) = &manifest.ask.link else { return Ok(()) };
    stands("url", "setting, and a link's origin becomes `url`", manifest.ask.settings.names(), &["ask", "link"])?;
    for name in link.names() {
        stands(name, "setting or secret", asked(manifest), &["ask", "link", "path"])?;
    }
    for (parameter, name) in link.query.iter() {
        stands(name, "setting or secret", asked(manifest), &["ask", "link", "query", parameter])?;
    }
    Ok(())
}

/// What an operator can give.
fn asked(manifest: &Manifest) -> impl Iterator<Item = &str> {
    let secrets = manifest.ask.secrets.iter().filter(|(_, secret)| !secret.taken).map(|(name, _)| name);
    manifest.ask.settings.names().chain(secrets)
}

fn me(manifest: &Manifest) -> Verdict {
    let facts = || references::facts(manifest).into_iter();
    let me = &manifest.me;
    for (index, name) in me.ids.iter().enumerate() {
        stands(name, "fact that joining teaches", facts(), &["me", "ids", &index.to_string()])?;
    }
    if let Some(name) = &me.capabilities {
        stands(name, "fact that joining teaches", facts(), &["me", "capabilities"])?;
    }
    for (key, names) in [("logins", &me.logins), ("names", &me.names)] {
        for (index, name) in names.iter().enumerate() {
            let known = facts().chain(manifest.ask.settings.names());
            stands(name, "fact or setting", known, &["me", key, &index.to_string()])?;
        }
    }
    Ok(())
}

/// `tell` has words for outcomes that some rule names, and for no others.
fn outcomes(manifest: &Manifest) -> Verdict {
    joining::goes(&manifest.outcomes, manifest, &[])?;
    let calls = references::calls(manifest);
    let rules = calls.iter().flat_map(|found| &found.call.outcomes).chain(&manifest.outcomes);
    let steps = || manifest.join.ways.iter().flat_map(|(_, way)| &way.steps);
    let claims = steps().filter_map(|step| step.wait.as_ref()?.claim.as_ref()).map(|claim| claim.lost.as_str());
    let lost = steps().filter_map(|step| step.once.as_ref()).map(|once| once.lost.as_str()).chain(claims);
    let named: Vec<&str> = rules.flat_map(super::outcome::Rule::names).chain(lost).collect();
    for name in manifest.tell.names() {
        stands(name, "outcome", named.iter().copied(), &["tell", name])?;
    }
    Ok(())
}

/// Where a taken name is kept, for the list of facts.
fn is_fact(manifest: &Manifest, name: &str) -> bool {
    manifest.keeps(name) == Keep::Fact
}
