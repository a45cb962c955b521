//! `agent-bridge status`.

use clap::Args;
use serde_json::{Value, json};

use super::client::{Client, Without};
use super::show::{list, text};
use super::{Fault, Global, show};
use crate::api::Verb;
use crate::clock::Clock;
use crate::config::Size;

/// How the bridge and its workspaces stand.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  agent-bridge status\n  agent-bridge status acme --json")]
pub struct Status {
    /// One workspace
    name: Option<String>,
    /// As JSON
    #[arg(long)]
    json: bool,
}

impl Status {
    /// Shows it.
    pub async fn run(self, global: &Global) -> Result<(), Fault> {
        let client = Client::find(global, Without::Store).await?;
        let answer = client.ask(Verb::Status, &json!({ "workspace": self.name })).await;
        let running = matches!(client, Client::Daemon(_));
        client.close().await?;
        let mut status = answer?;
        status["daemon"] = running.into();
        if self.json {
            return show::json(&status);
        }
        summary(&status, running)?;
        workspaces(&status)?;
        if self.name.is_some() {
            webhooks(&status)?;
            onboarding(&status)?;
        }
        documents(&status, self.name.is_some())?;
        consumers(&status)
    }
}

fn summary(status: &Value, running: bool) -> Result<(), Fault> {
    let Some(store) = status.get("store") else { return Ok(()) };
    let size = |key: &str| Size(store.get(key).and_then(Value::as_u64).unwrap_or(0) >> 10 << 10);
    let daemon = if running { "daemon runs" } else { "no daemon runs" };
    let (health, head) = (text(store, "health"), text(store, "head"));
    let dropped = store.get("dropped").and_then(Value::as_u64).filter(|dropped| *dropped > 0);
    let more = match (health.as_str(), dropped) {
        ("full", _) => "; intake is paused until there is room".to_owned(),
        (_, Some(dropped)) => format!("; {dropped} of the oldest events dropped for want of room"),
        _ => String::new(),
    };
    show::line(format!("{daemon}; store {health}: {} of {}; newest event {head}{more}", size("bytes"), size("budget")))
}

fn workspaces(status: &Value) -> Result<(), Fault> {
    let workspaces = list(status, "workspaces");
    if workspaces.is_empty() {
        return show::line("no workspaces: `agent-bridge join` takes a seat in one");
    }
    let now = Clock::system().now();
    show::table(SEATS, workspaces.iter().map(|workspace| seat(workspace, now)).collect())?;
    let lines = workspaces
        .iter()
        .flat_map(|workspace| list(workspace, "lines").iter().map(move |one| line(&text(workspace, "name"), one, now)));
    show::table(LINES, lines.collect())
}

/// Where a platform is to deliver whose webhook a person sets there.
fn webhooks(status: &Value) -> Result<(), Fault> {
    let mut told = list(status, "workspaces").iter().filter(|workspace| workspace.get("webhook_url").is_some());
    told.try_for_each(|workspace| show::line(format!("webhook URL to set there: {}", text(workspace, "webhook_url"))))
}

/// What the platform told the agent when it joined.
fn onboarding(status: &Value) -> Result<(), Fault> {
    let texts = list(status, "workspaces").iter().map(|workspace| text(workspace, "onboarding"));
    for text in texts.filter(|text| !text.is_empty()) {
        show::line("what the platform told the agent:")?;
        text.lines().try_for_each(|line| show::line(format!("  {}", show::clean(line))))?;
    }
    Ok(())
}

/// The columns of [`seat`].
const SEATS: &[&str] =
    &["workspace", "platform", "seat", "live", "lag", "credential ends", "next try", "held back", "what helps"];

