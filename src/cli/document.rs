//! `agent-bridge document`: list, add, remove.

use clap::{Args, Subcommand};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::client::{Client, Without};
use super::exit::Fault;
use super::join::obtain;
use super::show::{list, text};
use super::{Global, show};
use crate::api::Verb;

/// The documents that a workspace was given by their share links.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  agent-bridge document list plans\n  \
    agent-bridge document add plans 'https://host/share/…'\n  \
    agent-bridge document add plans < link.txt\n  agent-bridge document remove plans 4f1c…\n\n\
    A share link opens the document to whoever has it: standard input keeps it out of your shell's history.")]
pub struct DocumentCommand {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// All of a workspace
    List {
        /// The workspace
        workspace: String,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// One more, by its share link or token
    Add {
        /// The workspace
        workspace: String,
        /// The share link, or its token [default: read from standard input, or a prompt]
        link: Option<String>,
    },
    /// One less; its token is erased
    Remove {
        /// The workspace
        workspace: String,
        /// The document's id
        document: String,
    },
}

impl DocumentCommand {
    /// Does it.
    pub async fn run(self, global: &Global) -> Result<(), Fault> {
        // The prompt comes before the store's lock is taken.
        let link = match &self.what {
            What::Add { link: Some(link), .. } => Some(link.clone()),
            What::Add { link: None, .. } => Some(asked()?),
            _ => None,
        };
        let client = Client::find(global, Without::Store).await?;
        let done = self.what.run(&client, link.unwrap_or_default()).await;
        client.close().await?;
        done
    }
}

fn asked() -> Result<String, Fault> {
    use std::io::IsTerminal;
    let from = if std::io::stdin().is_terminal() { None } else { Some("-") };
    Ok(obtain("link", from)?.expose_secret().to_owned())
}

impl What {
    async fn run(self, client: &Client, link: String) -> Result<(), Fault> {
        match self {
            Self::List { workspace, json } => {
                let answer = client.ask(Verb::Documents, &json!({ "workspace": workspace })).await?;
                if json { show::json(&answer) } else { listing(&answer) }
            }
            Self::Add { workspace, .. } => {
                let answer = client.ask(Verb::DocumentAdd, &json!({ "workspace": workspace, "link": link })).await?;
                let document = &answer["document"];
                show::line(format!("added `{}` ({}) to `{workspace}`", text(document, "title"), text(document, "id")))
            }
            Self::Remove { workspace, document } => {
                let wish = json!({ "workspace": workspace, "document": document });
                client.ask(Verb::DocumentRemove, &wish).await?;
                show::line(format!("removed `{document}` from `{workspace}`; its token is erased"))
            }
        }
    }
}

fn listing(answer: &Value) -> Result<(), Fault> {
    let row = |document: &Value| ["id", "kind", "title", "state"].map(|key| text(document, key)).to_vec();
    show::table(&["DOCUMENT", "TYPE", "TITLE", "STATE"], list(answer, "documents").iter().map(row).collect())
}
