//! `Idempotency-Key`: the same method, path, key and body get the answer that was given first, refusals too.

use sha2::{Digest as _, Sha256};

use super::{
    Sim,
    answer::{Answer, Outcome, refuse},
    asked::Asked,
    log::{Facts, Noted},
    record::GrantId,
    world::World,
};

/// Whose key it is and what it was sent with.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Slot {
    grant: GrantId,
    method: String,
    path: String,
    key: String,
}

/// The answer that a key got first.
#[derive(Debug)]
pub(crate) struct Kept {
    body: [u8; 32],
    status: u16,
    answer: Option<serde_json::Value>,
    chat: Option<u64>,
}

impl Sim {
    /// Handles a write of an agent once per key.
    pub(crate) fn once(&self, asked: &Asked, handle: impl FnOnce(&mut World, GrantId) -> Outcome) -> Outcome {
        self.as_agent(asked, |world, grant| {
            let key = asked.header("idempotency-key").filter(|_| world.may(grant, "chat_idempotency"));
            let Some(key) = key else {
                return handle(world, grant);
            };
            let path = asked.uri.path().into();
            let slot = Slot { grant, method: asked.method.to_string(), path, key: key.into() };
            let body: [u8; 32] = Sha256::digest(&asked.body).into();
            if let Some(kept) = world.kept.get(&slot) {
                return kept.again(body);
            }
            let outcome = handle(world, grant);
            let kept = Kept::of(body, &outcome);
            world.kept.insert(slot, kept);
            outcome
        })
    }
}

impl Kept {
    fn of(body: [u8; 32], outcome: &Outcome) -> Self {
        match outcome {
            Ok(answer) => {
                Self { body, status: answer.status, answer: answer.body.clone(), chat: answer.noted.facts.chat }
            }
            Err(refusal) => Self { body, status: refusal.status, answer: Some(refusal.body()), chat: None },
        }
    }

    fn again(&self, body: [u8; 32]) -> Outcome {
        if body != self.body {
            let text = "the Idempotency-Key was used with another request body";
            return Err(refuse(409, text, "idempotency.409"));
        }
        let line = if self.status < 400 { "idempotency.replay" } else { "idempotency.replay_failure" };
        let facts = Facts { replayed: true, chat: self.chat, ..Facts::default() };
        let noted = Noted { facts, ..Noted::line(line) };
        Ok(Answer { status: self.status, body: self.answer.clone(), noted })
    }
}
