//! Acks and actions: in line first, answered after the commit (P4, P5).

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::{Begun, Bridge, Caller, Taken};
use crate::action::{ActionId, Request};
use crate::api::params;
use crate::api::problem::Problem;
use crate::api::settle::Settling;
use crate::deliver::Settled;
use crate::outbox;
use crate::store::{Batch, Change};

impl Bridge {
    pub(super) async fn settle(&self, caller: &Caller, settling: Settling) -> Taken {
        let own = caller
            .reader
            .as_ref()
            .filter(|(handle, _)| settling.consumer.as_deref().is_none_or(|consumer| consumer == handle.name()));
        let (handle, from) = match (own, &settling.consumer) {
            (Some((handle, reader)), _) => (handle.clone(), Some(*reader)),
            (None, Some(name)) => (self.0.readers.handle(name)?, None),
            (None, None) => {
                return Err(Problem::new("not_subscribed", "say `subscribe` first, or name the `consumer`"));
            }
        };
        if caller.deaf {
            handle.settle_unheard(settling.settle, from).await?;
            return Ok(Begun::Done(Value::Null));
        }
        let answer = handle.submit(settling.settle, from).await?;
        let bridge = self.clone();
        Ok(Begun::later(async move { bridge.settled(&answer.await?) }))
    }

    fn settled(&self, settled: &Settled) -> Result<Value, Problem> {
        let mut view = Map::new();
        let receipts = settled.actions.iter().map(|id| self.riding(id)).collect::<Result<Vec<_>, _>>()?;
        view.insert("actions".into(), receipts.into());
        if let Some(until) = settled.lease_until {
            view.insert("lease_until".into(), until.into());
        }
        Ok(Value::Object(view))
    }

    /// The receipt of an action that rode on an ack. The ack stands, whatever became of the workspace.
    fn riding(&self, id: &ActionId) -> Result<Value, Problem> {
        match self.look_up(id) {
            Err(gone) if gone.kind == "no_such_action" => {
                let message = "its workspace was left, or taken away, before it was carried out";
                Ok(json!({ "id": id, "state": "failed", "kind": "no_such_workspace", "message": message }))
            }
            told => told,
        }
    }

    pub(super) fn act(&self, act: params::Act) -> Taken {
        let params::Act { workspace, verb, args, key, wait } = act;
        let request = Request { workspace: None, verb, args, key: key.clone() };
        if let Some(sent) = self.0.workspaces.at_once(&workspace, &request) {
            return Ok(Begun::Later(sent));
        }
        let bridge = self.clone();
        let now = self.0.clock.now();
        let first = key.as_deref().map(|key| self.0.store.keyed(&workspace, key, now)).transpose()?.flatten();
        if let Some(first) = first {
            // Like a later ack: whatever it asks for, the first one's receipt is the answer (P5).
            return Ok(Begun::later(async move { bridge.await_receipt(&first, wait).await }));
        }
        let rows = self.0.actions.accept(&workspace, request, None, now)?;
        let batch = rows.into_iter().fold(Batch::new(), |batch, row| batch.with(Change::Accept(Box::new(row))));
        let committed = self.0.store.send(batch);
        Ok(Begun::later(async move {
            let committed = committed.await.map_err(|_| stopping())??;
            if !committed.refused.is_empty() {
                bridge.known(&workspace)?;
                return Err(Problem::new("revoked", format!("`{workspace}` was taken away by the platform")));
            }
            let id = committed.actions.first().ok_or_else(|| Problem::new("internal", "no action was accepted"))?;
            bridge.await_receipt(id, wait).await
        }))
    }

    pub(super) fn receipt(&self, receipt: &params::Receipt) -> Taken {
        let id = ActionId::parse(&receipt.id)
            .ok_or_else(|| Problem::bad_params(format!("`{}` is no action id", shown(&receipt.id))))?;
        let (wait, bridge) = (receipt.wait, self.clone());
        if wait.is_none() {
            return self.look_up(&id).map(Begun::Done);
        }
        Ok(Begun::later(async move { bridge.await_receipt(&id, wait).await }))
    }

    /// The receipt once it has settled, or as it stands when the wait is over.
    async fn await_receipt(&self, id: &ActionId, wait: Option<params::Wait>) -> Result<Value, Problem> {
        let wait = wait.map_or(Duration::ZERO, |wait| wait.0.min(self.0.wait));
        let Some(first) = self.0.store.action(id)? else { return self.look_up(id) };
        let mut changed = self.0.store.outbox_changed(&first.workspace);
        let settles = async {
            loop {
                changed.mark_unchanged();
                let receipt = outbox::receipt(&self.0.store, id)?;
                let settled = receipt.is_none_or(|receipt| receipt.state.settled());
                if settled || changed.changed().await.is_err() {
                    return Ok::<(), Problem>(());
                }
            }
        };
        if !wait.is_zero() {
            // Running out of time is no error: the answer says how far it is.
            tokio::time::timeout(wait, settles).await.unwrap_or(Ok(()))?;
        }
        self.look_up(id)
    }

    fn look_up(&self, id: &ActionId) -> Result<Value, Problem> {
        let unknown =
            || Problem::new("no_such_action", format!("no action {id} is remembered (receipts stay 30 days)"));
        let receipt = outbox::receipt(&self.0.store, id)?.ok_or_else(unknown)?;
        serde_json::to_value(receipt).map_err(|error| Problem::new("internal", error.to_string()))
    }
}

fn stopping() -> Problem {
    Problem::new("stopping", "the bridge stops; ask again when it is back, with the same `key`")
}

fn shown(text: &str) -> String {
    text.chars().take(60).collect()
}
