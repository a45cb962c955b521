//! What the bridge must know of itself once it is signed in: own ids, the main direct conversation.

use std::collections::BTreeMap;
use std::sync::PoisonError;

use serde_json::Value;

use super::{Error, Session, answer_words, claims};
use crate::adapter::{Call, Learn, Scope, SessionFlavour};
use crate::http::PrivateUrl;

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
                Learn::Read { call, .. } if missing || !std::mem::replace(&mut proved, true) => {
                    proved = true;
                    Some(self.ask(call).await?)
                }
                _ => None,
            };
            let mut found = body.map(|body| learn.read(&body)).unwrap_or_default();
            found.retain(|name, _| !known.contains_key(name));
            self.learn_all(found).await?;
        }
        Ok(())
    }

    fn claims_of(&self, name: &str) -> Option<Value> {
        let secrets = self.0.secrets.lock().unwrap_or_else(PoisonError::into_inner);
        claims(secrets.get(name)?).map(Value::Object)
    }

    async fn ask(&self, call: &Call) -> Result<Value, Error> {
        let answer = self.call(call, Scope::new()).await?;
        let host = PrivateUrl::new(self.0.base.clone()).host();
        let later = |why| Error::Waiting { why, retry_in: std::time::Duration::ZERO };
        if !answer.is_success() {
            return Err(later(answer_words(&self.0.manifest, call, &host, &answer)));
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
