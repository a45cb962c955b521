//! Checks sessions and joining: every session, way, setting and secret that they name stands in the manifest.

use std::time::Duration;

use http::{HeaderName, Method};

use super::super::join::{Claim, Dialect, Learn, Once, Step, Wait, Way};
use super::super::manifest::{Manifest, Session, SessionFlavour};
use super::super::outcome::Rule;
use super::super::plain::Table;
use super::super::scope::Root;
use super::super::template::Template;
use super::{Verdict, asked, at, is_fact, stands};

/// A renewal that is lost needs time for one more try.
const SOONEST: Duration = Duration::from_secs(30);
/// Asking whether somebody has decided more often is of no use to anybody.
const EVERY: Duration = Duration::from_secs(1);

pub(super) fn sessions(manifest: &Manifest) -> Verdict {
    for (name, session) in manifest.sessions.iter() {
        let path = ["sessions", name];
        header(&session.header, &path)?;
        let gives_token = session.login.as_ref().is_some_and(|login| login.take.has("token"));
        match session.flavour {
            SessionFlavour::Jwt if !gives_token => {
                return Err(at(&path, "a jwt session needs a `login` that takes `token`"));
            }
            SessionFlavour::Jwt if session.expires.as_ref().is_none_or(|expires| expires.r#else.is_none()) => {
                return Err(at(&path, "a jwt session needs `expires`: { else: 24h, renew_before: 5m }"));
            }
            SessionFlavour::RefreshGrant => refresh_grant(session, gives_token, &path)?,
            SessionFlavour::ApiKey if session.login.is_some() || session.expires.is_some() => {
                return Err(at(&path, "an api_key session has neither `login` nor `expires`"));
            }
            SessionFlavour::ShareToken => share_token(session, &path)?,
            _ if session.path.is_some() => {
                return Err(at(&[&path[..], &["path"]].concat(), "`path` is for a share_token session"));
            }
            _ => {}
        }
    }
    Ok(())
}

/// The token is in the path, and in nothing else.
fn share_token(session: &Session, path: &[&str]) -> Verdict {
    if session.login.is_some() || session.expires.is_some() || !session.header.is_empty() {
        return Err(at(path, "a share_token session has neither `login`, `expires` nor `header`: its path is all"));
    }
    let secrets =
        session.path.iter().flat_map(super::super::path::Path::references).filter(|it| it.root == Root::Secrets);
    if secrets.count() != 1 {
        return Err(at(
            path,
            "a share_token session needs a `path` with one secret, as in /share/{secrets.share_token}",
        ));
    }
    Ok(())
}

/// What a refresh token stands for is lost with it: its session says which one it is and leaves time for a second try.
fn refresh_grant(session: &Session, gives_token: bool, path: &[&str]) -> Verdict {
    if !gives_token {
        return Err(at(path, "a refresh_grant session needs a `login` that takes `token`"));
    }
    let login = session.login.iter().flat_map(|login| login.json.iter().flat_map(|json| json.references()));
    let mut secrets: Vec<_> = login.filter(|it| it.root == Root::Secrets).map(|it| &it.name).collect();
    secrets.dedup();
    if secrets.len() != 1 {
        return Err(at(path, "the `json` of a refresh_grant's `login` names one secret: the refresh token"));
    }
    match &session.expires {
        Some(expires) if expires.renew_before.0 < SOONEST => {
            Err(at(&[path, &["expires", "renew_before"]].concat(), "renew a token 30s before its end, or earlier"))
        }
        _ => Ok(()),
    }
}

pub(super) fn header(table: &Table<Template>, path: &[&str]) -> Verdict {
    match table.names().find(|name| HeaderName::from_bytes(name.as_bytes()).is_err()) {
        Some(name) => Err(at(&[path, &["header", name]].concat(), format!("`{name}` is no header name (RFC 9110)"))),
        None => Ok(()),
    }
}

