//! Claims what an approval gives, again and again until there is one: so often and no more, across restarts.
//!
//! What a claim brings is shown once. That one is about to leave is durable before it does, so that an answer that is
//! lost, to the network or to a crash, is known to be lost for ever after.

use std::time::Duration;

use serde_json::Map;

use super::Error;
use super::dialect::is_later;
use super::verdict::{Verdict, brings};
use super::wait::{Pause, Waits};
use super::walk::{Flow, Walk};
use crate::adapter::{Call, Claim, Dialect, Manifest, Outcome, Wait};
use crate::clock::{millis, rfc3339};
use crate::event::Type;
use crate::http::{NotJson, Response};
use crate::session;

/// A claim as the manifest tells it, and where it stands.
#[derive(Clone, Copy)]
pub(super) struct Claiming<'a> {
    pub way: &'a str,
    pub index: usize,
    pub number: usize,
    pub dialect: &'a Dialect,
    pub wait: &'a Wait,
    pub claim: &'a Claim,
}

/// What to do now, at this time.
#[derive(Debug, PartialEq, Eq)]
enum Turn {
    Claim,
    /// The last one is not long enough ago.
    Rest(Duration),
    /// Often enough, or long enough.
    Over,
}

fn turn(wait: &Wait, claim: &Claim, waits: &Waits, now: u64) -> Turn {
    if waits.asks >= claim.most || now.saturating_sub(waits.since) > millis(claim.within.0) {
        return Turn::Over;
    }
    match rest(wait, waits, now) {
        Duration::ZERO => Turn::Claim,
        rest => Turn::Rest(rest),
    }
}

/// How long until the next one is due. A clock that was set back asks for no more than the whole wait.
fn rest(wait: &Wait, waits: &Waits, now: u64) -> Duration {
    let Some(asked) = waits.asked else { return Duration::ZERO };
    let every = millis(wait.every.0);
    Duration::from_millis(asked.saturating_add(every).saturating_sub(now).min(every))
}

