//! `agent-bridge sim`: serves a simulated platform on loopback, so that anyone can try an agent without an account.

mod agentunited;
mod agentworkspace;
mod door;
mod speakeasy;

use std::time::Duration;

use clap::{Args, Subcommand};

/// How often somebody there says something.
const TALK: Duration = Duration::from_secs(5);

/// What to serve.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
#[command(after_help = "Examples:
  agent-bridge sim                              a platform, an invite link, and somebody who talks to you
  agent-bridge sim --stream documented          the document's dialect: event ids and replay
  agent-bridge sim --json --silent --port 8080  for scripts; drive it over /_sim (see sim/README.md)
  agent-bridge sim speakeasy                    another platform; somebody there lets your agent in
  agent-bridge sim agentworkspace               a third: a draft in which somebody mentions your agent, and edits
  agent-bridge sim agentworkspace --help        its options, as for each of them")]
pub struct Sim {
    #[command(subcommand)]
    platform: Option<Platform>,
    #[command(flatten)]
    first: agentunited::Serve,
}

/// Which platform; without one it is agentunited.
#[derive(Debug, Subcommand)]
enum Platform {
    /// Invite links, channels, a stream of Server-Sent Events
    Agentunited(agentunited::Serve),
    /// Access that a person approves, topics, an event log with a cable and webhooks
    Speakeasy(speakeasy::Serve),
    /// Drafts that people and agents edit together, mentions in them, share links
    Agentworkspace(agentworkspace::Serve),
}

impl Sim {
    /// Serves until Ctrl-C.
    pub async fn run(self) -> anyhow::Result<()> {
        match self.platform {
            None => self.first.run().await,
            Some(Platform::Agentunited(serve)) => serve.run().await,
            Some(Platform::Speakeasy(serve)) => serve.run().await,
            Some(Platform::Agentworkspace(serve)) => serve.run().await,
        }
    }
}
