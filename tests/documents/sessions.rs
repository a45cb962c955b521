//! One connection's states, without a connection.

use agent_bridge::document::awareness::{self, Awareness, Peer};
use agent_bridge::document::protocol::{Message, read as messages, write};
use agent_bridge::document::session::{Phase, Session};
use agent_bridge::document::{Bounds, Document, DocumentError, Edit};
use serde_json::{Value, json};
use yrs::updates::encoder::Encode;
use yrs::{Doc, GetString, ReadTxn, Text, Transact};

use crate::recorded::{bytes, text_updates};
use crate::{AGENT, all, copied, document, person, read, take};

struct Seat {
    session: Session,
    document: Document,
    awareness: Awareness,
}

impl Seat {
    fn new(document: Document) -> Self {
        let mut awareness = Awareness::new(AGENT, Bounds::default());
        awareness.set("Atlas", "#00ff00", "reading");
        Self { session: Session::default(), document, awareness }
    }

    fn opened(&mut self) -> Vec<Vec<u8>> {
        self.session.opened(&self.document, &mut self.awareness)
    }

    fn frame(&mut self, message: &Message<'_>) -> agent_bridge::document::session::Outcome {
        self.session.frame(&write(message), &mut self.document, &mut self.awareness)
    }
}

/// What a server lacks that holds `doc`, by the answer to its step 1.
fn answered(seat: &mut Seat, doc: &Doc) {
    let vector = doc.transact().state_vector().encode_v1();
    let outcome = seat.frame(&Message::Step1(&vector));
    let answer = messages(&outcome.send[0], &Bounds::default()).expect("it is sound");
    let [Message::Step2(lacking)] = answer[..] else { panic!("{answer:?}") };
    take(doc, lacking);
}

#[test]
fn it_says_what_it_has_gets_what_it_lacks_and_is_live() {
    let mut seat = Seat::new(document(&[]));
    let said = seat.opened();
    assert_eq!(said[0], [0, 0, 1, 0], "step 1 with an empty state vector");
    assert!(matches!(messages(&said[1], &Bounds::default()).as_deref(), Ok([Message::Awareness(_)])));
    assert_eq!(seat.session.phase(), &Phase::Syncing);
    let outcome = seat.frame(&Message::Step2(&bytes("rich_update_v1")));
    assert!(outcome.synced && outcome.changed && seat.session.phase() == &Phase::Live);
    let echo = seat.frame(&Message::Update(&bytes("rich_update_v1")));
    assert!(!echo.changed && echo.send.is_empty());
}

#[test]
fn edits_made_apart_are_kept_and_merged_with_a_server_that_restarted_empty() {
    let doc = person(1);
    doc.get_or_insert_text("content").insert(&mut doc.transact_mut(), 0, "Hello.");
    let mut seat = Seat::new(copied(&doc));
    let edit = Edit::Append("Offline.".to_owned());
    let done = seat.document.edit(&edit).expect("it is made");
    assert_eq!(seat.session.edited(&done.update), None, "there is nobody to tell");
    // Kept over a restart of the bridge, too.
    let kept = seat.document.full().expect("it is kept");
    let mut seat = Seat::new(Document::new(AGENT + 1, [AGENT], Vec::new(), Bounds::default()));
    seat.document.apply(&kept).expect("it is taken");
    let empty = person(9);
    empty.get_or_insert_text("content");
    seat.opened();
    answered(&mut seat, &empty);
    seat.frame(&Message::Step2(&all(&empty)));
    assert_eq!(empty.get_or_insert_text("content").get_string(&empty.transact()), "Hello.\n\nOffline.");
    assert_eq!(seat.session.phase(), &Phase::Live);
    let done = seat.document.edit(&Edit::Append("Live.".to_owned())).expect("it is made");
    assert_eq!(seat.session.edited(&done.update), Some(write(&Message::Update(&done.update))));
}

#[test]
fn a_refusal_says_its_reason_and_nothing_more_is_taken() {
    let mut seat = Seat::new(document(&[]));
    seat.opened();
    seat.session.frame(&bytes("denied"), &mut seat.document, &mut seat.awareness);
    assert_eq!(seat.session.phase(), &Phase::Refused("token expired".to_owned()));
    assert!(!seat.frame(&Message::Update(&text_updates()[0])).changed);
    seat.session.closed(&mut seat.awareness);
    assert!(matches!(seat.session.phase(), Phase::Refused(_)), "a lost connection does not hide it");
    seat.opened();
    assert_eq!(seat.session.phase(), &Phase::Syncing, "a new token may help");
}

