//! From what a mapping or the bridge itself knows to the bytes that are stored and delivered: serialised once.

use std::sync::Arc;

use serde::Serialize;
use serde_json::{Map, Value};

use super::packed::{self, Rest};
use super::raw::shallow;
use super::{Arrival, Data, EVENT_CAP, Head, Identity, Type, WorkspaceName};

/// Digits of the sequence: every `u64` fits, and strings sort like numbers.
const SEQUENCE_WIDTH: usize = 20;
const SEQUENCE_HOLE: &str = "00000000000000000000";

/// An event before it has a place in the feed.
#[derive(Clone, Debug)]
pub struct Draft {
    /// Whose event it is.
    pub workspace: WorkspaceName,
    /// The platform's name as its manifest gives it; `None` where only the bridge speaks.
    pub platform: Option<Arc<str>>,
    /// What happened.
    pub kind: Type,
    /// What makes it this event.
    pub identity: Identity,
    /// When it happened by the platform's clock (RFC 3339), else by ours.
    pub time: String,
    /// The rest.
    pub data: Data,
}

/// A serialised event whose sequence is not filled in yet.
#[derive(Clone, Debug)]
pub struct NewEvent {
    /// Facts for filters.
    pub head: Head,
    /// What makes it this event; the store remembers it.
    pub identity: Identity,
    /// The CloudEvent, with [`NewEvent::fill`] still to come.
    pub bytes: Vec<u8>,
    /// When and by what it came; `None` for what the bridge itself observed.
    pub arrival: Option<Arrival>,
    holes: Vec<usize>,
    packed: Option<Vec<u8>>,
}

impl NewEvent {
    /// Notes when and by what it came. What the bridge itself observed came by no line.
    #[must_use]
    pub fn arrived(mut self, arrival: Option<Arrival>) -> Self {
        self.arrival = arrival.filter(|_| self.identity != Identity::Sequence);
        self
    }

    /// What is stored: the bytes up to the last place that is kept for the sequence, then the rest, in its small form
    /// where that is worth it.
    pub fn stored(&self) -> (&[u8], Rest<'_>) {
        let (start, rest) = self.bytes.split_at(self.filled());
        (start, self.packed.as_deref().map_or(Rest::Plain(rest), Rest::Packed))
    }

    /// Up to here its bytes wait for the sequence.
    fn filled(&self) -> usize {
        self.holes.last().map_or(0, |hole| hole + SEQUENCE_WIDTH)
    }

    /// Writes the sequence into the places kept for it.
    pub fn fill(&mut self, sequence: u64) {
        let digits = format!("{sequence:0SEQUENCE_WIDTH$}");
        for hole in &self.holes {
            self.bytes[*hole..*hole + SEQUENCE_WIDTH].copy_from_slice(digits.as_bytes());
        }
    }
}

impl Draft {
    /// An event about the workspace itself, told by the bridge.
    pub fn about(workspace: &WorkspaceName, kind: Type, time: String, more: Map<String, Value>) -> Self {
        let data = Data { more, ..Data::default() };
        Self { workspace: workspace.clone(), platform: None, kind, identity: Identity::Sequence, time, data }
    }

    /// The deterministic `id`: rebuilt from an empty store, the same platform event gets the same one.
    /// With [`Identity::Sequence`] the last segment is a hole for the sequence.
    pub fn id(&self) -> String {
        let (workspace, kind, conversation) = (&self.workspace, self.kind.as_str(), segment(self.conversation()));
        match &self.identity {
            Identity::Native(id) => format!("{workspace}/{kind}/{}", segment(id)),
            Identity::Object { object, .. } if self.kind.happens_once() => {
                format!("{workspace}/{kind}/{conversation}/{}", segment(object))
            }
            Identity::Object { object, revision } => {
                format!("{workspace}/{kind}/{conversation}/{}/{}", segment(object), segment(revision))
            }
            Identity::Sequence => format!("{workspace}/{kind}/{SEQUENCE_HOLE}"),
        }
    }

    fn conversation(&self) -> &str {
        self.data.conversation.as_ref().map_or("", |conversation| &conversation.id)
    }

    /// Serialises the event, within [`EVENT_CAP`]: `raw` goes first, then the text is cut.
    pub fn seal(mut self) -> NewEvent {
        self.data.raw = self.data.raw.map(shallow);
        let id = self.id();
        let mut bytes = self.serialise(&id);
        if bytes.len() > EVENT_CAP && self.data.raw.take().is_some() {
            self.data.truncated = true;
            bytes = self.serialise(&id);
        }
        if bytes.len() > EVENT_CAP {
            self.cut(bytes.len() - EVENT_CAP);
            bytes = self.serialise(&id);
        }
        let holes = self.holes(&id, &bytes);
        let identity = std::mem::replace(&mut self.identity, Identity::Sequence);
        let mut event = NewEvent { head: self.head(), identity, bytes, arrival: None, holes, packed: None };
        // Here, on the task of its line: the store's one writer has no time for it.
        event.packed = packed::pack(&event.bytes[event.filled()..]);
        event
    }

    /// Shortens text (and drops HTML) so that at least `over` bytes of JSON go. Taking `over` bytes of text takes at
    /// least as many of JSON; and an eighth of the cap fits whatever it escapes to (six bytes a byte at most).
    fn cut(&mut self, over: usize) {
        self.data.truncated = true;
        self.data.more.clear();
        let Some(message) = &mut self.data.message else { return };
        message.html = None;
        message.attachments.truncate(16);
        if let Some(text) = &mut message.text {
            let keep = text.len().saturating_sub(over).max(EVENT_CAP / 8);
            text.truncate(text.floor_char_boundary(keep));
        }
    }

