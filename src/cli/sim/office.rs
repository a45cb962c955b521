//! `agent-bridge sim office`.

use agent_bridge_sim::office::Options;
use agent_bridge_sim::run_office;
use anyhow::Context;
use clap::Args;

use super::{OPEN, TALK};

/// What to serve.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  agent-bridge sim office                   an invite code, and somebody who talks to your agent
  agent-bridge sim office --json --silent   for scripts; drive it over /_sim (see sim/README.md)")]
pub struct Serve {
    /// The port on 127.0.0.1; 0 takes a free one.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Nobody there talks by themselves.
    #[arg(long)]
    silent: bool,
    /// One JSON object: `url`, `code` and `group`.
    #[arg(long)]
    json: bool,
}

impl Serve {
    /// Serves until Ctrl-C.
    pub async fn run(self) -> anyhow::Result<()> {
        let auto = (!self.silent).then_some(TALK);
        let options = Options { auto, invite_lifetime: OPEN, ..Options::default() };
        let (sim, serving) = run_office(options, self.port).await.context("the simulated platform cannot listen")?;
        let (url, code) = (serving.url(), sim.invite());
        if self.json {
            println!("{}", serde_json::json!({ "url": url, "code": code, "group": sim.group() }));
        } else {
            println!("office, simulated, at {url} (Ctrl-C ends it; nothing is kept)");
            println!("with a daemon running (agent-bridge run), join it:");
            println!("  agent-bridge join office {url} --as den --code {code} --agent-name jared");
            if !self.silent {
                println!(
                    "once it has joined, `user` talks to it; what it sends without a conversation goes to the group"
                );
            }
        }
        tokio::signal::ctrl_c().await.context("cannot listen for Ctrl-C")?;
        serving.stop().await;
        Ok(())
    }
}
