//! The event-stream parser against the standard, hostile servers and an independent parser.

mod bounds;
mod formats;
mod hostile;
mod properties;
mod standard;

use agent_bridge::line::event_stream::{EventStream, Item, Limits};
use bytes::Bytes;

/// One line of text for each item, so that a failed comparison reads well.
fn told(item: &Item) -> String {
    match item {
        Item::Event(frame) => format!("{} [{}] {:?}", frame.event, frame.id, frame.data),
        Item::Retry(delay) => format!("retry {}", delay.as_millis()),
        Item::Comment => "comment".into(),
        Item::Oversized { bytes, id, event } => format!("oversized {event} [{id}] {bytes}"),
    }
}

/// Everything the chunks say, and last the id that a reconnect would send.
fn read<'a>(limits: Limits, chunks: impl IntoIterator<Item = &'a [u8]>) -> Vec<String> {
    read_with(EventStream::new(limits), chunks)
}

fn read_with<'a>(mut stream: EventStream, chunks: impl IntoIterator<Item = &'a [u8]>) -> Vec<String> {
    let mut all = Vec::new();
    for chunk in chunks {
        stream.push(Bytes::copy_from_slice(chunk));
        all.extend(stream.by_ref().map(|item| told(&item)));
    }
    all.push(format!("resume at [{}]", stream.last_event_id()));
    all
}

/// Checks the body whole, in every two parts, and in single bytes.
fn assert_reads(body: impl AsRef<[u8]>, expected: &[&str]) {
    assert_reads_within(Limits::default(), body, expected);
}

fn assert_reads_within(limits: Limits, body: impl AsRef<[u8]>, expected: &[&str]) {
    let body = body.as_ref();
    assert_eq!(read(limits, [body]), expected, "in one chunk");
    for at in 1..body.len() {
        let (head, tail) = body.split_at(at);
        assert_eq!(read(limits, [head, tail]), expected, "split at byte {at}");
    }
    assert_eq!(read(limits, body.chunks(1)), expected, "in single bytes");
}
