//! One draft as it is edited: the server's copy, the copy in a person's browser, and who is here.

use std::collections::BTreeMap;

use tokio::time::{Duration, Instant};
use yrs::{
    Doc, ReadTxn as _, StateVector, Transact as _, Update,
    updates::{decoder::Decode as _, encoder::Encode as _},
};

use super::{shape::Shape, wire::State};

/// Peers drop a state that was not said again for so long.
const LAPSE: Duration = Duration::from_secs(30);

/// Who is here, as it said itself.
#[derive(Clone, Debug)]
pub(crate) struct Awake {
    pub(crate) clock: u64,
    pub(crate) json: String,
    /// The line it speaks over; a person has none.
    pub(crate) line: Option<u64>,
    said: Instant,
}

/// Bytes that are no update.
#[derive(Debug)]
pub(crate) struct NoUpdate;

/// One draft.
#[derive(Debug)]
pub(crate) struct Room {
    pub(crate) shape: Shape,
    server: Doc,
    /// The browser's copy: it outlives what the server forgets.
    browser: Doc,
    /// Whether the browser is connected.
    pub(crate) connected: bool,
    pub(crate) awake: BTreeMap<u64, Awake>,
}

impl Room {
    /// The two are clients of their own.
    pub(crate) fn new(shape: Shape, content: &str, clients: (u64, u64)) -> Self {
        let server = shape.document(clients.0, content);
        let browser = shape.document(clients.1, "");
        let mut room = Self { shape, server, browser, connected: true, awake: BTreeMap::new() };
        room.exchange();
        room
    }

    /// What stands in the server's copy.
    pub(crate) fn text(&self) -> String {
        self.shape.read(&self.server)
    }

    /// The server's state vector.
    pub(crate) fn state_vector(&self) -> Vec<u8> {
        self.server.transact().state_vector().encode_v1()
    }

    /// What a client with this state vector lacks; `None` where it is none.
    pub(crate) fn lacking(&self, state_vector: &[u8]) -> Option<Vec<u8>> {
        let state_vector = StateVector::decode_v1(state_vector).ok()?;
        Some(self.server.transact().encode_state_as_update_v1(&state_vector))
    }

    /// Takes a client's update; what it changed, for everybody else.
    pub(crate) fn take(&mut self, update: &[u8]) -> Result<Option<Vec<u8>>, NoUpdate> {
        let effect = merge(&self.server, update)?;
        if let (Some(effect), true) = (&effect, self.connected) {
            let _known = merge(&self.browser, effect);
        }
        Ok(effect)
    }

    /// The browser and the server tell each other what the other lacks; what the server learnt.
    pub(crate) fn exchange(&mut self) -> Option<Vec<u8>> {
        self.connected = true;
        let known = self.server.transact().state_vector();
        let news = self.browser.transact().encode_state_as_update_v1(&known);
        let learnt = merge(&self.server, &news).ok().flatten();
        let known = self.browser.transact().state_vector();
        let news = self.server.transact().encode_state_as_update_v1(&known);
        let _known = merge(&self.browser, &news);
        learnt
    }

    /// A person edits in the browser; what the server learnt of it, where the browser is connected.
    pub(crate) fn edit(&mut self, edit: impl FnOnce(&Shape, &Doc)) -> Option<Vec<u8>> {
        edit(&self.shape, &self.browser);
        if self.connected { self.exchange() } else { None }
    }

    /// The server edits its own copy, as for a `PUT`; what everybody else learns of it.
    pub(crate) fn rewrite(&mut self, content: &str) -> Option<Vec<u8>> {
        let known = self.server.transact().snapshot();
        self.shape.write(&self.server, content);
        let txn = self.server.transact();
        let effect = (txn.snapshot() != known).then(|| txn.encode_diff_v1(&known.state_map));
        drop(txn);
        if let (Some(effect), true) = (&effect, self.connected) {
            let _known = merge(&self.browser, effect);
        }
        effect
    }

    /// The text in the browser.
    pub(crate) fn seen(&self) -> String {
        self.shape.read(&self.browser)
    }

    /// The browser's client.
    pub(crate) fn browser(&self) -> u64 {
        self.browser.client_id().get()
    }

    /// The server's copy is another from now on, and nobody is here.
    pub(crate) fn forget(&mut self, client: u64, content: &str) {
        self.server = self.shape.document(client, content);
        self.awake.clear();
        self.connected = false;
    }

    /// Takes what somebody says of itself; whether it is news.
    pub(crate) fn hear(&mut self, state: &State, line: Option<u64>) -> bool {
        let known = self.awake.get(&state.client);
        // A farewell may come with the clock of the last word.
        let news = known.is_none_or(|it| state.clock > it.clock || (state.clock == it.clock && state.json == "null"));
        if news && state.json == "null" {
            return self.awake.remove(&state.client).is_some();
        }
        if news {
            let awake = Awake { clock: state.clock, json: state.json.clone(), line, said: Instant::now() };
            self.awake.insert(state.client, awake);
        }
        news
    }

    /// Everybody who is here.
    pub(crate) fn states(&self) -> Vec<State> {
        let state = |(client, it): (&u64, &Awake)| State { client: *client, clock: it.clock, json: it.json.clone() };
        self.awake.iter().map(state).collect()
    }

    /// Those that leave, because their line ended or they said nothing for too long.
    pub(crate) fn leaving(&mut self, ended: Option<u64>) -> Vec<State> {
        let leaves = |it: &Awake| match ended {
            Some(line) => it.line == Some(line),
            // A person's browser says it again by itself.
            None => it.line.is_some() && it.said.elapsed() >= LAPSE,
        };
        let gone: Vec<(u64, u64)> =
            self.awake.iter().filter(|(_, it)| leaves(it)).map(|(id, it)| (*id, it.clock)).collect();
        self.awake.retain(|client, _| !gone.iter().any(|(it, _)| it == client));
        gone.into_iter().map(|(client, clock)| State { client, clock: clock + 1, json: "null".into() }).collect()
    }
}

/// What an update changed in a copy: nothing, perhaps.
fn merge(doc: &Doc, update: &[u8]) -> Result<Option<Vec<u8>>, NoUpdate> {
    let update = Update::decode_v1(update).map_err(|_| NoUpdate)?;
    let before = doc.transact().snapshot();
    doc.transact_mut().apply_update(update).map_err(|_| NoUpdate)?;
    let txn = doc.transact();
    Ok((txn.snapshot() != before).then(|| txn.encode_diff_v1(&before.state_map)))
}
