//! Reads from a platform, and the free request.

use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::{Begun, Bridge, Taken};
use crate::api::params;
use crate::api::problem::Problem;
use crate::api::rpc;
use crate::api::verb::Verb;
use crate::api::workspaces::{Ask, DocumentWish, free_path};
use crate::event::WorkspaceName;

/// How many messages one `history` may ask for.
const HISTORY: std::ops::RangeInclusive<u64> = 1..=200;

impl Bridge {
    pub(super) fn ask(&self, verb: Verb, raw: &RawValue) -> Taken {
        let (workspace, ask) = match verb {
            Verb::History => history(rpc::params(raw)?)?,
            Verb::Message => message(rpc::params(raw)?),
            Verb::Conversations => list("conversations", rpc::params(raw)?),
            Verb::Conversation => of_conversation("conversation", rpc::params(raw)?),
            Verb::Files => of_conversation("files", rpc::params(raw)?),
            Verb::People => people(rpc::params(raw)?),
            Verb::Desk => desk(rpc::params(raw)?)?,
            Verb::Me => (rpc::params::<params::InWorkspace>(raw)?.workspace, Ask { name: "me", args: Map::new() }),
            _ => document(rpc::params(raw)?),
        };
        self.known(&workspace)?;
        Ok(Begun::Later(self.0.workspaces.ask(workspace, ask)))
    }

    pub(super) fn free_call(&self, call: params::Call) -> Taken {
        if !self.0.call {
            return Err(Problem::new("call_off", "`call` is off: set `enabled = true` under [call] in the config"));
        }
        if !matches!(call.method.as_str(), "GET" | "POST" | "PUT" | "PATCH" | "DELETE") {
            return Err(Problem::bad_params("`method` must be GET, POST, PUT, PATCH or DELETE"));
        }
        free_path(&call.path)?;
        self.known(&call.workspace)?;
        Ok(Begun::Later(self.0.workspaces.call(call)))
    }

    pub(super) fn documents(&self, verb: Verb, raw: &RawValue) -> Taken {
        let (workspace, wish) = match verb {
            Verb::DocumentAdd => {
                let params::DocumentAdd { workspace, link } = rpc::params(raw)?;
                (workspace, DocumentWish::Add(link.0))
            }
            Verb::DocumentRemove => {
                let params::Document { workspace, document } = rpc::params(raw)?;
                (workspace, DocumentWish::Remove(document))
            }
            _ => (rpc::params::<params::OfWorkspace>(raw)?.workspace, DocumentWish::List),
        };
        self.known(&workspace)?;
        Ok(Begun::Later(self.0.workspaces.document(workspace, wish)))
    }

    pub(super) fn known(&self, name: &WorkspaceName) -> Result<(), Problem> {
        match self.0.store.workspace(name)? {
            Some(_) => Ok(()),
            None => Err(Problem::new(
                "no_such_workspace",
                format!("there is no workspace `{name}`: `agent-bridge status` lists them"),
            )),
        }
    }
}

fn args<const N: usize>(pairs: [(&str, Option<Value>); N]) -> Map<String, Value> {
    pairs.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))).collect()
}

fn history(history: params::History) -> Result<(WorkspaceName, Ask), Problem> {
    let params::History { workspace, conversation, before, limit } = history;
    let limit = limit.unwrap_or(50);
    if !HISTORY.contains(&limit) {
        return Err(Problem::bad_params(format!("`limit` must be {} to {}", HISTORY.start(), HISTORY.end())));
    }
    let args = args([
        ("conversation", Some(conversation.into())),
        ("before", before.map(Value::from)),
        ("limit", Some(limit.into())),
    ]);
    Ok((workspace, Ask { name: "history", args }))
}

fn list(name: &'static str, of: params::OfWorkspace) -> (WorkspaceName, Ask) {
    let args = args([("conversation", of.conversation.map(Value::from))]);
    (of.workspace, Ask { name, args })
}

fn people(of: params::OfWorkspace) -> (WorkspaceName, Ask) {
    let name = if of.conversation.is_some() { "members" } else { "people" };
    list(name, of)
}

fn of_conversation(name: &'static str, of: params::OfConversation) -> (WorkspaceName, Ask) {
    let args = args([("conversation", Some(of.conversation.into()))]);
    (of.workspace, Ask { name, args })
}

fn message(of: params::Message) -> (WorkspaceName, Ask) {
    let args = args([("conversation", Some(of.conversation.into())), ("message", Some(of.message.into()))]);
    (of.workspace, Ask { name: "message", args })
}

fn document(document: params::Document) -> (WorkspaceName, Ask) {
    let args = args([("conversation", Some(document.document.into()))]);
    (document.workspace, Ask { name: "document", args })
}

/// Each kind of thing on a desk is a question of its own, and takes what is about it.
fn desk(desk: params::Desk) -> Result<(WorkspaceName, Ask), Problem> {
    let params::Desk { workspace, what, document, event, thread, labels, start_after, start_before, limit, offset } =
        desk;
    let of = |text: Option<String>| text.map(Value::from);
    let given = args([
        ("document", of(document)),
        ("event", of(event)),
        ("thread", of(thread)),
        ("labels", of(labels)),
        ("start_after", of(start_after)),
        ("start_before", of(start_before)),
        ("limit", limit.map(Value::from)),
        ("offset", offset.map(Value::from)),
    ]);
    let (name, needs, takes) = what.question();
    if let Some(needs) = needs.filter(|needs| !given.contains_key(*needs)) {
        return Err(Problem::bad_params(format!("`{}` needs `{needs}`", what.word())));
    }
    if let Some(stranger) = given.keys().find(|key| needs != Some(key.as_str()) && !takes.contains(&key.as_str())) {
        return Err(Problem::bad_params(format!("`{}` takes no `{stranger}`", what.word())));
    }
    Ok((workspace, Ask { name, args: given }))
}
