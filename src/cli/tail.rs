//! `agent-bridge tail`: watches the feed; changes nothing.

use clap::Args;
use serde_json::Value;

use super::Global;
use super::client::Remote;
use super::exit::{self, Fault};
use super::show::{self, text};

/// Watch the feed.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  agent-bridge tail\n  agent-bridge tail --from start --once --json\n  \
    agent-bridge tail --types 'message.*' --workspaces acme")]
pub struct Tail {
    /// One JSON object a line
    #[arg(long)]
    json: bool,
    /// now, start, a sequence (behind it), or a time
    #[arg(long, default_value = "now")]
    from: String,
    /// End when there is nothing more
    #[arg(long)]
    once: bool,
    /// Only these workspaces (comma-separated)
    #[arg(long)]
    workspaces: Option<String>,
    /// Only these types; * stands for any run of characters
    #[arg(long)]
    types: Option<String>,
    /// Only these conversations
    #[arg(long)]
    conversations: Option<String>,
    /// Only these authors
    #[arg(long)]
    authors: Option<String>,
    #[command(flatten)]
    whose: Whose,
}

/// Whose events are shown.
#[derive(Debug, Args)]
struct Whose {
    /// Only what is meant for the agent
    #[arg(long)]
    mentions_me: bool,
    /// The agent's own echoes as well
    #[arg(long)]
    own: bool,
}

impl Tail {
    /// Watches until the feed, or the reader of stdout, ends.
    pub async fn run(self, global: &Global) -> Result<(), Fault> {
        let remote = Remote::needed(global).await?;
        let mut answer = remote.feed(&self.query()).await?;
        let mut buffer: Vec<u8> = Vec::new();
        let lost = |_| Fault::new(exit::TEMPORARY, "the feed broke off: did the daemon stop?");
        while let Some(chunk) = answer.chunk().await.map_err(lost)? {
            buffer.extend_from_slice(&chunk);
            let whole = buffer.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
            buffer[..whole].split(|byte| *byte == b'\n').try_for_each(|line| self.take(line))?;
            buffer.drain(..whole);
        }
        Ok(())
    }

    fn query(&self) -> Vec<(&'static str, String)> {
        let lists = [
            ("from", Some(&self.from)),
            ("workspaces", self.workspaces.as_ref()),
            ("types", self.types.as_ref()),
            ("conversations", self.conversations.as_ref()),
            ("authors", self.authors.as_ref()),
        ];
        let flags = [("once", self.once), ("mentions_me", self.whose.mentions_me), ("own", self.whose.own)];
        let lists = lists.into_iter().filter_map(|(key, value)| Some((key, value?.clone())));
        lists.chain(flags.into_iter().filter(|(_, on)| *on).map(|(key, _)| (key, "true".to_owned()))).collect()
    }

    /// One line of the bridge's own event stream, which writes an event's data on one line.
    fn take(&self, line: &[u8]) -> Result<(), Fault> {
        if let Some(gap) = line.strip_prefix(b": events ") {
            show::note(format!("events {}", String::from_utf8_lossy(gap)));
        }
        let Some(event) = line.strip_prefix(b"data: ") else { return Ok(()) };
        if self.json {
            return show::line(show::json_text(&String::from_utf8_lossy(event)));
        }
        show::line(readable(&serde_json::from_slice(event).unwrap_or_default()))
    }
}

/// One event as a line for people. Control characters of the platform never reach the terminal.
fn readable(event: &Value) -> String {
    let at = |pointer: &str| event.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let author = [at("/data/author/name"), at("/data/author/id")].into_iter().find(|name| !name.is_empty());
    let settled = [at("/data/receipt/verb"), at("/data/receipt/state"), at("/data/receipt/id")].join(" ");
    let changed = show::changes(at("/data/diff"));
    let told = [at("/data/message/text"), at("/data/reason"), &changed, settled.trim()];
    let said = told.into_iter().find(|text| !text.is_empty());
    let line = format!(
        "{} {} {} {} {} {} {}",
        at("/sequence").trim_start_matches('0'),
        text(event, "time"),
        text(event, "workspace"),
        // What `send` wants to be told where a workspace has no main direct conversation.
        Some(at("/data/conversation/id")).filter(|id| !id.is_empty()).unwrap_or("-"),
        text(event, "type"),
        author.unwrap_or("-"),
        said.unwrap_or_default()
    );
    show::clean(&line)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_line_for_people_carries_no_control_characters() {
        let event = json!({ "sequence": "00000000000000000042", "time": "T", "workspace": "acme",
            "type": "message.created", "data": { "conversation": { "id": "c1" }, "author": { "id": "u1" },
            "message": { "text": "a\u{1b}[2Jb\nc" } } });
        assert_eq!(readable(&event), "42 T acme c1 message.created u1 a [2Jb c");
        let event =
            json!({ "sequence": "1", "time": "T", "workspace": "acme", "type": "workspace.connected", "data": {} });
        assert_eq!(readable(&event), "1 T acme - workspace.connected - ");
        let event = json!({ "sequence": "2", "time": "T", "workspace": "plans", "type": "document.changed",
            "data": { "conversation": { "id": "d1" }, "diff": "@ 3\n-Rome.\n+Mi\u{1b}lan.\n" } });
        assert_eq!(readable(&event), "2 T plans d1 document.changed - -Rome. | +Mi lan.");
    }
}
