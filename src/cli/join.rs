//! `agent-bridge join`: prompts first, then the join; no secret is ever an argument.

mod approval;
mod recognise;
mod secret;

pub use secret::obtain;

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::time::Duration;

use clap::Args;
use indicatif::ProgressBar;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use super::client::{Client, Without};
use super::exit::Fault;
use super::{Global, show};
use crate::adapter::{Manifest, Manifests};
use crate::api::Verb;
use crate::event::WorkspaceName;

/// The secret that `--code` gives.
const CODE: &str = "code";

/// Take a seat in a workspace.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    agent-bridge join 'https://host/invite?token=…' --as acme\n  \
    agent-bridge join agentunited 'https://host/invite?token=…' --as acme\n  \
    agent-bridge join agentunited https://host --as acme --email me@example.com --secret password=@pw.txt\n  \
    agent-bridge join agentunited https://host --as acme --secret api_key\n  \
    agent-bridge join office https://host --as den --code ABCD1234 --agent-name jared\n\n\
    A secret comes from a file (name=@FILE), from standard input (name=-), or from a prompt (name).\n\
    An invite link works once; it stays in your shell's history all the same.")]
pub struct Join {
    /// The platform (`agent-bridge check` lists them), or the link or URL alone where that says it
    platform: String,
    /// An invite link, or the instance's URL
    url: Option<String>,
    /// The name it gets here
    #[arg(long = "as", value_name = "NAME")]
    name: String,
    /// The instance, where the link points at a relay
    #[arg(long, value_name = "URL")]
    instance: Option<String>,
    /// The e-mail of an account that you have already
    #[arg(long)]
    email: Option<String>,
    /// The handle of the person who lets the agent in
    #[arg(long)]
    handle: Option<String>,
    /// The invite code for an agent; it works once
    #[arg(long)]
    code: Option<String>,
    /// How the agent is to be called there
    #[arg(long, value_name = "NAME")]
    agent_name: Option<String>,
    /// A setting of the platform
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// A secret of the platform: name=@FILE, name=- (standard input), or name (a prompt)
    #[arg(long, value_name = "NAME[=@FILE|=-]")]
    secret: Vec<String>,
    /// The answer as JSON
    #[arg(long)]
    json: bool,
}

impl Join {
    /// Asks for what is missing, then joins.
    pub async fn run(mut self, global: &Global) -> Result<(), Fault> {
        let name = WorkspaceName::new(&self.name).map_err(Fault::usage)?;
        let config = global.load_config()?;
        let manifests = Manifests::load(config.adapters_dir.as_deref())?;
        let manifest = match manifests.get(&self.platform) {
            Some(manifest) => manifest,
            None if self.url.is_none() && recognise::is_place(&self.platform) => {
                let manifest = recognise::platform(&self, &manifests, &config).await?;
                self.url = Some(std::mem::replace(&mut self.platform, manifest.platform.clone()));
                manifest
            }
            None => {
                let known: Vec<_> = manifests.platforms().collect();
                let word = format!("there is no platform `{}`: known are {}", self.platform, known.join(", "));
                return Err(Fault::usage(word));
            }
        };
        let params = self.params(&name, &manifest)?;
        // Nothing below prompts: where no daemon runs, the store is locked from here to the end of the join.
        let client = Client::find(global, Without::NewStore).await?;
        let spinner = spinner(&format!("joining {} as {name}", manifest.title));
        let joined = client.ask(Verb::Join, &params).await;
        spinner.finish_and_clear();
        let live = matches!(client, Client::Daemon(_));
        let joined = self.approved(&client, joined, live).await;
        client.close().await?;
        self.show(&joined?, live)
    }

    /// Where somebody must decide first: waits for that.
    async fn approved(&self, client: &Client, joined: Result<Value, Fault>, live: bool) -> Result<Value, Fault> {
        let joined = joined?;
        if !approval::is_due(&joined) {
            return Ok(joined);
        }
        approval::explain(&joined, live);
        let spinner = spinner("waiting for approval");
        let decided = approval::wait(client, &self.name).await;
        spinner.finish_and_clear();
        let mut decided = decided?;
        decided["steps"] = joined.get("steps").cloned().unwrap_or_default();
        Ok(decided)
    }

