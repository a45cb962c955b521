//! Somebody else's editor: a client of the platform's own websocket, as a second browser would be.

use std::{collections::BTreeSet, io, time::Duration};

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::{net::TcpStream, sync::watch, time::MissedTickBehavior};
use tokio_tungstenite::{WebSocketStream, client_async, tungstenite::Message};
use tokio_util::task::AbortOnDropHandle;
use yrs::{
    Doc, ReadTxn as _, StateVector, Transact as _, Update,
    updates::{decoder::Decode as _, encoder::Encode as _},
};

use super::{
    shape::Shape,
    wire::{self, Heard, State},
};
use crate::agentworkspace::Sim;

/// How often a client says again that it is there; peers forget it after 30 s.
const AGAIN: Duration = Duration::from_secs(15);

/// What an editor shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct View {
    /// What stands in its copy.
    pub text: String,
    /// Who was seen in the document while it was open, by their names.
    pub met: BTreeSet<String>,
}

/// An editor with a document open. It reads and says that it is there; dropped, it is closed.
#[derive(Debug)]
pub struct Peer {
    view: watch::Receiver<View>,
    _open: AbortOnDropHandle<()>,
}

impl Peer {
    /// What it shows now.
    pub fn view(&self) -> View {
        self.view.borrow().clone()
    }

    /// Waits until it shows this; false where its line ends before.
    pub async fn sees(&self, what: impl FnMut(&View) -> bool) -> bool {
        self.view.clone().wait_for(what).await.is_ok()
    }
}

impl Sim {
    /// Somebody opens a draft in an editor, over a socket to where the platform listens; returns once all of it is there.
    ///
    /// # Errors
    /// There is no such draft, the platform does not listen, or it closes before the document is there.
    pub async fn opens(&self, document: &str, person: &str) -> io::Result<Peer> {
        let (address, url, shape, client) = self.way_in(document, person)?;
        let socket = TcpStream::connect(address).await?;
        let (socket, _) = client_async(url, socket).await.map_err(io::Error::other)?;
        let doc = Doc::with_options(yrs::Options {
            offset_kind: yrs::OffsetKind::Utf16,
            ..yrs::Options::with_client_id(yrs::ClientID::new(client))
        });
        let (shown, view) = watch::channel(View::default());
        let (told, mut whole) = watch::channel(false);
        let editor = Editor { socket, doc, shape, name: person.to_owned(), clock: 0, shown, whole: told };
        let open = AbortOnDropHandle::new(tokio::spawn(editor.run()));
        whole.wait_for(|whole| *whole).await.map_err(io::Error::other)?;
        Ok(Peer { view, _open: open })
    }

    /// Address and URL of a draft's line, its shared type, and a client's id.
    fn way_in(&self, document: &str, person: &str) -> io::Result<(String, String, Shape, u64)> {
        let found = self.with(|world| {
            let draft = world.document(document).cloned()?;
            let shape = world.live.rooms.get(document)?.shape.clone();
            let token = world.draft_jwt(&draft, person);
            let live = world.live_url();
            let address = live.strip_prefix("http://")?.split('/').next()?.to_owned();
            let url = format!("{}/{}?token={token}", live.replacen("http", "ws", 1), draft.slug);
            Some((address, url, shape, world.ids.client()))
        });
        found.ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "no such draft"))
    }
}

struct Editor {
    socket: WebSocketStream<TcpStream>,
    doc: Doc,
    shape: Shape,
    name: String,
    clock: u64,
    shown: watch::Sender<View>,
    whole: watch::Sender<bool>,
}

impl Editor {
    /// Asks for everything, then follows until the line ends.
    async fn run(mut self) {
        let nothing = wire::step1(&StateVector::default().encode_v1());
        if self.say(nothing).await.is_none() {
            return;
        }
        let mut again = tokio::time::interval(AGAIN);
        again.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let going = tokio::select! {
                message = self.socket.next() => match message {
                    Some(Ok(Message::Binary(bytes))) => self.hear(&bytes).await,
                    Some(Ok(_)) => Some(()),
                    Some(Err(_)) | None => None,
                },
                _ = again.tick() => self.announce().await,
            };
            if going.is_none() {
                return;
            }
        }
    }

    async fn say(&mut self, frame: Vec<u8>) -> Option<()> {
        self.socket.send(Message::binary(frame)).await.ok()
    }

    async fn announce(&mut self) -> Option<()> {
        self.clock += 1;
        let state = json!({"user": {"name": self.name, "color": "#f97316"}}).to_string();
        let client = self.doc.client_id().get();
        self.say(wire::awareness(&[State { client, clock: self.clock, json: state }])).await
    }

    async fn hear(&mut self, bytes: &[u8]) -> Option<()> {
        match wire::read(bytes) {
            Some(Heard::Step1(vector)) => {
                let vector = StateVector::decode_v1(&vector).ok()?;
                let lacking = self.doc.transact().encode_state_as_update_v1(&vector);
                return self.say(wire::step2(&lacking)).await;
            }
            Some(Heard::Step2(update)) => {
                self.merge(&update)?;
                self.whole.send_replace(true);
            }
            Some(Heard::Update(update)) => self.merge(&update)?,
            Some(Heard::Awareness(states)) => self.meet(&states),
            Some(Heard::QueryAwareness) => return self.announce().await,
            Some(Heard::Unknown) | None => {}
        }
        Some(())
    }

    /// Bytes that are no update end it: an editor that goes on would show something else than the others.
    fn merge(&self, update: &[u8]) -> Option<()> {
        let update = Update::decode_v1(update).ok()?;
        self.doc.transact_mut().apply_update(update).ok()?;
        let text = self.shape.read(&self.doc);
        self.shown.send_modify(|view| view.text = text);
        Some(())
    }

    fn meet(&self, states: &[State]) {
        let said = states.iter().filter_map(|it| serde_json::from_str::<Value>(&it.json).ok());
        let names: Vec<String> = said.filter_map(|it| Some(it["user"]["name"].as_str()?.to_owned())).collect();
        self.shown.send_modify(|view| view.met.extend(names));
    }
}
