//! One document and the protocol's state, for the thread that does the work. No socket and no clock.

use super::rules::{Rules, Verdict};
use crate::document::awareness::Awareness;
use crate::document::protocol::{Message, read, write};
use crate::document::session::{Outcome, Phase, Session};
use crate::document::{Applied, Assessment, Bounds, Document, Edit, EditError, Proof, Shared};

/// Names of colours are the editors' own: this one is readable on white and on black.
const COLOUR: &str = "#7c5cff";

/// Why nothing can be written into a document that nobody has written into, where its platform names no shared type.
pub(super) const EMPTY: &str = "document_empty";

/// A document with all that is known of its connection.
pub(super) struct Engine {
    document: Document,
    session: Session,
    awareness: Awareness,
    /// The agent's, as others see it.
    name: String,
    /// Edits that the server was not seen to have, by number.
    proofs: Vec<(u64, Proof)>,
}

/// What one frame brought, and what follows.
pub(super) struct Heard {
    pub outcome: Outcome,
    /// Something did not arrive as it was sent, or before what builds on it: the server must be asked again.
    pub behind: bool,
    pub phase: Phase,
    /// Edits that the server was seen to have.
    pub proven: Vec<u64>,
    /// What the document said before, where it was watched and says something else now.
    pub before: Option<String>,
}

/// What became of a wish to edit.
pub(super) enum Tried {
    /// It is made here; these bytes are for everybody else.
    Made(Vec<u8>),
    Suggest,
    Refused {
        kind: &'static str,
        message: String,
    },
}

impl Engine {
    /// An empty document under a client id of its own; `own` are those of all before, `wanted` the shared
    /// types to look for.
    pub fn new(client: u64, own: Vec<u64>, wanted: Vec<Shared>, bounds: Bounds, name: String) -> Self {
        let awareness = Awareness::new(client, bounds);
        let document = Document::new(client, own, wanted, bounds);
        Self { document, session: Session::default(), awareness, name, proofs: Vec::new() }
    }

    /// What the agent does there: what to say of it.
    pub fn does(&mut self, word: &str) -> Vec<u8> {
        self.awareness.set(&self.name, COLOUR, word);
        write(&Message::Awareness(&self.awareness.announcement()))
    }

    /// A connection was opened: what to say first.
    pub fn opened(&mut self) -> (Vec<Vec<u8>>, Phase) {
        let frames = self.session.opened(&self.document, &mut self.awareness);
        (frames, self.session.phase().clone())
    }

    /// The connection is gone, and with it what was asked there.
    pub fn closed(&mut self) {
        self.session.closed(&mut self.awareness);
        self.proofs.clear();
    }

    /// The agent is still there.
    pub fn again(&mut self) -> Vec<u8> {
        self.awareness.again();
        write(&Message::Awareness(&self.awareness.announcement()))
    }

    /// The agent goes.
    pub fn leave(&mut self) -> Vec<u8> {
        self.awareness.leave();
        write(&Message::Awareness(&self.awareness.announcement()))
    }

    /// A frame has come; where it is `watched`, what the document said before is told with what changed.
    pub fn frame(&mut self, frame: &[u8], watched: bool) -> Heard {
        if watched {
            self.document.watch();
        }
        let outcome = self.session.frame(frame, &mut self.document, &mut self.awareness);
        let before = self.document.unwatch().filter(|_| outcome.changed);
        let mut proven = Vec::new();
        if !self.proofs.is_empty() {
            for message in read(frame, &self.document.bounds()).unwrap_or_default() {
                let (Message::Step2(update) | Message::Update(update)) = message else { continue };
                self.proofs.retain_mut(|(number, proof)| {
                    let stands = proof.heard(update);
                    if stands {
                        proven.push(*number);
                    }
                    !stands
                });
            }
        }
        // What is lacking right after a sync, the server itself lacks.
        let behind = !outcome.synced && (outcome.waits || !outcome.ignored.is_empty());
        Heard { outcome, behind, phase: self.session.phase().clone(), proven, before }
    }

    /// Asks the server for what is lacking here.
    pub fn ask(&mut self) -> Vec<u8> {
        write(&Message::Step1(&self.document.state_vector()))
    }

    /// Makes an edit here, if the rules let the agent.
    pub fn make(&mut self, edit: &Edit, rules: Rules) -> Tried {
        let made = self.document.edit_if(edit, |assessment| match rules.judge(assessment) {
            Verdict::Make => Ok(()),
            Verdict::Suggest => Err(Tried::Suggest),
            Verdict::Refuse => Err(rewrite(assessment)),
        });
        match made {
            Ok(Ok(done)) => Tried::Made(done.update),
            Ok(Err(not)) => not,
            Err(error) => Tried::Refused { kind: kind(&error), message: error.to_string() },
        }
    }