    fn params(&self, name: &WorkspaceName, manifest: &Manifest) -> Result<Value, Fault> {
        let (settings, secrets) = (self.settings(manifest)?, self.secrets(manifest)?);
        let link = self.url.as_deref().filter(|url| url.contains('?')).map(|_| "link");
        if let Some(what) = link.or_else(|| self.code.as_deref().map(|_| "code")) {
            show::note(format!("note: a {what} given as an argument stays in the shell's history; it works once"));
        }
        let secrets: BTreeMap<_, _> = secrets.iter().map(|(name, secret)| (name, secret.expose_secret())).collect();
        Ok(json!({
            "platform": self.platform, "name": name.as_str(), "link": self.url, "instance": self.instance,
            "settings": settings, "secrets": secrets,
        }))
    }

    fn show(&self, joined: &Value, live: bool) -> Result<(), Fault> {
        if self.json {
            return show::json(joined);
        }
        for step in show::list(joined, "steps").iter().filter_map(Value::as_str) {
            show::line(show::clean(step))?;
        }
        let registered = show::text(joined, "seat") == "registered";
        let more = if registered { ": registered there, for the platform has no work channel" } else { "" };
        show::line(format!("joined `{}`{more}", self.name))?;
        if joined.get("onboarding").is_some() {
            show::note(format!("the platform has something to say to the agent: agent-bridge status {}", self.name));
        }
        if !live {
            show::note("no daemon runs: `agent-bridge run` brings it to life");
        }
        Ok(())
    }

    fn settings(&self, manifest: &Manifest) -> Result<BTreeMap<String, String>, Fault> {
        let mut settings: BTreeMap<String, String> = BTreeMap::new();
        settings.extend(self.email.clone().map(|email| ("email".to_owned(), email)));
        settings.extend(self.handle.clone().map(|handle| ("handle".to_owned(), handle)));
        settings.extend(self.agent_name.clone().map(|name| ("agent_name".to_owned(), name)));
        for pair in &self.set {
            let (key, value) = pair.split_once('=').ok_or_else(|| Fault::usage("--set wants KEY=VALUE"))?;
            if manifest.ask.secrets.get(key).is_some() {
                let word = format!("`{key}` is a secret: give it by --secret {key}=@FILE, never as an argument");
                return Err(Fault::usage(word));
            }
            settings.insert(key.to_owned(), value.to_owned());
        }
        Ok(settings)
    }

    fn secrets(&self, manifest: &Manifest) -> Result<BTreeMap<String, SecretString>, Fault> {
        let mut secrets = BTreeMap::new();
        if let Some(code) = &self.code {
            // It is used up by joining: the one kind of secret that may be an argument.
            let takes = manifest.ask.secrets.get(CODE).is_some_and(|secret| secret.one_use && !secret.taken);
            if !takes {
                return Err(Fault::usage(format!("{} has no invite codes: leave --code out", manifest.title)));
            }
            secrets.insert(CODE.to_owned(), SecretString::from(code.clone()));
        }
        for given in &self.secret {
            let (name, from) = given.split_once('=').map_or((given.as_str(), None), |(name, from)| (name, Some(from)));
            secret::is_asked(manifest, name)?;
            secrets.insert(name.to_owned(), secret::obtain(name, from)?);
        }
        // Somebody who names an account has its password; asking beats failing.
        let password = manifest.ask.secrets.get("password").is_some();
        if self.email.is_some() && password && secrets.is_empty() && std::io::stdin().is_terminal() {
            secrets.insert("password".to_owned(), secret::obtain("password", None)?);
        }
        Ok(secrets)
    }
}

/// Something moves while it takes long; nothing is drawn where nobody looks.
fn spinner(text: &str) -> ProgressBar {
    let spinner = ProgressBar::new_spinner().with_message(text.to_owned());
    if std::io::stderr().is_terminal() {
        spinner.enable_steady_tick(Duration::from_millis(120));
    }
    spinner
}
