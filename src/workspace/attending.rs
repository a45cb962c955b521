//! Shows on the platform what the agent does about the events that it was handed: by itself, and never more than is true.
//!
//! What is shown follows from what the consumers and the outbox say; it is sent when it changes, and again before the
//! platform would forget it. An event that comes back is shown no longer: the platform forgets it by itself.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Map;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::{Context, Ended};
use crate::action::{Action, Request};
use crate::adapter::Shown;
use crate::attention::{Desk, Held, Stage};
use crate::outbox::Fleeting;
use crate::session::Session;
use crate::store::StoreError;

/// How long one request may take: what it says would no longer be true.
const WITHIN: Duration = Duration::from_secs(10);
/// The newest actions that are looked through for those of an event.
const RECENT: usize = 64;

/// What the agent does about an event, as the platform is shown it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Doing {
    Reads,
    Thinks,
    Acts,
    /// It is done with all of them.
    Done,
}

/// What an event's own actions say.
#[derive(Clone, Copy, Debug, Default)]
struct Own {
    any: bool,
    open: bool,
}

/// What the agent does about one event.
fn doing(held: &Held, own: Own) -> Doing {
    match held.stage {
        Stage::Acked if own.open => Doing::Acts,
        Stage::Acked => Doing::Done,
        _ if own.any => Doing::Acts,
        Stage::Extended => Doing::Thinks,
        Stage::Handed => Doing::Reads,
    }
}

/// What is shown of a conversation: of several events the furthest that is not done.
fn shown(all: &[Doing]) -> Option<Doing> {
    let busy = all.iter().filter(|doing| **doing != Doing::Done).max();
    busy.or_else(|| all.first()).copied()
}

struct Attending {
    context: Context,
    session: Session,
    fleeting: Fleeting,
    spec: Shown,
    /// What was shown last of each conversation, and when.
    shown: BTreeMap<String, (Doing, Instant)>,
}

/// Shows what the agent does, where the platform has such a thing, until the task ends.
pub(super) async fn attend(context: Context, session: Session, token: &CancellationToken) -> Result<(), Ended> {
    let spec = session.manifest().receive.inbox.as_ref().and_then(|inbox| inbox.shown.clone());
    let Some(spec) = spec else { return Ok(()) };
    let (store, clock) = (context.means.store.clone(), context.means.clock.clone());
    let fleeting = Fleeting::new(store.clone(), clock, context.outbox.ephemeral);
    let name = session.record().name;
    let (mut desk, mut actions) = (store.attention().listen(&name), store.outbox_changed(&name));
    let mut attending = Attending { context, session, fleeting, spec, shown: BTreeMap::new() };
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
        let mut now: BTreeMap<&str, (Vec<Doing>, bool)> = BTreeMap::new();
        let recent = if desk.is_empty() { Vec::new() } else { self.recent()? };
        for ((_, seq), held) in desk {
            let own = self.own(&recent, *seq, held);
            let (all, acted) = now.entry(&held.conversation).or_default();
            all.push(doing(held, own));
            *acted |= own.any;
        }
        self.shown.retain(|conversation, _| now.contains_key(&**conversation));
        for (conversation, (all, acted)) in now {
            if let Some(doing) = shown(&all) {
                self.say(conversation, doing, acted).await;
            }
        }
        self.clear(desk, &recent);
        Ok(())
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

    async fn say(&mut self, conversation: &str, doing: Doing, acted: bool) {
        let before = self.shown.get(conversation).copied();
        let due =
            before.is_none_or(|(was, at)| was != doing || (doing != Doing::Done && at.elapsed() >= self.spec.every.0));
        if !due {
            return;
        }
        // What was acked with actions that are confirmed by now was acted upon.
        if doing == Doing::Done && acted && before.is_some_and(|(was, _)| was < Doing::Acts) {
            self.send(conversation, Doing::Acts).await;
        }
        self.send(conversation, doing).await;
        self.shown.insert(conversation.to_owned(), (doing, Instant::now()));
    }

    /// Once, and what is lost is lost: it is said again when it is due.
    async fn send(&self, conversation: &str, doing: Doing) {
        let state = match doing {
            Doing::Reads => &self.spec.handed,
            Doing::Thinks => &self.spec.extended,
            Doing::Acts => &self.spec.acting,
            Doing::Done => &self.spec.acked,
        };
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
        let again =
            self.shown.values().filter(|(doing, _)| *doing != Doing::Done).map(|(_, at)| *at + self.spec.every.0);
        match again.min() {
            Some(at) => sleep_until(at).await,
            None => std::future::pending().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_follows_the_event_and_its_own_actions() {
        let held = |stage| Held { conversation: "doc".to_owned(), since: 0, stage };
        let (none, open, over) = (Own::default(), Own { any: true, open: true }, Own { any: true, open: false });
        for (stage, own, wanted) in [
            (Stage::Handed, none, Doing::Reads),
            (Stage::Handed, open, Doing::Acts),
            (Stage::Extended, none, Doing::Thinks),
            (Stage::Extended, over, Doing::Acts),
            (Stage::Acked, none, Doing::Done),
            (Stage::Acked, open, Doing::Acts),
            (Stage::Acked, over, Doing::Done),
        ] {
            assert_eq!(doing(&held(stage), own), wanted, "{stage:?} {own:?}");
        }
        assert_eq!(shown(&[Doing::Done, Doing::Reads, Doing::Thinks]), Some(Doing::Thinks));
        assert_eq!((shown(&[Doing::Done]), shown(&[])), (Some(Doing::Done), None));
    }
}
