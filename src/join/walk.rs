//! Walks one way in, step by step. Every answer is committed before the next step is sent.

use serde::{Deserialize, Serialize};

use super::ask::Plan;
use super::{Error, JOINING, identity};
use crate::adapter::{Dialect, Scope, Step, Way};
use crate::http::{PrivateUrl, Response};
use crate::session::{self, GOT_AT, Means, Session, TOKEN};
use crate::store::WorkspaceRecord;

/// How far a join is, as the fact `joining` keeps it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Progress {
    /// A request that may change something there was sent.
    #[serde(default)]
    pub sent: bool,
    /// Signed in by a step: there the next run goes on.
    #[serde(default)]
    at: Option<At>,
}

/// A step that gave a token.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct At {
    way: String,
    step: usize,
    dialect: usize,
    /// Calls of its `then` that are done.
    then: usize,
}

/// What a step leads to.
enum Flow {
    On,
    /// Signed in by this dialect.
    Entered(usize),
    Go(String),
}

/// One join under way.
pub(super) struct Walk<'a> {
    pub plan: Plan,
    pub means: &'a Means,
    pub say: &'a mut (dyn FnMut(&str) + Send),
    pub progress: Progress,
    /// This run may have changed something there.
    pub touched: bool,
    /// The answer to a step that changes something was lost.
    pub lost: bool,
    /// Why a step sent us another way: what to tell when that way is closed, too.
    pub sent_on: Option<String>,
}

impl<'a> Walk<'a> {
    pub fn new(plan: Plan, means: &'a Means, say: &'a mut (dyn FnMut(&str) + Send)) -> Self {
        let kept = plan.record.facts.get(JOINING).cloned();
        let mut progress: Progress = kept.and_then(|kept| serde_json::from_value(kept).ok()).unwrap_or_default();
        // What was given now leads another way.
        progress.at = progress.at.filter(|at| at.way == plan.way);
        Self { plan, means, say, progress, touched: false, lost: false, sent_on: None }
    }

    /// To the end; or back to where it began, if nothing was changed there.
    pub async fn run(mut self) -> Result<WorkspaceRecord, Error> {
        let secrets = self.plan.secrets.clone();
        self.commit(secrets.into_iter().map(|(name, secret)| (name, Some(secret))).collect()).await?;
        let mut done = self.whole().await;
        if done.is_err() && std::mem::take(&mut self.lost) {
            (self.say)("the answer was lost; looking what became of it");
            done = self.whole().await;
        }
        match done {
            Ok(()) => self.finish().await,
            Err(error) => {
                if !self.touched && !matches!(error, Error::Store(_)) {
                    self.undo().await?;
                }
                Err(error)
            }
        }
    }

    async fn whole(&mut self) -> Result<(), Error> {
        let mut way = self.plan.way.clone();
        let mut from = 0;
        if let Some(at) = self.progress.at.clone() {
            (from, way) = (at.step + 1, at.way.clone());
            self.then(&at).await?;
        }
        let mut entered = self.progress.at.is_some();
        if let Some(other) = self.steps(&way, from, &mut entered).await? {
            way = other;
            entered = false;
            if let Some(third) = self.steps(&way, 0, &mut entered).await? {
                return Err(Error::Asked(format!(
                    "the manifest sends `{way}` on to `{third}`: one turn is all there is"
                )));
            }
        }
        match (self.sign_in(&way, entered).await, self.sent_on.take()) {
            (Err(Error::Refused(why)), Some(words)) => Err(Error::Refused(format!("{words} ({why})"))),
            (done, _) => done,
        }
    }

    /// Runs a way's steps; answers with another way where an answer sends there.
    async fn steps(&mut self, way: &str, from: usize, entered: &mut bool) -> Result<Option<String>, Error> {
        let steps = self.way(way)?.steps;
        for (index, step) in steps.iter().enumerate().skip(from) {
            match self.step(way, index, step).await? {
                Flow::On => {}
                Flow::Go(other) => return Ok(Some(other)),
                Flow::Entered(dialect) => {
                    *entered = true;
                    self.then(&At { way: way.to_owned(), step: index, dialect, then: 0 }).await?;
                }
            }
        }
        Ok(None)
    }

