//! Who deals with which event now: the consumers tell, and the workspaces hear that have to show it on their platform.
//!
//! In memory alone: after a restart nobody deals with anything until it is handed out again.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;
use tokio::time::Instant;

use crate::event::WorkspaceName;

/// Events of one workspace that are followed at once; more are dealt with unseen.
const MOST: usize = 1_000;

/// How far an agent is with an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// It was handed over.
    Handed,
    /// The agent has said that it is still at it.
    Extended,
    /// It was acked.
    Acked,
}

/// An event that somebody deals with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// The conversation it stands in.
    pub conversation: String,
    /// When it was handed over, milliseconds since 1970.
    pub since: u64,
    /// How far the agent is.
    pub stage: Stage,
    /// What the agent has said of itself since.
    pub said: Option<Said>,
}

/// What an agent says of itself, which counts more than what can be told from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// The platform's word.
    pub word: String,
    /// When it began to say so.
    pub at: Instant,
}

/// By consumer and place in the feed.
pub type Desk = BTreeMap<(Arc<str>, u64), Held>;

/// Who deals with which event now. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Attention(Arc<Mutex<HashMap<WorkspaceName, watch::Sender<Desk>>>>);

impl Attention {
    /// Hears from now on what is dealt with in a workspace. What is acked stays there until it is [gone](Self::gone).
    pub fn listen(&self, workspace: &WorkspaceName) -> watch::Receiver<Desk> {
        let mut desks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        desks.entry(workspace.clone()).or_default().subscribe()
    }

    /// An event was handed over, now: milliseconds since 1970.
    pub fn handed(&self, workspace: &WorkspaceName, who: (&Arc<str>, u64), conversation: &str, now: u64) {
        self.change(workspace, |desk| {
            let held = Held { conversation: conversation.to_owned(), since: now, stage: Stage::Handed, said: None };
            let room = desk.len() < MOST;
            room && desk.insert((Arc::clone(who.0), who.1), held).is_none()
        });
    }

    /// The agent is further with it; what is not followed stays so.
    pub fn further(&self, workspace: &WorkspaceName, who: (&Arc<str>, u64), stage: Stage) {
        self.change(workspace, |desk| match desk.get_mut(&(Arc::clone(who.0), who.1)) {
            Some(held) if held.stage < stage => {
                held.stage = stage;
                true
            }
            _ => false,
        });
    }

    /// The agent has said itself what it does in a conversation: that holds until it is through with what it deals with there.
    pub fn said(&self, workspace: &WorkspaceName, conversation: &str, word: &str, at: Instant) {
        let said = Said { word: word.to_owned(), at };
        self.change(workspace, |desk| {
            let mut its = desk.values_mut().filter(|held| held.conversation == conversation).peekable();
            let any = its.peek().is_some();
            its.for_each(|held| held.said = Some(said.clone()));
            any
        });
    }

    /// Nobody deals with it any more: its lease is lost, it came back, or the end of its dealing was shown.
    pub fn gone(&self, workspace: &WorkspaceName, who: (&Arc<str>, u64)) {
        self.change(workspace, |desk| desk.remove(&(Arc::clone(who.0), who.1)).is_some());
    }

    fn change(&self, workspace: &WorkspaceName, change: impl FnOnce(&mut Desk) -> bool) {
        let mut desks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match desks.get(workspace) {
            Some(desk) if desk.receiver_count() > 0 => drop(desk.send_if_modified(change)),
            Some(_) => drop(desks.remove(workspace)),
            None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_followed_from_its_handing_on_and_never_goes_back() {
        let (attention, acme, main) = (Attention::default(), WorkspaceName::new("acme").unwrap(), Arc::from("main"));
        let who = |seq| (&main, seq);
        attention.handed(&acme, who(1), "doc", 5);
        let heard = attention.listen(&acme);
        assert!(heard.borrow().is_empty(), "nobody listened then");
        attention.further(&acme, who(1), Stage::Acked);
        assert!(heard.borrow().is_empty(), "what was not seen being handed over is not followed");
        attention.handed(&acme, who(2), "doc", 5);
        attention.further(&acme, who(2), Stage::Acked);
        attention.further(&acme, who(2), Stage::Extended);
        let held = Held { conversation: "doc".to_owned(), since: 5, stage: Stage::Acked, said: None };
        assert_eq!(heard.borrow().get(&(Arc::clone(&main), 2)), Some(&held));
        attention.gone(&acme, who(2));
        assert!(heard.borrow().is_empty());
        drop(heard);
        attention.handed(&acme, who(3), "doc", 5);
        assert!(attention.listen(&acme).borrow().is_empty());
    }

    #[test]
    fn what_the_agent_says_of_itself_holds_for_what_it_deals_with_there_and_not_for_what_comes_later() {
        let (attention, acme, main) = (Attention::default(), WorkspaceName::new("acme").unwrap(), Arc::from("main"));
        let heard = attention.listen(&acme);
        let say = || attention.said(&acme, "doc", "acting", Instant::now());
        say();
        attention.handed(&acme, (&main, 1), "doc", 5);
        attention.handed(&acme, (&main, 2), "other", 5);
        say();
        attention.handed(&acme, (&main, 3), "doc", 5);
        let words = heard.borrow().values().map(|held| held.said.is_some()).collect::<Vec<_>>();
        assert_eq!(words, [true, false, false]);
    }

    #[test]
    fn p10_no_more_than_so_many_are_followed() {
        let (attention, acme, main) = (Attention::default(), WorkspaceName::new("acme").unwrap(), Arc::from("main"));
        let heard = attention.listen(&acme);
        (0..=MOST as u64).for_each(|seq| attention.handed(&acme, (&main, seq), "doc", 5));
        assert_eq!(heard.borrow().len(), MOST);
    }
}
