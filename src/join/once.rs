//! A step that is carried out once, whose answer is shown once: what becomes of it when that answer is lost.

use serde_json::Value;

use super::progress::Doubt;
use super::walk::{Flow, Walk};
use super::{Error, later};
use crate::adapter::{Call, Once, Outcome, Step};
use crate::http::Response;
use crate::session;

impl Walk<'_> {
    /// Sends it, with what tells of it durable before; after a lost answer only where it was not carried out.
    pub(super) async fn spend_once(
        &mut self,
        way: &str,
        index: usize,
        step: &Step,
        once: &Once,
    ) -> Result<Flow, Error> {
        let Some((number, dialect)) = self.spoken(step).into_iter().next() else { return Ok(Flow::On) };
        self.has_needs(dialect)?;
        if let Some(doubt) = self.progress.doubt.clone() {
            self.settle(way, index, once, &doubt).await?;
        }
        let before = self.plan.record.facts.get(&once.by).cloned().unwrap_or_default();
        self.progress.doubt = Some(Doubt { before });
        self.commit(Vec::new()).await?;
        let answer = match self.exchange(&dialect.call).await? {
            Ok(answer) => answer,
            Err(failure) => {
                if !failure.may_have_happened() {
                    self.no_doubt().await?;
                }
                return Err(Error::Unavailable(later(&failure)));
            }
        };
        if !answer.is_success() && !session::may_have_acted(&answer) {
            self.no_doubt().await?;
        }
        let kept = match self.read(&dialect.call, &answer) {
            Ok(Some(way)) => return Ok(Flow::Go(way)),
            Ok(None) => self.keep(way, index, number, dialect, &answer).await,
            Err(refused) => Err(refused),
        };
        // Half an answer, or an error of what stands in front: it is looked what became of it.
        self.lost |= kept.is_err() && self.progress.doubt.is_some();
        kept
    }

    /// Whether it was carried out is seen by what it changes.
    async fn settle(&mut self, way: &str, index: usize, once: &Once, doubt: &Doubt) -> Result<(), Error> {
        let whole = self.way(way)?;
        let Some(look) = self.look_of(&whole, index, &once.by) else { return Ok(()) };
        let answer = self.send(&look).await?;
        self.unless_later(&look, &answer)?;
        let (now, says) = self.told(&look, &once.by, &answer);
        if now.as_ref() == Some(&doubt.before) {
            (self.say)("it was not carried out: sending it again");
            return self.no_doubt().await;
        }
        let words = self.plan.manifest.words(&once.lost).unwrap_or("its answer was lost").to_owned();
        let says = says.map_or_else(String::new, |says| format!(" ({says})"));
        Err(Error::Refused(format!("{}: {words}{says}", self.host())))
    }

    /// What stands there now; `None` where it is not told any more, with the reason.
    fn told(&self, look: &Call, fact: &str, answer: &Response) -> (Option<Value>, Option<String>) {
        let manifest = &self.plan.manifest;
        let body = answer.json().ok().filter(|_| look.outcome(manifest, answer.status, &answer.body) == Outcome::Ok);
        match body {
            Some(body) => (Some(look.take(&body).remove(fact).unwrap_or_default()), None),
            None => (None, Some(session::answer_words(manifest, look, &self.host(), answer))),
        }
    }

    async fn no_doubt(&mut self) -> Result<(), Error> {
        self.progress.doubt = None;
        self.commit(Vec::new()).await
    }
}
