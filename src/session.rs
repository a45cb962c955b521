//! Turns stored credentials into authorised requests. One login at a time, durable before use, never a loop on 401.
//!
//! A token is renewed shortly before its end, and once after a 401. Whoever asked may give up: the renewal runs in a
//! task of its own. While a renewal ahead of time fails, the old token goes on being used, for it is still good.
//! When only a person can help, the seat says so, durably, with the one command that helps; nothing is sent any more.

mod claims;
mod commit;
mod conversations;
mod error;
mod intent;
mod learn;
mod login;
mod outside;
mod renew;
mod revoke;
mod scope;
mod send;
mod share;
mod token;
mod upgrade;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use tokio::sync::watch;
use tokio_util::task::TaskTracker;
use url::Url;

use crate::adapter::{self, Manifest, Scope};
use crate::clock::{Clock, millis};
use crate::http::Network;
use crate::retry::Waits;
use crate::store::{Seat, Store, WorkspaceRecord};

pub use claims::claims;
pub use error::Error;
pub use login::repair_command;
pub(crate) use login::{answer_words, label, lasts, may_have_acted};
pub use revoke::{LATE, REVOKED_AT, forgets_at};
pub(crate) use scope::{base, plain_scope, with_secrets};
pub use share::{DOCUMENTS, Document, Held};
pub use upgrade::Shown;

use renew::Flight;
use token::{Life, Token};

/// The field under which a session's token is sealed.
pub const TOKEN: &str = "token";
/// The fact that says when the token was got: milliseconds since 1970.
pub const GOT_AT: &str = "token_got_at";
/// The fact that says for how many milliseconds from then on it is good, where the answer that gave it said so.
pub const LASTS: &str = "token_lasts";

/// Secrets by field; `None` erases.
pub(crate) type Sealing = Vec<(String, Option<SecretString>)>;

/// The fact that the feed has not been told yet that this seat cannot act any more.
pub const UNTOLD: &str = "untold";
/// Ids that one fact keeps ([`Session::keep_id`]).
pub const KEPT: usize = 500;

/// The waits between logins that fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoginWaits(pub Waits);

impl Default for LoginWaits {
    /// 1 s to 5 min: a platform that is back is noticed within five minutes.
    fn default() -> Self {
        Self(Waits { first: Duration::from_secs(1), longest: Duration::from_mins(5) })
    }
}

/// What a session works with. Cheap to clone.
#[derive(Clone)]
pub struct Means {
    /// Where seats, facts and secrets are kept.
    pub store: Store,
    /// How platforms are reached.
    pub network: Arc<dyn Network>,
    /// The only wall time.
    pub clock: Clock,
    /// Owns the renewals: they outlive whoever asked, and whoever stops the bridge waits for them.
    pub tasks: TaskTracker,
    /// Between logins that fail.
    pub waits: LoginWaits,
}

/// One workspace's session. Cheap to clone; all clones share one token.
#[derive(Clone)]
pub struct Session(Arc<Inner>);

struct Inner {
    means: Means,
    manifest: Arc<Manifest>,
    spec: adapter::Session,
    base: Url,
    /// Changes only by committing first.
    record: watch::Sender<WorkspaceRecord>,
    /// One commit of the record at a time, or one would undo the other.
    writing: tokio::sync::Mutex<()>,
    secrets: Mutex<BTreeMap<String, SecretString>>,
    token: Mutex<Option<Token>>,
    flight: tokio::sync::Mutex<Flight>,
    pace: Mutex<renew::Pace>,
}

