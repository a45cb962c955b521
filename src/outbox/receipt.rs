//! What the agent is told of an action: one receipt, however many parts it took.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::action::{Action, ActionId, State};
use crate::clock::rfc3339;
use crate::event::{Conversation, Draft, Type};
use crate::store::{Store, StoreError};

/// What became of an action.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Receipt {
    /// The action.
    pub id: ActionId,
    /// Where.
    pub workspace: crate::event::WorkspaceName,
    /// What.
    pub verb: String,
    /// `accepted`, `trying`, `doubtful`, `confirmed {remote_ids}`, `failed {kind, status, message}`, `unknown {message}`.
    #[serde(flatten)]
    pub state: State,
    /// Requests sent so far, of all parts.
    pub tries: u32,
    /// The agent's key, if it gave one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The event it answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answers: Option<u64>,
    /// Why it is not tried just now: patience that the platform asks for, a seat that needs somebody and which command
    /// helps, a reply that is being looked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waits: Option<String>,
    /// RFC 3339: when it is tried, or looked for, again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_try: Option<String>,
    /// How it went out, where the verb has several ways: `edited`, or `suggested` where somebody must accept it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub went: Option<String>,
    /// Into how many parts a long text was cut.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parts: Option<u32>,
    /// RFC 3339.
    pub accepted_at: String,
    /// RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub settled_at: Option<String>,
}

/// The receipt of an action as it stands; `None` for an id that is not known (any more).
pub fn receipt(store: &Store, id: &ActionId) -> Result<Option<Receipt>, StoreError> {
    let Some(first) = store.action(id)? else { return Ok(None) };
    Ok(Some(sum(&parts(store, first)?)))
}

/// All rows of the action to which `row` belongs, in order.
pub fn parts(store: &Store, row: Action) -> Result<Vec<Action>, StoreError> {
    let Some(part) = row.part.clone() else { return Ok(vec![row]) };
    let rows = (0..part.of).map(|index| store.action(&part.whole.part(index)));
    Ok(rows.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
}

/// One receipt of all parts: as bad as the worst of them, and settled when all are.
pub fn sum(parts: &[Action]) -> Receipt {
    let first = &parts[0];
    let open = parts.iter().find(|part| !part.state.settled());
    Receipt {
        id: first.id.clone(),
        workspace: first.workspace.clone(),
        verb: first.verb.clone(),
        state: state(parts),
        tries: parts.iter().map(|part| part.tries).sum(),
        key: first.key.clone(),
        answers: first.answers,
        waits: open.and_then(|part| part.waits.clone()),
        next_try: open.and_then(|part| part.not_before).map(rfc3339),
        went: first.went.clone(),
        parts: first.part.as_ref().map(|part| part.of),
        accepted_at: rfc3339(first.accepted_at),
        settled_at: parts.iter().filter_map(|part| part.settled_at).max().filter(|_| open.is_none()).map(rfc3339),
    }
}

fn state(parts: &[Action]) -> State {
    let find = |wanted: fn(&State) -> bool| parts.iter().map(|part| &part.state).find(|state| wanted(state)).cloned();
    let ids = |state: &State| match state {
        State::Confirmed { remote_ids } => remote_ids.clone(),
        _ => Vec::new(),
    };
    find(|state| !state.settled())
        .or_else(|| find(|state| matches!(state, State::Failed { .. })))
        .or_else(|| find(|state| matches!(state, State::Unknown { .. })))
        .unwrap_or_else(|| State::Confirmed { remote_ids: parts.iter().flat_map(|part| ids(&part.state)).collect() })
}

/// The `action.settled` event of a settled action.
pub fn told(receipt: &Receipt, conversation: &str, time: String) -> Draft {
    let mut more = Map::new();
    more.insert("receipt".to_owned(), serde_json::to_value(receipt).unwrap_or(Value::Null));
    let mut draft = Draft::about(&receipt.workspace, Type::ActionSettled, time, more);
    if !conversation.is_empty() {
        draft.data.conversation = Some(Conversation { id: conversation.to_owned(), ..Conversation::default() });
    }
    draft
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::action::Request;
    use crate::event::WorkspaceName;

    fn part(state: State) -> Action {
        let request = Request { workspace: None, verb: "send".into(), args: Map::new(), key: None };
        Action { state, tries: 1, ..Action::accept(WorkspaceName::new("acme").unwrap(), request, None, 1) }
    }

    fn done(id: &str) -> State {
        State::Confirmed { remote_ids: vec![id.into()] }
    }

    #[test]
    fn a_receipt_is_as_bad_as_its_worst_part() {
        let failed = State::Failed { kind: "refused".into(), status: Some(403), message: "no".into() };
        let unknown = State::Unknown { message: "lost".into() };
        assert_eq!(
            sum(&[part(done("a")), part(done("b"))]).state,
            State::Confirmed { remote_ids: vec!["a".into(), "b".into()] }
        );
        assert_eq!(sum(&[part(done("a")), part(State::Accepted)]).state, State::Accepted);
        assert_eq!(sum(&[part(failed.clone()), part(State::Trying)]).state, State::Trying);
        assert_eq!(sum(&[part(unknown), part(failed.clone())]).state, failed);
        assert_eq!(sum(&[part(done("a")), part(done("b"))]).tries, 2);
    }
}
