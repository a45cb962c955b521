//! Actions that ride on an ack, and what the bridge does by itself behind it: made here, and in one batch with the ack.

use serde_json::{Map, Value};

use super::Task;
use crate::action::{Action, ActionId, Request};
use crate::deliver::call::Refusal;
use crate::event::Stored;
use crate::store::{Change, StoreError};

/// Actions on their way into a batch: the rows, and where each request's own row is among them.
#[derive(Default)]
pub(super) struct Riding {
    pub rows: Vec<Change>,
    pub firsts: Vec<usize>,
    pub ids: Vec<ActionId>,
}

impl Riding {
    /// Whether an action like this is among them.
    fn has(&self, other: &Action) -> bool {
        let same = |it: &Action| (&it.workspace, &it.verb, &it.args) == (&other.workspace, &other.verb, &other.args);
        self.rows.iter().any(|row| matches!(row, Change::Accept(action) if same(action)))
    }
}

impl Task {
    /// Makes actions of what rides on an ack, or says which is malformed.
    pub(super) fn ride(
        &self,
        anchor: u64,
        reply: Option<String>,
        actions: Vec<Request>,
    ) -> Result<Result<Riding, Refusal>, StoreError> {
        if reply.is_none() && actions.is_empty() {
            return Ok(Ok(Riding::default()));
        }
        let Some(event) = self.body(anchor)? else { return Ok(Err(Refusal::NotDelivered(anchor))) };
        let reply = reply.map(|text| answer_to(&event, text));
        Ok(self.accept_all(&event, reply.into_iter().chain(actions)))
    }

    fn accept_all(&self, event: &Stored, requests: impl Iterator<Item = Request>) -> Result<Riding, Refusal> {
        let mut riding = Riding::default();
        let now = self.ground.clock.now();
        for (index, request) in requests.enumerate() {
            let workspace = request.workspace.clone().unwrap_or_else(|| event.head.workspace.clone());
            let rows = self.ground.accept.accept(&workspace, request, Some(event.seq), now);
            let rows = rows.map_err(|refused| Refusal::BadAction { index, refused })?;
            riding.firsts.push(riding.rows.len());
            riding.ids.extend(rows.first().map(|action| action.id.clone()));
            riding.rows.extend(rows.into_iter().map(|action| Change::Accept(Box::new(action))));
        }
        Ok(riding)
    }

    /// What the bridge does by itself behind an ack of these events, once all that rides on it is confirmed. The agent may
    /// have said it itself.
    pub(super) fn marks(&self, seqs: &[u64], riding: &Riding) -> Result<Vec<Change>, StoreError> {
        let now = self.ground.clock.now();
        let mut marks = Vec::new();
        for seq in seqs {
            let mark = self.body(*seq)?.and_then(|event| self.ground.accept.follows(&event, now));
            if let Some(mark) = mark.filter(|mark| !riding.has(mark)) {
                marks.push(Change::Accept(Box::new(mark.behind(riding.ids.clone()))));
            }
        }
        Ok(marks)
    }
}

/// `send` into the conversation that the event comes from.
fn answer_to(event: &Stored, text: String) -> Request {
    let mut args = Map::new();
    if !event.head.conversation.is_empty() {
        args.insert("conversation".to_owned(), Value::String(event.head.conversation.clone()));
    }
    args.insert("text".to_owned(), Value::String(text));
    Request { workspace: None, verb: "send".to_owned(), args, key: None }
}
