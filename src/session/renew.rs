//! Renews a token: single-flight, in a task of its own, durable before it is used (P7).

use std::sync::PoisonError;
use std::time::Duration;

use tokio::time::Instant;

use super::intent::{self, Cause, Leave};
use super::login::{Login, LoginFailed, Taken, repair_command};
use super::token::{Life, Token};
use super::{Error, GOT_AT, LASTS, LoginWaits, Sealing, Session, TOKEN};
use crate::adapter;
use crate::failpoint::{Defence, stands};
use crate::retry::Backoff;
use crate::store::{Seat, WorkspaceRecord};

/// New tokens in a row that nothing accepted: then the login works and is worth nothing.
const DOUBTS: u32 = 3;

/// Two 401s in a row, the second on a new token: then the platform is at fault as likely as the token, and no further
/// refresh token is spent on it for so long (or as long as the config waits at most, where that is shorter).
const HOLD_OFF: Duration = Duration::from_mins(1);

/// Why a refresh token whose answer was lost twice is not sent again.
const SPENT: &str = "the answer to the renewal of its token was lost twice, and no refresh token is sent a third time";

/// What only the renewal under way touches.
pub(super) struct Flight {
    first_wait: Duration,
    backoff: Backoff,
    generation: u64,
    doubts: u32,
}

impl Flight {
    /// Nothing was tried yet.
    pub fn new(LoginWaits(waits): LoginWaits) -> Self {
        let backoff = Backoff::new(waits.first, waits.longest);
        Self { first_wait: waits.first, backoff, generation: 1, doubts: 0 }
    }
}

/// When the next login may be tried; readable while one is under way.
#[derive(Default)]
pub(super) struct Pace {
    not_before: Option<Instant>,
    failed: Option<String>,
    /// The token in use has not been accepted by anything yet.
    unproven: bool,
    /// The login that a 401 forced did not help against that 401: such logins are not forgiven.
    in_vain: bool,
    /// The platform has answered something since the answer to a renewal was lost.
    pub(super) answered: bool,
}

impl Pace {
    pub fn waiting(&self) -> Option<(String, Duration)> {
        let left = self.not_before?.checked_duration_since(Instant::now())?;
        Some((self.failed.clone()?, left))
    }
}

fn renew_before(spec: &adapter::Session) -> Duration {
    spec.expires.as_ref().map_or(Duration::from_mins(5), |expires| expires.renew_before.0)
}

/// The token in use goes on: what became of its renewal is not known.
fn in_doubt(retry_in: Duration) -> Error {
    Error::Waiting { why: "the answer to the last renewal was lost".to_owned(), retry_in }
}

impl Session {
    /// What to authorise with: the token, renewed where that is due; nothing where a key in the header is all.
    pub(super) async fn credential(&self) -> Result<Option<Token>, Error> {
        self.may_act()?;
        if !self.0.spec.flavour.has_token() {
            return Ok(None);
        }
        let Some(token) = self.held() else { return self.renewed(0, Cause::Missing).await.map(Some) };
        if !token.is_due(renew_before(&self.0.spec)) {
            return Ok(Some(token));
        }
        match self.renewed(token.generation, Cause::Due).await {
            // It is still good, or a 401 will say otherwise.
            Err(Error::Waiting { .. }) => Ok(Some(token)),
            other => other.map(Some),
        }
    }

    /// After a 401: a new token, or the end of it.
    pub(super) async fn refused(&self, used: Option<Token>) -> Result<Token, Error> {
        match used {
            Some(token) => self.renewed(token.generation, Cause::Refused).await,
            None => Err(self.own_task_needs_action("the platform does not accept the key").await),
        }
    }

    /// The platform is there: a 5xx may come from what stands in front of it.
    pub(super) fn heard(&self, status: u16) {
        if status < 500 {
            self.0.pace.lock().unwrap_or_else(PoisonError::into_inner).answered = true;
        }
    }

