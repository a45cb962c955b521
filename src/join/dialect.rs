//! Which of a step's dialects a host speaks: found out by gets, never by a request that changes something.

use secrecy::{ExposeSecret, SecretString};

use super::Error;
use super::walk::{Flow, Walk};
use crate::adapter::{Call, Dialect, Manifest, Outcome, Step, Way};
use crate::http::Response;
use crate::normalise::Scrubber;
use crate::session;

/// The fact that keeps what the platform told for the agent when it joined.
pub const ONBOARDING: &str = "onboarding";

/// So much of it is kept, in bytes: it is read by an agent, and stands in every record of the workspace.
const LONGEST: usize = 16 << 10;

impl Walk<'_> {
    /// The dialects of a step that may be spoken, each with its place: the one that was found, else all.
    pub(super) fn spoken<'s>(&self, step: &'s Step) -> Vec<(usize, &'s Dialect)> {
        let all: Vec<_> = step.dialects.iter().enumerate().collect();
        let found = |(_, it): &&(usize, &Dialect)| self.progress.dialect.as_ref() == Some(&it.name);
        all.iter().find(found).map_or_else(|| all.clone(), |one| vec![*one])
    }

    /// Asks in one dialect after another until an API answers.
    pub(super) async fn find(&mut self, way: &str, index: usize, step: &Step) -> Result<Flow, Error> {
        for (number, dialect) in step.dialects.iter().enumerate() {
            self.has_needs(dialect)?;
            let answer = self.send(&dialect.call).await?;
            let manifest = self.plan.manifest.clone();
            if is_later(answer.status) {
                return Err(Error::Unavailable(session::answer_words(&manifest, &dialect.call, &self.host(), &answer)));
            }
            if !speaks(&manifest, &dialect.call, &answer) {
                (self.say)(&format!("no `{}` here", dialect.name));
                continue;
            }
            self.progress.dialect = Some(dialect.name.clone());
            return match self.read(&dialect.call, &answer)? {
                Some(way) => Ok(Flow::Go(way)),
                None => self.keep(way, index, number, dialect, &answer).await,
            };
        }
        let (host, title) = (self.host(), &self.plan.manifest.title);
        Err(Error::Refused(format!(
            "{host} answers, but not as the API of {title}: it may be its site for people. Ask whoever invited the agent for \
             the address of the API, and join with --instance https://…"
        )))
    }

    /// Keeps what the platform tells the agent; what it does not tell stops nobody.
    pub(super) async fn onboard(&mut self, way: &str, index: usize, step: &Step) -> Result<Flow, Error> {
        let Some((number, dialect)) = self.spoken(step).into_iter().next() else { return Ok(Flow::On) };
        self.plan.record.facts.remove(ONBOARDING);
        let answer = match self.send(&dialect.call).await {
            Ok(answer) => answer,
            Err(Error::Unavailable(why)) => {
                (self.say)(&format!("what it tells agents could not be read: {why}"));
                return Ok(Flow::On);
            }
            Err(other) => return Err(other),
        };
        if let Some(text) = text(&answer) {
            let text = without(&text, self.plan.secrets.values());
            self.plan.record.facts.insert(ONBOARDING.to_owned(), text.into());
        }
        self.keep(way, index, number, dialect, &answer).await
    }

    /// The get before this step that takes a fact.
    pub(super) fn look_of(&self, way: &Way, index: usize, fact: &str) -> Option<Call> {
        let before = way.steps[..index].iter().rev().flat_map(|step| self.spoken(step));
        before.map(|(_, it)| &it.call).find(|call| call.method == http::Method::GET && call.take.has(fact)).cloned()
    }

    /// What tells whether a step was carried out is as the platform says now, and not as another join was told.
    pub(super) fn forget_told(&mut self, way: &Way, dialect: &Dialect) {
        let told = way.steps.iter().filter_map(|step| step.once.as_ref()).map(|once| &once.by);
        for fact in told.filter(|fact| dialect.call.take.has(fact)) {
            self.plan.record.facts.remove(fact);
        }
    }

    /// A platform that cannot say now says nothing about what was asked.
    pub(super) fn unless_later(&self, call: &Call, answer: &Response) -> Result<(), Error> {
        if !is_later(answer.status) {
            return Ok(());
        }
        Err(Error::Unavailable(session::answer_words(&self.plan.manifest, call, &self.host(), answer)))
    }
}

/// A status that says nothing for good.
pub(super) const fn is_later(status: u16) -> bool {
    status >= 500 || matches!(status, 408 | 425 | 429)
}

/// Whether this is an answer of an API, and to this question: JSON, and either a success or something known. A page is
/// none, whatever its status.
fn speaks(manifest: &Manifest, call: &Call, answer: &Response) -> bool {
    let Ok(body) = answer.json() else { return false };
    let is_object = body.is_object() || body.pointer("/0").is_some_and(serde_json::Value::is_object);
    is_object && !matches!(call.outcome(manifest, answer.status, &answer.body), Outcome::Status(_))
}

/// The text with `[sealed]` for each secret; a line that still has one in another form goes whole.
fn without<'a>(text: &str, secrets: impl Iterator<Item = &'a SecretString> + Clone) -> String {
    let hidden = secrets.clone().map(ExposeSecret::expose_secret).filter(|secret| !secret.is_empty());
    let plain = hidden.fold(text.to_owned(), |text, secret| text.replace(secret, "[sealed]"));
    let scrubber = Scrubber::new(secrets.cloned());
    plain.lines().map(|line| scrubber.scrub(line).into_owned()).collect::<Vec<_>>().join("\n")
}

/// The text of an answer, where it is one: cut between two lines, and no page.
fn text(answer: &Response) -> Option<String> {
    let is_page = answer.body.trim_ascii_start().starts_with(b"<");
    let text = std::str::from_utf8(&answer.body).ok().filter(|_| answer.is_success() && !is_page)?.trim();
    let mut end = text.len().min(LONGEST);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let whole = if end == text.len() { end } else { text[..end].rfind('\n').unwrap_or(end) };
    let plain: String = text[..whole].chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect();
    (!plain.is_empty()).then_some(plain)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::HeaderMap;

    use super::*;

    fn answer(status: u16, body: &str) -> Response {
        Response { status, headers: HeaderMap::new(), body: Bytes::copy_from_slice(body.as_bytes()) }
    }

    #[test]
    fn a_text_is_kept_within_bounds_and_a_page_is_none() {
        assert_eq!(text(&answer(200, " # Join\r\n\tnow\u{7}\n")).as_deref(), Some("# Join\n\tnow"));
        for none in [answer(404, "gone"), answer(200, " <html>"), answer(200, "\n")] {
            assert_eq!(text(&none), None);
        }
        let secret = SecretString::from("inv_CANARY".to_owned());
        assert_eq!(without("a\nPOST /i/inv_CANARY/accept", [&secret].into_iter()), "a\nPOST /i/[sealed]/accept");
        let long = "ä line\n".repeat(LONGEST);
        let kept = text(&answer(200, &long)).unwrap();
        assert!(kept.len() <= LONGEST && kept.len() > LONGEST - 16 && kept.ends_with("ä line"));
    }
}
