//! `agent-bridge ask`: reads from a workspace's platform, signed in.

use clap::{Args, ValueEnum};
use serde_json::json;

use super::client::Remote;
use super::{Fault, Global, show};
use crate::api::Verb;
use crate::api::params::DeskWhat;

/// Read from a workspace's platform; the answer is JSON.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  agent-bridge ask acme conversations\n  \
    agent-bridge ask acme history --conversation 456\n  \
    agent-bridge ask acme history --conversation 456 --before 9001   # the page behind it: its `next`\n  \
    agent-bridge ask acme people --conversation 456\n  agent-bridge ask acme me\n  \
    agent-bridge ask atlas desk --what emails --labels received")]
pub struct Ask {
    /// The workspace
    workspace: String,
    /// What
    what: What,
    /// Which conversation
    #[arg(long, value_name = "ID")]
    conversation: Option<String>,
    /// Which message
    #[arg(long, value_name = "ID")]
    message: Option<String>,
    /// Which document
    #[arg(long, value_name = "ID")]
    document: Option<String>,
    /// Desk: which kind of thing
    #[arg(long = "what", value_name = "KIND")]
    kind: Option<DeskKind>,
    /// Desk: which event
    #[arg(long, value_name = "ID")]
    event: Option<String>,
    /// Desk: which thread of e-mail
    #[arg(long, value_name = "ID")]
    thread: Option<String>,
    /// Desk: only e-mail with one of these, as in sent or received
    #[arg(long, value_name = "LABELS")]
    labels: Option<String>,
    /// Desk: events from then on, as in 2026-03-14T12:00:00Z
    #[arg(long, value_name = "TIME")]
    start_after: Option<String>,
    /// Desk: events before
    #[arg(long, value_name = "TIME")]
    start_before: Option<String>,
    /// Desk: what stands behind so many
    #[arg(long, value_name = "COUNT")]
    offset: Option<u64>,
    /// History: what is older; the `next` of the page before, or the id of its oldest message
    #[arg(long, value_name = "NEXT")]
    before: Option<String>,
    /// History and desk: at most so many, where the platform lets the asker choose
    #[arg(long, value_name = "COUNT")]
    limit: Option<u64>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum What {
    /// The conversations
    Conversations,
    /// One conversation
    Conversation,
    /// Messages of a conversation, a page at a time
    History,
    /// One message
    Message,
    /// The files of a conversation
    Files,
    /// The people of the workspace, or of one conversation
    People,
    /// What the platform knows of the agent
    Me,
    /// The text of a document
    Document,
    /// The agent's own desk: its documents, calendar, e-mail and skill text
    Desk,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum DeskKind {
    /// The agent's own documents
    Documents,
    /// One of them
    Document,
    /// The events of its calendar
    Events,
    /// One of them
    Event,
    /// The threads of its e-mail
    Emails,
    /// One of them, with its messages
    Email,
    /// What the platform tells an agent of itself
    Skill,
}

impl DeskKind {
    const fn what(self) -> DeskWhat {
        match self {
            Self::Documents => DeskWhat::Documents,
            Self::Document => DeskWhat::Document,
            Self::Events => DeskWhat::Events,
            Self::Event => DeskWhat::Event,
            Self::Emails => DeskWhat::Emails,
            Self::Email => DeskWhat::Email,
            Self::Skill => DeskWhat::Skill,
        }
    }
}

impl What {
    const fn verb(self) -> Verb {
        match self {
            Self::Conversations => Verb::Conversations,
            Self::Conversation => Verb::Conversation,
            Self::History => Verb::History,
            Self::Message => Verb::Message,
            Self::Files => Verb::Files,
            Self::People => Verb::People,
            Self::Me => Verb::Me,
            Self::Document => Verb::Document,
            Self::Desk => Verb::Desk,
        }
    }
}

impl Ask {
    /// What the question cannot do without; the bridge's own words would name fields.
    fn is_whole(&self) -> Result<(), Fault> {
        let conversation = ("--conversation", self.conversation.is_some());
        let needed = match self.what {
            What::Conversations | What::People | What::Me => vec![],
            What::Conversation | What::History | What::Files => vec![conversation],
            What::Message => vec![conversation, ("--message", self.message.is_some())],
            What::Document => vec![("--document", self.document.is_some())],
            What::Desk => vec![("--what", self.kind.is_some())],
        };
        let missing: Vec<&str> = needed.into_iter().filter(|(_, given)| !given).map(|(name, _)| name).collect();
        let word = || Fault::usage(format!("`{}` needs {}", self.what.verb().word(), missing.join(" and ")));
        if missing.is_empty() { Ok(()) } else { Err(word()) }
    }

    /// Asks, and shows the answer.
    pub async fn run(self, global: &Global) -> Result<(), Fault> {
        self.is_whole()?;
        let remote = Remote::needed(global).await?;
        let mut params = json!({
            "workspace": self.workspace, "conversation": self.conversation, "message": self.message,
            "document": self.document, "before": self.before, "limit": self.limit,
            "what": self.kind.map(|kind| kind.what().word()), "event": self.event, "thread": self.thread,
            "labels": self.labels, "start_after": self.start_after, "start_before": self.start_before,
            "offset": self.offset,
        });
        // What was not given is not asked with: each verb refuses what it does not know.
        if let Some(params) = params.as_object_mut() {
            params.retain(|_, value| !value.is_null());
        }
        show::json(&remote.ask(self.what.verb(), &params).await?)
    }
}
