//! `agent-bridge act`: any verb of a workspace's platform.

use clap::Args;
use serde_json::{Map, Value, json};

use super::client::Remote;
use super::exit::{self, Fault};
use super::show::text;
use super::{Global, show};
use crate::api::Verb;
use crate::config::Span;

/// Do anything a workspace's platform can.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  agent-bridge act acme edit message=b2c1a3e8 text='Better so'\n  \
    agent-bridge act acme mark_read conversation=f8433e40 --wait 10s\n\n\
    A value that is JSON but no text is written with := as in limit:=5, state:=true or people:='[\"ann@x.example\"]'")]
pub struct Act {
    /// The workspace
    workspace: String,
    /// The verb
    verb: String,
    /// Arguments: KEY=TEXT or KEY:=JSON
    args: Vec<String>,
    #[command(flatten)]
    how: How,
}

/// How an action is asked for.
#[derive(Debug, Args)]
pub struct How {
    /// For 30 days the same key is the same action
    #[arg(long)]
    key: Option<String>,
    /// Wait for the receipt
    #[arg(long, default_value = "30s")]
    wait: Span,
    /// The receipt as JSON
    #[arg(long)]
    json: bool,
}

impl Act {
    /// Does it.
    pub async fn run(self, global: &Global) -> Result<(), Fault> {
        let args = self.args.iter().map(|pair| argument(pair)).collect::<Result<Map<_, _>, _>>()?;
        self.how.act(global, &self.workspace, &self.verb, args).await
    }
}

fn argument(pair: &str) -> Result<(String, Value), Fault> {
    let (key, value) = pair.split_once('=').ok_or_else(|| Fault::usage(format!("`{pair}` is no KEY=TEXT")))?;
    let Some(key) = key.strip_suffix(':') else { return Ok((key.to_owned(), value.into())) };
    let value = serde_json::from_str(value).map_err(|error| Fault::usage(format!("`{key}` is not JSON: {error}")))?;
    Ok((key.to_owned(), value))
}

impl How {
    /// Asks for the action and shows its receipt.
    pub async fn act(
        &self,
        global: &Global,
        workspace: &str,
        verb: &str,
        args: Map<String, Value>,
    ) -> Result<(), Fault> {
        let remote = Remote::needed(global).await?;
        let params = json!({
            "workspace": workspace, "verb": verb, "args": args, "key": self.key, "wait": self.wait.to_string(),
        });
        tell(&remote.ask(Verb::Act, &params).await?, self.json)
    }
}

/// Shows a receipt; what did not happen, or may not have, is no success.
pub fn tell(receipt: &Value, as_json: bool) -> Result<(), Fault> {
    if as_json {
        show::json(receipt)?;
    } else {
        let ids = show::list(receipt, "remote_ids").iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" ");
        // What is never stored has no id.
        show::line(show::clean(format!("{} {} {ids}", text(receipt, "id"), text(receipt, "state")).trim()))?;
        if let Some(note) = unsettled(receipt) {
            show::note(note);
        }
    }
    match text(receipt, "state").as_str() {
        "failed" => Err(Fault::new(exit::code_of(&text(receipt, "kind")), text(receipt, "message"))),
        "unknown" => Err(Fault::new(exit::TEMPORARY, text(receipt, "message"))),
        _ => Ok(()),
    }
}

/// What an action waits for that has not settled in time: its exit code is no error, for it goes on.
fn unsettled(receipt: &Value) -> Option<String> {
    if !matches!(text(receipt, "state").as_str(), "accepted" | "trying" | "doubtful") {
        return None;
    }
    let why =
        Some(text(receipt, "waits")).filter(|why| !why.is_empty()).unwrap_or_else(|| "it is under way".to_owned());
    let next = Some(text(receipt, "next_try")).filter(|next| !next.is_empty());
    let next = next.map_or_else(String::new, |next| format!("; next try {next}"));
    Some(format!(
        "not settled yet: {why}{next}; `agent-bridge receipt {}` says what becomes of it",
        text(receipt, "id")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_on_says_what_it_waits_for() {
        let waits = json!({ "id": "act_1", "state": "accepted", "waits": "the platform asks for patience (429)",
                            "next_try": "2026-03-22T18:00:01Z" });
        let said = unsettled(&waits).unwrap();
        assert!(said.contains("patience (429); next try 2026-03-22T18:00:01Z; `agent-bridge receipt act_1`"), "{said}");
        assert!(unsettled(&json!({ "id": "act_1", "state": "accepted" })).unwrap().contains("it is under way"));
        assert_eq!(unsettled(&json!({ "id": "act_1", "state": "confirmed" })), None);
    }

    #[test]
    fn arguments_are_texts_or_json() {
        assert_eq!(argument("text=a=b").unwrap(), ("text".into(), "a=b".into()));
        assert_eq!(argument("limit:=5").unwrap(), ("limit".into(), 5.into()));
        for bad in ["text", "x:=nope"] {
            assert_eq!(argument(bad).unwrap_err().code, exit::USAGE, "{bad}");
        }
    }

    #[test]
    fn what_did_not_happen_is_no_success() {
        let receipt = |state: &str| json!({ "id": "act_1", "state": state, "kind": "refused", "message": "no" });
        assert_eq!(tell(&receipt("failed"), true).unwrap_err().code, exit::DATA);
        assert_eq!(tell(&receipt("unknown"), true).unwrap_err().code, exit::TEMPORARY);
        assert!(tell(&receipt("confirmed"), true).is_ok());
    }
}
