//! Judges what cannot be judged before the platform is asked: whether an argument fits the thing that it goes into, and
//! whether the thing that it names is there.

use serde_json::{Map, Value};

use super::answer::Pause;
use super::courier::Courier;
use super::decide::Tried;
use super::send::unsent;
use crate::action::Action;
use crate::adapter::{Action as Verb, Check, Fault, Question, Root, text};

/// What the platform says of one thing.
enum Thing {
    Is(Value),
    /// There is none.
    IsNot,
    /// It is not to be seen: then the platform decides.
    Unseen,
}

impl Courier {
    /// What is wrong with the action for the things of the platform that it is about. Where such a thing is not to be seen,
    /// nothing is: the platform decides.
    pub(super) async fn judged(&self, action: &Action, verb: &Verb, pause: Pause) -> Result<(), Tried> {
        for (name, check) in verb.check.iter() {
            let Some(given) = action.args.get(name).filter(|given| !given.is_null()) else { continue };
            let fault = match self.form(action, name, check, given, pause).await? {
                None => self.stands(action, name, check, pause).await?,
                fault => fault,
            };
            if let Some(Fault { message, .. }) = fault {
                return Err(Tried::Refused { kind: "bad_args".to_owned(), status: None, message });
            }
        }
        Ok(())
    }

    async fn form(
        &self,
        action: &Action,
        name: &str,
        check: &Check,
        given: &Value,
        pause: Pause,
    ) -> Result<Option<Fault>, Tried> {
        let Some((ask, at)) = check.asks(given) else { return Ok(None) };
        let thing = self.thing(ask, &action.args, pause).await?;
        let word = if let Thing::Is(thing) = thing { at.find(&thing).and_then(text) } else { None };
        Ok(word.and_then(|word| check.fault_by(name, given, &word)))
    }

    async fn stands(&self, action: &Action, name: &str, check: &Check, pause: Pause) -> Result<Option<Fault>, Tried> {
        let rule = check.stands.as_ref();
        // What takes the room after a lost reply may be this action's own.
        let Some(rule) = rule.filter(|_| action.resends == 0) else { return Ok(None) };
        Ok(match self.thing(&rule.ask, &rule.about(&action.args), pause).await? {
            Thing::Is(thing) => rule.fault(name, &action.args, Some(&thing)),
            Thing::IsNot => rule.fault(name, &action.args, None),
            Thing::Unseen => None,
        })
    }

    /// The one thing of this question. What the grant does not have is not asked.
    async fn thing(&self, ask: &str, about: &Map<String, Value>, pause: Pause) -> Result<Thing, Tried> {
        let (manifest, record) = (self.session.manifest(), self.session.record());
        let may = |question: &&Question| manifest.grants(&record.facts, question.needs.as_deref());
        let Some(question) = manifest.asks.get(ask).filter(may) else { return Ok(Thing::Unseen) };
        let scope = self.session.scope().with_all(Root::Ask, about.iter().map(|(name, value)| (name, value.clone())));
        let answer = match self.session.call(&question.call, scope).await {
            Ok(answer) => answer,
            // A question changes nothing there: it is asked again.
            Err(error) => match unsent(error, pause) {
                Tried::Lost { why, .. } => return Err(Tried::Later { after: pause.backoff, why }),
                tried => return Err(tried),
            },
        };
        if matches!(answer.status, 404 | 410) {
            return Ok(Thing::IsNot);
        }
        let body = serde_json::from_slice::<Value>(&answer.body).ok().filter(|_| answer.is_success());
        let told = body.and_then(|body| question.read(&body, about).ok());
        Ok(told.and_then(|told| told.get("item").cloned()).map_or(Thing::Unseen, Thing::Is))
    }
}