fn seat(workspace: &Value, now: u64) -> Vec<String> {
    let mut help = ["trouble", "reason"].map(|key| text(workspace, key)).to_vec();
    help.insert(0, waits(workspace, now));
    // A seat that needs somebody gives its reason as its trouble, too.
    help.dedup();
    help.retain(|word| !word.is_empty());
    let command = text(workspace, "command");
    if !command.is_empty() {
        help.push(format!("run: {command}"));
    }
    let [name, platform, seat, mut live] = ["name", "platform", "seat", "live"].map(|key| text(workspace, key));
    if seat == "registered" {
        // Neither live nor not: there is nothing to hear of.
        live.clear();
        help.insert(0, NO_CHANNEL.to_owned());
    }
    let lag = workspace.get("lag").and_then(Value::as_u64).map(span).unwrap_or_default();
    let [ends, next] = ["credential_expires", "next_retry"].map(|key| when(workspace, key, now));
    let held_back = workspace.get("held_back").and_then(Value::as_u64).filter(|count| *count > 0);
    let held_back = held_back.map(|count| count.to_string()).unwrap_or_default();
    vec![name, platform, seat, live, lag, ends, next, held_back, help.join("; ")]
}

/// What a registered seat is, and all that can be said of it.
const NO_CHANNEL: &str = "joined; the platform has no work channel";

/// What a join waits for, and since when.
fn waits(workspace: &Value, now: u64) -> String {
    let Some(waits) = workspace.get("waits") else {
        let approved = workspace.get("approved").is_some();
        return if approved { "approved: the join goes on".to_owned() } else { String::new() };
    };
    let until = match when(waits, "ends", now) {
        end if end.is_empty() => end,
        end => format!(", which ends {end}"),
    };
    let doubt = match text(waits, "doubt") {
        none if none.is_empty() => none,
        doubt => format!("; {doubt}"),
    };
    format!("asked to be let in {}; waits for approval{until}{doubt}", when(waits, "since", now))
}

/// The columns of [`line`].
const LINES: &[&str] = &[
    "workspace",
    "line",
    "phase",
    "since",
    "evidence",
    "last byte",
    "last event",
    "cursor",
    "next try",
    "last trouble",
];

/// Documents that are edited live, of which `all` are shown or those that are open or in trouble.
fn documents(status: &Value, all: bool) -> Result<(), Fault> {
    let now = Clock::system().now();
    let of = |workspace: &Value| {
        let name = text(workspace, "name");
        let shown = list(workspace, "documents").iter().filter(|one| all || text(one, "state") != "closed");
        shown.map(|one| document(&name, one, now)).collect::<Vec<_>>()
    };
    let rows: Vec<_> = list(status, "workspaces").iter().flat_map(of).collect();
    if rows.is_empty() { Ok(()) } else { show::table(DOCUMENTS, rows) }
}

/// The columns of [`document`].
const DOCUMENTS: &[&str] = &["workspace", "document", "title", "type", "state", "since", "next try", "trouble"];

fn document(workspace: &str, document: &Value, now: u64) -> Vec<String> {
    let [id, title, kind, state, why] = ["id", "title", "kind", "state", "why"].map(|key| text(document, key));
    let [since, next] = ["since", "next_retry"].map(|key| when(document, key, now));
    vec![workspace.to_owned(), id, title, kind, state, since, next, why]
}

fn line(workspace: &str, line: &Value, now: u64) -> Vec<String> {
    let [name, phase, evidence, cursor] = ["line", "phase", "evidence", "cursor"].map(|key| text(line, key));
    let [since, byte, event, next] = ["since", "last_byte", "last_event", "next_retry"].map(|key| when(line, key, now));
    vec![workspace.to_owned(), name, phase, since, evidence, byte, event, cursor, next, wrong(line, now)]
}

/// What is wrong now, or what ended the last stream.
fn wrong(line: &Value, now: u64) -> String {
    let error = text(line, "error");
    match line.get("last_drop").filter(|drop| error.is_empty() && drop.is_object()) {
        Some(drop) => format!("{}: {}", when(drop, "at", now), text(drop, "why")),
        None => error,
    }
}

/// The time at `key` as seen from `now`; empty where there is none.
fn when(value: &Value, key: &str, now: u64) -> String {
    match value.get(key).and_then(Value::as_u64) {
        None => String::new(),
        Some(at) if at > now => format!("in {}", span(at - now)),
        Some(at) => format!("{} ago", span(now - at)),
    }
}

