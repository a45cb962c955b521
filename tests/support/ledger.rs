//! The oracle (L D O): what happened on the platform against what the agent was given.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::bridge::Delivery;

/// Something that happened there and has to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Owed {
    kind: &'static str,
    room: String,
    message: String,
    /// `None` where the event need not carry the text: a deletion.
    text: Option<String>,
}

impl Owed {
    /// Whether this event tells of it, whatever it says.
    fn is_told_by(&self, event: &Value) -> bool {
        let data = &event["data"];
        event["type"] == self.kind
            && data["message"]["id"] == *self.message
            && (self.kind != "message.updated" || self.says(event))
    }

    fn says(&self, event: &Value) -> bool {
        self.text.as_ref().is_none_or(|text| event["data"]["message"]["text"] == **text)
    }
}

/// Places of debts and of deliveries that speak of one message. In a long run there are thousands of both, and each
/// against each would take minutes.
#[derive(Clone, Debug, Default)]
struct Talk {
    owed: Vec<usize>,
    had: Vec<usize>,
}

/// What happened, and every delivery in the order in which it came.
#[derive(Debug, Default)]
pub struct Ledger {
    owed: Vec<Owed>,
    had: Vec<Delivery>,
    /// By message.
    talk: BTreeMap<String, Talk>,
    /// Places of debts that have not been told.
    open: BTreeSet<usize>,
}

impl Ledger {
    /// Notes that something happened which has to be told.
    pub fn owes(&mut self, kind: &'static str, room: &str, message: &str, text: Option<&str>) {
        let text = text.map(str::to_owned);
        let owed = Owed { kind, room: room.to_owned(), message: message.to_owned(), text };
        let talk = self.talk.entry(owed.message.clone()).or_default();
        talk.owed.push(self.owed.len());
        if !talk.had.iter().any(|at| owed.is_told_by(&self.had[*at].event)) {
            self.open.insert(self.owed.len());
        }
        self.owed.push(owed);
    }

    /// The same debts to another reader, who has had nothing.
    pub fn of_another_reader(&self) -> Self {
        let mut talk = self.talk.clone();
        for talk in talk.values_mut() {
            talk.had.clear();
        }
        Self { owed: self.owed.clone(), had: Vec::new(), talk, open: (0..self.owed.len()).collect() }
    }

    /// Notes what the agent was given.
    pub fn had(&mut self, delivery: &Delivery) {
        if let Some(message) = delivery.event["data"]["message"]["id"].as_str() {
            let talk = self.talk.entry(message.to_owned()).or_default();
            talk.had.push(self.had.len());
            for at in talk.owed.iter().filter(|at| self.owed[**at].is_told_by(&delivery.event)) {
                self.open.remove(at);
            }
        }
        self.had.push(delivery.clone());
    }

    /// What has not been told (L).
    pub fn missing(&self) -> Vec<String> {
        self.open.iter().map(|at| format!("{:?}", self.owed[*at])).collect()
    }

    /// Whether everything has been told.
    pub fn is_settled(&self) -> bool {
        self.open.is_empty()
    }

    /// Rooms in which something was said.
    pub fn rooms(&self) -> BTreeSet<String> {
        self.owed.iter().map(|owed| owed.room.clone()).collect()
    }

    /// The places of all deliveries, in the order in which they came.
    pub fn seqs(&self) -> Vec<u64> {
        self.had.iter().map(|had| had.seq).collect()
    }

    /// First deliveries of this type, in order.
    pub fn firsts(&self, kind: &str) -> Vec<&Delivery> {
        let mut seen = BTreeSet::new();
        let first = |had: &&Delivery| had.event["type"] == kind && seen.insert(had.seq);
        self.had.iter().filter(first).collect()
    }

    /// L, D and O as far as things have come; `late` events came out of their order.
    pub fn verify(&self, late: usize) {
        assert!(self.missing().is_empty(), "lost: {:#?}", self.missing());
        self.is_told_once();
        self.nothing_is_altered_or_invented();
        for room in self.rooms() {
            self.is_in_order(&room);
        }
        let came_late = self.firsts("message.created").into_iter().filter(|it| it.event["data"]["late"] == true);
        let came_late: Vec<_> = came_late.map(Delivery::text).collect();
        assert_eq!(came_late.len(), late, "late: {came_late:?}");
    }

    /// One id, one place, the same bytes at every attempt; one thing, one event.
    fn is_told_once(&self) {
        let mut events: BTreeMap<&str, &Delivery> = BTreeMap::new();
        let mut places: BTreeMap<u64, &str> = BTreeMap::new();
        for had in &self.had {
            let id = had.event["id"].as_str().expect("an event has an id");
            let first = *events.entry(id).or_insert(had);
            assert_eq!((first.seq, &first.event), (had.seq, &had.event), "doubled or altered: {id}");
            assert_eq!(*places.entry(had.seq).or_insert(id), id, "a redelivery keeps its id");
        }
        for owed in &self.owed {
            let had = self.talk[&owed.message].had.iter().map(|at| &self.had[*at]);
            let told: BTreeSet<u64> = had.filter(|had| owed.is_told_by(&had.event)).map(|had| had.seq).collect();
            assert_eq!(told.len(), 1, "doubled: {owed:?} as {told:?}");
        }
    }

    fn nothing_is_altered_or_invented(&self) {
        for had in self.had.iter().filter(|had| had.event["type"].as_str().is_some_and(|it| it.starts_with("message.")))
        {
            let talk = had.event["data"]["message"]["id"].as_str().and_then(|id| self.talk.get(id));
            let mut debts = talk.into_iter().flat_map(|talk| &talk.owed).map(|at| &self.owed[*at]);
            let owed = debts.find(|owed| owed.is_told_by(&had.event));
            let owed = owed.unwrap_or_else(|| panic!("invented: {:#}", had.event));
            assert!(owed.says(&had.event), "altered: {owed:?} is told as {:#}", had.event);
            assert_eq!(had.event["data"]["conversation"]["id"], owed.room, "swapped: {:#}", had.event);
        }
    }

    fn is_in_order(&self, room: &str) {
        let firsts = self.firsts("message.created");
        let timely = firsts.iter().filter(|it| it.event["subject"] == room && it.event["data"]["late"] != true);
        let timely: Vec<_> = timely.map(|it| it.event["data"]["message"]["id"].as_str().unwrap_or_default()).collect();
        let said = self.owed.iter().filter(|owed| owed.kind == "message.created" && owed.room == room);
        let in_time: BTreeSet<_> = timely.iter().copied().collect();
        let said: Vec<_> = said.map(|owed| owed.message.as_str()).filter(|id| in_time.contains(id)).collect();
        assert_eq!(timely, said, "swapped in {room}");
    }
}
