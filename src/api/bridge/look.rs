//! How the bridge stands, and leaving a workspace.

use serde_json::{Value, json};

use super::{Begun, Bridge, Taken};
use crate::api::params;
use crate::api::problem::Problem;
use crate::api::view;
use crate::event::WorkspaceName;
use crate::store::{Health, WorkspaceRecord};

impl Bridge {
    pub(super) fn workspaces(&self) -> Result<Value, Problem> {
        let records = self.0.store.workspaces()?;
        let views: Vec<_> = records.iter().map(|record| self.view(record)).collect::<Result<_, _>>()?;
        Ok(json!({ "workspaces": views }))
    }

    fn view(&self, record: &WorkspaceRecord) -> Result<Value, Problem> {
        let held_back = self.0.store.held_back(&record.name)?;
        let mut view = view::workspace(record, self.0.workspaces.status(&record.name));
        view["held_back"] = held_back.into();
        Ok(view)
    }

    pub(super) fn status(&self, status: params::Status) -> Taken {
        if let Some(name) = status.workspace {
            let name = WorkspaceName::new(&name).map_err(|error| Problem::bad_params(error.to_string()))?;
            self.known(&name)?;
            let record = self.0.store.workspace(&name)?;
            let view = record.map(|record| self.view(&record)).transpose()?;
            return Ok(Begun::Done(json!({ "workspaces": view.into_iter().collect::<Vec<_>>() })));
        }
        let mut whole = self.workspaces()?;
        whole["store"] = self.store_status()?;
        let bridge = self.clone();
        Ok(Begun::later(async move {
            whole["consumers"] = bridge.consumer_views().await?.into();
            Ok(whole)
        }))
    }

    fn store_status(&self) -> Result<Value, Problem> {
        let (bytes, budget) = self.0.store.size();
        let health = match &*self.0.store.health().borrow() {
            Health::Open => "open",
            Health::Full => "full",
            Health::Failed(_) => "failed",
        };
        let head = *self.0.store.head().borrow();
        let mut status = json!({ "bytes": bytes, "budget": budget, "health": health, "head": head, "oldest": self.0.store.oldest()? });
        if let Some((on_full, dropped)) = self.0.readers.room() {
            status["on_full"] = json!(on_full);
            status["dropped"] = dropped.into();
        }
        Ok(status)
    }

    pub(super) fn leave(&self, leave: params::Leave) -> Taken {
        self.known(&leave.workspace)?;
        Ok(Begun::Later(self.0.workspaces.leave(leave.workspace)))
    }
}