pub(super) fn join(manifest: &Manifest) -> Verdict {
    if manifest.join.ways.is_empty() {
        return Err(at(&["join", "ways"], "there is no way in: name at least one"));
    }
    for (name, way) in manifest.join.ways.iter() {
        let path = ["join", "ways", name];
        needs(&way.needs, manifest, &path)?;
        stands(&way.session, "session", manifest.sessions.names(), &[&path[..], &["session"]].concat())?;
        steps(way, manifest, &path)?;
    }
    for (index, learn) in manifest.join.learn.iter().enumerate() {
        let index = index.to_string();
        let path = ["join", "learn", index.as_str()];
        if learn.teaches().is_empty() {
            return Err(at(&path, "nothing is learnt here: add `take`"));
        }
        if let Learn::Read { r#else: Some(otherwise), .. } = learn
            && !otherwise.take.is_empty()
        {
            return Err(at(
                &[&path[..], &["else"]].concat(),
                "what stands in for the question teaches nothing: leave `take` out",
            ));
        }
        if let Learn::Claims { of, .. } = learn {
            let tokens = std::iter::once("token").chain(manifest.ask.secrets.names());
            stands(of, "token or secret", tokens, &[&path[..], &["claims"]].concat())?;
        }
    }
    Ok(())
}

fn needs(needs: &[String], manifest: &Manifest, path: &[&str]) -> Verdict {
    for (index, name) in needs.iter().enumerate() {
        let index = index.to_string();
        stands(name, "setting or secret", asked(manifest), &[path, &["needs", &index]].concat())?;
    }
    Ok(())
}

fn steps(way: &Way, manifest: &Manifest, path: &[&str]) -> Verdict {
    for (place, step) in way.steps.iter().enumerate() {
        let Step { dialects, wait: pause, .. } = step;
        let index = place.to_string();
        let path = [path, &["steps", &index]].concat();
        if let Some(pause) = pause {
            if way.waits_at() != Some(place) {
                return Err(at(&path, "another step of this way waits already: one is all there is"));
            }
            wait(pause, dialects, manifest, &path)?;
        }
        if let Some(spends) = &step.once {
            once(spends, way, place, manifest, &path)?;
        }
        alike(way, place, &path)?;
        if step.onboarding && dialects.iter().any(|it| it.call.method != Method::GET || !it.call.take.is_empty()) {
            return Err(at(&path, "`onboarding` is a text that a get brings: leave `take` out"));
        }
        for (index, dialect) in dialects.iter().enumerate() {
            let index = index.to_string();
            // A step of one dialect stands there without the word.
            let alone = dialect.name.is_empty() && dialects.len() == 1;
            let path = if alone { path.clone() } else { [&path[..], &["dialects", &index]].concat() };
            one_dialect(dialect, manifest, &path)?;
        }
    }
    Ok(())
}

fn wait(wait: &Wait, dialects: &[Dialect], manifest: &Manifest, path: &[&str]) -> Verdict {
    let under = |key: &'static str| [path, &["wait", key]].concat();
    for Dialect { call, .. } in dialects {
        if call.method != Method::GET && wait.claim.is_none() {
            return Err(at(path, "what is asked again and again must change nothing: `wait` stands beside a get"));
        }
        if call.take.has("token") {
            return Err(at(path, "`wait` takes what the next step exchanges for a `token`"));
        }
        stands(&wait.r#for, "name that `take` finds", call.take.names(), &under("for"))?;
        for name in wait.expired.all() {
            stands(name, "outcome of this step", call.outcomes.iter().map(|rule| rule.is.as_str()), &under("expired"))?;
        }
    }
    if wait.every.0 < EVERY {
        return Err(at(&under("every"), "ask once a second at most"));
    }
    wait.claim.as_ref().map_or(Ok(()), |it| claim(it, dialects, manifest, path))
}

/// What its answers mean is said by its outcomes, and what to do when one is lost by `tell`.
fn claim(claim: &Claim, dialects: &[Dialect], manifest: &Manifest, path: &[&str]) -> Verdict {
    let under = |key: &'static str| [path, &["wait", "claim", key]].concat();
    if claim.most == 0 {
        return Err(at(&under("most"), "asked never it brings nothing: 1 or more"));
    }
    for call in dialects.iter().map(|dialect| &dialect.call) {
        let outcomes = || call.outcomes.iter().map(|rule| rule.is.as_str());
        for (key, names) in [("pending", &claim.pending), ("spent", &claim.spent)] {
            names.all().iter().try_for_each(|name| stands(name, "outcome of this step", outcomes(), &under(key)))?;
        }
    }
    if claim.look.as_ref().is_some_and(|look| look.method != Method::GET) {
        return Err(at(&under("look"), "looking changes nothing: use a get"));
    }
    stands(&claim.lost, "word of `tell`", manifest.tell.names(), &under("lost"))
}

/// Whether it was carried out is seen by what an earlier get takes.
fn once(once: &Once, way: &Way, place: usize, manifest: &Manifest, path: &[&str]) -> Verdict {
    let under = |key: &'static str| [path, &["once", key]].concat();
    if way.waits_at().is_none_or(|waits| waits <= place) {
        return Err(at(path, "`once` stands before a step that waits"));
    }
    let gets = way.steps[..place].iter().flat_map(|step| &step.dialects).filter(|it| it.call.method == Method::GET);
    let facts = gets.flat_map(|dialect| dialect.call.take.names()).filter(|name| is_fact(manifest, name));
    stands(&once.by, "fact that a get before takes", facts, &under("by"))?;
    stands(&once.lost, "word of `tell`", manifest.tell.names(), &under("lost"))
}

/// Behind a step that finds the dialect, a step has all of its dialects or none.
fn alike(way: &Way, place: usize, path: &[&str]) -> Verdict {
    let Some(finds) = way.steps[..=place].iter().find(|step| step.finds()) else { return Ok(()) };
    let names = |step: &Step| step.dialects.iter().map(|dialect| dialect.name.clone()).collect::<Vec<_>>();
    let (found, here) = (names(finds), names(&way.steps[place]));
    if found.iter().any(String::is_empty) {
        return Err(at(path, "a dialect that is found by a get needs a `name`"));
    }
    let missing = found.iter().find(|name| here.len() > 1 && !here.contains(name));
    missing
        .map_or(Ok(()), |name| Err(at(path, format!("the dialect `{name}` is missing here: it may be the one spoken"))))
}

fn one_dialect(dialect: &Dialect, manifest: &Manifest, path: &[&str]) -> Verdict {
    needs(&dialect.needs, manifest, path)?;
    header(&dialect.call.header, path)?;
    if let Some(session) = &dialect.session {
        stands(session, "session", manifest.sessions.names(), &[path, &["session"]].concat())?;
    }
    goes(&dialect.call.outcomes, manifest, path)
}

/// `go` names a way of joining.
pub(super) fn goes(rules: &[Rule], manifest: &Manifest, path: &[&str]) -> Verdict {
    for (index, rule) in rules.iter().enumerate() {
        let index = index.to_string();
        if let Some(way) = &rule.go {
            let path = [path, &["outcomes", &index, "go"]].concat();
            stands(way, "way of joining", manifest.join.ways.names(), &path)?;
        }
    }
    Ok(())
}
