//! `agent-bridge sim agentunited`.

use agent_bridge_sim::agentunited::{Accept, Options, Stream};
use agent_bridge_sim::run_agentunited;
use anyhow::Context;
use clap::{Args, ValueEnum};

use super::TALK;

/// What to serve.
#[derive(Debug, Args)]
pub struct Serve {
    /// The port on 127.0.0.1; 0 takes a free one.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// How its stream behaves.
    #[arg(long, value_enum, default_value_t = StreamArg::Observed)]
    stream: StreamArg,
    /// How it takes an invite.
    #[arg(long, value_enum, default_value_t = AcceptArg::Password)]
    accept: AcceptArg,
    /// Nobody there talks by themselves.
    #[arg(long)]
    silent: bool,
    /// One JSON object: `url`, `invite`, and `central_jwt` where that is needed.
    #[arg(long)]
    json: bool,
}

/// How the stream behaves.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum StreamArg {
    /// As the platform's document says: ids, replay, no cut.
    Documented,
    /// As it was seen: no ids, no replay, cut after 15 s, direct messages left out.
    Observed,
}

/// How an invite is taken.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum AcceptArg {
    /// The document's dialect: a password.
    Password,
    /// The newer servers' dialect: a token of the central login.
    Central,
}

impl Serve {
    /// Serves until Ctrl-C.
    pub async fn run(self) -> anyhow::Result<()> {
        let options = Options {
            stream: match self.stream {
                StreamArg::Documented => Stream::Documented,
                StreamArg::Observed => Stream::Observed,
            },
            accept: match self.accept {
                AcceptArg::Password => Accept::Password,
                AcceptArg::Central => Accept::Central,
            },
            auto: (!self.silent).then_some(TALK),
            ..Options::default()
        };
        let (sim, serving) =
            run_agentunited(options, self.port).await.context("the simulated platform cannot listen")?;
        let invite = sim.invite(None);
        let central = matches!(self.accept, AcceptArg::Central).then(|| sim.central_jwt());
        if self.json {
            println!("{}", serde_json::json!({ "url": serving.url(), "invite": invite, "central_jwt": central }));
        } else {
            println!("agentunited, simulated, at {} (Ctrl-C ends it; nothing is kept)", serving.url());
            println!("with a daemon running (agent-bridge run), join it:");
            let secret = if central.is_some() { " --secret central_jwt=-" } else { "" };
            println!("  agent-bridge join agentunited '{invite}' --as sim{secret}");
            if let Some(token) = central {
                println!("central_jwt, for its standard input: {token}");
            }
        }
        tokio::signal::ctrl_c().await.context("cannot listen for Ctrl-C")?;
        serving.stop().await;
        Ok(())
    }
}
