//! Among the own messages of the line's history: past the fence, unclaimed, and with the text that was sent (P6).

use std::collections::BTreeSet;

use serde_json::Value;

use super::{ReadError, Reader, found};
use crate::action::{Action, State};
use crate::adapter::{Action as Verb, EventSpec, History, Order, Remembered, Root};
use crate::event::Type;
use crate::normalise;
use crate::outbox::decide::Found;
use crate::store::{Anchor, Newest, StoreError};

/// Events of the feed that are looked through for the newest message of a conversation: some milliseconds. In a feed so
/// busy that these are not enough the platform is asked.
const NEAR: usize = 2_000;

const BEYOND: &str = "the message it was sent behind is gone or too far back to read to";

/// The text by which a message is found again; none where this action has none.
pub(super) fn said<'a>(action: &'a Action, argument: &str) -> Option<&'a str> {
    action.args.get(argument)?.as_str()
}

impl Reader<'_> {
    /// The newest message known in the action's conversation: what is found later must be past it. Empty where the
    /// conversation is. The anchor of a conversation that a stream carries may be minutes old, so the feed is asked
    /// first; and where neither knows, the platform.
    pub(super) async fn history_fence(&self, action: &Action, verb: &Verb) -> Result<String, ReadError> {
        let anchor = self.anchor(action)?.and_then(|anchor| anchor.newest);
        let told = match &anchor {
            Some(anchor) => self.told_at(action, anchor)?.unwrap_or_default(),
            None => 0,
        };
        let newest = self.store.newest_message(&action.workspace, action.conversation(), told, NEAR)?;
        match (newest, anchor) {
            // What was said there without an id may be newer than anything that is known.
            _ if self.nameless(action, verb)? => {}
            (Newest::Is(newest), _) | (Newest::None, Some(newest)) => return Ok(newest),
            (Newest::None, None) | (Newest::Beyond, _) => {}
        }
        let Some((history, spec)) = self.history() else { return Ok(String::new()) };
        let (page, _) = self.history_page(history, spec, action, None).await?;
        Ok(page.first().and_then(|item| spec.object.text(item)).unwrap_or_default())
    }

    /// What stands past the fence. `wanted` is the text that was sent.
    pub(super) async fn look_in_history(&self, action: &Action, wanted: &str) -> Result<Found, ReadError> {
        let Some((history, spec)) = self.history() else { return Ok(Found::Unreached(BEYOND)) };
        // Ids may be counted in each conversation anew.
        let here = |other: &Action, ids| if other.conversation() == action.conversation() { ids } else { Vec::new() };
        let (stop, claimed) = (self.stops(action)?, self.claimed(action, here)?);
        let (mut matches, mut before) = (Vec::new(), None);
        for _ in 0..self.limits.pages {
            let (page, all) = self.history_page(history, spec, action, before.as_deref()).await?;
            for item in &page {
                let Some(id) = spec.object.text(item) else { continue };
                if stop.contains(&id) {
                    return Ok(found(matches, 0));
                }
                if !claimed.contains(&id) && self.own(spec, item) && alike(spec, item, wanted) {
                    matches.push(vec![id]);
                }
            }
            let oldest = page.last().and_then(|item| spec.object.text(item));
            if all || oldest.is_none() || oldest == before {
                // The start of the conversation: past the fence only where there was nothing to fence.
                let whole = (all || page.is_empty()) && action.fence.as_deref() == Some("");
                return Ok(if whole { found(matches, 0) } else { Found::Unreached(BEYOND) });
            }
            before = oldest;
        }
        Ok(Found::Unreached(BEYOND))
    }

    /// Whether something was said in this conversation whose id the platform did not tell. Most platforms always do: for
    /// them thousands of rows would be read before each message, to find none.
    fn nameless(&self, action: &Action, verb: &Verb) -> Result<bool, StoreError> {
        if verb.names_what_it_made() {
            return Ok(false);
        }
        let recent = self.store.recent_actions(&action.workspace, self.limits.claims)?;
        let nameless = |state: &State| matches!(state, State::Confirmed { remote_ids } if remote_ids.is_empty());
        Ok(recent
            .iter()
            .any(|it| nameless(&it.state) && it.verb == action.verb && it.conversation() == action.conversation()))
    }

    fn history(&self) -> Option<(&History, &EventSpec)> {
        let history = self.manifest.receive.history.as_ref()?;
        Some((history, self.manifest.events.get(&history.event)?))
    }

    /// One page, newest first, and whether it is all there is. Where older ones cannot be asked for it is the widest.
    async fn history_page(
        &self,
        history: &History,
        spec: &EventSpec,
        action: &Action,
        before: Option<&str>,
    ) -> Result<(Vec<Value>, bool), ReadError> {
        let conversation = action.conversation();
        let remembered = Remembered::read(self.store.cursor(&action.workspace, Remembered::ROW)?.as_deref());
        let of = history.list_of(conversation, &self.session.record().facts, &remembered);
        let widens = history.widens(of);
        let limit = if widens { history.most.or(history.limit) } else { history.limit }.unwrap_or(50);
        let scope = self.session.scope().with(Root::Room, "id", conversation);
        let scope = scope.with(Root::Page, "limit", limit).with(Root::Page, "before", before);
        let response = self.session.call(history.page(of), scope).await?;
        let status = response.status;
        let whole =
            (200..300).contains(&status).then(|| serde_json::from_slice::<Value>(&response.body).ok()).flatten();
        let whole =
            whole.ok_or_else(|| ReadError::Status { of: format!("the history of `{conversation}`"), status })?;
        let lists = history.items.all().iter().filter_map(|at| at.find(&whole)?.as_array());
        let mut items = lists.into_iter().next().cloned().unwrap_or_default();
        let order = match history.order {
            Order::Detect => Order::of(items.iter().map(|item| spec.time.find(item).and_then(normalise::instant))),
            told => Some(told),
        };
        if order == Some(Order::OldestFirst) {
            items.reverse();
        }
        let all = widens && items.len() < usize::from(limit);
        Ok((items, all))
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

    fn own(&self, spec: &EventSpec, item: &Value) -> bool {
        let me = &self.manifest.me;
        let is = |names: &[String], said: Option<String>| said.is_some_and(|said| self.is_me(names, &said));
        is(&me.ids, spec.author.id.text(item)) || is(&me.logins, spec.author.login.text(item))
    }
}

fn alike(spec: &EventSpec, item: &Value, wanted: &str) -> bool {
    // Platforms trim, and some turn CRLF into LF.
    spec.text.text(item).is_some_and(|said| said.split_whitespace().eq(wanted.split_whitespace()))
}
