//! Any bytes, in any chunks: the same items as the standard's steps, as one chunk, and as another parser.

use std::convert::Infallible;

use agent_bridge::line::event_stream::{EventStream, Item, Limits};
use bytes::Bytes;
use futures_util::{FutureExt, StreamExt, stream};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use sse_stream::{Sse, SseByteStream};

use super::{read, standard};

const UNBOUNDED: Limits = Limits { line: usize::MAX, event: usize::MAX };

/// Text that matters to a parser, far likelier than random bytes to make events.
fn piece() -> impl Strategy<Value = &'static str> {
    select(vec![
        "data:",
        "data",
        "data: ",
        "event:",
        "event",
        "id:",
        "id",
        "id: ",
        "retry:",
        "retry: ",
        ":",
        ": ",
        " ",
        "\n",
        "\n",
        "\n\n",
        "\n\n",
        "\r",
        "\r\n",
        "\r\n\r\n",
        "\u{FEFF}",
        "\0",
        "a",
        "bc",
        "12",
        "007",
        "é",
        "…",
        "🎈",
        "99999999999999999999",
        "a rather long piece of text",
    ])
}

fn text() -> impl Strategy<Value = Vec<u8>> {
    vec(piece(), 0..60).prop_map(|pieces| pieces.concat().into_bytes())
}

/// Text with damage in it: stray bytes and broken sequences.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let damage = prop_oneof![
        Just(b"\xE2\x80".to_vec()),
        Just(b"\xEF\xBB".to_vec()),
        Just(b"\xED\xA0\x80".to_vec()),
        vec(any::<u8>(), 1..4),
    ];
    let part = prop_oneof![6 => piece().prop_map(|piece| piece.as_bytes().to_vec()), 1 => damage];
    vec(part, 0..60).prop_map(|parts| parts.concat())
}

/// Cuts a body at the given places, empty chunks included.
fn cut<'a>(body: &'a [u8], places: &[Index]) -> Vec<&'a [u8]> {
    let mut ends: Vec<usize> = places.iter().map(|place| place.index(body.len() + 1)).collect();
    ends.sort_unstable();
    ends.push(body.len());
    let mut start = 0;
    ends.into_iter().map(|end| &body[std::mem::replace(&mut start, end)..end]).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]

    #[test]
    fn any_body_reads_as_the_standard_reads_it(body in bytes(), places in vec(any::<Index>(), 0..8)) {
        let expected = standard::read(&body);
        prop_assert_eq!(read(UNBOUNDED, cut(&body, &places)), expected);
    }

    #[test]
    fn random_bytes_read_as_the_standard_reads_them(body in vec(any::<u8>(), 0..2000)) {
        let expected = standard::read(&body);
        prop_assert_eq!(read(UNBOUNDED, body.chunks(7)), expected);
    }

    #[test]
    fn any_chunking_says_the_same(
        body in bytes(), line in 16_usize..40, event in 0_usize..60, places in vec(any::<Index>(), 0..12),
    ) {
        let limits = Limits { line, event };
        prop_assert_eq!(read(limits, cut(&body, &places)), read(limits, [&*body]));
    }

    #[test]
    fn bounds_set_aside_and_never_lose_or_invent(body in bytes(), line in 16_usize..40, event in 0_usize..60) {
        let all = outcomes(UNBOUNDED, &body).into_iter().flatten().collect::<Vec<_>>();
        let bounded = outcomes(Limits { line, event }, &body);
        prop_assert!(bounded.len() >= all.len(), "an event vanished without a word");
        let mut rest = all.iter();
        for (name, data) in bounded.iter().flatten() {
            let named = if name == "message" { 0 } else { name.len() };
            prop_assert!(data.len() + named <= event, "an event is over the limit");
            prop_assert!(rest.any(|one| one == &(name.clone(), data.clone())), "an event changed");
        }
    }

    /// The oracle, `sse-stream`, is known to be right on valid UTF-8 (it ends the stream at damage where the standard
    /// goes on with U+FFFD), and keeps ids to their own block, which `inherited` makes up for. `retry` is left out: it
    /// reports one for each finished block, ignores an overflow, and the model above covers it. BOM and CR line ends,
    /// wrong in its earlier versions, are right in 0.3 and stay in.
    #[test]
    fn another_parser_agrees(body in text(), places in vec(any::<Index>(), 0..8)) {
        let chunks = cut(&body, &places);
        let expected = inherited(oracle(&chunks));
        let events: Vec<_> = read(UNBOUNDED, chunks).into_iter()
            .filter(|said| said != "comment" && !said.starts_with("retry "))
            .collect();
        prop_assert_eq!(events, expected);
    }
}

/// Name and data of each event, `None` for one set aside.
fn outcomes(limits: Limits, body: &[u8]) -> Vec<Option<(String, String)>> {
    let mut stream = EventStream::new(limits);
    stream.push(Bytes::copy_from_slice(body));
    stream
        .filter_map(|item| match item {
            Item::Event(frame) => Some(Some((frame.event.into_owned(), frame.data))),
            Item::Oversized { .. } => Some(None),
            Item::Retry(_) | Item::Comment => None,
        })
        .collect()
}

fn oracle(chunks: &[&[u8]]) -> Vec<Sse> {
    let chunks = chunks.iter().map(|chunk| Ok::<_, Infallible>(Bytes::copy_from_slice(chunk)));
    SseByteStream::new(stream::iter(chunks))
        .map(|block| block.expect("valid UTF-8"))
        .collect()
        .now_or_never()
        .expect("chunks in memory are ready")
}

fn inherited(blocks: Vec<Sse>) -> Vec<String> {
    let mut id = String::new();
    let mut said = Vec::new();
    for block in blocks {
        id = block.id.unwrap_or(id);
        if let Some(data) = block.data {
            let name = block.event.filter(|name| !name.is_empty()).unwrap_or_else(|| "message".into());
            said.push(format!("{name} [{id}] {data:?}"));
        }
    }
    said.push(format!("resume at [{id}]"));
    said
}