    fn head(self) -> Head {
        let author = self.data.author.unwrap_or_default();
        Head {
            conversation: self.data.conversation.map_or_else(String::new, |conversation| conversation.id),
            workspace: self.workspace,
            kind: self.kind,
            author: author.id,
            author_kind: author.kind,
            own: author.me,
            mentions_me: self.data.mentions_me.unwrap_or(false),
            only_for: None,
        }
    }

    fn serialise(&self, id: &str) -> Vec<u8> {
        #[derive(Serialize)]
        struct Envelope<'a> {
            specversion: &'static str,
            id: &'a str,
            source: String,
            r#type: Type,
            #[serde(skip_serializing_if = "str::is_empty")]
            subject: &'a str,
            time: &'a str,
            datacontenttype: &'static str,
            sequence: &'static str,
            #[serde(skip_serializing_if = "Option::is_none")]
            platform: Option<&'a str>,
            workspace: &'a str,
            data: &'a Data,
        }
        let envelope = Envelope {
            specversion: "1.0",
            id,
            source: format!("/workspaces/{}", self.workspace),
            r#type: self.kind,
            subject: self.conversation(),
            time: &self.time,
            datacontenttype: "application/json",
            sequence: SEQUENCE_HOLE,
            platform: self.platform.as_deref(),
            workspace: self.workspace.as_str(),
            data: &self.data,
        };
        let mut bytes = Vec::with_capacity(self.length());
        serde_json::to_writer(&mut bytes, &envelope)
            .expect("strings, numbers and maps with string keys always serialise");
        bytes
    }

    /// About how long it is serialised: what grows twice is copied twice.
    fn length(&self) -> usize {
        let message = self.data.message.as_ref();
        let texts = message.map(|message| [&message.text, &message.html]).into_iter().flatten().flatten();
        let raw = self.data.raw.as_ref().map_or(0, |raw| raw.get().len());
        1_024 + raw + texts.map(|text| text.len() + text.len() / 16).sum::<usize>()
    }

    /// Where the sequence goes: found by the order of the fields, which `serialise` fixes, so that no text of
    /// the platform can be mistaken for a hole.
    fn holes(&self, id: &str, bytes: &[u8]) -> Vec<usize> {
        let id_at = br#"{"specversion":"1.0","id":""#.len();
        let mut holes = Vec::with_capacity(2);
        if self.identity == Identity::Sequence {
            holes.push(id_at + id.len() - SEQUENCE_WIDTH);
        }
        let mark = br#""datacontenttype":"application/json","sequence":""#;
        // Everything before the mark is escaped JSON, in which the mark's bare quotes cannot stand.
        let at = memchr::memmem::find(bytes, mark).expect("`serialise` wrote it");
        holes.push(at + mark.len());
        holes
    }
}

/// One part of an id: `/` and `%` are escaped, so that two different paths never give one id.
pub(crate) fn segment(text: &str) -> std::borrow::Cow<'_, str> {
    if text.contains(['/', '%']) { text.replace('%', "%25").replace('/', "%2F").into() } else { text.into() }
}

#[cfg(test)]
mod tests {
    use serde_json::value::RawValue;

    use super::*;
    use crate::event::{Conversation, Message};

    fn draft(identity: Identity, text: &str) -> Draft {
        Draft {
            workspace: WorkspaceName::new("acme").unwrap(),
            platform: Some("agentunited".into()),
            kind: Type::MessageCreated,
            identity,
            time: "2026-03-22T18:00:00Z".into(),
            data: Data {
                conversation: Some(Conversation { id: "f/8".into(), ..Conversation::default() }),
                message: Some(Message { id: "b2".into(), text: Some(text.into()), ..Message::default() }),
                ..Data::default()
            },
        }
    }

    #[test]
    fn the_sequence_is_filled_in_and_nothing_else_moves() {
        let tricky = r#"","datacontenttype":"application/json","sequence":"00000000000000000000"#;
        let mut event = draft(Identity::Sequence, tricky).seal();
        event.fill(42);
        let json: Value = serde_json::from_slice(&event.bytes).unwrap();
        assert_eq!(json["sequence"], "00000000000000000042");
        assert_eq!(json["id"], "acme/message.created/00000000000000000042");
        assert_eq!(json["data"]["message"]["text"], tricky);
    }

    #[test]
    fn ids_keep_their_segments_apart() {
        let object = |object: &str| Identity::Object { object: object.into(), revision: "r".into() };
        assert_eq!(draft(object("b2"), "x").id(), "acme/message.created/f%2F8/b2");
        assert_ne!(draft(object("a%2Fb"), "x").id(), draft(object("a/b"), "x").id());
    }

    #[test]
    fn an_event_over_the_cap_loses_raw_first_and_then_text() {
        let mut big = draft(Identity::Native("1".into()), "kept");
        big.data.raw = Some(RawValue::from_string(format!("\"{}\"", "r".repeat(EVENT_CAP))).unwrap());
        let json: Value = serde_json::from_slice(&big.seal().bytes).unwrap();
        assert_eq!((&json["data"]["truncated"], &json["data"]["message"]["text"]), (&true.into(), &"kept".into()));
        assert!(json["data"].get("raw").is_none());

        let cut = draft(Identity::Native("1".into()), &"\u{1}ü".repeat(EVENT_CAP)).seal();
        assert!(cut.bytes.len() <= EVENT_CAP);
        let json: Value = serde_json::from_slice(&cut.bytes).unwrap();
        assert!(!json["data"]["message"]["text"].as_str().unwrap().is_empty());
    }
}
