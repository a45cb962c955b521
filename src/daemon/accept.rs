//! Which actions a workspace can take, by its platform's manifest: the check that `act` and riding actions share.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::action::{Action, Request};
use crate::adapter::Manifests;
use crate::deliver::{Acceptable, Refused};
use crate::event::{Stored, Type, WorkspaceName};
use crate::outbox::{self, Refusal};
use crate::store::Store;

/// Knows the verbs of every joined workspace.
pub struct ByManifest {
    store: Store,
    manifests: Arc<Manifests>,
    /// Workspaces in which nothing is marked as done by itself.
    unmarked: BTreeSet<String>,
}

impl ByManifest {
    /// Over these manifests; in all workspaces but these what was handled is marked as done.
    pub const fn new(store: Store, manifests: Arc<Manifests>, unmarked: BTreeSet<String>) -> Self {
        Self { store, manifests, unmarked }
    }

    fn check(
        &self,
        workspace: &WorkspaceName,
        request: Request,
        answers: Option<u64>,
        now: u64,
    ) -> Result<Action, Refusal> {
        let record =
            self.store.workspace(workspace).map_err(|error| Refusal::new("store_failed", error.to_string()))?;
        let unknown = || Refusal::new("no_such_workspace", format!("there is no workspace `{workspace}`"));
        let record = record.ok_or_else(unknown)?;
        let strange = || Refusal::new("no_such_platform", format!("no manifest for `{}`", record.platform));
        let manifest = self.manifests.get(&record.platform).ok_or_else(strange)?;
        outbox::accept(&manifest, &record, request, answers, now)
    }
}

/// The platform's id of what the event is about.
fn message_of(event: &Stored) -> Option<String> {
    let event: serde_json::Value = serde_json::from_slice(&event.bytes).ok()?;
    event.pointer("/data/message/id")?.as_str().map(str::to_owned)
}

impl Acceptable for ByManifest {
    fn accept(
        &self,
        workspace: &WorkspaceName,
        request: Request,
        answers: Option<u64>,
        now: u64,
    ) -> Result<Vec<Action>, Refused> {
        let checked = self.check(workspace, request, answers, now);
        checked.map(|action| vec![action]).map_err(|Refusal { kind, message }| Refused { kind, message })
    }

    /// What the platform keeps in a list until it was handled is marked as done.
    fn follows(&self, event: &Stored, now: u64) -> Option<Action> {
        let head = &event.head;
        if head.kind != Type::MentionCreated || self.unmarked.contains(head.workspace.as_str()) {
            return None;
        }
        let record = self.store.workspace(&head.workspace).ok().flatten()?;
        let manifest = self.manifests.get(&record.platform)?;
        let verb = manifest.receive.inbox.as_ref()?.done.clone()?;
        let args = [("conversation", head.conversation.clone()), ("message", message_of(event)?)];
        let args = args.map(|(name, value)| (name.to_owned(), value.into())).into_iter().collect();
        let request = Request { workspace: None, verb, args, key: None };
        // Where the seat takes no action any more there is nothing to mark.
        outbox::accept(&manifest, &record, request, Some(event.seq), now).ok()
    }
}
