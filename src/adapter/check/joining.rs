//! Checks sessions and joining: every session, way, setting and secret that they name stands in the manifest.

use std::time::Duration;

use http::{HeaderName, Method};

use super::super::join::{Dialect, Learn, Step, Wait, Way};
use super::super::manifest::{Manifest, Session, SessionFlavour};
use super::super::outcome::Rule;
use super::super::plain::Table;
use super::super::scope::Root;
use super::super::template::Template;
use super::{Verdict, asked, at, stands};

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
    for (place, Step { dialects, wait: pause }) in way.steps.iter().enumerate() {
        let index = place.to_string();
        let path = [path, &["steps", &index]].concat();
        if let Some(pause) = pause {
            if way.waits_at() != Some(place) {
                return Err(at(&path, "another step of this way waits already: one is all there is"));
            }
            wait(pause, dialects, &path)?;
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

fn wait(wait: &Wait, dialects: &[Dialect], path: &[&str]) -> Verdict {
    let under = |key: &'static str| [path, &["wait", key]].concat();
    for Dialect { call, .. } in dialects {
        if call.method != Method::GET {
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
    Ok(())
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
