//! Walks one way in, step by step. Every answer is committed before the next step is sent.

use std::time::Duration;

use super::ask::Plan;
use super::progress::{At, Earlier, Next, Progress};
use super::wait::Pause;
use super::{Error, Joined, identity};
use crate::adapter::{Dialect, SessionFlavour, Step, Way};
use crate::event::{NewEvent, Type};
use crate::http::{PrivateUrl, Response};
use crate::ingress::{HOOK_PATH, hook_path};
use crate::session::{self, LASTS, Means, TOKEN};

/// What a step leads to.
pub(super) enum Flow {
    On,
    /// Somebody must decide first.
    Waits(Pause),
    /// Signed in by this dialect.
    Entered(usize),
    Go(String),
}

/// Where a way's steps lead to.
enum Turn {
    Through,
    Go(String),
    Waits(Pause),
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
    /// What became of an earlier try.
    pub earlier: Earlier,
    /// Why a step sent us another way: what to tell when that way is closed, too.
    pub sent_on: Option<String>,
    /// How long it may wait for somebody.
    pub limit: Option<Duration>,
    /// What the feed is told of the end, where nobody let us in.
    pub ending: Option<Type>,
    /// To be told with the next commit.
    pub events: Vec<NewEvent>,
}

impl<'a> Walk<'a> {
    pub fn new(plan: Plan, means: &'a Means, say: &'a mut (dyn FnMut(&str) + Send)) -> Self {
        let mut progress = Progress::of(&plan.record);
        // What was given now leads another way.
        progress.at = progress.at.filter(|at| at.way == plan.way);
        progress.next = progress.next.filter(|next| next.way == plan.way);
        if progress.next.is_none() {
            progress = Progress { sent: progress.sent, at: progress.at, ..Progress::default() };
        }
        let touched = progress.has_changed();
        let earlier = Earlier::of(&progress);
        let (sent_on, limit, ending, events) = (None, None, None, Vec::new());
        Self { plan, means, say, progress, touched, lost: false, earlier, sent_on, limit, ending, events }
    }

    /// To the end; or back to where it began, if nothing was changed there.
    pub async fn run(mut self) -> Result<Joined, Error> {
        if self.plan.public_url.is_some() {
            let path = hook_path(&self.means.store, &self.plan.record.name).await?;
            self.plan.secrets.insert(HOOK_PATH.to_owned(), path);
        }
        let secrets = self.plan.secrets.clone();
        self.commit(secrets.into_iter().map(|(name, secret)| (name, Some(secret))).collect()).await?;
        self.go_on().await
    }

    /// The same from what is stored, with nothing new given.
    pub async fn go_on(mut self) -> Result<Joined, Error> {
        let mut done = self.whole().await;
        if done.is_err() && std::mem::take(&mut self.lost) {
            (self.say)("the answer was lost; looking what became of it");
            self.earlier = Earlier::Unanswered;
            done = self.whole().await;
        }
        match done {
            Ok(None) => self.finish().await.map(Joined::Seated),
            Ok(Some(pause)) => Ok(Joined::Waits(self.plan.record, pause)),
            Err(error) => {
                if self.earlier == Earlier::Lost || (self.progress.next.is_some() && self.touched) {
                    // What was asked for is still there, but for a clear no.
                    if !matches!(error, Error::Unavailable(_) | Error::Store(_)) {
                        self.give_up(&error).await?;
                    }
                } else if !self.touched && !matches!(error, Error::Store(_)) {
                    self.undo().await?;
                }
                Err(error)
            }
        }
    }

    /// Every step that is left; or how long to wait for somebody.
    async fn whole(&mut self) -> Result<Option<Pause>, Error> {
        let mut way = self.plan.way.clone();
        let mut from = self.progress.next.as_ref().map_or(0, |next| next.step);
        if let Some(at) = self.progress.at.clone() {
            (from, way) = (at.step + 1, at.way.clone());
            self.then(&at).await?;
        }
        let mut entered = self.progress.at.is_some();
        let mut turn = self.steps(&way, from, &mut entered).await?;
        if let Turn::Go(other) = turn {
            (way, entered) = (other, false);
            turn = self.steps(&way, 0, &mut entered).await?;
        }
        match turn {
            Turn::Through => {}
            Turn::Waits(pause) => return Ok(Some(pause)),
            Turn::Go(third) => {
                let word = format!("the manifest sends `{way}` on to `{third}`: one turn is all there is");
                return Err(Error::Asked(word));
            }
        }
        match (self.sign_in(&way, entered).await, self.sent_on.take()) {
            (Err(Error::Refused(why)), Some(words)) => Err(Error::Refused(format!("{words} ({why})"))),
            (done, _) => done.map(|()| None),
        }
    }

