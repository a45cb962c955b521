//! One connection to a `y-websocket` server, without the connection: frames in, frames out. The document outlives it;
//! after a new dial both sides tell what they have, and get what they lack, edits made in between included.

use super::awareness::Awareness;
use super::protocol::{Message, read, write};
use super::{Applied, Document, DocumentError};

/// Where a connection stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Not dialled, or lost. Edits are kept in the document.
    Apart,
    /// Step 1 is sent; what the server has is not known yet.
    Syncing,
    /// What the server had is here; what happens is told.
    Live,
    /// The server refuses, with its reason. Only a new token can help.
    Refused(String),
    /// The document cannot go on here.
    Failed(DocumentError),
}

/// What one frame brought.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Frames to send, in this order.
    pub send: Vec<Vec<u8>>,
    /// The document says something else now.
    pub changed: bool,
    /// It has just become live.
    pub synced: bool,
    /// Something came that builds on what has not come; with `synced`, the server itself lacks a part of the document.
    pub waits: bool,
    /// What of the frame was not taken, for logs; the connection goes on.
    pub ignored: Vec<String>,
}

/// The state of one connection.
#[derive(Clone, Debug)]
pub struct Session {
    phase: Phase,
}

impl Default for Session {
    fn default() -> Self {
        Self { phase: Phase::Apart }
    }
}

impl Session {
    /// Where it stands.
    pub const fn phase(&self) -> &Phase {
        &self.phase
    }

    /// A connection was opened: what to say first.
    pub fn opened(&mut self, document: &Document, awareness: &mut Awareness) -> Vec<Vec<u8>> {
        if let Err(error) = document.whole() {
            self.phase = Phase::Failed(error);
            return Vec::new();
        }
        self.phase = Phase::Syncing;
        // Of an earlier connection the server may have said that the agent is gone.
        awareness.again();
        let vector = document.state_vector();
        vec![write(&Message::Step1(&vector)), write(&Message::Awareness(&awareness.announcement()))]
    }

    /// The connection is gone.
    pub fn closed(&mut self, awareness: &mut Awareness) {
        if matches!(self.phase, Phase::Syncing | Phase::Live) {
            self.phase = Phase::Apart;
        }
        awareness.forget();
    }

    /// A frame has come.
    pub fn frame(&mut self, frame: &[u8], document: &mut Document, awareness: &mut Awareness) -> Outcome {
        let mut outcome = Outcome::default();
        if !matches!(self.phase, Phase::Syncing | Phase::Live) {
            return outcome;
        }
        let bounds = document.bounds();
        let messages = match read(frame, &bounds) {
            Ok(messages) => messages,
            Err(error) => {
                outcome.ignored.push(error.to_string());
                return outcome;
            }
        };
        for message in messages {
            if let Err(error) = self.message(message, document, awareness, &mut outcome) {
                let behind = matches!(error, DocumentError::TooLarge { .. }) || self.phase == Phase::Syncing;
                if behind || document.whole().is_err() {
                    // The agent would read, and edit, something else than others see.
                    self.phase = Phase::Failed(error);
                    break;
                }
                outcome.ignored.push(error.to_string());
            }
            if matches!(self.phase, Phase::Refused(_)) {
                break;
            }
        }
        outcome
    }

    fn message(
        &mut self,
        message: Message<'_>,
        document: &mut Document,
        awareness: &mut Awareness,
        outcome: &mut Outcome,
    ) -> Result<(), DocumentError> {
        match message {
            Message::Step1(vector) => {
                let lacking = document.lacking(vector)?;
                outcome.send.push(write(&Message::Step2(&lacking)));
            }
            Message::Step2(update) => {
                Self::update(update, document, outcome)?;
                if self.phase == Phase::Syncing {
                    self.phase = Phase::Live;
                    outcome.synced = true;
                }
            }
            Message::Update(update) => Self::update(update, document, outcome)?,
            // Presence is a courtesy: what is wrong with it does not touch the document.
            Message::Awareness(update) => match awareness.take(update) {
                Ok(true) => outcome.send.push(write(&Message::Awareness(&awareness.announcement()))),
                Ok(false) => {}
                Err(error) => outcome.ignored.push(error.to_string()),
            },
            Message::QueryAwareness => outcome.send.push(write(&Message::Awareness(&awareness.everybody()))),
            Message::Denied(reason) => self.phase = Phase::Refused(reason.chars().take(500).collect()),
            Message::Unknown(kind) => outcome.ignored.push(format!("a message of the unknown kind {kind}")),
        }
        Ok(())
    }

    fn update(update: &[u8], document: &mut Document, outcome: &mut Outcome) -> Result<(), DocumentError> {
        match document.apply(update)? {
            Applied::Changed => outcome.changed = true,
            Applied::Known => {}
            Applied::Held => outcome.waits = true,
            Applied::Resync => outcome.send.push(write(&Message::Step1(&document.state_vector()))),
        }
        Ok(())
    }

    /// The frame of an edit made here; `None` while apart, where the next step 1 of the server brings it out.
    pub fn edited(&self, update: &[u8]) -> Option<Vec<u8>> {
        // A server that syncs takes updates, too: they build on what both have.
        matches!(self.phase, Phase::Syncing | Phase::Live).then(|| write(&Message::Update(update)))
    }
}
