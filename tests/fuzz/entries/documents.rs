//! What a document server and its peers send.

use agent_bridge::document::awareness::Awareness;
use agent_bridge::document::protocol::{Message, read, write};
use agent_bridge::document::session::{Phase, Session};
use agent_bridge::document::{Applied, Bounds, Document, DocumentError, Edit};

use super::choices;

/// The agent's client id.
const AGENT: u64 = 77;

fn document() -> Document {
    Document::new(AGENT, [], Vec::new(), Bounds { blocks: 5_000, ..Bounds::default() })
}

/// Messages that are read are written back to what reads the same; and a session that hears the frame stands in a phase
/// that fits the document.
pub fn frame(input: &[u8]) {
    let bounds = Bounds::default();
    if let Ok(messages) = read(input, &bounds) {
        for message in messages {
            let again = write(&message);
            let expected = if matches!(message, Message::Unknown(_)) { Vec::new() } else { vec![message] };
            assert_eq!(read(&again, &bounds), Ok(expected), "what was written reads otherwise");
        }
    }
    let (mut document, mut session) = (document(), Session::default());
    let mut awareness = Awareness::new(AGENT, bounds);
    session.opened(&document, &mut awareness);
    let outcome = session.frame(input, &mut document, &mut awareness);
    assert!(outcome.send.len() <= bounds.messages, "it says more than it hears");
    assert!(document.whole().is_ok() || matches!(session.phase(), Phase::Failed(_)), "{:?}", session.phase());
    assert!(awareness.peers().count() <= bounds.peers);
}

/// An update is refused without a trace, or what it made can be read, edited, and opened again as the same. (One byte
/// first: where it is cut into two updates.)
pub fn update(input: &[u8]) {
    let ([cut], body) = choices::<1>(input);
    let mut document = document();
    for update in [body, &body[cut.min(body.len())..]] {
        let before = document.state_vector();
        match document.apply(update) {
            Ok(Applied::Changed) => {}
            Err(DocumentError::Broken(_) | DocumentError::NewerYjs(_)) => {
                assert!(document.edit(&Edit::Append("x".to_owned())).is_err(), "it is edited though it is broken");
                return;
            }
            Ok(_) | Err(_) => assert_eq!(document.state_vector(), before, "it changed and did not say so"),
        }
    }
    let Ok(reading) = document.read() else { return };
    assert!(reading.units() <= body.len() * 2, "more text than bytes");
    let Ok(full) = document.full() else { return };
    let mut again = Document::new(AGENT + 1, [], Vec::new(), Bounds::default());
    again.apply(&full).expect("what it writes it can read");
    assert_eq!(again.read().map(|again| again.text()), Ok(reading.text()), "opened again it says something else");
    let _ = document.edit(&Edit::Append("# still\n\nhere".to_owned()));
}
