//! Waits until somebody lets the bridge in: the request is stored, and asked about again and again, across restarts.
//!
//! What an approval gives works once, like a refresh token: it is durable before it is sent, and sent twice at most.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::claim::Claiming;
use super::progress::Progress;
use super::verdict::{Verdict, verdict};
use super::walk::{Flow, Walk};
use super::{Error, JOINING};
use crate::adapter::Wait;
use crate::clock::{millis, rfc3339};
use crate::event::{Draft, Type};
use crate::retry::retry_after;
use crate::session::{self, UNTOLD, repair_command};
use crate::store::{Seat, WorkspaceRecord};

/// One exchange of what an approval gave, and one more after a lost reply.
const MOST_SENDS: u64 = 2;

const OUT_OF_PATIENCE: &str = "nobody has decided in the time that `join.wait` gives: ask the person, and run the same \
                               command again";

/// What a join waits for. Times in milliseconds since 1970.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waits {
    /// Since when it asks.
    pub since: u64,
    /// When the platform stops waiting, where it says so.
    #[serde(default)]
    pub ends: Option<u64>,
    /// How many claims were sent.
    #[serde(default, skip_serializing_if = "is_none")]
    pub asks: u64,
    /// When the last one was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<u64>,
    /// It was not answered yet.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub open: bool,
    /// A claim whose answer was lost, and what to ask for, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doubt: Option<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands out references")]
const fn is_none(count: &u64) -> bool {
    *count == 0
}

/// When to ask again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pause {
    /// At least so long.
    pub again: Duration,
    /// Why nothing could be learnt this time.
    pub trouble: Option<String>,
    /// And, while nothing is wrong, no longer.
    pub sharp: bool,
}

/// How far the join of a workspace is that somebody must approve.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pending {
    /// Nobody has decided.
    Waits(Waits),
    /// It was approved; the rest goes on by itself.
    Approved,
}

/// What a workspace's join waits for; `None` where it does not go on by itself.
pub fn pending(record: &WorkspaceRecord) -> Option<Pending> {
    if record.seat != Seat::Joining {
        return None;
    }
    let progress = Progress::of(record);
    match progress.waits {
        Some(waits) => Some(Pending::Waits(waits)),
        None => progress.approved.then_some(Pending::Approved),
    }
}