    /// Anything but a 401 proves the token.
    pub(super) fn accepted(&self) {
        let mut pace = self.0.pace.lock().unwrap_or_else(PoisonError::into_inner);
        if std::mem::take(&mut pace.unproven) {
            pace.failed = None;
            let helped = !pace.in_vain;
            drop(pace);
            // Locked only while the next renewal is under way, and that will prove itself.
            if let Ok(mut flight) = self.0.flight.try_lock() {
                flight.doubts = 0;
                if helped {
                    flight.backoff.good();
                }
            }
        }
    }

    /// The repeated request was answered: a second 401 is the caller's answer, a third new token in vain the end.
    pub(super) async fn repeated(&self, status: u16) -> Result<(), Error> {
        if status != 401 {
            self.accepted();
            return Ok(());
        }
        let mut flight = self.0.flight.lock().await;
        let unproven = {
            let mut pace = self.0.pace.lock().unwrap_or_else(PoisonError::into_inner);
            pace.in_vain = true;
            if pace.unproven && self.0.spec.refresh_secret().is_some() {
                let hold_off = HOLD_OFF.min(self.0.means.waits.0.longest);
                pace.not_before = pace.not_before.max(Some(Instant::now() + hold_off));
            }
            pace.unproven
        };
        if !unproven {
            return Ok(());
        }
        flight.doubts += 1;
        if flight.doubts < DOUBTS {
            return Ok(());
        }
        drop(flight);
        Err(self.own_task_needs_action("the platform gives tokens and accepts none of them").await)
    }

    /// A token newer than `stale`. However many ask, one login is under way, and it goes on when they give up.
    async fn renewed(&self, stale: u64, cause: Cause) -> Result<Token, Error> {
        let session = self.clone();
        self.own_task(async move { session.renew(stale, cause).await }).await
    }

    async fn renew(&self, stale: u64, cause: Cause) -> Result<Token, Error> {
        let mut flight = self.0.flight.lock().await;
        let renewed = self.held().filter(|token| token.generation > stale && stands(Defence::SingleFlight));
        if let Some(token) = renewed {
            return Ok(token);
        }
        self.may_act()?;
        self.wait_is_over()?;
        let record = self.record();
        match self.may_exchange(cause) {
            Leave::Send if stands(Defence::WriteAhead) => self.intend().await?,
            Leave::Send => {}
            Leave::Hold => return Err(in_doubt(flight.first_wait)),
            Leave::Spent => return Err(self.needs_action(SPENT, &record).await),
        }
        let login = Login {
            network: &*self.0.means.network,
            manifest: &self.0.manifest,
            spec: &self.0.spec,
            base: &self.0.base,
        };
        match login.send(&self.secret_scope(), self.0.means.clock.now()).await {
            Ok(brought) => {
                let token = self.install(brought, &mut flight).await?;
                self.pace_after(&mut flight, stale);
                Ok(token)
            }
            Err(LoginFailed::Refused(reason)) if self.sends() > 1 => {
                Err(self.needs_action(&format!("{reason}; the answer to its first renewal was lost"), &record).await)
            }
            Err(LoginFailed::Refused(reason)) => Err(self.needs_action(&reason, &record).await),
            Err(LoginFailed::Later { why, after, happened }) => {
                self.doubt(happened).await?;
                Err(self.wait(&mut flight, why, after))
            }
            Err(LoginFailed::Call(error)) => {
                self.doubt(false).await?;
                Err(error.into())
            }
        }
    }

    /// A renewal has failed: where the platform may have acted on it, the stored intent stands.
    async fn doubt(&self, happened: bool) -> Result<(), Error> {
        if !happened {
            return self.take_back().await;
        }
        self.0.pace.lock().unwrap_or_else(PoisonError::into_inner).answered = false;
        Ok(())
    }

