//! One step of a join: what it needs, what is sent, what the answer means.

use secrecy::ExposeSecret;
use serde_json::Value;

use super::ask::has;
use super::progress::Earlier;
use super::walk::Walk;
use super::{Error, later};
use crate::adapter::{Call, Dialect, Outcome, Root, Scope};
use crate::http::{Failure, Response};
use crate::ingress::{CALLBACK_URL, HOOK_PATH};
use crate::session;

impl Walk<'_> {
    /// A dialect that lacks something is named before anything is spent on it.
    pub(super) fn has_needs(&self, dialect: &Dialect) -> Result<(), Error> {
        let lacks = |need: &&String| !has(&self.plan.record, &self.plan.secrets, need);
        let Some(need) = dialect.needs.iter().find(lacks) else { return Ok(()) };
        let help = self.plan.manifest.ask.secrets.get(need).map_or("", |secret| secret.help.as_str());
        let hint = format!("this instance speaks the newer dialect `{}`, which asks for {need} ({help})", dialect.name);
        Err(Error::Refused(format!("{hint}: join again with --secret {need}=-; nothing was spent")))
    }

    /// Sends one step.
    pub(super) async fn send(&mut self, call: &Call) -> Result<Response, Error> {
        self.exchange(call).await?.map_err(|failure| Error::Unavailable(later(&failure)))
    }

    /// The same for what an approval gave: counted before, and not counted where it never arrived or was not taken.
    pub(super) async fn send_once(&mut self, way: &str, call: &Call) -> Result<Response, Error> {
        self.spend(way).await?;
        let answer = self.exchange(call).await?;
        let taken = match &answer {
            Ok(answer) => answer.is_success() || session::may_have_acted(answer),
            Err(failure) => failure.may_have_happened(),
        };
        if !taken {
            self.take_back().await?;
        }
        answer.map_err(|failure| Error::Unavailable(later(&failure)))
    }

    /// One request and its answer. What may change something there is marked before, durably.
    pub(super) async fn exchange(&mut self, call: &Call) -> Result<Result<Response, Failure>, Error> {
        let base = session::base(&self.plan.manifest, &self.plan.record)?;
        let scope = self.scope();
        let request = call.request(&base, &scope).map_err(|error| Error::Asked(error.to_string()))?;
        let changes = request.method != http::Method::GET;
        if changes && !self.progress.sent {
            self.progress.sent = true;
            self.commit(Vec::new()).await?;
        }
        (self.say)(&format!("{}: {}", request.url.host(), session::label(call)));
        let before = self.touched;
        self.touched |= changes;
        let answer = self.means.network.call(request).await;
        match &answer {
            Err(failure) if failure.may_have_happened() => self.lost |= changes,
            // It did not happen: it was not sent, or refused. A redirect may come after the fact.
            Err(Failure::Unreachable { .. } | Failure::Forbidden(_)) => self.touched = before,
            Ok(answer) if (400..500).contains(&answer.status) && answer.status != 408 => self.touched = before,
            _ => {}
        }
        Ok(answer)
    }

    /// What a step may name.
    fn scope(&self) -> Scope {
        let scope =
            session::with_secrets(session::plain_scope(&self.plan.manifest, &self.plan.record), &self.plan.secrets);
        let told = self.plan.record.facts.get(CALLBACK_URL).and_then(Value::as_str);
        match told.zip(self.plan.secrets.get(HOOK_PATH)) {
            Some((base, path)) => {
                let url = format!("{base}/{}", path.expose_secret());
                scope.with_secret(Root::Ingress, "url", url.into())
            }
            None => scope,
        }
    }

    /// What an answer means: success, another way, or an error with what to do.
    pub(super) fn read(&mut self, call: &Call, answer: &Response) -> Result<Option<String>, Error> {
        let (manifest, host) = (self.plan.manifest.clone(), self.host());
        let words = || session::answer_words(&manifest, call, &host, answer);
        match call.outcome(&manifest, answer.status, &answer.body) {
            Outcome::Ok => Ok(None),
            Outcome::Named { after_loss: Some(is), .. } if self.earlier == Earlier::Unanswered => {
                self.earlier = Earlier::Lost;
                let told = manifest.words(&is).map_or_else(words, |told| format!("{host}: {told}"));
                Err(Error::Refused(told))
            }
            Outcome::Named { go: Some(way), .. } if self.may_go(&way)? => {
                (self.say)("it was used already: signing in with the stored credentials");
                self.sent_on = Some(words());
                Ok(Some(way))
            }
            _ if answer.status >= 500 || matches!(answer.status, 408 | 429) => Err(Error::Unavailable(words())),
            Outcome::Named { message: Some(_), .. } => Err(Error::Refused(words())),
            _ => Err(Error::Refused(words() + &self.their_words(call, answer))),
        }
    }

    /// What the platform itself has to say, where the manifest does not know it; nothing where it says a secret (P8).
    fn their_words(&self, call: &Call, answer: &Response) -> String {
        let said = call.words(&self.plan.manifest, &answer.body);
        let tells = |words: &String| self.plan.secrets.values().any(|secret| words.contains(secret.expose_secret()));
        said.filter(|words| !words.is_empty() && !tells(words))
            .map_or_else(String::new, |words| format!(" (it says: {words})"))
    }

    /// Another way is open when its needs are there, and not merely made up just now.
    fn may_go(&self, way: &str) -> Result<bool, Error> {
        let there = |need: &String| {
            has(&self.plan.record, &self.plan.secrets, need)
                && (self.progress.sent || self.plan.given.contains(need) || self.was_there(need))
        };
        Ok(self.way(way)?.needs.iter().all(there))
    }

    fn was_there(&self, name: &str) -> bool {
        let settled = self.plan.before.as_ref().filter(|before| before.record.joined_at > 0);
        settled.is_some_and(|before| has(&before.record, &before.secrets, name))
    }
}