/// Milliseconds in the largest unit that fits.
fn span(millis: u64) -> String {
    let units = [("d", 86_400_000), ("h", 3_600_000), ("min", 60_000), ("s", 1_000)];
    let unit = units.iter().find(|(_, size)| millis >= *size);
    unit.map_or_else(|| "0 s".to_owned(), |(unit, size)| format!("{} {unit}", millis / size))
}

fn consumers(status: &Value) -> Result<(), Fault> {
    let consumers = list(status, "consumers");
    if consumers.is_empty() {
        return Ok(());
    }
    show::table(super::consumer::HEADERS, consumers.iter().map(super::consumer::row).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_workspace_shows_all_that_section_nine_of_the_design_asks_for() {
        let now = 1_000_000_000;
        let one = json!({
            "line": "sse", "phase": "waiting", "since": now - 61_000, "last_byte": now - 62_000,
            "last_event": now - 7_200_000, "cursor": "e-17", "next_retry": now + 5_000, "error": "HTTP 502",
            "evidence": null,
        });
        let workspace = json!({
            "name": "acme", "platform": "agentunited", "seat": "needs_action", "live": false, "lag": 62_000,
            "credential_expires": now + 86_400_000, "next_retry": null, "trouble": "refused", "reason": "refused",
            "command": "agent-bridge join …", "lines": [one], "held_back": 7,
        });
        let shown = [
            "acme",
            "agentunited",
            "needs_action",
            "false",
            "1 min",
            "in 1 d",
            "",
            "7",
            "refused; run: agent-bridge join …",
        ];
        assert_eq!(seat(&workspace, now), shown);
        let shown = ["acme", "sse", "waiting", "1 min ago", "", "1 min ago", "2 h ago", "e-17", "in 5 s", "HTTP 502"];
        assert_eq!(line("acme", &one_of(&workspace), now), shown);
    }

    #[test]
    fn a_document_says_how_it_stands_and_why() {
        let now = 1_000_000_000;
        let one = json!({ "id": "d", "title": "Trip", "kind": "draft", "own": true, "state": "waiting", "why": "HTTP 502",
            "since": now - 2_000, "next_retry": now + 5_000 });
        let shown = ["plans", "d", "Trip", "draft", "waiting", "2 s ago", "in 5 s", "HTTP 502"];
        assert_eq!(document("plans", &one, now), shown);
        let closed = json!({ "id": "d", "title": null, "kind": null, "own": false, "state": "closed", "since": null });
        assert_eq!(document("plans", &closed, now), ["plans", "d", "", "", "closed", "", "", ""]);
    }

    #[test]
    fn a_workspace_that_waits_says_for_what_and_since_when_and_shows_no_countdown_of_its_own() {
        let now = 1_000_000_000;
        let mut workspace = json!({
            "name": "den", "platform": "p", "seat": "joining", "waits": { "since": now - 61_000, "ends": null },
        });
        let help = |workspace: &Value| seat(workspace, now).pop().unwrap();
        assert_eq!(help(&workspace), "asked to be let in 1 min ago; waits for approval");
        workspace["waits"]["ends"] = json!(now + 120_000);
        assert_eq!(help(&workspace), "asked to be let in 1 min ago; waits for approval, which ends in 2 min");
        workspace["waits"]["doubt"] = json!("an answer was lost");
        assert!(help(&workspace).ends_with("which ends in 2 min; an answer was lost"), "{}", help(&workspace));
    }

    #[test]
    fn a_registered_workspace_is_said_to_be_one_and_not_to_be_dead() {
        let workspace = json!({ "name": "tw", "platform": "p", "seat": "registered", "live": false, "lag": 0 });
        let shown = seat(&workspace, 1_000);
        assert_eq!((shown[2].as_str(), shown[3].as_str(), shown[8].as_str()), ("registered", "", NO_CHANNEL));
    }

    fn one_of(workspace: &Value) -> Value {
        list(workspace, "lines")[0].clone()
    }
}
