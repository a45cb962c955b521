//! `agent-bridge send`.

use clap::Args;
use serde_json::{Map, Value};

use super::{Fault, Global, act};

/// Say something in a workspace.
#[derive(Debug, Args)]
#[command(override_usage = "agent-bridge send [OPTIONS] <WORKSPACE> [CONVERSATION] <TEXT>")]
#[command(
    after_help = "Examples:\n  agent-bridge send acme 'Hello'\n  agent-bridge send acme f8433e40 'Hello' --wait 30s"
)]
pub struct Send {
    /// The workspace
    workspace: String,
    /// A conversation (else the main direct one), and what to say
    #[arg(required = true, num_args = 1..=2, value_name = "TEXT")]
    words: Vec<String>,
    #[command(flatten)]
    how: act::How,
}

impl Send {
    /// Sends it.
    pub async fn run(mut self, global: &Global) -> Result<(), Fault> {
        let mut args = Map::new();
        args.extend(self.words.pop().map(|text| ("text".to_owned(), Value::from(text))));
        args.extend(self.words.pop().map(|conversation| ("conversation".to_owned(), Value::from(conversation))));
        self.how.act(global, &self.workspace, "send", args).await
    }
}
