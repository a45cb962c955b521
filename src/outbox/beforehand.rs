//! Judges what cannot be judged before the platform is asked: whether an argument fits the thing that it goes into.

use serde_json::Value;

use super::answer::Pause;
use super::courier::Courier;
use super::decide::Tried;
use super::send::unsent;
use crate::action::Action;
use crate::adapter::{Action as Verb, Pointers, Root, text};

impl Courier {
    /// What is wrong with the action for the thing that it changes. Where that thing is not to be seen, nothing is: the
    /// platform decides.
    pub(super) async fn judged(&self, action: &Action, verb: &Verb, pause: Pause) -> Result<(), Tried> {
        for (name, check) in verb.check.iter() {
            let Some(given) = action.args.get(name) else { continue };
            let Some((ask, at)) = check.asks(given) else { continue };
            let word = self.word(action, ask, at, pause).await?;
            if let Some(fault) = word.and_then(|word| check.fault_by(name, given, &word)) {
                return Err(Tried::Refused { kind: "bad_args".to_owned(), status: None, message: fault.message });
            }
        }
        Ok(())
    }

    /// The word that the one thing of this question has.
    async fn word(&self, action: &Action, ask: &str, at: &Pointers, pause: Pause) -> Result<Option<String>, Tried> {
        let Some(question) = self.session.manifest().asks.get(ask) else { return Ok(None) };
        let given = action.args.iter().map(|(name, value)| (name, value.clone()));
        let scope = self.session.scope().with_all(Root::Ask, given);
        let answer = match self.session.call(&question.call, scope).await {
            Ok(answer) => answer,
            // A question changes nothing there: it is asked again.
            Err(error) => match unsent(error, pause) {
                Tried::Lost { why, .. } => return Err(Tried::Later { after: pause.backoff, why }),
                tried => return Err(tried),
            },
        };
        let body = serde_json::from_slice::<Value>(&answer.body).ok().filter(|_| answer.is_success());
        let told = body.and_then(|body| question.read(&body, &action.args).ok());
        Ok(told.and_then(|told| at.find(told.get("item")?).and_then(text)))
    }
}
