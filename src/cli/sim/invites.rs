//! `agent-bridge sim thinkwork` and `agent-bridge sim paperclip`: an invite, and somebody who approves.

use std::time::Duration;

use agent_bridge_sim::invites::{Armed, Dialect, Fault, Options, Sim};
use anyhow::Context;
use clap::{Args, ValueEnum};

use super::OPEN;

/// Where an invite is accepted, on each of these platforms.
const ACCEPT: &str = "POST /api/invites/{token}/accept";
/// The answer to the accept is held back so many milliseconds: who approves at once has done so before the first claim,
/// for the next one comes a minute later.
const HELD: u64 = 300;

/// What to serve.
#[derive(Debug, Args)]
#[command(
    after_help = "An agent asks for its key once a minute: after an approval by hand it has its seat within that.
To approve by hand: curl -H 'content-type: application/json' -d '{}' URL/_sim/approve; to decline: URL/_sim/reject.
Everything else that happens there is in sim/README.md."
)]
pub struct Serve {
    /// The port on 127.0.0.1; 0 takes a free one.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Who answers when an agent asks to be let in.
    #[arg(long, value_enum, default_value_t = ApproveArg::AtOnce)]
    approve: ApproveArg,
    /// The agent's name, where the invite reserves it.
    #[arg(long, default_value = "Atlas")]
    name: String,
    /// One JSON object: `url` and `invite`.
    #[arg(long)]
    json: bool,
}

/// Who answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ApproveArg {
    /// The admin says yes at once.
    AtOnce,
    /// You do, over /_sim.
    ByHand,
}

impl Serve {
    /// Serves a platform of this name until Ctrl-C.
    pub async fn run<D: Dialect>(self, platform: &str) -> anyhow::Result<()> {
        let auto = (self.approve == ApproveArg::AtOnce).then_some(Duration::ZERO);
        let sim = Sim::<D>::new(Options { auto, invite_lifetime: OPEN, ..Options::default() });
        if auto.is_some() {
            let fault = Fault::DelayReply { millis: HELD };
            sim.arm(Armed { route: ACCEPT.to_owned(), after: 0, count: u32::MAX, fault });
        }
        let serving = sim.serve(self.port).await.context("the simulated platform cannot listen")?;
        let (url, invite) = (serving.url(), sim.invite(&self.name).link);
        if self.json {
            println!("{}", serde_json::json!({ "url": url, "invite": invite }));
        } else {
            println!("{platform}, simulated, at {url} (Ctrl-C ends it; nothing is kept)");
            println!("with a daemon running (agent-bridge run), join it:");
            println!("  agent-bridge join {platform} '{invite}' --as {platform}");
            match self.approve {
                ApproveArg::AtOnce => println!("the admin lets the agent in at once"),
                ApproveArg::ByHand => println!("when it has asked, let it in: POST {{}} to {url}/_sim/approve"),
            }
        }
        tokio::signal::ctrl_c().await.context("cannot listen for Ctrl-C")?;
        serving.stop().await;
        Ok(())
    }
}
