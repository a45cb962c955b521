//! What the bridge must know of itself once it is signed in: own ids, the main direct conversation.

use std::collections::BTreeMap;
use std::sync::PoisonError;

use serde_json::Value;

use super::{Error, Session, answer_words, claims};
use crate::adapter::{Call, Learn, Scope, SessionFlavour};
use crate::http::{PrivateUrl, Response};

impl Session {
    /// Signs in, asks for every fact of `join.learn` that is not known, and commits the answers. A key, which has no
    /// login to prove it, is proved by the first question even when its answer is known.
    pub(crate) async fn prove_and_learn(&self) -> Result<(), Error> {
        self.credential().await?;
        let mut proved = self.0.spec.flavour != SessionFlavour::ApiKey;
        let manifest = self.0.manifest.clone();
        for learn in &manifest.join.learn {
            let known = self.record().facts;
            let missing = learn.teaches().names().any(|name| !known.contains_key(name));
            let body = match learn {
                Learn::Claims { of, .. } if missing => self.claims_of(of),
                Learn::Read { call, r#else: otherwise, .. } if missing || !std::mem::replace(&mut proved, true) => {
                    proved = true;
                    self.ask_or(call, otherwise.as_deref()).await?
                }
                _ => None,
            };
            let mut found = body.map(|body| learn.read(&body)).unwrap_or_default();
            found.retain(|name, _| !known.contains_key(name));
            self.learn_all(found).await?;
        }
        Ok(())
    }

    /// What a joined workspace does not know yet, or should ask again: facts that were not to be had at the join, and
    /// capabilities that were lacking. `false` while something is still unknown.
    pub(crate) async fn learn_late(&self) -> Result<bool, Error> {
        let manifest = self.0.manifest.clone();
        let mut all = true;
        for learn in &manifest.join.learn {
            let Learn::Read { call, r#else: Some(_), .. } = learn else { continue };
            if !self.is_due(learn) {
                continue;
            }
            let answer = self.call(call, Scope::new()).await?;
            if is_not_now(&answer) {
                all = false;
                continue;
            }
            let mut found = learn.read(&self.read(call, &answer)?);
            // A fact that is known is this seat's identity; capabilities are what the platform says today.
            let known = self.record().facts;
            let table = self.0.manifest.me.capabilities.as_ref();
            found.retain(|name, _| !known.contains_key(name) || table == Some(name));
            self.learn_all(found).await?;
        }
        Ok(all)
    }

    /// Whether there is anything to [learn late](Self::learn_late).
    pub(crate) fn is_ignorant(&self) -> bool {
        let may_wait = |learn: &&Learn| matches!(learn, Learn::Read { r#else: Some(_), .. });
        self.0.manifest.join.learn.iter().filter(may_wait).any(|learn| self.is_due(learn))
    }

    fn is_due(&self, learn: &Learn) -> bool {
        let record = self.0.record.borrow();
        let missing = learn.teaches().names().any(|name| !record.facts.contains_key(name));
        let table = self.0.manifest.me.capabilities.as_ref().filter(|fact| learn.teaches().has(fact));
        let lacking = |value: &Value| value.as_object().is_some_and(|table| table.values().any(|it| *it != true));
        missing || table.and_then(|fact| record.facts.get(fact)).is_some_and(lacking)
    }

    /// Asks; `None` where the question is not there or not now, and what stands in for it proves the session.
    async fn ask_or(&self, call: &Call, otherwise: Option<&Call>) -> Result<Option<Value>, Error> {
        let Some(otherwise) = otherwise else { return self.ask(call).await.map(Some) };
        let answer = self.call(call, Scope::new()).await?;
        if !is_not_now(&answer) {
            return self.read(call, &answer).map(Some);
        }
        self.ask(otherwise).await.map(|_| None)
    }

    fn claims_of(&self, name: &str) -> Option<Value> {
        let secrets = self.0.secrets.lock().unwrap_or_else(PoisonError::into_inner);
        claims(secrets.get(name)?).map(Value::Object)
    }

    async fn ask(&self, call: &Call) -> Result<Value, Error> {
        let answer = self.call(call, Scope::new()).await?;
        self.read(call, &answer)
    }

    fn read(&self, call: &Call, answer: &Response) -> Result<Value, Error> {
        let host = PrivateUrl::new(self.0.base.clone()).host();
        let later = |why| Error::Waiting { why, retry_in: std::time::Duration::ZERO };
        if !answer.is_success() {
            return Err(later(answer_words(&self.0.manifest, call, &host, answer)));
        }
        answer.json().map_err(|bad| later(format!("{host} {bad}")))
    }

    async fn learn_all(&self, found: BTreeMap<String, Value>) -> Result<(), Error> {
        if found.is_empty() {
            return Ok(());
        }
        let session = self.clone();
        self.own_task(async move { session.commit(Vec::new(), |record| record.facts.extend(found)).await }).await
    }
}

/// The question is not there, or asks for patience.
const fn is_not_now(answer: &Response) -> bool {
    matches!(answer.status, 404 | 429)
}
