//! Shows on the platform what the agent does about the events that it was handed: by itself, and never more than is true.
//!
//! What is shown follows from what the consumers and the outbox say; it is sent when it changes, and again before the
//! platform would forget it. An event that comes back is shown no longer: the platform forgets it by itself. What the agent
//! says of itself counts more, until it is through with what it deals with in that conversation.

mod doing;

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Map;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::{Context, Ended};
use crate::action::{Action, Request};
use crate::adapter::Shown;
use crate::attention::{Desk, Held, Said};
use crate::line::yjs::{self, Drafts};
use crate::outbox::Fleeting;
use crate::session::Session;
use crate::store::StoreError;
use doing::{Doing, Own, doing, shown};

/// How long one request may take: what it says would no longer be true.
const WITHIN: Duration = Duration::from_secs(10);
/// The newest actions that are looked through for those of an event.
const RECENT: usize = 64;

/// What is known of one conversation now.
#[derive(Default)]
struct Now<'a> {
    all: Vec<Doing>,
    acted: bool,
    said: Option<&'a Said>,
}

/// What was shown last of a conversation.
struct Last {
    doing: Doing,
    word: String,
    /// When it was sent.
    at: Instant,
}

struct Attending {
    context: Context,
    session: Session,
    fleeting: Fleeting,
    spec: Shown,
    /// The documents among the conversations, where they can be edited live.
    drafts: Option<Drafts>,
    shown: BTreeMap<String, Last>,
}

/// Shows what the agent does, where the platform has such a thing, until the task ends.
pub(super) async fn attend(
    context: Context,
    session: Session,
    drafts: Option<Drafts>,
    token: &CancellationToken,
) -> Result<(), Ended> {
    let spec = session.manifest().receive.inbox.as_ref().and_then(|inbox| inbox.shown.clone());
    let Some(spec) = spec else { return Ok(()) };
    let (store, clock) = (context.means.store.clone(), context.means.clock.clone());
    let fleeting = Fleeting::new(store.clone(), clock, context.outbox.ephemeral);
    let name = session.record().name;
    let (mut desk, mut actions) = (store.attention().listen(&name), store.outbox_changed(&name));
    let mut attending = Attending { context, session, fleeting, spec, drafts, shown: BTreeMap::new() };
    loop {
        actions.mark_unchanged();
        let now = desk.borrow_and_update().clone();
        let showing = attending.show(&now);
        tokio::select! {
            () = token.cancelled() => return Ok(()),
            showed = showing => showed?,
        }
        tokio::select! {
            () = token.cancelled() => return Ok(()),
            changed = desk.changed() => if changed.is_err() { return Ok(()) },
            changed = actions.changed(), if !now.is_empty() => if changed.is_err() { return Ok(()) },
            () = attending.due() => {}
        }
    }
}

impl Attending {
    /// Sends what has changed, and what the platform would forget.
    async fn show(&mut self, desk: &Desk) -> Result<(), StoreError> {
        let mut now: BTreeMap<&str, Now<'_>> = BTreeMap::new();
        let recent = if desk.is_empty() { Vec::new() } else { self.recent()? };
        for ((_, seq), held) in desk {
            let own = self.own(&recent, *seq, held);
            let its = now.entry(&held.conversation).or_default();
            its.all.push(doing(held, own));
            its.acted |= own.any;
            its.said = its.said.into_iter().chain(&held.said).max_by_key(|said| said.at);
        }
        self.forget(|conversation| now.contains_key(conversation));
        for (conversation, now) in now {
            if let Some(doing) = shown(&now.all) {
                self.say(conversation, doing, &now).await;
            }
        }
        self.clear(desk, &recent);
        Ok(())
    }

    /// Nobody deals with these conversations any more. Where the agent was not through with one, its document says so;
    /// the platform forgets it by itself.
    fn forget(&mut self, stays: impl Fn(&str) -> bool) {
        let drafts = &self.drafts;
        self.shown.retain(|conversation, last| {
            let stays = stays(conversation);
            if let Some(drafts) = drafts.as_ref().filter(|_| !stays && last.doing != Doing::Done) {
                drafts.attend(conversation.clone(), None);
            }
            stays
        });
    }

