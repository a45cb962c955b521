//! `agent-bridge receipt`.

use clap::Args;
use serde_json::json;

use super::client::{Client, Without};
use super::{Fault, Global, act};
use crate::api::Verb;
use crate::config::Span;

/// What became of an action.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  agent-bridge receipt act_0190… --wait 30s")]
pub struct Receipt {
    /// The action's id
    id: String,
    /// Wait for it to settle
    #[arg(long)]
    wait: Option<Span>,
    /// As JSON
    #[arg(long)]
    json: bool,
}

impl Receipt {
    /// Shows it.
    pub async fn run(self, global: &Global) -> Result<(), Fault> {
        let client = Client::find(global, Without::Store).await?;
        // Nothing settles where no daemon runs.
        let wait = self.wait.filter(|_| matches!(client, Client::Daemon(_))).map(|wait| wait.to_string());
        let receipt = client.ask(Verb::Receipt, &json!({ "id": self.id, "wait": wait })).await;
        client.close().await?;
        act::tell(&receipt?, self.json)
    }
}
