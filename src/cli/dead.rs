//! `agent-bridge dead`: list, show, retry, drop.

use std::ops::RangeInclusive;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::client::{Client, Without};
use super::exit::{self, Fault};
use super::show::{list, text};
use super::{Global, show};
use crate::api::Verb;

/// Letters asked for in one call.
const PAGE: u64 = 1_000;

/// Dead letters: events that a consumer rejected, or that failed too often.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  agent-bridge dead list main\n  agent-bridge dead show main 42\n  \
    agent-bridge dead retry main 42\n  agent-bridge dead retry main --all\n  agent-bridge dead drop main 42 50-60")]
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
    Show {
        /// The consumer
        consumer: String,
        /// The event's sequence
        seq: u64,
    },
    /// Deliver some again
    Retry(Letters),
    /// Drop some for good
    Drop(Letters),
}

#[derive(Debug, Args)]
struct Letters {
    /// The consumer
    consumer: String,
    /// The events' sequences, or ranges of them
    #[arg(value_parser = range, value_name = "SEQ|FIRST-LAST", required_unless_present = "all")]
    which: Vec<RangeInclusive<u64>>,
    /// All that there are
    #[arg(long, conflicts_with = "which")]
    all: bool,
}

/// `42`, or `50-60`.
fn range(text: &str) -> Result<RangeInclusive<u64>, String> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    match (first.parse(), last.parse()) {
        (Ok(first), Ok(last)) if first <= last => Ok(first..=last),
        _ => Err("write a sequence as in 42, or a range as in 50-60".to_owned()),
    }
}

impl DeadCommand {
    /// Does it.
    pub async fn run(self, global: &Global) -> Result<(), Fault> {
        let client = Client::find(global, Without::Store).await?;
        let done = self.what.run(&client).await;
        client.close().await?;
        done
    }
}

impl What {
    async fn run(self, client: &Client) -> Result<(), Fault> {
        match self {
            Self::List { consumer, json } => {
                let letters = all(client, &consumer, 0..=u64::MAX).await?;
                if json { show::json(&json!({ "letters": letters })) } else { listing(&letters) }
            }
            Self::Show { consumer, seq } => {
                let letters = page(client, &consumer, seq, 1).await?;
                let found = letters.first().filter(|found| found["seq"] == seq);
                show::json(found.ok_or_else(|| none(seq..=seq, &consumer))?)
            }
            Self::Retry(letters) => letters.each(client, Verb::DeadRetry, "will be delivered again").await,
            Self::Drop(letters) => letters.each(client, Verb::DeadDrop, "is gone").await,
        }
    }
}

impl Letters {
    async fn each(self, client: &Client, verb: Verb, done: &str) -> Result<(), Fault> {
        let which = if self.all { vec![0..=u64::MAX] } else { self.which };
        for range in which {
            if range.start() == range.end() {
                one(client, verb, &self.consumer, *range.start(), done).await?;
            } else {
                several(client, verb, &self.consumer, range, done).await?;
            }
        }
        Ok(())
    }
}

async fn one(client: &Client, verb: Verb, consumer: &str, seq: u64, done: &str) -> Result<(), Fault> {
    client.ask(verb, &json!({ "consumer": consumer, "seq": seq })).await?;
    show::line(format!("{seq} {done}"))
}

/// Those that there are; one that was put back before, and is not settled yet, is passed over.
async fn several(
    client: &Client,
    verb: Verb,
    consumer: &str,
    range: RangeInclusive<u64>,
    done: &str,
) -> Result<(), Fault> {
    let letters = all(client, consumer, range.clone()).await?;
    if letters.is_empty() {
        return Err(none(range, consumer));
    }
    for seq in letters.iter().filter_map(|letter| letter["seq"].as_u64()) {
        match one(client, verb, consumer, seq, done).await {
            Err(fault) if fault.code == exit::NO_INPUT => show::note(fault.message),
            other => other?,
        }
    }
    Ok(())
}

fn none(range: RangeInclusive<u64>, consumer: &str) -> Fault {
    let word = match (range.start(), range.end()) {
        (first, last) if first == last => format!("event {first} is no dead letter of `{consumer}`"),
        (_, &u64::MAX) => format!("`{consumer}` has no dead letters"),
        (first, last) => format!("no event from {first} to {last} is a dead letter of `{consumer}`"),
    };
    Fault::new(exit::NO_INPUT, word)
}

async fn page(client: &Client, consumer: &str, first: u64, limit: u64) -> Result<Vec<Value>, Fault> {
    let answer = client.ask(Verb::Dead, &json!({ "consumer": consumer, "first": first, "limit": limit })).await?;
    Ok(list(&answer, "letters").to_vec())
}

/// All letters of a range, page by page.
async fn all(client: &Client, consumer: &str, range: RangeInclusive<u64>) -> Result<Vec<Value>, Fault> {
    let (mut letters, mut next) = (Vec::new(), *range.start());
    loop {
        let page = page(client, consumer, next, PAGE).await?;
        let Some(last) = page.last().and_then(|letter| letter["seq"].as_u64()) else { return Ok(letters) };
        letters
            .extend(page.into_iter().filter(|letter| letter["seq"].as_u64().is_some_and(|seq| range.contains(&seq))));
        if last >= *range.end() {
            return Ok(letters);
        }
        next = last + 1;
    }
}

fn listing(letters: &[Value]) -> Result<(), Fault> {
    let row = |letter: &Value| {
        let event = letter.pointer("/event/type").and_then(Value::as_str).unwrap_or_default();
        let columns = ["seq", "at", "attempts"].map(|key| text(letter, key));
        columns.into_iter().chain([event.to_owned(), text(letter, "reason")]).collect()
    };
    show::table(&["event", "since", "attempts", "type", "why"], letters.iter().map(row).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_are_named_one_by_one_or_in_ranges() {
        assert_eq!((range("42"), range("50-60")), (Ok(42..=42), Ok(50..=60)));
        for bad in ["", "-", "60-50", "a-b", "1-2-3", "-5"] {
            assert!(range(bad).is_err(), "{bad}");
        }
    }
}