impl Walk<'_> {
    /// Asks once whether somebody has decided.
    pub(super) async fn ask(&mut self, way: &str, index: usize, wait: &Wait) -> Result<Flow, Error> {
        let steps = self.way(way)?.steps;
        let spoken = steps.get(index).and_then(|step| self.spoken(step).into_iter().next());
        let Some((number, dialect)) = spoken else { return Ok(Flow::On) };
        let waits = self.begun().await?;
        if let Some(claim) = &wait.claim {
            return self.claim(Claiming { way, index, number, dialect, wait, claim }, waits).await;
        }
        self.is_patient(&waits)?;
        let (now, every) = (self.means.clock.now(), wait.every.0);
        let answer = match self.send(&dialect.call).await {
            Err(Error::Unavailable(why)) => return self.untold(&waits, every, why),
            answer => answer?,
        };
        let again = every.max(retry_after(&answer.headers, now).unwrap_or_default());
        match verdict(&self.plan.manifest, &dialect.call, wait, &self.host(), &answer, now) {
            Verdict::Approved => {
                (self.progress.waits, self.progress.approved) = (None, true);
                self.progress.asked_at = Some(waits.since);
                self.tell(Type::JoinApproved, Map::new());
                self.keep(way, index, number, dialect, &answer).await
            }
            Verdict::Waits(ends) => {
                self.note_end(waits, ends).await?;
                Ok(Flow::Waits(Pause { again, trouble: None, sharp: false }))
            }
            Verdict::Later(why) => self.untold(&waits, again, why),
            Verdict::Rejected(words) | Verdict::Spent(words) => Err(self.turned_away(Type::JoinRejected, words)),
            Verdict::Expired(words) => Err(self.turned_away(Type::JoinExpired, words)),
        }
    }

    /// Nothing could be learnt this time. Once the end that the platform gave is over, so is the patience with it.
    fn untold(&mut self, waits: &Waits, again: Duration, why: String) -> Result<Flow, Error> {
        if waits.ends.is_some_and(|ends| ends < self.means.clock.now()) {
            self.has_time(waits)?;
        }
        Ok(Flow::Waits(Pause { again, trouble: Some(why), sharp: false }))
    }

    /// Where the platform says when the asking ends, that counts, by its own clock; else the operator's patience does.
    pub(super) fn is_patient(&mut self, waits: &Waits) -> Result<(), Error> {
        if waits.ends.is_some() { Ok(()) } else { self.has_time(waits) }
    }

    fn has_time(&mut self, waits: &Waits) -> Result<(), Error> {
        let waited = self.means.clock.now().saturating_sub(waits.since);
        if self.limit.is_some_and(|limit| waited > millis(limit)) {
            return Err(self.turned_away(Type::JoinExpired, OUT_OF_PATIENCE.to_owned()));
        }
        Ok(())
    }

    /// From here on it waits: durable, and told, with the next commit.
    pub(super) fn begin(&mut self) -> Waits {
        let waits = Waits { since: self.means.clock.now(), ..Waits::default() };
        self.progress.waits = Some(waits.clone());
        self.tell(Type::JoinRequested, Map::new());
        waits
    }

    async fn begun(&mut self) -> Result<Waits, Error> {
        if let Some(waits) = &self.progress.waits {
            return Ok(waits.clone());
        }
        // A way whose first step waits.
        let waits = self.begin();
        self.commit(Vec::new()).await?;
        Ok(waits)
    }

    async fn note_end(&mut self, waits: Waits, ends: Option<u64>) -> Result<(), Error> {
        if ends.is_none() || waits.ends == ends {
            return Ok(());
        }
        self.progress.waits = Some(Waits { ends, ..waits });
        self.commit(Vec::new()).await
    }

    pub(super) fn turned_away(&mut self, kind: Type, words: String) -> Error {
        self.ending = Some(kind);
        Error::Refused(words)
    }

    /// What an approval gave is about to leave: durably counted, and never a third time. The last try is not wasted on
    /// a platform that is down.
    pub(super) async fn spend(&mut self, way: &str) -> Result<(), Error> {
        match self.progress.next.as_ref().map_or(0, |next| next.sends) {
            MOST_SENDS.. => {
                let what = "what the approval gave was sent twice and the answer was lost";
                return Err(Error::Refused(format!("{what}: ask again with the same command")));
            }
            0 => {}
            _ => self.look_for_life(way).await?,
        }
        self.count(1).await
    }

    /// It never arrived, or was not taken.
    pub(super) async fn take_back(&mut self) -> Result<(), Error> {
        self.count(-1).await
    }

    async fn count(&mut self, by: i64) -> Result<(), Error> {
        if let Some(next) = &mut self.progress.next {
            next.sends = next.sends.saturating_add_signed(by);
        }
        self.commit(Vec::new()).await
    }

    /// Asking whether somebody has decided changes nothing, and says whether anybody is there.
    async fn look_for_life(&mut self, way: &str) -> Result<(), Error> {
        let way = self.way(way)?;
        let asking = way.waits_at().and_then(|at| way.steps.get(at)).and_then(|step| step.dialects.first());
        let Some(dialect) = asking else { return Ok(()) };
        let answer = self.send(&dialect.call).await?;
        if answer.status < 500 && answer.status != 408 {
            return Ok(());
        }
        let words = session::answer_words(&self.plan.manifest, &dialect.call, &self.host(), &answer);
        Err(Error::Unavailable(words))
    }

    /// Nobody let us in, or what they gave is lost: the seat says so, and with which command to ask again.
    pub(super) async fn give_up(&mut self, why: &Error) -> Result<(), Error> {
        let manifest = self.plan.manifest.clone();
        let record = &mut self.plan.record;
        record.facts.remove(JOINING);
        // What it asks for depends on the seat: what was given for this join is used up.
        record.seat = Seat::SignedOut;
        let (reason, command) = (why.to_string(), repair_command(&manifest, record));
        record.seat = Seat::NeedsAction { reason: reason.clone(), command: command.clone() };
        match self.ending.take() {
            Some(kind) => {
                let more = json!({ "reason": reason, "command": command });
                self.tell(kind, more.as_object().cloned().unwrap_or_default());
            }
            None => drop(record.facts.insert(UNTOLD.to_owned(), true.into())),
        }
        let used = manifest.ask.secrets.iter().filter(|(_, secret)| secret.one_use);
        self.write(used.map(|(name, _)| (name.to_owned(), None)).collect()).await
    }

    /// Told with the next commit.
    pub(super) fn tell(&mut self, kind: Type, more: Map<String, Value>) {
        let record = &self.plan.record;
        let mut draft = Draft::about(&record.name, kind, rfc3339(self.means.clock.now()), more);
        draft.platform = Some(record.platform.as_str().into());
        self.events.push(draft.seal());
    }
}