    fn wait_is_over(&self) -> Result<(), Error> {
        let pace = self.0.pace.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(retry_in) = pace.not_before.and_then(|at| at.checked_duration_since(Instant::now())) else {
            return Ok(());
        };
        if retry_in.is_zero() {
            return Ok(());
        }
        let why = pace.failed.clone().unwrap_or_else(|| "the newest token was refused soon after it was got".into());
        Err(Error::Waiting { why, retry_in })
    }

    /// Durable first, then used.
    async fn install(&self, brought: Taken, flight: &mut Flight) -> Result<Token, Error> {
        let now = self.0.means.clock.now();
        flight.generation += 1;
        let secret = brought.token.clone();
        let sealed = brought.secrets.into_iter().chain([(TOKEN.to_owned(), secret.clone())]);
        let mut secrets: Sealing = sealed.map(|(name, secret)| (name, Some(secret))).collect();
        if self.0.spec.refresh_secret().is_some() {
            secrets.extend(intent::settled());
        }
        self.commit(secrets, |record| {
            intent::forget(record);
            record.settings.extend(brought.settings);
            record.facts.extend(brought.facts);
            record.facts.insert(GOT_AT.into(), now.into());
            match brought.lasts {
                Some(lasts) => drop(record.facts.insert(LASTS.into(), lasts.into())),
                None => drop(record.facts.remove(LASTS)),
            }
        })
        .await?;
        // The seat may have been taken away meanwhile: then what was brought is not kept.
        self.may_act()?;
        let token = Token::new(secret, flight.generation, now, now, Life::of(&self.0.spec, brought.lasts));
        *self.0.token.lock().unwrap_or_else(PoisonError::into_inner) = Some(token.clone());
        tracing::info!(workspace = %self.0.record.borrow().name, good_for = ?token.remaining(), "signed in");
        Ok(token)
    }

    /// A login that a 401 forced delays the next one: a platform that refuses what it gives is not hammered.
    fn pace_after(&self, flight: &mut Flight, stale: u64) {
        let mut pace = self.0.pace.lock().unwrap_or_else(PoisonError::into_inner);
        pace.unproven = true;
        pace.in_vain = false;
        pace.failed = None;
        pace.not_before = (stale > 0).then(|| Instant::now() + flight.backoff.next());
    }

    fn wait(&self, flight: &mut Flight, why: String, after: Option<Duration>) -> Error {
        let retry_in = flight.backoff.next().max(after.unwrap_or_default());
        let mut pace = self.0.pace.lock().unwrap_or_else(PoisonError::into_inner);
        pace.not_before = Some(Instant::now() + retry_in);
        pace.failed = Some(why.clone());
        tracing::warn!(workspace = %self.0.record.borrow().name, %why, ?retry_in, "signing in failed");
        Error::Waiting { why, retry_in }
    }

    async fn own_task_needs_action(&self, reason: &str) -> Error {
        let (session, reason) = (self.clone(), reason.to_owned());
        let told = self.own_task(async move {
            let record = session.record();
            Err::<(), _>(session.needs_action(&reason, &record).await)
        });
        told.await.expect_err("the task only ever answers with an error")
    }

    /// The seat says durably that a person must act, and how. A join under way decides for itself what that means.
    async fn needs_action(&self, reason: &str, record: &WorkspaceRecord) -> Error {
        let (reason, command) = (reason.to_owned(), repair_command(&self.0.manifest, record));
        if record.seat != Seat::Joining {
            let seat = Seat::NeedsAction { reason: reason.clone(), command: command.clone() };
            let sits = |record: &mut WorkspaceRecord| {
                // What the platform took away no person mends by another credential.
                if !matches!(record.seat, Seat::Revoked { .. }) {
                    record.seat = seat;
                }
            };
            if let Err(error) = self.commit(Vec::new(), sits).await {
                return error;
            }
            tracing::warn!(workspace = %record.name, %reason, %command, "a person must act");
        }
        Error::NeedsAction { reason, command }
    }
}
