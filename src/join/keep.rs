//! What a join keeps: every answer as it comes, the whole at the end, or what stood there before.

use std::collections::BTreeMap;

use secrecy::SecretString;
use serde_json::Value;

use super::ask::{Before, check_setting};
use super::walk::Walk;
use super::{Error, JOINING};
use crate::adapter::{Call, Dialect, Keep};
use crate::http::Response;
use crate::session::{self, GOT_AT, LASTS, REVOKED_AT, Sealing, TOKEN, UNTOLD};
use crate::store::{Batch, Change, Seat, WorkspaceRecord};

impl Walk<'_> {
    /// Sorts what an answer brought; facts may be missing, anything else that `take` names may not.
    pub(super) fn take(&mut self, call: &Call, answer: &Response) -> Result<Sealing, Error> {
        let (manifest, host) = (self.plan.manifest.clone(), self.host());
        if call.take.is_empty() {
            return Ok(Vec::new());
        }
        let body =
            answer.json().map_err(|bad| Error::Unavailable(format!("{host} {bad} ({})", session::label(call))))?;
        let mut taken = call.take(&body);
        let mut secrets = Vec::new();
        for name in call.take.names() {
            let keep = manifest.keeps(name);
            match (keep, taken.remove(name)) {
                (Keep::Fact, Some(value)) => drop(self.plan.record.facts.insert(name.to_owned(), value)),
                (Keep::Fact, None) => {}
                (Keep::Setting, Some(Value::String(text))) => {
                    let text = check_setting(&manifest, name, &text)?;
                    self.is_free(name, &text)?;
                    self.plan.record.settings.insert(name.to_owned(), text);
                }
                (Keep::Session | Keep::Secret, Some(Value::String(text))) if !text.is_empty() => {
                    secrets.push((name.to_owned(), Some(SecretString::from(text))));
                }
                // Where the platform leaves it open, what was given or is usual counts.
                (Keep::Setting, None) if manifest.ask.settings.get(name).is_some_and(|it| it.default.is_some()) => {}
                (Keep::Secret, None) if manifest.ask.secrets.get(name).is_some_and(|secret| secret.optional) => {}
                _ => {
                    let what = format!("{host} answered {} without a {name}", session::label(call));
                    return Err(Error::Unavailable(format!("{what}: is the URL right, and is it {}?", manifest.title)));
                }
            }
        }
        if secrets.iter().any(|(name, _)| name == TOKEN) {
            self.plan.record.facts.insert(GOT_AT.into(), self.means.clock.now().into());
        }
        Ok(secrets)
    }

    /// What the platform has decided nobody can decide otherwise: said before anything is spent on it.
    fn is_free(&self, name: &str, decided: &str) -> Result<(), Error> {
        let given = self.plan.record.settings.get(name).filter(|_| self.plan.given.contains(name));
        match given.filter(|given| *given != decided) {
            Some(given) => Err(Error::Refused(format!(
                "{}: the {} is `{decided}` and cannot be `{given}`: leave it out, or give --set {name}='{decided}'",
                self.host(),
                name.replace('_', " "),
            ))),
            None => Ok(()),
        }
    }

    /// A change there brought what only the platform gives: the request must not be made again.
    pub(super) fn is_shown_once(&self, dialect: &Dialect, brought: &Sealing) -> bool {
        let taken = |name: &str| self.plan.manifest.ask.secrets.get(name).is_some_and(|secret| secret.taken);
        dialect.call.method != http::Method::GET && brought.iter().any(|(name, _)| taken(name))
    }

    pub(super) async fn commit(&mut self, secrets: Sealing) -> Result<(), Error> {
        let kept = serde_json::to_value(&self.progress).expect("plain fields serialise");
        self.plan.record.facts.insert(JOINING.into(), kept);
        self.write(secrets).await
    }

    pub(super) async fn write(&mut self, secrets: Sealing) -> Result<(), Error> {
        let owner = self.plan.record.name.to_string();
        let batch = Batch::new().with(Change::Workspace(Box::new(self.plan.record.clone())));
        let mut batch = self.events.drain(..).fold(batch, Batch::event);
        for (field, value) in secrets {
            match &value {
                Some(secret) => drop(self.plan.secrets.insert(field.clone(), secret.clone())),
                None => drop(self.plan.secrets.remove(&field)),
            }
            batch = batch.with(Change::Secret { owner: owner.clone(), field, value });
        }
        self.means.store.commit(batch).await?;
        Ok(())
    }

    /// Joined: what was used up is erased, and the seat says so.
    pub(super) async fn finish(mut self) -> Result<WorkspaceRecord, Error> {
        let manifest = self.plan.manifest.clone();
        let one_use = manifest.ask.secrets.iter().filter(|(_, secret)| secret.one_use).map(|(name, _)| name.to_owned());
        let mut erased: Vec<_> = one_use.map(|name| (name, None)).collect();
        let spec = manifest.sessions.get(&self.plan.record.session);
        if spec.is_some_and(|spec| !spec.flavour.has_token()) {
            erased.push((TOKEN.into(), None));
            self.plan.record.facts.remove(GOT_AT);
            self.plan.record.facts.remove(LASTS);
        }
        self.plan.record.facts.remove(JOINING);
        self.plan.record.facts.remove(UNTOLD);
        self.plan.record.facts.remove(REVOKED_AT);
        self.plan.record.seat = if manifest.has_line() { Seat::SignedIn } else { Seat::Registered };
        if self.plan.record.joined_at == 0 {
            // An approval may be older than the exchange that follows it, and none is older than the request.
            self.plan.record.joined_at = self.progress.asked_at.unwrap_or_else(|| self.means.clock.now());
        }
        self.write(erased).await?;
        if let Some(why) = manifest.unready(&self.plan.record.facts) {
            let line = format!("{}: {why}; the bridge keeps looking, and goes live by itself", self.host());
            (self.say)(&line);
        }
        Ok(self.plan.record)
    }

    /// Nothing was changed there, so nothing stays here but what stood here before.
    pub(super) async fn undo(&mut self) -> Result<(), Error> {
        let Some(Before { record, secrets }) = self.plan.before.take() else {
            let forget = Change::ForgetWorkspace(self.plan.record.name.clone());
            self.means.store.commit(Batch::new().with(forget)).await?;
            return Ok(());
        };
        let mut back: BTreeMap<String, Option<SecretString>> =
            self.means.store.secrets(record.name.as_str())?.into_iter().map(|(name, _)| (name, None)).collect();
        back.extend(secrets.into_iter().map(|(name, secret)| (name, Some(secret))));
        self.plan.record = record;
        self.write(back.into_iter().collect()).await
    }
}
