//! `agent-bridge ask`: reads from a workspace's platform, signed in.

use clap::{Args, ValueEnum};
use serde_json::json;

use super::client::Remote;
use super::{Fault, Global, show};
use crate::api::Verb;

/// Read from a workspace's platform; the answer is JSON.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  agent-bridge ask acme conversations\n  \
    agent-bridge ask acme history --conversation 456\n  \
    agent-bridge ask acme history --conversation 456 --before 9001   # the page behind it: its `next`\n  \
    agent-bridge ask acme people --conversation 456\n  agent-bridge ask acme me")]
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
    /// History: what is older; the `next` of the page before, or the id of its oldest message
    #[arg(long, value_name = "NEXT")]
    before: Option<String>,
    /// History: at most so many, where the platform lets the asker choose
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
        });
        // What was not given is not asked with: each verb refuses what it does not know.
        if let Some(params) = params.as_object_mut() {
            params.retain(|_, value| !value.is_null());
        }
        show::json(&remote.ask(self.what.verb(), &params).await?)
    }
}