    /// What must be said so that the server has an edit, made here or in an earlier run, and answers that it has it.
    pub fn bring(&mut self, number: u64, update: &[u8]) -> Result<Vec<Vec<u8>>, String> {
        let applied = self.document.apply(update).map_err(|error| error.to_string())?;
        if matches!(applied, Applied::Held | Applied::Resync) {
            return Err("it builds on what the document server has lost".to_owned());
        }
        let proof = Proof::of(update, self.document.bounds()).map_err(|error| error.to_string())?;
        let question = proof.question(&self.document);
        self.proofs.push((number, proof));
        Ok(vec![write(&Message::Update(update)), write(&Message::Step1(&question))])
    }

    /// What it says.
    pub fn text(&mut self) -> Option<String> {
        self.document.read().ok().map(|reading| reading.text())
    }

    /// Whether it can go on.
    pub fn is_whole(&self) -> bool {
        self.document.whole().is_ok()
    }
}

fn rewrite(assessment: &Assessment) -> Tried {
    let message = format!(
        "this takes out {} of 100 parts of the document, which others wrote: change the part that you were asked \
         about, or let the operator allow it (`rewrites`)",
        assessment.share()
    );
    Tried::Refused { kind: "rewrite", message }
}

const fn kind(error: &EditError) -> &'static str {
    match error {
        EditError::QuoteMissing => "quote_missing",
        EditError::QuoteNotUnique(_) => "quote_not_unique",
        EditError::QuoteAcrossBlocks => "quote_across_blocks",
        EditError::QuoteEmpty | EditError::SeveralLines | EditError::NotText | EditError::Nothing => "bad_edit",
        EditError::NoSharedType => EMPTY,
        EditError::Document(_) => "document_failed",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::{Kind, Place};

    fn engine(client: u64) -> Engine {
        let wanted = vec![Shared { name: "content".into(), kind: Kind::Text }];
        let mut engine = Engine::new(client, Vec::new(), wanted, Bounds::default(), "Atlas".into());
        engine.opened();
        engine
    }

    /// The way of an edit to a server that tells everybody, and answers what it is asked.
    fn edits(agent: &mut Engine, server: &mut Engine, text: &str) -> usize {
        let edit = Edit::Insert { at: Place::End, text: text.into() };
        let Tried::Made(update) = agent.make(&edit, Rules::default()) else { panic!("it is made") };
        let frames = agent.bring(1, &update).expect("it goes out");
        let told = server.frame(&frames[0], true);
        let answers = server.frame(&frames[1], true).outcome.send;
        assert_eq!(told.before.is_some(), told.outcome.changed);
        [frames[0].clone()].iter().chain(&answers).map(|frame| agent.frame(frame, true).proven.len()).sum()
    }

    #[test]
    fn an_edit_of_a_long_document_reads_it_once_and_its_echo_does_not_read_it_at_all() {
        let (mut agent, mut server) = (engine(7), engine(8));
        let mut proven = edits(&mut agent, &mut server, &"A hundred thousand letters. ".repeat(4_000));
        let before = agent.document.readings();
        proven += edits(&mut agent, &mut server, "One more.");
        assert_eq!((agent.document.readings() - before, proven), (1, 2), "made once, proven, known");
        // Something was taken out: every answer tells that again.
        let Tried::Made(update) = agent.make(&Edit::Delete("One more.".into()), Rules::default()) else { panic!() };
        let frames = agent.bring(3, &update).expect("it goes out");
        server.frame(&frames[0], true);
        let before = agent.document.readings();
        assert_eq!(agent.frame(&frames[0], true).before, None);
        edits(&mut agent, &mut server, "The last.");
        assert_eq!(agent.document.readings() - before, 1);
    }

    #[test]
    fn what_stood_there_is_told_with_what_others_change_and_only_then() {
        let (mut agent, mut other) = (engine(7), engine(8));
        edits(&mut agent, &mut other, "Rome.");
        let edit = Edit::Append("And Naples.".into());
        let Tried::Made(update) = other.make(&edit, Rules::default()) else { panic!() };
        let frame = write(&Message::Update(&update));
        let heard = agent.frame(&frame, true);
        assert_eq!((heard.before.as_deref(), heard.outcome.changed), (Some("Rome."), true));
        assert_eq!(agent.text().as_deref(), Some("Rome.\n\nAnd Naples."));
        assert_eq!(agent.frame(&frame, true).before, None, "it is known");
        let Tried::Made(gone) = other.make(&Edit::Delete("And Naples.".into()), Rules::default()) else { panic!() };
        let frame = write(&Message::Update(&gone));
        assert_eq!(agent.frame(&frame, true).before.as_deref(), Some("Rome.\n\nAnd Naples."));
        assert_eq!(agent.frame(&frame, false).before, None);
    }
}
