//! An editor at the near end of a line: Yrs with its own implementation of the protocol.

use std::collections::HashMap;

use agent_bridge_sim::serve;
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::io::DuplexStream;
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{self, Message as Frame},
};
use yrs::{
    Doc, GetString as _, OffsetKind, Options, ReadTxn as _, TextRef, Transact as _, Update,
    sync::{Message, SyncMessage},
    updates::{decoder::Decode as _, encoder::Encode as _},
};

use crate::support::House;

/// How a line came to its end, or what came over it that ends it.
#[derive(Debug, PartialEq, Eq)]
pub enum Ended {
    Dropped,
    Closed(u16),
    Corrupt,
    Denied(String),
}

pub struct Editor {
    pub doc: Doc,
    /// Client → its newest state.
    pub states: HashMap<u64, String>,
    clocks: HashMap<u64, u32>,
    synced: bool,
    socket: WebSocketStream<DuplexStream>,
}

/// The plain text of a document.
pub fn content(doc: &Doc) -> TextRef {
    doc.get_or_insert_text("content")
}

impl Editor {
    /// A line into the house's draft; a refusal is its status.
    pub async fn dial(house: &House, token: &str) -> Result<Self, u16> {
        let doc = Doc::with_options(Options { offset_kind: OffsetKind::Utf16, ..Options::default() });
        Self::with(doc, house, token).await
    }

    async fn with(doc: Doc, house: &House, token: &str) -> Result<Self, u16> {
        let slug = house.sim.look(|world| world.document(&house.draft).map(|it| it.slug.clone())).expect("a draft");
        let (near, far) = tokio::io::duplex(1 << 16);
        tokio::spawn(serve::over(house.sim.router(), far));
        let url = format!("ws://agentworkspace.test/collab/{slug}?token={token}");
        match client_async(url, near).await {
            Ok((socket, _)) => Ok(Self { doc, states: HashMap::new(), clocks: HashMap::new(), synced: false, socket }),
            Err(tungstenite::Error::Http(response)) => Err(response.status().as_u16()),
            Err(error) => panic!("no line: {error}"),
        }
    }

    /// The same document over a new line.
    pub async fn again(self, house: &House) -> Self {
        Self::with(self.doc, house, &house.draft_token().await).await.expect("a line")
    }

    pub fn text(&self) -> String {
        content(&self.doc).get_string(&self.doc.transact())
    }

    pub async fn say(&mut self, bytes: &[u8]) {
        self.socket.send(Frame::binary(bytes.to_vec())).await.expect("an open line");
    }

    async fn tell(&mut self, message: Message) {
        self.say(&message.encode_v1()).await;
    }

    pub async fn step1(&mut self) {
        let vector = self.doc.transact().state_vector();
        self.tell(Message::Sync(SyncMessage::SyncStep1(vector))).await;
    }

    /// Asks for everything, and waits for it.
    pub async fn sync(&mut self) -> Result<(), Ended> {
        self.step1().await;
        self.synced = false;
        self.until(|it| it.synced).await
    }

    pub async fn edit(&mut self, edit: impl FnOnce(&Doc)) {
        let before = self.doc.transact().state_vector();
        edit(&self.doc);
        let update = self.doc.transact().encode_diff_v1(&before);
        self.tell(Message::Sync(SyncMessage::Update(update))).await;
    }

    pub async fn announce(&mut self, clock: u32, json: &str) {
        let entry = yrs::sync::awareness::AwarenessUpdateEntry { clock, json: json.into() };
        let clients = HashMap::from([(self.doc.client_id(), entry)]);
        self.tell(Message::Awareness(yrs::sync::AwarenessUpdate { clients })).await;
    }

    pub fn own_clock(&self) -> Option<u32> {
        self.clocks.get(&self.doc.client_id().get()).copied()
    }

    pub async fn query_awareness(&mut self) {
        self.tell(Message::AwarenessQuery).await;
    }

    /// Reads until the condition holds, or the line ends.
    pub async fn until(&mut self, mut condition: impl FnMut(&Self) -> bool) -> Result<(), Ended> {
        while !condition(self) {
            match self.socket.next().await {
                Some(Ok(Frame::Binary(bytes))) => self.hear(&bytes).await?,
                Some(Ok(Frame::Close(frame))) => return Err(Ended::Closed(frame.map_or(0, |it| it.code.into()))),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Err(Ended::Dropped),
            }
        }
        Ok(())
    }

    async fn hear(&mut self, bytes: &[u8]) -> Result<(), Ended> {
        // Types beyond the protocol's are somebody else's.
        match Message::decode_v1(bytes) {
            Ok(Message::Sync(SyncMessage::SyncStep1(vector))) => {
                let lacking = self.doc.transact().encode_state_as_update_v1(&vector);
                self.tell(Message::Sync(SyncMessage::SyncStep2(lacking))).await;
            }
            Ok(Message::Sync(SyncMessage::SyncStep2(update))) => {
                self.merge(&update)?;
                self.synced = true;
            }
            Ok(Message::Sync(SyncMessage::Update(update))) => self.merge(&update)?,
            Ok(Message::Awareness(update)) => {
                for (client, entry) in update.clients {
                    self.clocks.insert(client.get(), entry.clock);
                    self.states.insert(client.get(), entry.json.to_string());
                }
            }
            Ok(Message::Auth(Some(reason))) => return Err(Ended::Denied(reason)),
            _ => {}
        }
        Ok(())
    }

    fn merge(&self, update: &[u8]) -> Result<(), Ended> {
        let update = Update::decode_v1(update).map_err(|_| Ended::Corrupt)?;
        self.doc.transact_mut().apply_update(update).map_err(|_| Ended::Corrupt)
    }

    /// The reason of a denial, and the code of the close after it.
    pub async fn denied(&mut self) -> (String, u16) {
        let Err(Ended::Denied(reason)) = self.until(|_| false).await else {
            panic!("no denial");
        };
        let Err(Ended::Closed(code)) = self.until(|_| false).await else {
            panic!("no close");
        };
        (reason, code)
    }
}
