//! Looks for a message whose reply was lost: among the agent's own, past the fence, unclaimed, and alike (P6).

use std::collections::BTreeSet;

use serde_json::Value;

use super::Limits;
use super::decide::Found;
use crate::action::{Action, State};
use crate::adapter::{EventSpec, History, Manifest, Order, Root, text};
use crate::event::Type;
use crate::session::{self, Session};
use crate::store::{Anchor, Newest, Store, StoreError};

/// Events of the feed that are looked through for the newest message of a conversation: some milliseconds. In a feed so
/// busy that these are not enough the platform is asked.
const NEAR: usize = 2_000;

/// Why a read did not come back whole: it counts for nothing and is tried again.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The request failed.
    #[error(transparent)]
    Session(#[from] session::Error),
    /// The platform answered something else than a page.
    #[error("the history of `{conversation}` answered {status}")]
    Status {
        /// Which.
        conversation: String,
        /// The HTTP status.
        status: u16,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl ReadError {
    /// The platform does not let this conversation be read at all.
    pub const fn refused(&self) -> bool {
        matches!(self, Self::Status { status: 400 | 403 | 404 | 405 | 410, .. })
    }
}

/// One conversation's history, as read-back sees it.
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
    /// The newest message known in the action's conversation: what is found later must be past it. Empty where the
    /// conversation is. The anchor of a conversation that a stream carries may be minutes old, so the feed is asked
    /// first; and where neither knows, the platform.
    pub async fn fence(&self, action: &Action) -> Result<String, ReadError> {
        let anchor = self.anchor(action)?.and_then(|anchor| anchor.newest);
        let told = match &anchor {
            Some(anchor) => self.told_at(action, anchor)?.unwrap_or_default(),
            None => 0,
        };
        let newest = self.store.newest_message(&action.workspace, action.conversation(), told, NEAR)?;
        match (newest, anchor) {
            (Newest::Is(newest), _) | (Newest::None, Some(newest)) => return Ok(newest),
            (Newest::None, None) | (Newest::Beyond, _) => {}
        }
        let Some((history, spec)) = self.history() else { return Ok(String::new()) };
        let page = self.page(history, action.conversation(), None).await?;
        Ok(page.first().and_then(|item| spec.object.text(item)).unwrap_or_default())
    }

    /// What stands past the fence. `wanted` is the text that was sent.
    pub async fn look(&self, action: &Action, wanted: &str) -> Result<Found, ReadError> {
        let Some((history, spec)) = self.history() else { return Ok(Found::Several(0)) };
        let (stop, claimed) = (self.stops(action)?, self.claimed(action)?);
        let (mut matches, mut before) = (Vec::new(), None);
        for _ in 0..self.limits.pages {
            let page = self.page(history, action.conversation(), before.as_deref()).await?;
            for item in &page {
                let Some(id) = spec.object.text(item) else { continue };
                if stop.contains(&id) {
                    return Ok(found(matches));
                }
                if !claimed.contains(&id) && self.own(spec, item) && alike(spec, item, wanted) {
                    matches.push(id);
                }
            }
            let oldest = page.last().and_then(|item| spec.object.text(item));
            if oldest.is_none() || oldest == before {
                // The start of the conversation: past the fence only where there was nothing to fence.
                let whole = page.is_empty() && action.fence.as_deref() == Some("");
                return Ok(if whole { found(matches) } else { Found::Unreached });
            }
            before = oldest;
        }
        Ok(Found::Unreached)
    }

    fn history(&self) -> Option<(&History, &EventSpec)> {
        let history = self.manifest.receive.history.as_ref()?;
        Some((history, self.manifest.events.get(&history.event)?))
    }

    /// One page, newest first.
    async fn page(&self, history: &History, conversation: &str, before: Option<&str>) -> Result<Vec<Value>, ReadError> {
        let scope = self.session.scope().with(Root::Room, "id", conversation);
        let scope = scope.with(Root::Page, "limit", history.limit.unwrap_or(50)).with(Root::Page, "before", before);
        let response = self.session.call(&history.call, scope).await?;
        let status = response.status;
        let whole =
            (200..300).contains(&status).then(|| serde_json::from_slice::<Value>(&response.body).ok()).flatten();
        let whole = whole.ok_or_else(|| ReadError::Status { conversation: conversation.to_owned(), status })?;
        let mut items = history.items.find(&whole).and_then(Value::as_array).cloned().unwrap_or_default();
        if history.order == Order::OldestFirst {
            items.reverse();
        }
        Ok(items)
    }

    fn anchor(&self, action: &Action) -> Result<Option<Anchor>, StoreError> {
        self.store.anchor(&action.workspace, action.conversation())
    }

    /// The fence, and, where that message is gone, what was known to be older.
    fn stops(&self, action: &Action) -> Result<BTreeSet<String>, StoreError> {
        let fence = action.fence.clone().unwrap_or_default();
        let tail = self.anchor(action)?.map(|anchor| anchor.tail).unwrap_or_default();
        let mut older = tail.into_iter().map(|(id, _)| id).collect::<Vec<_>>();
        let known = older.iter().position(|id| *id == fence).map_or(0, |at| at + 1);
        if known == 0
            && let Some(fence) = self.told_at(action, &fence)?
        {
            // The feed tells which of them stood there before the fence: what was told before it, or never.
            let ids: Vec<_> = older.iter().map(String::as_str).collect();
            let told = self.store.known(&action.workspace, Type::MessageCreated, action.conversation(), &ids)?;
            let mut before = told.iter().map(|told| told.as_ref().is_none_or(|told| told.seq < fence));
            older.retain(|_| before.next() == Some(true));
        } else {
            older.truncate(known);
        }
        Ok(older.into_iter().chain([fence]).collect())
    }

    /// Where in the feed a message was told.
    fn told_at(&self, action: &Action, message: &str) -> Result<Option<u64>, StoreError> {
        let known = self.store.known(&action.workspace, Type::MessageCreated, action.conversation(), &[message])?;
        Ok(known.into_iter().flatten().next().map(|known| known.seq))
    }

    /// Messages that other receipts of this bridge name.
    fn claimed(&self, action: &Action) -> Result<BTreeSet<String>, StoreError> {
        let recent = self.store.recent_actions(&action.workspace, self.limits.claims)?;
        let others = recent.into_iter().filter(|other| other.id != action.id);
        Ok(others
            .flat_map(|other| match other.state {
                State::Confirmed { remote_ids } => remote_ids,
                _ => Vec::new(),
            })
            .collect())
    }

    fn own(&self, spec: &EventSpec, item: &Value) -> bool {
        let record = self.session.record();
        let me = &self.manifest.me;
        let fact = |name: &String| record.facts.get(name).and_then(text).or_else(|| record.settings.get(name).cloned());
        let is = |names: &[String], said: Option<String>| {
            said.is_some_and(|said| names.iter().filter_map(fact).any(|mine| mine == said))
        };
        is(&me.ids, spec.author.id.text(item)) || is(&me.logins, spec.author.login.text(item))
    }
}

fn alike(spec: &EventSpec, item: &Value, wanted: &str) -> bool {
    // Platforms trim, and some turn CRLF into LF.
    spec.text.text(item).is_some_and(|said| said.split_whitespace().eq(wanted.split_whitespace()))
}

fn found(mut matches: Vec<String>) -> Found {
    match matches.len() {
        0 => Found::Nothing,
        1 => Found::One(matches.remove(0)),
        several => Found::Several(several),
    }
}
