//! Looks for what a lost reply may have been about: unclaimed, alike, and not there before (P6).
//!
//! Three ways, as the manifest says: among the own messages of the line's history ([`history`]), among the own messages
//! of a list ([`messages`]), or among the records of one ([`records`]). Each has a fence, which is committed with the
//! action before its first request: the newest message, the highest place, the records that looked alike.

mod history;
mod inside;
mod messages;
mod records;

use std::collections::BTreeSet;

use serde_json::Value;

use super::Limits;
use super::decide::Found;
use super::files;
use super::likeness::Sent;
use crate::action::{Action, State};
use crate::adapter::{Action as Verb, Manifest, Question, ReadBack, Root, text};
use crate::session::{self, Session};
use crate::store::{Store, StoreError};

/// Why a read did not come back whole: it counts for nothing and is tried again.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The request failed.
    #[error(transparent)]
    Session(#[from] session::Error),
    /// The platform answered something else than a page.
    #[error("{of} answered {status}")]
    Status {
        /// What was asked for.
        of: String,
        /// The HTTP status.
        status: u16,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl ReadError {
    /// The platform does not let this be read at all.
    pub const fn refused(&self) -> bool {
        matches!(self, Self::Status { status: 400 | 403 | 404 | 405 | 410, .. })
    }
}

/// What stood there before the first try.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fence {
    /// The newest message, or its place.
    pub newest: String,
    /// The records that looked alike.
    pub known: Vec<String>,
}

/// Whether this action can be read back: its verb says how, and it has what is looked for.
pub fn can(verb: &Verb, action: &Action) -> bool {
    match &verb.read_back {
        Some(ReadBack::History(text)) => history::said(action, text).is_some(),
        Some(ReadBack::Message(..) | ReadBack::Record(_)) => true,
        None => false,
    }
}

/// Whether it lasts: a record of which there is one at most.
pub fn lasts(verb: &Verb) -> bool {
    matches!(&verb.read_back, Some(ReadBack::Record(record)) if record.lasting)
}

/// What a platform shows, as read-back sees it.
pub struct Reader<'a> {
    /// Signed in.
    pub session: &'a Session,
    /// Claims and anchors.
    pub store: &'a Store,
    /// Where things stand in a page.
    pub manifest: &'a Manifest,
    /// How far it looks.
    pub limits: Limits,
}

impl Reader<'_> {
    /// What stands there now, before the first try; `None` where that cannot be told, so that nothing can be read back.
    pub async fn fence(&self, action: &Action, verb: &Verb) -> Result<Option<Fence>, ReadError> {
        match &verb.read_back {
            Some(ReadBack::History(_)) => {
                Ok(Some(Fence { newest: self.history_fence(action, verb).await?, ..Fence::default() }))
            }
            Some(ReadBack::Message(rule, among)) => self.message_fence(action, rule, among.as_ref()).await,
            Some(ReadBack::Record(record)) => self.record_fence(action, record).await,
            None => Ok(None),
        }
    }

    /// What is there now of what was sent.
    pub async fn look(&self, action: &Action, verb: &Verb) -> Result<Found, ReadError> {
        match &verb.read_back {
            Some(ReadBack::History(text)) => {
                self.look_in_history(action, history::said(action, text).unwrap_or_default()).await
            }
            Some(ReadBack::Message(rule, among)) => self.look_for_message(action, rule, among.as_ref()).await,
            Some(ReadBack::Record(record)) => self.look_for_record(action, record).await,
            None => Ok(Found::Unreached("this verb cannot be read back")),
        }
    }

    /// A question's whole answer. What it is asked about are the action's arguments, and these.
    async fn ask(&self, name: &str, action: &Action, about: &[(&str, &str)]) -> Result<(&Question, Value), ReadError> {
        let status = |status| ReadError::Status { of: format!("`{name}`"), status };
        // A manifest is checked for this when it is read.
        let question = self.manifest.asks.get(name).ok_or_else(|| status(404))?;
        let mut scope = self.session.scope();
        scope = scope.with_all(Root::Ask, action.args.iter().map(|(name, value)| (name, value.clone())));
        scope = scope.with_all(Root::Ask, about.iter().map(|&(name, value)| (name, value)));
        let response = self.session.call(&question.call, scope).await?;
        let whole = (200..300).contains(&response.status).then(|| serde_json::from_slice::<Value>(&response.body).ok());
        Ok((question, whole.flatten().ok_or_else(|| status(response.status))?))
    }

    /// Ids that receipts of other actions name, where `ids` says which of one's ids count.
    fn claimed(
        &self,
        action: &Action,
        ids: impl Fn(&Action, Vec<String>) -> Vec<String>,
    ) -> Result<BTreeSet<String>, StoreError> {
        let recent = self.store.recent_actions(&action.workspace, self.limits.claims)?;
        let others = recent.into_iter().filter(|other| other.id != action.id);
        Ok(others
            .flat_map(|other| match &other.state {
                State::Confirmed { remote_ids } => ids(&other, remote_ids.clone()),
                _ => Vec::new(),
            })
            .collect())
    }

    /// Whether these facts (or settings) of the workspace include what was said.
    fn is_me(&self, names: &[String], said: &str) -> bool {
        let record = self.session.record();
        let fact = |name: &String| record.facts.get(name).and_then(text).or_else(|| record.settings.get(name).cloned());
        names.iter().filter_map(fact).any(|mine| mine == said)
    }
}

/// The records of an answer, whether they stand in a list or in a table; `None` where neither stands there.
fn records(found: Option<&Value>) -> Option<Vec<&Value>> {
    match found? {
        Value::Array(items) => Some(items.iter().collect()),
        Value::Object(items) => Some(items.values().collect()),
        Value::Null => Some(Vec::new()),
        _ => None,
    }
}

/// What a look has found: one settles it, and what is unclear is not missing.
fn found(mut matches: Vec<Vec<String>>, unclear: usize) -> Found {
    match (matches.len(), unclear) {
        (1, _) => Found::One(matches.remove(0)),
        (0, 0) => Found::Nothing,
        (0, unclear) => Found::Unclear(unclear),
        (several, _) => Found::Several(several),
    }
}

/// What the action says.
fn sent(action: &Action) -> Sent {
    let argument = |name: &str| action.args.get(name).and_then(crate::adapter::text);
    let files = files::named(&action.args).unwrap_or_default().into_iter().map(|file| file.name).collect();
    Sent { text: argument("text"), html: argument("html"), files }
}
