//! A small agent on the bridge's socket: whatever anybody says, it says again; where it is mentioned in a document it
//! writes that below, and suggests to call it answered.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, bail};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::time::Instant;

/// Pauses between two looks at a receipt.
const LOOK: Duration = Duration::from_millis(50);

/// The agent's end of the socket.
pub struct Echo {
    lines: Lines<BufReader<OwnedReadHalf>>,
    write: OwnedWriteHalf,
    calls: u64,
    events: std::collections::VecDeque<Value>,
}

/// An event that was handed over and is not settled yet.
pub struct Handed {
    seq: Value,
    /// The CloudEvent.
    pub event: Value,
}

/// One thing that the agent did in answer to an event.
pub struct Answer {
    /// The verb.
    pub verb: &'static str,
    /// What it wrote.
    pub text: String,
    /// The action's id.
    pub action: String,
    /// Its receipt, as far as it was waited for.
    pub receipt: Value,
}

impl Echo {
    /// Connects and becomes the reader of consumer `main`.
    pub async fn connect(socket: &Path) -> anyhow::Result<Self> {
        let stream = UnixStream::connect(socket).await.with_context(|| format!("cannot reach {}", socket.display()))?;
        let (read, write) = stream.into_split();
        let lines = BufReader::new(read).lines();
        let mut echo = Self { lines, write, calls: 0, events: std::collections::VecDeque::new() };
        echo.call("subscribe", json!({ "consumer": "main" })).await?;
        Ok(echo)
    }

    /// The next event.
    pub async fn next(&mut self) -> anyhow::Result<Handed> {
        loop {
            if let Some(mut params) = self.events.pop_front() {
                return Ok(Handed { seq: params["delivery"]["seq"].take(), event: params["event"].take() });
            }
            let message = self.read().await?;
            self.keep(message);
        }
    }

    /// Settles an event: what somebody else said is answered in one commit with its ack, and the receipts are waited for
    /// until `deadline`; anything else is acked only.
    pub async fn answer(&mut self, handed: &Handed, deadline: Instant) -> anyhow::Result<Vec<Answer>> {
        let answers = answers(&handed.event);
        let actions: Vec<_> = answers.iter().map(|(verb, _, args)| json!({ "verb": verb, "args": args })).collect();
        let settled = self.call("ack", json!({ "seq": handed.seq, "actions": actions })).await?;
        let mut given = Vec::new();
        for (index, (verb, text, _)) in answers.into_iter().enumerate() {
            let action = settled["actions"][index]["id"].as_str().context("the ack names its actions")?.to_owned();
            let receipt = self.receipt(&action, deadline).await?;
            given.push(Answer { verb, text, action, receipt });
        }
        Ok(given)
    }

    async fn receipt(&mut self, action: &str, deadline: Instant) -> anyhow::Result<Value> {
        loop {
            let receipt = self.call("receipt", json!({ "id": action })).await?;
            let open = ["accepted", "trying", "doubtful"].iter().any(|state| receipt["state"] == *state);
            if !open || Instant::now() >= deadline {
                return Ok(receipt);
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    async fn call(&mut self, method: &str, params: Value) -> anyhow::Result<Value> {
        self.calls += 1;
        let id = self.calls;
        let line = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
        self.write.write_all(format!("{line}\n").as_bytes()).await.context("the bridge has closed the socket")?;
        loop {
            let mut message = self.read().await?;
            if message["id"] != id {
                self.keep(message);
            } else if message.get("error").is_some() {
                bail!("the bridge refuses `{method}`: {}", message["error"]["message"]);
            } else {
                return Ok(message["result"].take());
            }
        }
    }

    fn keep(&mut self, mut message: Value) {
        if message["method"] == "event" {
            self.events.push_back(message["params"].take());
        }
    }

    async fn read(&mut self) -> anyhow::Result<Value> {
        let line = self.lines.next_line().await?.context("the bridge has closed the socket")?;
        serde_json::from_str(&line).context("the bridge speaks JSON")
    }
}

/// What the agent does about an event, in order: the verb, what it writes, and the verb's arguments.
fn answers(event: &Value) -> Vec<(&'static str, String, Value)> {
    let (data, conversation) = (&event["data"], &event["data"]["conversation"]["id"]);
    let Some(text) = data["message"]["text"].as_str() else { return Vec::new() };
    match event["type"].as_str() {
        Some("message.created") if data["author"]["me"] == false => {
            let said = format!("You said: {text}");
            vec![("send", said.clone(), json!({ "conversation": conversation, "text": said }))]
        }
        Some("mention.created") => {
            let wish = wish(text);
            let (said, answered) = (format!("You said: {wish}"), format!("{wish} (answered)"));
            let edit = json!({ "conversation": conversation, "op": "append", "text": said });
            // What a person wrote is a person's to change.
            let suggest = json!({ "conversation": conversation, "search": text, "text": answered });
            vec![("document.edit", said, edit), ("suggest", answered, suggest)]
        }
        _ => Vec::new(),
    }
}

/// What a mention asks for, without the name that it begins with.
fn wish(text: &str) -> &str {
    let named = text.strip_prefix('@').and_then(|rest| rest.split_once(' '));
    named.map_or(text, |(_, wish)| wish)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_say_is_answered_where_it_was_said_and_nothing_else() {
        let said = |kind: &str, me: bool, text: &str| {
            let data = json!({ "conversation": { "id": "c" }, "author": { "me": me }, "message": { "text": text } });
            answers(&json!({ "type": kind, "data": data }))
        };
        let answered = said("message.created", false, "hi");
        assert_eq!(answered[0].0, "send");
        assert_eq!(answered[0].2, json!({ "conversation": "c", "text": "You said: hi" }));
        let mentioned = said("mention.created", false, "@Atlas add a budget");
        let verbs: Vec<_> = mentioned.iter().map(|(verb, text, _)| (*verb, text.as_str())).collect();
        assert_eq!(
            verbs,
            [("document.edit", "You said: add a budget"), ("suggest", "add a budget (answered)")],
            "its own words do not mention it, or a person's next mention would stand there already"
        );
        assert_eq!(mentioned[1].2["search"], "@Atlas add a budget");
        assert!(said("message.created", true, "hi").is_empty() && said("message.updated", false, "hi").is_empty());
        assert!(answers(&json!({ "type": "workspace.connected", "data": {} })).is_empty());
    }
}