impl Session {
    /// The session of a workspace, with what the store has of its secrets. Sends nothing yet. After the workspace was
    /// joined anew, open another.
    pub fn open(means: Means, manifest: Arc<Manifest>, record: WorkspaceRecord) -> Result<Self, Error> {
        let spec = manifest.sessions.get(&record.session).cloned().ok_or_else(|| {
            Error::Setup(format!("the manifest of {} has no session `{}`", record.platform, record.session))
        })?;
        let base = base(&manifest, &record)?;
        let secrets: BTreeMap<_, _> = means.store.secrets(record.name.as_str())?.into_iter().collect();
        let token = stored_token(&means.clock, &spec, &record, &secrets);
        let flight = tokio::sync::Mutex::new(Flight::new(means.waits));
        Ok(Self(Arc::new(Inner {
            means,
            manifest,
            spec,
            base,
            record: watch::Sender::new(record),
            writing: tokio::sync::Mutex::default(),
            secrets: Mutex::new(secrets),
            token: Mutex::new(token),
            flight,
            pace: Mutex::default(),
        })))
    }

    /// What any call may name: settings and facts. No secret.
    pub fn scope(&self) -> Scope {
        let record = self.0.record.borrow();
        plain_scope(&self.0.manifest, &record)
    }

    /// The rendered `http.base`.
    pub fn base(&self) -> &Url {
        &self.0.base
    }

    /// The manifest it speaks by.
    pub fn manifest(&self) -> &Arc<Manifest> {
        &self.0.manifest
    }

    /// The workspace as it is committed now.
    pub fn record(&self) -> WorkspaceRecord {
        self.0.record.borrow().clone()
    }

    /// Follows the committed record: its seat, its facts.
    pub fn changes(&self) -> watch::Receiver<WorkspaceRecord> {
        self.0.record.subscribe()
    }

    /// Every secret of the workspace, for scrubbing what is stored and shown.
    pub fn secrets(&self) -> Vec<SecretString> {
        let secrets = self.0.secrets.lock().unwrap_or_else(PoisonError::into_inner);
        secrets.values().filter(|secret| !secret.expose_secret().is_empty()).cloned().collect()
    }

    /// When the credential ends, in milliseconds since 1970; `None` where it does not, nobody knows, or there is none.
    pub fn expires(&self) -> Option<u64> {
        let left = self.held()?.remaining()?;
        Some(self.0.means.clock.now().saturating_add(millis(left)))
    }

    /// Why signing in failed last and how long until it is tried again, while it waits.
    pub fn waiting(&self) -> Option<(String, Duration)> {
        self.0.pace.lock().unwrap_or_else(PoisonError::into_inner).waiting()
    }

    /// Whether the seat may act.
    fn may_act(&self) -> Result<(), Error> {
        standing(&self.0.record.borrow(), &self.0.manifest)
    }

    fn held(&self) -> Option<Token> {
        self.0.token.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Settings, facts and secrets: for signing in and for the session's own headers.
    fn secret_scope(&self) -> Scope {
        let secrets = self.0.secrets.lock().unwrap_or_else(PoisonError::into_inner);
        with_secrets(self.scope(), &secrets)
    }
}

fn stored_token(
    clock: &Clock,
    spec: &adapter::Session,
    record: &WorkspaceRecord,
    secrets: &BTreeMap<String, SecretString>,
) -> Option<Token> {
    let secret = secrets.get(TOKEN).filter(|_| spec.flavour.has_token())?;
    let now = clock.now();
    let got_at = record.facts.get(GOT_AT).and_then(Value::as_u64).unwrap_or(now);
    let told = record.facts.get(LASTS).and_then(Value::as_u64);
    Some(Token::new(secret.clone(), 1, got_at, now, Life::of(spec, told)))
}

/// Why a seat cannot act, as an error.
fn standing(record: &WorkspaceRecord, manifest: &Manifest) -> Result<(), Error> {
    match &record.seat {
        Seat::NeedsAction { reason, command } => {
            Err(Error::NeedsAction { reason: reason.clone(), command: command.clone() })
        }
        Seat::Revoked { reason } => {
            Err(Error::NeedsAction { reason: reason.clone(), command: repair_command(manifest, record) })
        }
        _ => Ok(()),
    }
}
