//! One login: what is sent, what its answer means, and what to tell a person about it.

use std::collections::BTreeMap;
use std::time::Duration;

use http::header::RETRY_AFTER;
use secrecy::SecretString;
use serde_json::Value;
use url::Url;

use crate::adapter::{self, Call, CallError, Keep, Manifest, Outcome, Root, Scope, SettingKind};
use crate::http::{Network, Response};
use crate::retry::retry_after;
use crate::store::{Seat, WorkspaceRecord};

/// What a login is made of.
pub(crate) struct Login<'a> {
    pub network: &'a dyn Network,
    pub manifest: &'a Manifest,
    pub spec: &'a adapter::Session,
    pub base: &'a Url,
}

/// What an answer brought, by where it is kept.
pub(crate) struct Taken {
    /// For how long the answer says that the token is good, in milliseconds.
    pub lasts: Option<u64>,
    pub token: SecretString,
    pub secrets: Vec<(String, SecretString)>,
    pub settings: Vec<(String, String)>,
    pub facts: Vec<(String, Value)>,
}

/// Why there is no token.
pub(crate) enum LoginFailed {
    /// The platform knows these credentials and does not accept them.
    Refused(String),
    /// Anything that may pass. `happened`: the platform may have acted on the request all the same.
    Later { why: String, after: Option<Duration>, happened: bool },
    /// The request cannot be built.
    Call(CallError),
}

impl Login<'_> {
    /// Sends it once. `now` is in milliseconds since 1970.
    pub async fn send(&self, scope: &Scope, now: u64) -> Result<Taken, LoginFailed> {
        let Some(call) = &self.spec.login else {
            return Err(LoginFailed::Refused(
                "the token is no longer good, and there is no login to get another".into(),
            ));
        };
        let request = call.request(self.base, scope).map_err(LoginFailed::Call)?;
        let host = request.url.host();
        let later = |why: String, after, happened| LoginFailed::Later { why, after, happened };
        let answer = self.network.call(request).await;
        let answer = answer.map_err(|failure| later(failure.to_string(), None, failure.may_have_happened()))?;
        match answer.status {
            200..=299 => self.take(call, &answer, now).map_err(|why| later(format!("{host} {why}"), None, true)),
            400 | 401 => Err(LoginFailed::Refused(self.refusal(&host, answer.status))),
            _ => {
                let (why, after) =
                    (answer_words(self.manifest, call, &host, &answer), retry_after(&answer.headers, now));
                Err(later(why, after, may_have_acted(&answer)))
            }
        }
    }

    fn take(&self, call: &Call, answer: &Response, now: u64) -> Result<Taken, String> {
        let body = answer.json().map_err(|bad| bad.to_string())?;
        let taken = sort(self.manifest, call.take(&body))?.ok_or("answered the login without a token")?;
        Ok(Taken { lasts: lasts(self.spec, &body, answer, now), ..taken })
    }

    fn refusal(&self, host: &str, status: u16) -> String {
        let login = self.spec.login.iter().flat_map(Call::references);
        let named: Vec<_> = login
            .filter(|it| matches!(it.root, Root::Settings | Root::Secrets))
            .map(|it| it.name.replace('_', " "))
            .collect();
        format!("{host} does not accept the {} (status {status})", named.join(" and "))
    }
}

/// Whether the platform may have acted on a request that it answered with an error: a 5xx may come after the fact. A
/// refusal for want of time or strength (429, and 503 where it says when to come back) comes before it.
pub(crate) fn may_have_acted(answer: &Response) -> bool {
    match answer.status {
        408 => true,
        503 => !answer.headers.contains_key(RETRY_AFTER),
        status => status >= 500,
    }
}

/// For how long an answer says that its token is good, in milliseconds: by the platform's own clock where it tells that.
pub(crate) fn lasts(spec: &adapter::Session, body: &Value, answer: &Response, now: u64) -> Option<u64> {
    let ends = spec.expires.as_ref()?.at.instant(body)?;
    // A token that is dead on arrival is a clock that is wrong.
    ends.checked_sub(answer.date().unwrap_or(now)).filter(|lasts| *lasts > 0)
}

