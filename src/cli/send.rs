//! `agent-bridge send`.

mod files;

use std::path::PathBuf;

use clap::Args;
use serde_json::{Map, Value};

use super::{Fault, Global, act};
use crate::outbox::files::FILES;

/// Say something in a workspace.
#[derive(Debug, Args)]
#[command(override_usage = "agent-bridge send [OPTIONS] <WORKSPACE> [CONVERSATION] <TEXT>")]
#[command(
    after_help = "Examples:\n  agent-bridge send acme 'Hello'\n  agent-bridge send acme f8433e40 'Hello' --wait 30s\n  \
        agent-bridge send acme 'The figures' --file report.pdf --file table.csv\n\n\
        Small files (512 KiB together) go along with the request; larger ones are read by the bridge when it sends, \
        so it must be able to."
)]
pub struct Send {
    /// The workspace
    workspace: String,
    /// A conversation (else the main direct one), and what to say
    #[arg(required = true, num_args = 1..=2, value_name = "TEXT")]
    words: Vec<String>,
    /// A file to go with it; may be given several times
    #[arg(long, value_name = "PATH")]
    file: Vec<PathBuf>,
    #[command(flatten)]
    how: act::How,
}

impl Send {
    /// Sends it.
    pub async fn run(mut self, global: &Global) -> Result<(), Fault> {
        let mut args = Map::new();
        args.extend(self.words.pop().map(|text| ("text".to_owned(), Value::from(text))));
        args.extend(self.words.pop().map(|conversation| ("conversation".to_owned(), Value::from(conversation))));
        if !self.file.is_empty() {
            args.insert(FILES.to_owned(), files::named(&self.file)?);
        }
        self.how.act(global, &self.workspace, "send", args).await
    }
}
