//! What becomes of the frame of one event on its way out.

use serde_json::Value;
use tokio_tungstenite::tungstenite::protocol::frame::{
    Frame,
    coding::{Data, OpCode},
};

use super::{fault::CableFault, frame};
use crate::speakeasy::{events::StoredEvent, hook::padded};

/// A frame, the subscription that it goes into, and the event that counts as sent with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sending {
    pub(super) text: String,
    pub(super) identifier: String,
    pub(super) event: Option<u64>,
}

/// The frames of one event, in order.
pub(super) fn frames(identifier: &str, event: &StoredEvent, fault: Option<&CableFault>) -> Vec<Sending> {
    let sending = |text, event| Sending { text, identifier: identifier.into(), event };
    let whole = |body: &Value| sending(frame::message(identifier, body), Some(event.id));
    let noise = |text: String| sending(text, None);
    let plain = whole(&event.body);
    match fault {
        Some(CableFault::Lose) => Vec::new(),
        Some(CableFault::Duplicate) => vec![plain.clone(), plain],
        Some(CableFault::NotJson) => vec![noise("{\"identifier\": no JSON".into()), plain],
        Some(CableFault::OtherIdentifier) => {
            let other = r#"{"channel":"AgentEventsChannel","cursor":"somebody else's"}"#;
            vec![noise(frame::message(other, &event.body)), plain]
        }
        Some(CableFault::Oversize { bytes }) => vec![whole(&padded(&event.body, *bytes))],
        _ => vec![plain],
    }
}

/// The bytes of a frame up to the middle of its payload.
pub(super) fn half(text: &str) -> Vec<u8> {
    let frame = Frame::message(text.to_owned(), OpCode::Data(Data::Text), true);
    let mut bytes = Vec::with_capacity(text.len() + 16);
    // Writing into memory cannot fail.
    let _infallible = frame.format(&mut bytes);
    bytes.truncate(bytes.len() - text.len() / 2);
    bytes
}

/// A replay into which the last `overlap` events also come live: the first of them after the first replayed one, and so on.
pub(super) fn interleaved(replay: Vec<StoredEvent>, overlap: usize) -> Vec<StoredEvent> {
    let live = replay[replay.len().saturating_sub(overlap)..].to_vec();
    let mut live = live.into_iter();
    replay.into_iter().flat_map(|event| [Some(event), live.next()]).flatten().collect()
}
