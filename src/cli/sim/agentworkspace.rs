//! `agent-bridge sim agentworkspace`.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use agent_bridge_sim::agentworkspace::{DocumentType, Options};
use agent_bridge_sim::run_agentworkspace;
use anyhow::Context;
use clap::Args;

use super::TALK;

/// What stands in the draft.
const TEXT: &str = "The majority of travellers fly to Rome.\n\nTwo days in Rome.";

/// What to serve.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  agent-bridge sim agentworkspace                       a draft, its share link, and somebody who mentions your agent in it
  agent-bridge sim agentworkspace --key-file ak.txt     the agent's own key, too: its documents, calendar and e-mail
  agent-bridge sim agentworkspace --json --silent       for scripts; drive it over /_sim (see sim/README.md)")]
pub struct Serve {
    /// The port on 127.0.0.1; 0 takes a free one.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// The agent's name there: people mention it by this.
    #[arg(long, default_value = "Atlas")]
    name: String,
    /// A new file for the agent's own key.
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// Nobody there asks or edits by themselves.
    #[arg(long)]
    silent: bool,
    /// One JSON object: `url`, `link`, `document`, `name`, `api_key`, `webhook_secret`.
    #[arg(long)]
    json: bool,
}

impl Serve {
    /// Serves until Ctrl-C.
    pub async fn run(self) -> anyhow::Result<()> {
        let options = Options { auto: (!self.silent).then_some(TALK), ..Options::default() };
        let (sim, serving) =
            run_agentworkspace(options, self.port).await.context("the simulated platform cannot listen")?;
        let agent = sim.agent(&self.name);
        sim.enable_email(&agent, "agent");
        let key = sim.api_key(&agent);
        if let Some(file) = &self.key_file {
            keep(&key, file)?;
        }
        let document = sim.document(&agent, "Trip to Italy", DocumentType::Draft, TEXT);
        let link = sim.share_link(&sim.share(&document));
        if self.json {
            let (url, name, secret) = (serving.url(), &self.name, sim.webhook_secret(&agent));
            let said = serde_json::json!({ "url": url, "link": link, "document": document, "name": name,
                                           "api_key": key, "webhook_secret": secret });
            println!("{said}");
        } else {
            self.tell(&serving.url(), &link);
        }
        tokio::signal::ctrl_c().await.context("cannot listen for Ctrl-C")?;
        serving.stop().await;
        Ok(())
    }

    fn tell(&self, url: &str, link: &str) {
        println!("agentworkspace, simulated, at {url} (Ctrl-C ends it; nothing is kept)");
        println!("with a daemon running (agent-bridge run), join the draft `Trip to Italy`:");
        println!("  agent-bridge join agentworkspace '{link}' --as study --set display_name='{}'", self.name);
        if let Some(file) = &self.key_file {
            println!("and the agent's own desk (documents, calendar, e-mail):");
            println!("  agent-bridge join agentworkspace {url} --as desk --secret api_key=@{}", file.display());
        }
        if !self.silent {
            println!("once it has joined, Pierre mentions it there, edits, and takes what it suggests");
        }
    }
}

/// Writes a key into a file of its own, for nobody else to read.
fn keep(key: &str, file: &Path) -> anyhow::Result<()> {
    let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(file);
    let wrote = made.and_then(|mut made| made.write_all(format!("{key}\n").as_bytes()));
    wrote.with_context(|| format!("the key goes into a new file, and {} cannot be made: name another", file.display()))
}
