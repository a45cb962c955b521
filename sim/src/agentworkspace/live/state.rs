//! What the platform knows of its live documents: rooms, the lines into them, and the faults that wait.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;
use tokio::sync::mpsc;

use super::{
    fault::{LiveFault, Place},
    room::Room,
    shape::Shape,
    wire::{self, State},
};
use crate::{
    agentworkspace::{record::DocumentId, world::World},
    armed::{Turn, strike},
};

/// One connection to a live document, open or over.
#[derive(Clone, Debug, Serialize)]
pub struct Line {
    /// Its number, from 1.
    pub id: u64,
    /// Into which document.
    pub document: DocumentId,
    /// Who edits, as the draft token says.
    pub name: String,
    /// Whether it still is.
    pub open: bool,
    /// How many of its updates changed something.
    pub updates: u64,
    /// What it told of itself, in order; `null` is a farewell.
    pub said: Vec<Value>,
}

/// What a line is to do.
#[derive(Clone, Debug)]
pub(crate) enum Order {
    /// Awareness, or an update of somebody.
    Tell { frame: Vec<u8>, update: bool },
    /// A fault that strikes now.
    Fault(LiveFault),
}

/// Rooms, lines, faults.
#[derive(Debug, Default)]
pub(crate) struct Live {
    pub(crate) rooms: BTreeMap<DocumentId, Room>,
    pub(crate) lines: Vec<Line>,
    orders: BTreeMap<u64, mpsc::UnboundedSender<Order>>,
    pub(crate) turns: Vec<Turn<LiveFault>>,
}

impl Live {
    pub(crate) fn strike(&mut self, place: Place) -> Option<LiveFault> {
        strike(&mut self.turns, |it| it.place() == place)
    }

    /// What stands in a draft.
    pub(crate) fn text(&self, document: &str) -> Option<String> {
        self.rooms.get(document).map(Room::text)
    }

    pub(super) fn open(&mut self, document: &str, name: &str) -> (u64, mpsc::UnboundedReceiver<Order>) {
        let id = self.lines.len() as u64 + 1;
        let (sender, orders) = mpsc::unbounded_channel();
        self.orders.insert(id, sender);
        let (document, name) = (document.into(), name.into());
        self.lines.push(Line { id, document, name, open: true, updates: 0, said: Vec::new() });
        (id, orders)
    }

    pub(super) fn line(&mut self, id: u64) -> Option<&mut Line> {
        self.lines.iter_mut().find(|it| it.id == id)
    }

    /// Orders every open line of a document, or of all.
    pub(super) fn order(&self, document: Option<&str>, order: &Order) {
        let meant = self.lines.iter().filter(|it| it.open && document.is_none_or(|one| it.document == one));
        for sender in meant.filter_map(|it| self.orders.get(&it.id)) {
            // A line that has just ended needs no orders.
            let _over = sender.send(order.clone());
        }
    }

    fn tell_states(&self, document: &str, states: &[State]) {
        if !states.is_empty() {
            self.order(Some(document), &Order::Tell { frame: wire::awareness(states), update: false });
        }
    }
}

impl World {
    /// A room for a new draft.
    pub(in crate::agentworkspace) fn open_room(&mut self, document: &str, shape: Shape, content: &str) {
        let clients = (self.ids.client(), self.ids.client());
        self.live.rooms.insert(document.into(), Room::new(shape, content, clients));
    }

    /// Everybody in a document hears of a change, also who made it: y-websocket's server does so.
    pub(in crate::agentworkspace) fn tell(&mut self, document: &str, effect: Option<Vec<u8>>) {
        let Some(effect) = effect else {
            return;
        };
        let now = self.now();
        self.documents.iter_mut().filter(|it| it.id == document).for_each(|it| it.updated = now);
        self.served("live.told");
        self.live.order(Some(document), &Order::Tell { frame: wire::update(&effect), update: true });
    }

    /// A person's edit in a draft; false where there is none.
    pub(in crate::agentworkspace) fn edit(&mut self, document: &str, edit: impl FnOnce(&Shape, &yrs::Doc)) -> bool {
        let Some(room) = self.live.rooms.get_mut(document) else {
            return false;
        };
        let effect = room.edit(edit);
        self.tell(document, effect);
        true
    }

    /// A client's step 2 or update; false where it is no update.
    pub(super) fn hear_update(&mut self, line: u64, document: &str, update: &[u8]) -> bool {
        let Some(Ok(effect)) = self.live.rooms.get_mut(document).map(|it| it.take(update)) else {
            return false;
        };
        if let (Some(line), true) = (self.live.line(line), effect.is_some()) {
            line.updates += 1;
        }
        self.tell(document, effect);
        true
    }

    /// What somebody says of itself.
    pub(super) fn hear_states(&mut self, line: Option<u64>, document: &str, states: &[State]) {
        for state in states {
            if let Some(line) = line.and_then(|line| self.live.line(line)) {
                let said = serde_json::from_str(&state.json).unwrap_or(Value::Null);
                line.said.push(said);
            }
            let news = self.live.rooms.get_mut(document).is_some_and(|it| it.hear(state, line));
            if news {
                self.served(if state.json == "null" { "live.farewell" } else { "live.awareness" });
                self.live.tell_states(document, std::slice::from_ref(state));
            }
        }
    }

    /// Takes leave of those whose line ended, or who said nothing for too long.
    pub(super) fn take_leave(&mut self, document: &str, ended: Option<u64>) {
        let gone = self.live.rooms.get_mut(document).map(|it| it.leaving(ended)).unwrap_or_default();
        if !gone.is_empty() {
            self.served(if ended.is_some() { "live.gone" } else { "live.lapsed" });
        }
        self.live.tell_states(document, &gone);
    }

    /// Who is in a live document: the client and what it said.
    pub fn awake(&self, document: &str) -> Vec<(u64, Value)> {
        let states = self.live.rooms.get(document).map(Room::states).unwrap_or_default();
        states.into_iter().map(|it| (it.client, serde_json::from_str(&it.json).unwrap_or(Value::Null))).collect()
    }

    /// Every connection to a live document, oldest first.
    pub fn lines(&self) -> impl Iterator<Item = &Line> {
        self.live.lines.iter()
    }
}
