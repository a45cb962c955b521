//! `agent-bridge trace`.

use clap::Args;
use serde_json::{Value, json};

use super::client::{Client, Without};
use super::show::{list, text};
use super::{Fault, Global, show};
use crate::api::Verb;

/// The way of an event, or of an action, with times
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  agent-bridge trace acme/message.created/c1/m17\n  agent-bridge trace 42\n  \
    agent-bridge trace act_0190… --json")]
pub struct Trace {
    /// An event's id, its sequence, or an action's id
    id: String,
    /// As JSON
    #[arg(long)]
    json: bool,
}

impl Trace {
    /// Shows it.
    pub async fn run(self, global: &Global) -> Result<(), Fault> {
        let client = Client::find(global, Without::Store).await?;
        let trace = client.ask(Verb::Trace, &json!({ "id": self.id })).await;
        client.close().await?;
        let trace = trace?;
        if self.json {
            return show::json(&trace);
        }
        let row = |step: &Value| ["at", "what", "who", "says"].map(|key| text(step, key)).to_vec();
        show::table(&["when", "step", "with", "what"], list(&trace, "steps").iter().map(row).collect())
    }
}
