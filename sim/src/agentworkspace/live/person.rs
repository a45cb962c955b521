//! The person in the browser, and what befalls the document's server.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    shape::Shape,
    state::{Line, Order},
    wire::State,
};
use crate::agentworkspace::{
    Sim,
    live::fault::LiveFault,
    record::{DocumentId, DocumentType},
    world::World,
};

/// What a document server remembers when it comes up again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Memory {
    /// Everything.
    Kept,
    /// Nothing: each document is empty until a client brings it back. Browsers are away.
    Empty,
    /// The text alone, typed anew: whoever still has the old copy brings it in a second time. Browsers are away.
    Reseeded,
}

impl Sim {
    /// A draft in which `content` stands, in this shared type.
    pub fn draft(&self, agent: &str, title: &str, shape: Shape, content: &str) -> DocumentId {
        self.with(|world| {
            let document = world.make_document(agent, title, DocumentType::Draft, "");
            world.open_room(&document.id, shape, content);
            document.id
        })
    }

    /// A person types at an offset in UTF-16 code units; false where there is no such draft.
    pub fn types(&self, document: &str, at: usize, text: &str) -> bool {
        self.with(|world| world.edit(document, |shape, doc| shape.insert(doc, at, text)))
    }

    /// A person deletes from an offset in UTF-16 code units; false where there is no such draft.
    pub fn deletes(&self, document: &str, at: usize, length: usize) -> bool {
        self.with(|world| world.edit(document, |shape, doc| shape.delete(doc, at, length)))
    }

    /// A person writes a new last paragraph; false where there is no such draft.
    pub fn appends(&self, document: &str, paragraph: &str) -> bool {
        self.with(|world| world.edit(document, |shape, doc| shape.append(doc, paragraph)))
    }

    /// What the person sees.
    pub fn seen(&self, document: &str) -> String {
        self.look(|world| world.live.rooms.get(document).map(super::room::Room::seen).unwrap_or_default())
    }

    /// The person is in the document, with a name and a cursor, as editors show it.
    pub fn arrives(&self, document: &str, person: &str) {
        self.says(document, &json!({"user": {"name": person, "color": "#3b82f6"}}));
    }

    /// The person is no longer in the document.
    pub fn leaves(&self, document: &str) {
        self.says(document, &Value::Null);
    }

    fn says(&self, document: &str, state: &Value) {
        self.with(|world| {
            let Some(room) = world.live.rooms.get(document) else {
                return;
            };
            let client = room.browser();
            let clock = room.awake.get(&client).map_or(1, |it| it.clock + 1);
            world.hear_states(None, document, &[State { client, clock, json: state.to_string() }]);
        });
    }

    /// The browser loses its connection; what the person types now waits.
    pub fn goes_offline(&self, document: &str) {
        self.with(|world| world.live.rooms.get_mut(document).map(|it| it.connected = false));
    }

    /// The browser is connected again: it and the server tell each other what the other lacks.
    pub fn comes_back(&self, document: &str) {
        self.with(|world| {
            let effect = world.live.rooms.get_mut(document).and_then(super::room::Room::exchange);
            world.tell(document, effect);
        });
    }

    /// The document server restarts: every line drops.
    pub fn restart(&self, memory: Memory) {
        self.with(|world| {
            world.live.order(None, &Order::Fault(LiveFault::Drop));
            let documents: Vec<DocumentId> = world.live.rooms.keys().cloned().collect();
            for document in documents {
                world.forget(&document, memory);
            }
        });
    }

    /// Every connection to a live document, oldest first.
    pub fn lines(&self) -> Vec<Line> {
        self.look(|world| world.lines().cloned().collect())
    }
}

impl World {
    fn forget(&mut self, document: &str, memory: Memory) {
        let client = self.ids.client();
        let Some(room) = self.live.rooms.get_mut(document) else {
            return;
        };
        match memory {
            Memory::Kept => room.awake.clear(),
            Memory::Empty => room.forget(client, ""),
            Memory::Reseeded => {
                let text = room.text();
                room.forget(client, &text);
            }
        }
        self.served(match memory {
            Memory::Kept => "live.restart",
            Memory::Empty => "live.restart_empty",
            Memory::Reseeded => "live.restart_reseeded",
        });
    }
}
