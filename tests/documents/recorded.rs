//! Bytes that real Yjs wrote (`tests/fixtures/yjs/record.mjs` says which versions).

use agent_bridge::document::protocol::{Message, read, write};
use agent_bridge::document::{Applied, Bounds, DocumentError, awareness};
use serde_json::{Value, json};

use crate::document;

pub fn bytes(name: &str) -> Vec<u8> {
    let recorded: Value = serde_json::from_str(include_str!("../fixtures/yjs/recorded.json")).expect("it is JSON");
    unhex(recorded[name].as_str().expect("a recording of this name"))
}

fn unhex(text: &str) -> Vec<u8> {
    let pair = |at| u8::from_str_radix(&text[at..at + 2], 16).expect("hex");
    (0..text.len()).step_by(2).map(pair).collect()
}

pub fn text_updates() -> Vec<Vec<u8>> {
    let recorded: Value = serde_json::from_str(include_str!("../fixtures/yjs/recorded.json")).expect("it is JSON");
    let updates = recorded["text_updates"].as_array().expect("a list");
    updates.iter().map(|update| unhex(update.as_str().expect("hex"))).collect()
}

#[test]
fn every_frame_is_read_and_written_back_byte_by_byte() {
    let (vector, rich) = (bytes("rich_state_vector"), bytes("rich_update_v1"));
    let first = text_updates().remove(0);
    for (name, message) in [
        ("step1", Message::Step1(&vector)),
        ("step2", Message::Step2(&rich)),
        ("update_frame", Message::Update(&first)),
        ("denied", Message::Denied("token expired")),
        ("query_awareness", Message::QueryAwareness),
    ] {
        let frame = bytes(name);
        assert_eq!(read(&frame, &Bounds::default()), Ok(vec![message]), "{name}");
        assert_eq!(write(&message), frame, "{name}");
    }
}

#[test]
fn a_frame_holds_several_messages_and_what_is_unknown_ends_it() {
    let mut frame = [bytes("query_awareness"), bytes("denied"), bytes("step1")].concat();
    assert_eq!(read(&frame, &Bounds::default()).expect("it is sound").len(), 3);
    frame.extend([9, 1, 2, 3]);
    let messages = read(&frame, &Bounds::default()).expect("it is sound");
    assert_eq!(messages.last(), Some(&Message::Unknown(9)));
    let small = Bounds { messages: 2, ..Bounds::default() };
    assert!(matches!(read(&frame, &small), Err(DocumentError::TooLarge { .. })));
    assert!(matches!(read(&frame, &Bounds { frame: 8, ..small }), Err(DocumentError::TooLarge { .. })));
    assert!(matches!(read(&[0, 2, 5, 1], &small), Err(DocumentError::Malformed { .. })));
    assert!(matches!(read(&[0xff; 12], &small), Err(DocumentError::Malformed { .. })));
}

#[test]
fn presence_is_read_as_it_was_said() {
    let frame = bytes("awareness");
    let messages = read(&frame, &Bounds::default()).expect("it is sound");
    let [Message::Awareness(update)] = messages[..] else { panic!("{messages:?}") };
    let peers = awareness::read(update, &Bounds::default()).expect("it is sound");
    assert_eq!((peers[0].client, peers[0].clock), (1111, 1));
    assert_eq!(peers[0].state, json!({ "user": { "name": "Pierre", "color": "#ff0000" }, "status": "reading" }));
    assert_eq!(awareness::write(peers.iter()).len(), update.len());

    let frame = bytes("awareness_left");
    let messages = read(&frame, &Bounds::default()).expect("it is sound");
    let [Message::Awareness(update)] = messages[..] else { panic!("{messages:?}") };
    assert_eq!(awareness::read(update, &Bounds::default()).expect("it is sound")[0].state, Value::Null);
}

#[test]
fn a_rich_document_of_real_yjs_reads_as_its_author_saw_it() {
    let mut document = document(&[]);
    assert_eq!(document.apply(&bytes("rich_update_v1")), Ok(Applied::Changed));
    assert_eq!(document.apply(&bytes("rich_update_v1")), Ok(Applied::Known));
    assert_eq!(document.state_vector(), bytes("rich_state_vector"));
    let reading = document.read().expect("it reads");
    assert_eq!(reading.name.as_deref(), Some("prosemirror"));
    assert_eq!(reading.text(), "## Reise nach Italien\n\nPlain bold end 🙂.\n\n- first\n  second");
    let marked: Vec<_> = reading.blocks[1].spans.iter().map(|span| (&*span.text, span.marks.len())).collect();
    assert_eq!(marked, [("Plain ", 0), ("bold", 1), (" end 🙂.", 0)]);
    assert!(reading.blocks.iter().flat_map(|block| &block.spans).all(|span| span.author == 1111));
}

#[test]
fn the_updates_of_a_plain_document_say_the_same_in_any_order() {
    let updates = text_updates();
    let whole = "Satz eins\r\nZeile 👩‍👩‍👧 zwei\n";
    for first in 0..updates.len() {
        let mut document = document(&[]);
        for at in 0..updates.len() {
            document.apply(&updates[(first + at) % updates.len()]).expect("it is taken");
        }
        assert_eq!(document.read().expect("it reads").text(), whole, "beginning with update {first}");
    }
}

#[test]
fn values_of_every_kind_are_passed_and_nothing_is_said_of_them() {
    let mut document = document(&[]);
    assert_eq!(document.apply(&bytes("empty_update")), Ok(Applied::Known));
    assert_eq!(document.apply(&bytes("values_update")), Ok(Applied::Changed));
    let reading = document.read().expect("it reads");
    assert_eq!((reading.name.as_deref(), &*reading.text()), (None, ""));
}

#[test]
fn what_only_a_newer_yjs_can_read_is_refused_and_left_alone() {
    let mut document = document(&[]);
    document.apply(&text_updates()[0]).expect("it is taken");
    let error = document.apply(&bytes("rich_update_v2")).expect_err("it is another encoding");
    assert!(error.to_string().contains("newer Yjs"), "{error}");
    assert_eq!(document.read().map(drop), Err(error));
    // A kind of content that is not known (12), on client 5.
    let mut document = crate::document(&[]);
    let error = document.apply(&[1, 1, 5, 0, 12, 1, 1, b't', 0, 0]).expect_err("nobody knows kind 12");
    assert!(matches!(error, DocumentError::NewerYjs(_)), "{error}");
}
