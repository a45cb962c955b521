//! A remote peer: somebody else's client at the same document, with nothing around it.

use std::net::TcpStream;
use std::time::Duration;

use agent_bridge::document::Bounds;
use agent_bridge::document::protocol::{Message, read, write};
use anyhow::{Context, ensure};
use memchr::memmem;
use tokio_tungstenite::tungstenite::{self, WebSocket};
use yrs::updates::decoder::Decode;
use yrs::{Doc, OffsetKind, Options, ReadTxn, Transact, Update, XmlElementPrelim, XmlFragment, XmlTextPrelim};

use super::studio::{Draft, Studio};

/// Without a frame for so long something is broken.
const SILENCE: Duration = Duration::from_mins(1);

/// An open connection, synced.
pub struct Peer {
    socket: WebSocket<TcpStream>,
    doc: Doc,
    /// The whole document as one update, as the server sent it.
    pub whole: Vec<u8>,
}

/// A document with nothing in it but what this update brings.
pub fn bare(update: &[u8]) -> anyhow::Result<Doc> {
    let doc = Doc::with_options(Options { offset_kind: OffsetKind::Utf16, ..Options::default() });
    doc.transact_mut().apply_update(Update::decode_v1(update)?)?;
    Ok(doc)
}

impl Peer {
    /// Connects, and takes the document.
    pub fn open(studio: &Studio, draft: &Draft, name: &str) -> anyhow::Result<Self> {
        let (address, url) = studio.way_into(draft, name)?;
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(SILENCE))?;
        let (mut socket, _) = tungstenite::client(url, stream).context("the document's websocket")?;
        socket.send(tungstenite::Message::binary(write(&Message::Step1(&[0]))))?;
        let whole = loop {
            let frame = socket.read()?.into_data();
            let messages = read(&frame, &Bounds::default())?;
            if let Some(whole) =
                messages.iter().find_map(|it| if let Message::Step2(it) = it { Some(it) } else { None })
            {
                break whole.to_vec();
            }
        };
        Ok(Self { socket, doc: bare(&whole)?, whole })
    }

    /// Writes a paragraph at the end, and sends it.
    pub fn append(&mut self, text: &str) -> anyhow::Result<()> {
        let root = self.doc.get_or_insert_xml_fragment("prosemirror");
        let before = self.doc.transact().state_vector();
        let paragraph = XmlElementPrelim::new("paragraph", [XmlTextPrelim::new(text).into()]);
        root.push_back(&mut self.doc.transact_mut(), paragraph);
        let update = self.doc.transact().encode_diff_v1(&before);
        Ok(self.socket.send(tungstenite::Message::binary(write(&Message::Update(&update))))?)
    }

    /// Waits for the update in which this text stands. What it is told meanwhile it does not read.
    pub fn until(&mut self, text: &str) -> anyhow::Result<()> {
        loop {
            let frame = self.socket.read().context("the update never came")?;
            ensure!(!frame.is_close(), "the document server closed the connection");
            if memmem::find(&frame.into_data(), text.as_bytes()).is_some() {
                return Ok(());
            }
        }
    }
}