    /// Runs a way's steps; answers with another way where an answer sends there.
    async fn steps(&mut self, way: &str, from: usize, entered: &mut bool) -> Result<Turn, Error> {
        let steps = self.way(way)?.steps;
        for (index, step) in steps.iter().enumerate().skip(from) {
            let flow = match &step.wait {
                Some(wait) => self.ask(way, index, wait).await?,
                None => self.step(way, index, step).await?,
            };
            match flow {
                Flow::On => {}
                Flow::Go(other) => return Ok(Turn::Go(other)),
                Flow::Waits(pause) => return Ok(Turn::Waits(pause)),
                Flow::Entered(dialect) => {
                    *entered = true;
                    self.then(&At { way: way.to_owned(), step: index, dialect, then: 0 }).await?;
                }
            }
        }
        Ok(Turn::Through)
    }

    async fn step(&mut self, way: &str, index: usize, step: &Step) -> Result<Flow, Error> {
        if step.onboarding {
            return self.onboard(way, index, step).await;
        }
        if step.finds() && self.progress.dialect.is_none() {
            return self.find(way, index, step).await;
        }
        if let Some(once) = &step.once {
            return self.spend_once(way, index, step, once).await;
        }
        // What an approval gave works once.
        let once = self.way(way)?.waits_at().is_some_and(|waits| index > waits);
        for (number, dialect) in self.spoken(step) {
            self.has_needs(dialect)?;
            let answer =
                if once { self.send_once(way, &dialect.call).await? } else { self.send(&dialect.call).await? };
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
    pub async fn keep(
        &mut self,
        way: &str,
        step: usize,
        number: usize,
        dialect: &Dialect,
        answer: &Response,
    ) -> Result<Flow, Error> {
        let whole = self.way(way)?;
        self.forget_learnt(&whole, dialect);
        self.forget_told(&whole, dialect);
        let secrets = self.take(&dialect.call, answer)?;
        let entered = secrets.iter().any(|(name, _)| name == TOKEN);
        self.progress.changed |= dialect.call.method != http::Method::GET;
        self.progress.doubt = None;
        if whole.waits_at().is_some() || self.is_shown_once(dialect, &secrets) {
            self.progress.next = Some(Next { way: way.to_owned(), step: step + 1, sends: 0 });
        }
        if whole.waits_at() == Some(step + 1) {
            self.begin();
        }
        if entered {
            self.note_life(&whole, answer);
            self.plan.record.session = whole.session;
            self.progress.at = Some(At { way: way.to_owned(), step, dialect: number, then: 0 });
        }
        if let Some(owner) = &self.plan.owner {
            identity::check_settings(&self.plan.manifest, owner, &self.plan.record)?;
        }
        self.commit(secrets).await?;
        Ok(if entered { Flow::Entered(number) } else { Flow::On })
    }

    /// A new grant may be another account's: what was learnt with the last one is learnt anew.
    fn forget_learnt(&mut self, way: &Way, dialect: &Dialect) {
        let manifest = &self.plan.manifest;
        let flavour = manifest.sessions.get(&way.session).map(|spec| spec.flavour);
        if flavour == Some(SessionFlavour::RefreshGrant) && dialect.call.take.has(TOKEN) {
            let learnt = manifest.join.learn.iter().flat_map(|learn| learn.teaches().names());
            learnt.for_each(|name| drop(self.plan.record.facts.remove(name)));
        }
    }

    /// How long the token just taken is good, where its answer says so.
    fn note_life(&mut self, way: &Way, answer: &Response) {
        let spec = self.plan.manifest.sessions.get(&way.session);
        let now = self.means.clock.now();
        let lasts = spec.zip(answer.json().ok()).and_then(|(spec, body)| session::lasts(spec, &body, answer, now));
        match lasts {
            Some(lasts) => drop(self.plan.record.facts.insert(LASTS.into(), lasts.into())),
            None => drop(self.plan.record.facts.remove(LASTS)),
        }
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
