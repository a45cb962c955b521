//! `agent-bridge consumer`: list, add, remove, set, enable, disable, secret.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::client::{Client, Without};
use super::exit::{self, Fault};
use super::show::{list, text};
use super::{Global, show};
use crate::api::Verb;
use crate::api::params::ConsumerSettings;
use crate::config::Span;
use crate::config::consumer::Start;
use crate::consumer::Only;
use crate::event::AuthorKind;

/// Consumers: the durable readers of the feed.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  agent-bridge consumer list\n  \
    agent-bridge consumer add helper --from start --types 'message.*' --mentions-me\n  \
    agent-bridge consumer add hook --url http://127.0.0.1:9000/events\n  agent-bridge consumer secret hook")]
pub struct ConsumerCommand {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// All consumers and how they stand
    List {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Make one
    Add(Box<Settings>),
    /// Change one; what is left out stays as it is
    Set(Box<Settings>),
    /// Remove one with its place and its dead letters
    Remove(Name),
    /// Switch one on
    Enable(Name),
    /// Switch one off
    Disable(Name),
    /// A new secret to sign a webhook with; the one before it signs as well until it is retired
    Secret {
        /// The consumer
        name: String,
        /// End the rotation: only the newest secret signs
        #[arg(long)]
        retire_old: bool,
    },
}

#[derive(Debug, Args)]
struct Name {
    /// The consumer
    name: String,
}

#[derive(Debug, Args)]
struct Settings {
    /// The consumer
    name: String,
    /// Where it begins: now, start, a sequence (behind it), or a time
    #[arg(long)]
    from: Option<Start>,
    #[command(flatten)]
    filter: Filter,
    /// Events out at once
    #[arg(long)]
    max_in_flight: Option<u32>,
    /// Events of one conversation out at once; 0 for no limit but --max-in-flight
    #[arg(long)]
    per_lane: Option<u32>,
    /// How long a lease lasts
    #[arg(long)]
    ack_wait: Option<Span>,
    /// Attempts before an event goes to the dead letters
    #[arg(long)]
    max_attempts: Option<u32>,
    /// Call the agent instead of being called: http, https, or unix:/path:/route
    #[arg(long)]
    url: Option<String>,
}

#[derive(Debug, Args)]
struct Filter {
    /// Only these workspaces
    #[arg(long, value_delimiter = ',')]
    workspaces: Vec<String>,
    /// Only these types; * stands for any run of characters
    #[arg(long, value_delimiter = ',')]
    types: Vec<String>,
    /// Only these conversations
    #[arg(long, value_delimiter = ',')]
    conversations: Vec<String>,
    /// Only these authors
    #[arg(long, value_delimiter = ',')]
    authors: Vec<String>,
    /// Only these kinds of author: human, agent
    #[arg(long, value_delimiter = ',', value_parser = kind)]
    author_kinds: Vec<AuthorKind>,
    /// Only what is meant for the agent
    #[arg(long)]
    mentions_me: bool,
    /// The agent's own echoes as well
    #[arg(long)]
    own: bool,
    /// No filter at all any more
    #[arg(long)]
    all: bool,
}

fn kind(word: &str) -> Result<AuthorKind, String> {
    match word {
        "human" => Ok(AuthorKind::Human),
        "agent" => Ok(AuthorKind::Agent),
        _ => Err("human or agent".to_owned()),
    }
}

impl Filter {
    /// The filter, if any part of it was given: it replaces the one before as a whole.
    fn only(self) -> Option<Only> {
        let Self { workspaces, types, conversations, authors, author_kinds, mentions_me, own, all } = self;
        let only = Only { workspaces, types, conversations, authors, author_kinds, mentions_me, own };
        (all || only != Only::default()).then_some(only)
    }
}

impl Settings {
    fn params(self) -> Result<Value, Fault> {
        let settings = ConsumerSettings {
            consumer: self.name,
            from: self.from,
            only: self.filter.only(),
            max_in_flight: self.max_in_flight,
            per_lane: self.per_lane,
            ack_wait: self.ack_wait,
            max_attempts: self.max_attempts,
            url: self.url,
        };
        serde_json::to_value(settings).map_err(|error| Fault::new(exit::SOFTWARE, error))
    }
}

impl ConsumerCommand {
    /// Does it.
    pub async fn run(self, global: &Global) -> Result<(), Fault> {
        let of = |name: Name| json!({ "consumer": name.name });
        match self.what {
            What::List { json } => {
                let answer = ask(global, Verb::Consumers, &json!({}), Without::Store).await?;
                if json { show::json(&answer) } else { listing(&answer) }
            }
            What::Add(settings) => told(global, Verb::ConsumerAdd, &settings.params()?, Without::NewStore).await,
            What::Set(settings) => told(global, Verb::ConsumerSet, &settings.params()?, Without::Store).await,
            What::Remove(name) => told(global, Verb::ConsumerRemove, &of(name), Without::Store).await,
            What::Enable(name) => told(global, Verb::ConsumerEnable, &of(name), Without::Store).await,
            What::Disable(name) => told(global, Verb::ConsumerDisable, &of(name), Without::Store).await,
            What::Secret { name, retire_old } => {
                let params = json!({ "consumer": name, "retire_old": retire_old });
                told(global, Verb::ConsumerSecret, &params, Without::Store).await
            }
        }
    }
}

async fn ask(global: &Global, verb: Verb, params: &Value, without: Without) -> Result<Value, Fault> {
    let client = Client::find(global, without).await?;
    let answer = client.ask(verb, params).await;
    client.close().await?;
    answer
}

async fn told(global: &Global, verb: Verb, params: &Value, without: Without) -> Result<(), Fault> {
    let answer = ask(global, verb, params, without).await?;
    let Some(secret) = answer.get("secret").and_then(Value::as_str) else { return show::line("done") };
    // Whoever made the webhook needs it to check signatures.
    show::note("the signing secret, shown this once:");
    show::line(secret)
}

/// The columns of [`row`].
pub const HEADERS: &[&str] = &["consumer", "how", "connected", "lag", "out", "waiting", "dead", "state"];

/// A consumer as a row.
pub fn row(consumer: &Value) -> Vec<String> {
    let status = consumer.get("status").unwrap_or(&Value::Null);
    let how = consumer.pointer("/webhook/url").and_then(Value::as_str).unwrap_or("socket").to_owned();
    let disabled = text(consumer, "disabled");
    let state = if disabled.is_empty() { "on".to_owned() } else { format!("off: {disabled}") };
    let numbers = ["connected", "lag", "in_flight", "waiting", "dead"].map(|key| text(status, key));
    [text(consumer, "name"), how].into_iter().chain(numbers).chain([state]).collect()
}

fn listing(answer: &Value) -> Result<(), Fault> {
    show::table(HEADERS, list(answer, "consumers").iter().map(row).collect())
}
