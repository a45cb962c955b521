//! Watches a join that somebody must approve. Who asks the platform is the daemon, or what runs in its place here.

use std::time::Duration;

use serde_json::{Value, json};

use crate::api::Verb;
use crate::cli::client::Client;
use crate::cli::exit::{self, Fault};
use crate::cli::show;
use crate::clock::rfc3339;

/// How often it is looked, here and not on the platform.
const LOOK: Duration = Duration::from_millis(500);

/// Whether a join has come to where somebody must decide.
pub fn is_due(workspace: &Value) -> bool {
    workspace.get("waits").is_some() || workspace.get("approved").is_some()
}

/// Says what it waits for, and that going away is fine.
pub fn explain(workspace: &Value, daemon: bool) {
    let until = workspace.pointer("/waits/ends").and_then(Value::as_u64);
    let until = until.map_or_else(String::new, |ends| format!(" until {}", rfc3339(ends)));
    let on = if daemon { "the daemon goes on" } else { "the same command goes on, or `agent-bridge run`" };
    show::note(format!("asked to be let in; waiting for approval{until}. Ctrl-C is fine: {on}"));
}

/// Waits until somebody has decided, and returns the workspace as it stands then.
pub async fn wait(client: &Client, name: &str) -> Result<Value, Fault> {
    loop {
        tokio::time::sleep(LOOK).await;
        let answer = client.ask(Verb::Status, &json!({ "workspace": name })).await?;
        let Some(workspace) = show::list(&answer, "workspaces").first() else {
            return Err(Fault::new(exit::NO_INPUT, format!("`{name}` was left while it waited")));
        };
        if is_due(workspace) {
            continue;
        }
        return match show::text(workspace, "seat").as_str() {
            "signed_in" | "signed_out" | "registered" => Ok(workspace.clone()),
            _ => Err(ended(workspace)),
        };
    }
}

fn ended(workspace: &Value) -> Fault {
    let [reason, command] = ["reason", "command"].map(|key| show::text(workspace, key));
    let why = if reason.is_empty() { "the join did not come to its end".to_owned() } else { reason };
    let help = if command.is_empty() { String::new() } else { format!("; to ask again, run: {command}") };
    Fault::new(exit::DATA, format!("{why}{help}"))
}