#[test]
fn a_corrupt_update_of_a_peer_costs_one_update_and_a_corrupt_state_the_document() {
    let mut seat = Seat::new(document(&[]));
    seat.opened();
    seat.frame(&Message::Step2(&text_updates()[0]));
    let outcome = seat.frame(&Message::Update(&[7, 7, 7]));
    assert_eq!((outcome.ignored.len(), seat.session.phase()), (1, &Phase::Live));
    assert!(seat.frame(&Message::Update(&text_updates()[1])).changed);
    let mut seat = Seat::new(document(&[]));
    seat.opened();
    seat.frame(&Message::Step2(&[7, 7, 7]));
    assert!(matches!(seat.session.phase(), Phase::Failed(DocumentError::Malformed { .. })));
}

#[test]
fn what_waits_too_long_is_asked_for_again() {
    let bounds = Bounds { held: 1, ..Bounds::default() };
    let mut seat = Seat::new(Document::new(AGENT, [], Vec::new(), bounds));
    seat.opened();
    seat.frame(&Message::Step2(&bytes("empty_update")));
    let updates = text_updates();
    assert!(seat.frame(&Message::Update(&updates[2])).send.is_empty());
    let asked = seat.frame(&Message::Update(&updates[3])).send;
    assert_eq!(asked, [write(&Message::Step1(&[0]))]);
    seat.frame(&Message::Step2(&updates[0]));
    for update in &updates {
        seat.frame(&Message::Update(update));
    }
    assert_eq!(read(&mut seat.document).text(), "Satz eins\r\nZeile 👩‍👩‍👧 zwei\n");
}

#[test]
fn presence_is_told_again_contradicted_bounded_and_left() {
    let bounds = Bounds { peers: 2, presence: 64, ..Bounds::default() };
    let mut own = Awareness::new(AGENT, bounds);
    own.set("Atlas", "#00ff00", "thinking");
    let said = |own: &Awareness| awareness::read(&own.announcement(), &Bounds::default()).expect("sound").remove(0);
    let first = said(&own);
    assert_eq!(first.state, json!({ "user": { "name": "Atlas", "color": "#00ff00" }, "status": "thinking" }));
    own.again();
    assert_eq!((said(&own).clock, said(&own).state), (first.clock + 1, first.state.clone()));
    let say = |client, clock, state| awareness::write([Peer { client, clock, state }].iter());
    assert_eq!(own.take(&say(AGENT, 40, Value::Null)), Ok(true), "the server thinks that it has left");
    assert_eq!((said(&own).clock, said(&own).state), (41, first.state.clone()));
    for client in 1..5 {
        assert_eq!(own.take(&say(client, 1, json!({ "n": client }))), Ok(false));
    }
    assert_eq!(own.peers().count(), 2);
    assert!(own.take(&say(1, 2, json!("x".repeat(100)))).is_err());
    own.take(&say(1, 1, Value::Null)).expect("sound");
    own.take(&say(2, 0, json!({ "n": "old" }))).expect("sound");
    assert_eq!(own.peers().map(|peer| (peer.client, &peer.state)).collect::<Vec<_>>(), [(2, &json!({ "n": 2 }))]);
    own.leave();
    assert_eq!(said(&own).state, Value::Null);
    assert_eq!(awareness::read(&own.everybody(), &bounds).expect("sound").len(), 1);
}

#[test]
fn a_query_for_presence_is_answered_with_everybody() {
    let mut seat = Seat::new(document(&[]));
    seat.opened();
    seat.session.frame(&bytes("awareness"), &mut seat.document, &mut seat.awareness);
    let outcome = seat.frame(&Message::QueryAwareness);
    let answer = messages(&outcome.send[0], &Bounds::default()).expect("sound");
    let [Message::Awareness(update)] = answer[..] else { panic!("{answer:?}") };
    let clients: Vec<u64> =
        awareness::read(update, &Bounds::default()).expect("sound").iter().map(|p| p.client).collect();
    assert_eq!(clients, [AGENT, 1111]);
}

#[test]
fn a_document_that_outgrows_its_bounds_is_given_up_and_not_half_followed() {
    let bounds = Bounds { document: 30, ..Bounds::default() };
    let mut seat = Seat::new(Document::new(AGENT, [], Vec::new(), bounds));
    seat.opened();
    seat.frame(&Message::Step2(&bytes("empty_update")));
    seat.frame(&Message::Update(&text_updates()[0]));
    assert!(
        matches!(seat.session.phase(), Phase::Failed(DocumentError::TooLarge { .. })),
        "{:?}",
        seat.session.phase()
    );
}

#[test]
fn a_document_can_be_handed_to_another_thread() {
    let mut document = copied(&person(1));
    std::thread::spawn(move || read(&mut document)).join().expect("it reads there");
}
