//! `agent-bridge sim speakeasy`.

use agent_bridge_sim::run_speakeasy;
use agent_bridge_sim::speakeasy::{Approval, CableFault, Options, Sim, Turn};
use anyhow::Context;
use clap::{Args, ValueEnum};

use super::{OPEN, TALK, door};
use crate::config::Span;

/// What to serve.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  agent-bridge sim speakeasy                    somebody lets your agent in, and talks to it
  agent-bridge sim speakeasy --approve by-hand  you are asked, here, whether it may come in
  agent-bridge sim speakeasy --no-cable         no websocket: events by polling, and by webhook
                                                where the bridge has [ingress] (see README.md)
  agent-bridge sim speakeasy --tokens 1m        tokens that are renewed all the time
  agent-bridge sim speakeasy --json --silent    for scripts; drive it over /_sim

To answer from elsewhere: curl -H 'content-type: application/json' -d '{}' URL/_sim/approve; to
decline: URL/_sim/deny; to take the grant away: URL/_sim/revoke. The rest is in sim/README.md.")]
pub struct Serve {
    /// The port on 127.0.0.1; 0 takes a free one.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Who answers when an agent asks to be let in.
    #[arg(long, value_enum, default_value_t = ApproveArg::AtOnce)]
    approve: ApproveArg,
    /// How it answers.
    #[arg(long, value_enum, default_value_t = DialectArg::Observed)]
    dialect: DialectArg,
    /// Refuse the cable.
    #[arg(long)]
    no_cable: bool,
    /// How long an access token lives.
    #[arg(long, default_value = "1h", value_name = "SPAN")]
    tokens: Span,
    /// The person there.
    #[arg(long, default_value = "pierre@speakeasy.example")]
    handle: String,
    /// Nobody there talks by themselves.
    #[arg(long)]
    silent: bool,
    /// One JSON object: `url` and `handle`.
    #[arg(long)]
    json: bool,
}

/// Who answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ApproveArg {
    /// The person says yes at once.
    AtOnce,
    /// You do, at this terminal or over /_sim.
    ByHand,
    /// The person says no at once.
    Denied,
}

/// How it answers.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum DialectArg {
    /// As it was seen: refresh tokens that work once, tokens that say when they end.
    Observed,
    /// As the platform's document says, and nothing more.
    Documented,
}

impl Serve {
    /// Serves until Ctrl-C.
    pub async fn run(self) -> anyhow::Result<()> {
        let (sim, serving) =
            run_speakeasy(self.options(), self.port).await.context("the simulated platform cannot listen")?;
        sim.person(&self.handle, "Pierre");
        sim.enable_discovery(&self.handle);
        if self.no_cable {
            sim.arm_cable(Turn::always(CableFault::Refuse { status: 404 }));
        }
        self.tell(&serving.url());
        tokio::select! {
            stopped = tokio::signal::ctrl_c() => stopped.context("cannot listen for Ctrl-C")?,
            () = self.opens(&sim) => {}
        }
        serving.stop().await;
        Ok(())
    }

    fn options(&self) -> Options {
        let base = match self.dialect {
            DialectArg::Observed => Options::default(),
            DialectArg::Documented => Options::documented(),
        };
        Options {
            approval: match self.approve {
                ApproveArg::AtOnce => Approval::AtOnce,
                ApproveArg::ByHand => Approval::ByHand,
                ApproveArg::Denied => Approval::Denied,
            },
            access_lifetime: self.tokens.0,
            discovery_window: OPEN,
            auto: (!self.silent).then_some(TALK),
            ..base
        }
    }

    fn tell(&self, url: &str) {
        if self.json {
            println!("{}", serde_json::json!({ "url": url, "handle": self.handle }));
            return;
        }
        println!("speakeasy, simulated, at {url} (Ctrl-C ends it; nothing is kept)");
        println!("with a daemon running (agent-bridge run), join it:");
        println!("  agent-bridge join speakeasy {url} --as lounge --handle {}", self.handle);
        match self.approve {
            ApproveArg::AtOnce => println!("{} lets the agent in at once", self.handle),
            ApproveArg::ByHand => println!("when it asks, you are asked here (or POST {{}} to {url}/_sim/approve)"),
            // The document has no word for a no.
            ApproveArg::Denied if matches!(self.dialect, DialectArg::Documented) => {
                println!("{} will decline, which nothing tells the agent", self.handle);
            }
            ApproveArg::Denied => println!("{} will decline", self.handle),
        }
    }

    /// Asks at the terminal about each agent that wants to come in, where that was wished for; never ends.
    async fn opens(&self, sim: &Sim) {
        if self.approve == ApproveArg::ByHand {
            door::keep(sim, self.json).await;
        }
        std::future::pending::<()>().await;
    }
}
