//! Verbs that are never stored: they go through a running workspace's session, and nothing remembers them.

use futures_util::FutureExt;
use serde_json::Value;
use tokio::time::Instant;

use super::Seats;
use crate::action::{Request, State};
use crate::api::problem::Problem;
use crate::api::workspaces::Asked;
use crate::event::WorkspaceName;
use crate::session::Session;

impl Seats {
    /// Sends it; none where the verb is stored, or nobody knows it.
    pub(super) fn fleeting(&self, name: &WorkspaceName, wish: &Request) -> Option<Asked> {
        let record = self.0.context.means.store.workspace(name).ok().flatten()?;
        let manifest = self.0.context.manifests.get(&record.platform)?;
        manifest.actions.get(&wish.verb).filter(|verb| verb.ephemeral)?;
        let (seats, name, wish) = (self.clone(), name.clone(), wish.clone());
        let sent = async move {
            let session = seats.session(&name)?;
            let (said, began) = (said(&session, &wish), Instant::now());
            let told = seats.0.fleeting.send(&session, wish, seats.0.request).await;
            let told = told.map_err(|refusal| Problem::new(refusal.kind, refusal.message))?;
            if let Some((conversation, word)) = said.filter(|_| matches!(told.state, State::Confirmed { .. })) {
                seats.0.context.means.store.attention().said(&name, &conversation, &word, began);
            }
            serde_json::to_value(told).map_err(|error| Problem::new("internal", error.to_string()))
        };
        Some(sent.boxed())
    }
}

/// What the agent says of itself by a wish, and where: the workspace shows it no other way then.
fn said(session: &Session, wish: &Request) -> Option<(String, String)> {
    let inbox = session.manifest().receive.inbox.as_ref()?;
    inbox.shown.as_ref().filter(|shown| shown.verb == wish.verb)?;
    let text = |name: &str| wish.args.get(name).and_then(Value::as_str).map(str::to_owned);
    text("conversation").zip(text("state"))
}
