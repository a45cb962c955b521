//! `agent-bridge dead`: list, show, retry, drop.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::client::{Client, Without};
use super::exit::{self, Fault};
use super::show::{list, text};
use super::{Global, show};
use crate::api::Verb;

/// Dead letters: events that a consumer rejected, or that failed too often.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  agent-bridge dead list main\n  agent-bridge dead show main 42\n  \
    agent-bridge dead retry main 42\n  agent-bridge dead drop main 42")]
pub struct DeadCommand {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// All of a consumer, oldest first
    List {
        /// The consumer
        consumer: String,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// One with its event
    Show(Letter),
    /// Deliver one again
    Retry(Letter),
    /// Drop one for good
    Drop(Letter),
}

#[derive(Debug, Args)]
struct Letter {
    /// The consumer
    consumer: String,
    /// The event's sequence
    seq: u64,
}

impl Letter {
    fn params(&self) -> Value {
        json!({ "consumer": self.consumer, "seq": self.seq })
    }
}

impl DeadCommand {
    /// Does it.
    pub async fn run(self, global: &Global) -> Result<(), Fault> {
        match self.what {
            What::List { consumer, json } => {
                let answer = ask(global, Verb::Dead, &json!({ "consumer": consumer })).await?;
                if json { show::json(&answer) } else { listing(&answer) }
            }
            What::Show(letter) => {
                let answer = ask(global, Verb::Dead, &json!({ "consumer": letter.consumer, "limit": 1_000 })).await?;
                let found = list(&answer, "letters").iter().find(|found| found["seq"] == letter.seq);
                let none = || format!("event {} is no dead letter of `{}`", letter.seq, letter.consumer);
                show::json(found.ok_or_else(|| Fault::new(exit::NO_INPUT, none()))?)
            }
            What::Retry(letter) => {
                ask(global, Verb::DeadRetry, &letter.params()).await?;
                show::line(format!("{} will be delivered again", letter.seq))
            }
            What::Drop(letter) => {
                ask(global, Verb::DeadDrop, &letter.params()).await?;
                show::line(format!("{} is gone", letter.seq))
            }
        }
    }
}

async fn ask(global: &Global, verb: Verb, params: &Value) -> Result<Value, Fault> {
    let client = Client::find(global, Without::Store).await?;
    let answer = client.ask(verb, params).await;
    client.close().await?;
    answer
}

fn listing(answer: &Value) -> Result<(), Fault> {
    let row = |letter: &Value| {
        let event = letter.pointer("/event/type").and_then(Value::as_str).unwrap_or_default();
        let columns = ["seq", "at", "attempts"].map(|key| text(letter, key));
        columns.into_iter().chain([event.to_owned(), text(letter, "reason")]).collect()
    };
    show::table(&["event", "since", "attempts", "type", "why"], list(answer, "letters").iter().map(row).collect())
}
