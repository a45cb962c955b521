//! `agent-bridge check`: config, manifests and store, without changing anything.

use clap::Args;
use serde_json::{Value, json};

use super::client::{Client, Without};
use super::{Fault, Global, show};
use crate::adapter::Manifests;
use crate::api::Verb;
use crate::config::{Config, places};
use crate::ingress;

/// Look whether config, manifests and store are good, and say what `run` would run.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  agent-bridge check\n  agent-bridge --config ./config.toml check --json")]
pub struct Check {
    /// As JSON
    #[arg(long)]
    json: bool,
}

impl Check {
    /// Looks; the first thing that is wrong ends it.
    pub async fn run(self, global: &Global) -> Result<(), Fault> {
        let (config, places) = (global.load_config()?, global.places()?);
        let file = places::config_file(global.config.as_deref());
        let manifests = Manifests::load(config.adapters_dir.as_deref())?;
        let (agent, control) = (places.agent_socket()?, places.control_socket()?);
        let file = file.map_or_else(|| "none: defaults".to_owned(), |file| file.display().to_string());
        let consumers: Vec<_> = config.consumer.iter().map(|consumer| consumer.name.clone()).collect();
        let workspaces = workspaces(global, &places).await?;
        let names: Vec<_> = workspaces.iter().map(|workspace| show::text(workspace, "name")).collect();
        let mut found = json!({
            "config": file, "platforms": manifests.platforms().collect::<Vec<_>>(), "consumers": consumers,
            "store": places.store(), "sockets": [agent, control], "workspaces": names,
        });
        if let Some(listen) = config.ingress.listen {
            found["ingress"] = listen.to_string().into();
        }
        let moved: Vec<_> =
            workspaces.iter().filter_map(|workspace| elsewhere(workspace, &manifests, &config)).collect();
        if !moved.is_empty() {
            found["warnings"] = moved.into();
        }
        if self.json {
            return show::json(&found);
        }
        let rows = found.as_object().into_iter().flatten().map(|(what, value)| vec![what.clone(), plain(value)]);
        show::table(&["what", "found"], rows.collect())
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(", "),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// A workspace whose platform delivers elsewhere than to this bridge, or nowhere, and what to do.
fn elsewhere(workspace: &Value, manifests: &Manifests, config: &Config) -> Option<String> {
    let ([name, platform, seat], public) =
        (["name", "platform", "seat"].map(|key| show::text(workspace, key)), config.ingress.public_url.as_ref());
    if let Some(base) = workspace["delivers_to"].as_str() {
        return ingress::moved(&name, base, public);
    }
    // Where the seat was taken away, what it was told has been forgotten.
    let could = seat != "revoked" && manifests.get(&platform)?.tells_where_to_deliver();
    public.filter(|_| could).map(|public| ingress::untold(&name, public))
}

/// The joined workspaces; a store that is not there yet has none.
async fn workspaces(global: &Global, places: &crate::config::Places) -> Result<Vec<Value>, Fault> {
    let client = match Client::find(global, Without::Store).await {
        Err(fault) if fault.code == super::exit::NO_INPUT && !places.store().exists() => return Ok(Vec::new()),
        found => found?,
    };
    let answer = client.ask(Verb::Workspaces, &json!({})).await;
    client.close().await?;
    Ok(show::list(&answer?, "workspaces").to_vec())
}
