//! Who is in the document (`y-protocols` 1, `awareness.js`): for each client id a clock and a JSON state; `null` is
//! somebody who has left. Peers drop what was not said again for 30 s, so it is said again every 15 s, under a new clock.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::varint::{Cut, Reader, put_buffer, put_number};
use super::{Bounds, DocumentError};

/// One client's entry of an update.
#[derive(Clone, Debug, PartialEq)]
pub struct Peer {
    /// Its Yjs client id.
    pub client: u64,
    /// Its count of states: a higher one is newer.
    pub clock: u64,
    /// What it says of itself; `null` where it has left.
    pub state: Value,
}

/// Reads an awareness update.
pub fn read(update: &[u8], bounds: &Bounds) -> Result<Vec<Peer>, DocumentError> {
    let wrong = |Cut(why): Cut| DocumentError::malformed("awareness update", why);
    let mut reader = Reader::new(update);
    let count = reader.count(3).map_err(wrong)?;
    if count > bounds.peers {
        return Err(DocumentError::too_large("the number of peers", bounds.peers));
    }
    let mut peers = Vec::new();
    for _ in 0..count {
        let (client, clock) = (reader.number().map_err(wrong)?, reader.number().map_err(wrong)?);
        let state = reader.string().map_err(wrong)?;
        if state.len() > bounds.presence {
            return Err(DocumentError::too_large("a peer's presence", bounds.presence));
        }
        let state = serde_json::from_str(state).map_err(|_| wrong(Cut("a state is no JSON")))?;
        peers.push(Peer { client, clock, state });
    }
    Ok(peers)
}

/// Writes an awareness update.
pub fn write<'a>(peers: impl ExactSizeIterator<Item = &'a Peer>) -> Vec<u8> {
    let mut update = Vec::new();
    put_number(&mut update, peers.len() as u64);
    for peer in peers {
        put_number(&mut update, peer.client);
        put_number(&mut update, peer.clock);
        put_buffer(&mut update, peer.state.to_string().as_bytes());
    }
    update
}

/// Everybody's presence, this agent's own included.
#[derive(Clone, Debug)]
pub struct Awareness {
    own: Peer,
    peers: BTreeMap<u64, Peer>,
    bounds: Bounds,
}

impl Awareness {
    /// Nobody is there, and the agent is not there yet.
    pub fn new(client: u64, bounds: Bounds) -> Self {
        Self { own: Peer { client, clock: 0, state: Value::Null }, peers: BTreeMap::new(), bounds }
    }

    /// Takes the agent's own state: what editors show (`user: {name, color}`), and what it is doing.
    pub fn set(&mut self, name: &str, color: &str, status: &str) {
        self.say(json!({ "user": { "name": name, "color": color }, "status": status }));
    }

    /// The agent leaves.
    pub fn leave(&mut self) {
        self.say(Value::Null);
    }

    /// The same again, so that peers do not drop it.
    pub fn again(&mut self) {
        self.own.clock += 1;
    }

    fn say(&mut self, state: Value) {
        self.own.clock += 1;
        self.own.state = state;
    }

    /// The agent's own state as an update.
    pub fn announcement(&self) -> Vec<u8> {
        write(std::iter::once(&self.own))
    }

    /// Everybody that is here, the agent included.
    pub fn everybody(&self) -> Vec<u8> {
        let own = (!self.own.state.is_null()).then_some(&self.own);
        let everybody: Vec<&Peer> = own.into_iter().chain(self.peers.values()).collect();
        write(everybody.into_iter())
    }

    /// Others that are here, by client id.
    pub fn peers(&self) -> impl Iterator<Item = &Peer> {
        self.peers.values()
    }

    /// Takes what others say. `true`: somebody said that this agent has left, or is something else; it must announce
    /// itself again (servers do so when a connection of an earlier run ends).
    pub fn take(&mut self, update: &[u8]) -> Result<bool, DocumentError> {
        let mut contradicted = false;
        for peer in read(update, &self.bounds)? {
            if peer.client == self.own.client {
                if peer.clock >= self.own.clock && peer.state != self.own.state {
                    self.own.clock = peer.clock + 1;
                    contradicted = true;
                }
                continue;
            }
            let known = self.peers.get(&peer.client).map(|known| known.clock);
            let gone = peer.state.is_null();
            if known.is_some_and(|known| peer.clock < known || (peer.clock == known && !gone)) {
                continue;
            }
            if gone {
                self.peers.remove(&peer.client);
            } else if known.is_some() || self.peers.len() < self.bounds.peers {
                self.peers.insert(peer.client, peer);
            }
        }
        Ok(contradicted)
    }

    /// The connection is gone, and with it what is known of others.
    pub fn forget(&mut self) {
        self.peers.clear();
    }
}