    async fn step(&mut self, way: &str, index: usize, step: &Step) -> Result<Flow, Error> {
        for (number, dialect) in step.dialects.iter().enumerate() {
            self.has_needs(dialect)?;
            let answer = self.send(&dialect.call).await?;
            let next = dialect.next_on.as_ref().is_some_and(|sign| sign.fits(answer.status, &answer.body));
            if next && number + 1 < step.dialects.len() {
                (self.say)("it speaks another dialect");
                continue;
            }
            return match self.read(&dialect.call, &answer)? {
                Some(way) => Ok(Flow::Go(way)),
                None => self.keep(way, index, number, dialect, &answer).await,
            };
        }
        Ok(Flow::On)
    }

    /// Commits what an answer brought.
    async fn keep(
        &mut self,
        way: &str,
        step: usize,
        number: usize,
        dialect: &Dialect,
        answer: &Response,
    ) -> Result<Flow, Error> {
        let secrets = self.take(&dialect.call, answer)?;
        let entered = secrets.iter().any(|(name, _)| name == TOKEN);
        if entered {
            self.plan.record.session.clone_from(&self.way(way)?.session);
            self.progress.at = Some(At { way: way.to_owned(), step, dialect: number, then: 0 });
        }
        if let Some(owner) = &self.plan.owner {
            identity::check_settings(&self.plan.manifest, owner, &self.plan.record)?;
        }
        self.commit(secrets).await?;
        Ok(if entered { Flow::Entered(number) } else { Flow::On })
    }

    /// What a dialect does once it is signed in, from where it stopped.
    async fn then(&mut self, at: &At) -> Result<(), Error> {
        let way = self.way(&at.way)?;
        let Some(dialect) = way.steps.get(at.step).and_then(|step| step.dialects.get(at.dialect)) else {
            return Err(Error::Asked("the manifest changed during the join: leave and join again".into()));
        };
        for (index, call) in dialect.then.iter().enumerate().skip(at.then) {
            let line = format!("{}: {}", self.host(), session::label(call));
            (self.say)(&line);
            let session = self.session()?;
            self.touched = true;
            let answer = session.call(call, Scope::new()).await?;
            self.adopt(&session);
            if !answer.is_success() {
                let words = session::answer_words(&self.plan.manifest, call, &self.host(), &answer);
                return Err(Error::Unavailable(format!("{words}; run the same command again, it goes on from here")));
            }
            let secrets = self.take(call, &answer)?;
            self.progress.at = Some(At { then: index + 1, ..at.clone() });
            self.commit(secrets).await?;
        }
        if let Some(session) = &dialect.session {
            self.plan.record.session.clone_from(session);
        }
        Ok(())
    }

    /// Opens the session the way leads to, proves it, and learns what the bridge must know of itself.
    async fn sign_in(&mut self, way: &str, entered: bool) -> Result<(), Error> {
        let mut stale = Vec::new();
        if !entered {
            self.plan.record.session = self.way(way)?.session;
            // A token from before says nothing about the credentials given now.
            stale.push((TOKEN.to_owned(), None));
            self.plan.record.facts.remove(GOT_AT);
        }
        self.commit(stale).await?;
        (self.say)("signing in");
        let session = self.session()?;
        let learnt = session.prove_and_learn().await;
        self.adopt(&session);
        learnt?;
        match &self.plan.owner {
            Some(owner) => identity::check_ids(&self.plan.manifest, owner, &self.plan.record),
            None => Ok(()),
        }
    }

    fn session(&self) -> Result<Session, Error> {
        Ok(Session::open(self.means.clone(), self.plan.manifest.clone(), self.plan.record.clone())?)
    }

    /// What the session committed meanwhile (a login's token, facts) is ours as well.
    fn adopt(&mut self, session: &Session) {
        self.plan.record = session.record();
    }

    pub fn way(&self, name: &str) -> Result<Way, Error> {
        let way = self.plan.manifest.join.ways.get(name).cloned();
        way.ok_or_else(|| Error::Asked(format!("the manifest has no way of joining called `{name}`")))
    }

    pub fn host(&self) -> String {
        session::base(&self.plan.manifest, &self.plan.record)
            .map_or_else(|_| "the platform".into(), |base| PrivateUrl::new(base).host())
    }
}
