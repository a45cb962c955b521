//! `agent-bridge leave`: asks first.

use std::io::IsTerminal;

use clap::Args;
use serde_json::json;

use super::client::{Client, Without};
use super::exit::{self, Fault};
use super::{Global, show};
use crate::api::Verb;

/// Give a seat up; its secrets are erased.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  agent-bridge leave acme\n  agent-bridge leave acme --yes")]
pub struct Leave {
    /// The workspace
    name: String,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

impl Leave {
    /// Asks, then leaves.
    pub async fn run(self, global: &Global) -> Result<(), Fault> {
        if !self.yes {
            self.ask()?;
        }
        let client = Client::find(global, Without::Store).await?;
        let left = client.ask(Verb::Leave, &json!({ "workspace": self.name })).await;
        client.close().await?;
        left?;
        show::line(format!("left `{}`; its secrets are erased, its events stay", self.name))
    }

    fn ask(&self) -> Result<(), Fault> {
        if !std::io::stdin().is_terminal() {
            return Err(Fault::usage("no terminal to ask: say --yes to leave without a question"));
        }
        let question = format!("Leave `{}` and erase its secrets?", self.name);
        match dialoguer::Confirm::new().with_prompt(question).default(false).interact() {
            Ok(true) => Ok(()),
            Ok(false) => Err(Fault::new(exit::DATA, "nothing was changed")),
            Err(error) => Err(Fault::new(exit::NO_INPUT, format!("no answer: {error}"))),
        }
    }
}