    fn recent(&self) -> Result<Vec<Action>, StoreError> {
        self.context.means.store.recent_actions(&self.session.record().name, RECENT)
    }

    /// What the agent has done about an event since it was handed over; what the bridge does by itself is not the agent's.
    fn own(&self, recent: &[Action], seq: u64, held: &Held) -> Own {
        let done = self.session.manifest().receive.inbox.as_ref().and_then(|inbox| inbox.done.as_deref());
        let its = |action: &&Action| {
            let here = action.conversation() == held.conversation && action.accepted_at >= held.since;
            Some(&*action.verb) != done && (action.answers == Some(seq) || (action.answers.is_none() && here))
        };
        let its: Vec<_> = recent.iter().filter(its).collect();
        Own { any: !its.is_empty(), open: its.iter().any(|action| !action.state.settled()) }
    }

    async fn say(&mut self, conversation: &str, doing: Doing, now: &Now<'_>) {
        let said = now.said.filter(|_| doing != Doing::Done);
        let word = said.map_or_else(|| self.word(doing), |said| &said.word).clone();
        let last = self.shown.get(conversation);
        let (was, at) = (last.map(|last| last.doing), last.map(|last| last.at));
        let fresh = last.is_none_or(|last| last.word != word);
        let again = doing != Doing::Done && at.is_none_or(|at| at.elapsed() >= self.spec.every.0);
        if fresh || again {
            if let Some(drafts) = &self.drafts {
                let doing = yjs::Doing { word: word.clone(), busy: doing != Doing::Done };
                drafts.attend(conversation.to_owned(), Some(doing));
            }
            // What was acked with actions that are confirmed by now was acted upon.
            if doing == Doing::Done && now.acted && now.said.is_none() && was.is_some_and(|was| was < Doing::Acts) {
                self.send(conversation, self.word(Doing::Acts)).await;
            }
            // What the agent has said after the last word of its own accord stands there already.
            if again || said.is_none_or(|said| at.is_some_and(|at| at > said.at)) {
                self.send(conversation, &word).await;
            }
        }
        let at = if fresh || again { Instant::now() } else { at.unwrap_or_else(Instant::now) };
        self.shown.insert(conversation.to_owned(), Last { doing, word, at });
    }

    fn word(&self, doing: Doing) -> &String {
        match doing {
            Doing::Reads => &self.spec.handed,
            Doing::Thinks => &self.spec.extended,
            Doing::Acts => &self.spec.acting,
            Doing::Done => &self.spec.acked,
        }
    }

    /// Once, and what is lost is lost: it is said again when it is due.
    async fn send(&self, conversation: &str, state: &str) {
        let args = [("conversation", conversation), ("state", state)];
        let args = Map::from_iter(args.map(|(name, value)| (name.to_owned(), value.into())));
        let wish = Request { workspace: None, verb: self.spec.verb.clone(), args, key: None };
        match self.fleeting.send(&self.session, wish, WITHIN).await {
            Ok(told) => tracing::debug!(%conversation, state, sent = told.state.word(), "what the agent does is shown"),
            Err(why) => tracing::debug!(%conversation, state, %why, "what the agent does cannot be shown"),
        }
    }

    /// What is done with, and shown so, is followed no longer.
    fn clear(&mut self, desk: &Desk, recent: &[Action]) {
        let name = self.session.record().name;
        for ((consumer, seq), held) in desk {
            if doing(held, self.own(recent, *seq, held)) == Doing::Done {
                self.context.means.store.attention().gone(&name, (consumer, *seq));
            }
        }
    }

    /// When something is to be said again.
    async fn due(&self) {
        let going_on = self.shown.values().filter(|last| last.doing != Doing::Done);
        match going_on.map(|last| last.at + self.spec.every.0).min() {
            Some(at) => sleep_until(at).await,
            None => std::future::pending().await,
        }
    }
}
