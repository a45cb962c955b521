//! What the platform knows of its cables: lines, their subscriptions, and what each was sent.

use std::collections::BTreeMap;

use serde::Serialize;
use tokio::sync::mpsc;

use super::fault::{CableFault, Place};
use crate::speakeasy::{
    armed::{Turn, strike},
    record::GrantId,
    world::World,
};

/// One line, open or over.
#[derive(Clone, Debug, Serialize)]
pub struct Cable {
    /// Its number, from 1.
    pub id: u64,
    /// Whose it is; none when the token was bad.
    pub grant: Option<GrantId>,
    /// Whether it still is.
    pub open: bool,
    /// By identifier.
    pub subscriptions: BTreeMap<String, Subscription>,
    #[serde(skip)]
    orders: mpsc::UnboundedSender<CableFault>,
}

/// One subscription of a line.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Subscription {
    /// Whether it is in force: not rejected, not given up.
    pub live: bool,
    /// The ids of the events that it was sent, in order.
    pub sent: Vec<u64>,
}

/// Every line, and the faults that wait for them.
#[derive(Debug, Default)]
pub(crate) struct Cables {
    pub(crate) turns: Vec<Turn<CableFault>>,
    pub(crate) dials: u64,
    lines: BTreeMap<u64, Cable>,
}

impl Cables {
    pub(crate) fn strike(&mut self, place: Place) -> Option<CableFault> {
        strike(&mut self.turns, |fault| fault.place() == place)
    }

    /// Notes a new line; its orders come through the receiver.
    pub(super) fn open(&mut self, grant: Option<GrantId>) -> (u64, mpsc::UnboundedReceiver<CableFault>) {
        let (orders, receiver) = mpsc::unbounded_channel();
        let id = self.lines.len() as u64 + 1;
        self.lines.insert(id, Cable { id, grant, open: true, subscriptions: BTreeMap::new(), orders });
        (id, receiver)
    }

    pub(super) fn line(&mut self, id: u64) -> Option<&mut Cable> {
        self.lines.get_mut(&id)
    }

    pub(super) fn subscription(&mut self, line: u64, identifier: &str) -> Option<&mut Subscription> {
        self.line(line)?.subscriptions.get_mut(identifier)
    }

    pub(super) fn order_all(&self, order: &CableFault) {
        for line in self.lines.values().filter(|it| it.open) {
            // A line that ends right now needs no order.
            let _over = line.orders.send(order.clone());
        }
    }
}

impl World {
    /// Every line that was opened; oldest first.
    pub fn cables(&self) -> impl Iterator<Item = &Cable> {
        self.push.cables.lines.values()
    }

    /// The subscriptions of a line that hear new events.
    pub(super) fn live_identifiers(&self, line: u64) -> Vec<String> {
        let subscriptions = self.push.cables.lines.get(&line).into_iter().flat_map(|it| &it.subscriptions);
        subscriptions.filter(|(_, it)| it.live).map(|(identifier, _)| identifier.clone()).collect()
    }

    /// How many subscriptions are in force on open lines.
    pub fn subscribed(&self) -> usize {
        let open = self.cables().filter(|it| it.open);
        open.map(|it| it.subscriptions.values().filter(|it| it.live).count()).sum()
    }

    /// How often somebody asked for a websocket, refused or not.
    pub fn cable_dials(&self) -> u64 {
        self.push.cables.dials
    }
}
