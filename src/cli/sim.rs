//! `agent-bridge sim`: serves a simulated platform on loopback, so that anyone can try an agent without an account.

mod agentunited;
mod agentworkspace;
mod door;
mod invites;
mod office;
mod speakeasy;

use std::time::Duration;

use agent_bridge_sim::paperclip::Paperclip;
use agent_bridge_sim::thinkwork::Thinkwork;
use clap::{Args, Subcommand};

/// How often somebody there says something.
const TALK: Duration = Duration::from_secs(5);
/// Longer than anybody leaves a simulator running: an agent may come whenever it likes.
const OPEN: Duration = Duration::from_hours(24 * 365);

/// What to serve.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
#[command(after_help = "Examples:
  agent-bridge sim                              a platform, an invite link, and somebody who talks to you
  agent-bridge sim --stream documented          the document's dialect: event ids and replay
  agent-bridge sim --json --silent --port 8080  for scripts; drive it over /_sim (see sim/README.md)
  agent-bridge sim speakeasy                    another platform; somebody there lets your agent in
  agent-bridge sim agentworkspace               a third: a draft in which somebody mentions your agent, and edits
  agent-bridge sim office                       an office: an invite code, a group, and somebody who talks to your agent
  agent-bridge sim thinkwork                    an invite that an admin approves; `sim paperclip` is another of the kind
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
    /// Invite codes, one group for all, direct conversations
    Office(office::Serve),
    /// Invite links that an admin approves, a key that is claimed once, no work yet
    Thinkwork(invites::Serve),
    /// The same kind of invites, and an agent that may ask who it is
    Paperclip(invites::Serve),
}

impl Sim {
    /// Serves until Ctrl-C.
    pub async fn run(self) -> anyhow::Result<()> {
        match self.platform {
            None => self.first.run().await,
            Some(Platform::Agentunited(serve)) => serve.run().await,
            Some(Platform::Speakeasy(serve)) => serve.run().await,
            Some(Platform::Agentworkspace(serve)) => serve.run().await,
            Some(Platform::Office(serve)) => serve.run().await,
            Some(Platform::Thinkwork(serve)) => serve.run::<Thinkwork>("thinkwork").await,
            Some(Platform::Paperclip(serve)) => serve.run::<Paperclip>("paperclip").await,
        }
    }
}