/// Reads the answer to a claim. What no outcome names passes: it ends with the time that the claim has.
fn verdict(manifest: &Manifest, it: &Claiming<'_>, host: &str, answer: &Response) -> Verdict {
    let call = &it.dialect.call;
    let words = || session::answer_words(manifest, call, host, answer);
    if is_later(answer.status) {
        return Verdict::Later(words());
    }
    match call.outcome(manifest, answer.status, &answer.body) {
        Outcome::Named { is, .. } if it.claim.pending.all().contains(&is) => Verdict::Waits(None),
        Outcome::Named { is, .. } if it.claim.spent.all().contains(&is) => Verdict::Spent(words()),
        Outcome::Named { is, .. } if it.wait.expired.all().contains(&is) => Verdict::Expired(words()),
        Outcome::Named { .. } => Verdict::Rejected(words()),
        Outcome::Status(_) => Verdict::Later(words()),
        Outcome::Ok if brings(call, &it.wait.r#for, answer) => Verdict::Approved,
        Outcome::Ok => Verdict::Later(format!("{host} answered {} without what was asked for", session::label(call))),
    }
}

impl Walk<'_> {
    /// Claims once, where that is due.
    pub(super) async fn claim(&mut self, it: Claiming<'_>, waits: Waits) -> Result<Flow, Error> {
        let now = self.means.clock.now();
        match turn(it.wait, it.claim, &waits, now) {
            Turn::Over => return Err(self.over(it.wait, &waits)),
            Turn::Rest(again) => return Ok(Flow::Waits(Pause { again, trouble: None, sharp: true })),
            Turn::Claim => self.is_patient(&waits)?,
        }
        if let Some(look) = &it.claim.look {
            self.look(it.wait, look, &waits).await?;
        }
        let waits = self.about_to_claim(it.claim, waits).await?;
        let (verdict, lost) = match self.exchange(&it.dialect.call).await? {
            Err(failure) => (Err(failure.to_string()), failure.may_have_happened()),
            Ok(answer) => {
                let verdict = verdict(&self.plan.manifest, &it, &self.host(), &answer);
                if verdict == Verdict::Approved {
                    return self.approved(it, &waits, &answer).await;
                }
                // A page comes from what stands in front, and brings nothing from behind it.
                let page = answer.json() == Err(NotJson::Html);
                let lost = (answer.is_success() && !page) || session::may_have_acted(&answer);
                (Ok(verdict), lost)
            }
        };
        let waits = self.claimed(it.claim, waits, lost).await?;
        let again = rest(it.wait, &waits, self.means.clock.now());
        let pause = |trouble: Option<String>| Ok(Flow::Waits(Pause { again, sharp: trouble.is_none(), trouble }));
        match verdict {
            Ok(Verdict::Rejected(words)) => Err(self.turned_away(Type::JoinRejected, with(words, &waits))),
            Ok(Verdict::Expired(words)) => Err(self.turned_away(Type::JoinExpired, with(words, &waits))),
            Ok(Verdict::Spent(words)) => {
                self.tell(Type::JoinApproved, Map::new());
                Err(Error::Refused(with(words, &waits)))
            }
            Ok(Verdict::Waits(_) | Verdict::Approved) => pause(None),
            Ok(Verdict::Later(why)) | Err(why) => pause(Some(why)),
        }
    }

    async fn approved(&mut self, it: Claiming<'_>, waits: &Waits, answer: &Response) -> Result<Flow, Error> {
        (self.progress.waits, self.progress.approved) = (None, true);
        self.progress.asked_at = Some(waits.since);
        self.tell(Type::JoinApproved, Map::new());
        self.keep(it.way, it.index, it.number, it.dialect, answer).await
    }

    /// The platform may say more elsewhere; what it does not say there the claim will.
    async fn look(&mut self, wait: &Wait, look: &Call, waits: &Waits) -> Result<(), Error> {
        let Ok(answer) = self.send(look).await else { return Ok(()) };
        let manifest = self.plan.manifest.clone();
        let named = match look.outcome(&manifest, answer.status, &answer.body) {
            Outcome::Named { is, .. } if !is_later(answer.status) => is,
            _ => return Ok(()),
        };
        // The manifest's own outcomes say what may be wrong with any call; only those of the look are about the join.
        if !look.outcomes.iter().any(|rule| rule.is == named) {
            return Ok(());
        }
        let words = with(session::answer_words(&manifest, look, &self.host(), &answer), waits);
        let late = wait.expired.all().contains(&named);
        Err(self.turned_away(if late { Type::JoinExpired } else { Type::JoinRejected }, words))
    }

    /// Counted before it leaves, and known not to be answered yet.
    async fn about_to_claim(&mut self, claim: &Claim, mut waits: Waits) -> Result<Waits, Error> {
        if waits.open {
            // The bridge ended, or was held up, between a claim and its answer.
            self.doubt(claim, &mut waits);
        }
        (waits.asks, waits.asked, waits.open) = (waits.asks + 1, Some(self.means.clock.now()), true);
        self.progress.waits = Some(waits.clone());
        self.commit(Vec::new()).await?;
        Ok(waits)
    }

    /// It was answered, or will not be any more.
    async fn claimed(&mut self, claim: &Claim, mut waits: Waits, lost: bool) -> Result<Waits, Error> {
        waits.open = false;
        if lost {
            self.doubt(claim, &mut waits);
        }
        self.lost = false;
        self.progress.waits = Some(waits.clone());
        self.commit(Vec::new()).await?;
        Ok(waits)
    }

    /// The first answer that was lost counts: what it may have brought no later one brings.
    fn doubt(&self, claim: &Claim, waits: &mut Waits) {
        let at = rfc3339(waits.asked.unwrap_or_default());
        let words = self.plan.manifest.words(&claim.lost).unwrap_or_default();
        waits.doubt.get_or_insert_with(|| format!("the answer to the claim of {at} was lost: {words}"));
    }

    fn over(&mut self, wait: &Wait, waits: &Waits) -> Error {
        let named = wait.expired.all().first().and_then(|name| self.plan.manifest.words(name));
        let words = named.unwrap_or("nobody has decided in time: ask for another invite").to_owned();
        self.turned_away(Type::JoinExpired, with(format!("{}: {words}", self.host()), waits))
    }
}

/// The words, and what a lost answer may have to do with it.
fn with(words: String, waits: &Waits) -> String {
    match &waits.doubt {
        Some(doubt) => format!("{words}; {doubt}"),
        None => words,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest() -> (Wait, Claim) {
        let wait: Wait = serde_yaml::from_str(
            "{ for: key, every: 60s, claim: { pending: waits, most: 3, within: 7d, lost: lost } }",
        )
        .unwrap();
        let claim = wait.claim.clone().unwrap();
        (wait, claim)
    }

    #[test]
    fn a_claim_is_due_a_minute_after_the_last_and_never_oftener_than_allowed() {
        let (wait, claim) = manifest();
        let waits = |asks, asked| Waits { since: 1_000_000, asks, asked, ..Waits::default() };
        let at = |waits: &Waits, now| turn(&wait, &claim, waits, now);
        assert_eq!(at(&waits(0, None), 1_000_000), Turn::Claim);
        let once = waits(1, Some(1_000_000));
        assert_eq!(at(&once, 1_000_001), Turn::Rest(Duration::from_millis(59_999)));
        assert_eq!(at(&once, 1_060_000), Turn::Claim);
        assert_eq!(at(&once, 0), Turn::Rest(Duration::from_mins(1)), "a clock that was set back stops nothing");
        assert_eq!(at(&waits(3, Some(0)), 2_000_000), Turn::Over);
        let week = 7 * 24 * 60 * 60 * 1_000;
        assert_eq!(at(&once, 1_000_000 + week), Turn::Claim);
        assert_eq!(at(&once, 1_000_001 + week), Turn::Over);
    }
}