/// Puts what was taken where it is kept. `None` where no token is among it.
fn sort(manifest: &Manifest, found: BTreeMap<String, Value>) -> Result<Option<Taken>, String> {
    let (mut token, mut secrets, mut settings, mut facts) = (None, Vec::new(), Vec::new(), Vec::new());
    for (name, value) in found {
        match (manifest.keeps(&name), value) {
            (Keep::Session, Value::String(text)) if !text.is_empty() => token = Some(SecretString::from(text)),
            (Keep::Secret, Value::String(text)) => secrets.push((name, text.into())),
            (Keep::Setting, Value::String(text)) => settings.push((name, text)),
            (Keep::Fact, value) => facts.push((name, value)),
            _ => return Err(format!("answered a `{name}` that is no text")),
        }
    }
    Ok(token.map(|token| Taken { lasts: None, token, secrets, settings, facts }))
}

/// The request for people: method and path, without values and without its query.
pub(crate) fn label(call: &Call) -> String {
    let path = call.path.source().split('?').next().unwrap_or_default();
    // What stands for a value is called by its name alone: where it comes from is the manifest's affair.
    let places: Vec<&str> = path
        .split('{')
        .enumerate()
        .map(|(nth, part)| if nth == 0 { part } else { part.split_once('.').map_or(part, |(_, name)| name) })
        .collect();
    format!("{} {}", call.method, places.join("{"))
}

/// What an answer other than success means, for people: the manifest's words, else the status and what to try.
pub(crate) fn answer_words(manifest: &Manifest, call: &Call, host: &str, answer: &Response) -> String {
    if let Outcome::Named { message: Some(words), .. } = call.outcome(manifest, answer.status, &answer.body) {
        return format!("{host}: {words}");
    }
    let hint = match answer.status {
        300..=399 => "it redirects there: is the URL right?",
        401 | 403 => "it does not accept what was given: check it",
        404 | 405 => "is the URL right, and is it this platform?",
        429 => "it asks for patience: try again later",
        500..=599 => "that is the platform's own fault: try again later",
        _ => "try again, and ask the workspace's owner if it stays so",
    };
    format!("{host} answered {} to {}; {hint}", answer.status, label(call))
}

/// The one command that replaces a workspace's credentials, or goes on with a join that was cut short.
pub fn repair_command(manifest: &Manifest, record: &WorkspaceRecord) -> String {
    let origin = manifest.ask.settings.iter().find(|(_, setting)| setting.kind == SettingKind::HttpsOrigin);
    let url = origin.and_then(|(name, _)| record.settings.get(name)).map_or("URL", String::as_str);
    let mut command = format!("agent-bridge join {} {url} --as {}", record.platform, record.name);
    if record.seat == Seat::Joining {
        // What it needs is stored: a password made by the bridge is known to nobody else.
        return command;
    }
    let mut asked = session_secrets(manifest, &record.session);
    if asked.is_empty() {
        asked = way_secrets(manifest, &record.session);
    }
    for secret in asked {
        command.extend([" --secret ", secret, "=-"]);
    }
    command
}

/// What somebody must be given anew where a session comes from the platform alone: an invite that works once.
fn way_secrets<'a>(manifest: &'a Manifest, session: &str) -> Vec<&'a str> {
    let way = manifest.join.ways.iter().find(|(_, way)| way.session == session);
    let needs = way.into_iter().flat_map(|(_, way)| &way.needs).map(String::as_str);
    needs.filter(|name| manifest.ask.secrets.get(name).is_some_and(|secret| secret.one_use)).collect()
}

/// The secrets that a session's header and login are made of.
fn session_secrets<'a>(manifest: &'a Manifest, session: &str) -> Vec<&'a str> {
    let Some(spec) = manifest.sessions.get(session) else { return Vec::new() };
    // What comes from the platform nobody can give.
    let given = |name: &&str| !manifest.ask.secrets.get(name).is_some_and(|secret| secret.taken);
    let header = spec.header.iter().flat_map(|(_, value)| value.references());
    let login = spec.login.iter().flat_map(Call::references);
    let mut names: Vec<_> =
        header.chain(login).filter(|it| it.root == Root::Secrets).map(|it| it.name.as_str()).filter(given).collect();
    names.sort_unstable();
    names.dedup();
    names
}
