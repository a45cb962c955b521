//! A small agent on the bridge's socket: whatever anybody says, it says again.

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

/// One event and what became of the answer to it.
pub struct Answered {
    /// The CloudEvent.
    pub event: Value,
    /// The action's id; `None` where the event was acked only.
    pub action: Option<String>,
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

    /// Takes the next event. A message of somebody else is answered in one commit with its ack, and the receipt is waited
    /// for until `deadline`; anything else is acked.
    pub async fn turn(&mut self, deadline: Instant) -> anyhow::Result<Answered> {
        let params = self.event().await?;
        let (seq, event) = (params["delivery"]["seq"].clone(), params["event"].clone());
        let text = event["data"]["message"]["text"].as_str().map(str::to_owned);
        let said = text.filter(|_| event["type"] == "message.created" && event["data"]["author"]["me"] == false);
        let Some(text) = said else {
            self.call("ack", json!({ "seq": seq })).await?;
            return Ok(Answered { event, action: None, receipt: Value::Null });
        };
        let settled = self.call("reply", json!({ "seq": seq, "text": format!("You said: {text}") })).await?;
        let action = settled["actions"][0]["id"].as_str().context("the ack names its action")?.to_owned();
        let receipt = self.receipt(&action, deadline).await?;
        Ok(Answered { event, action: Some(action), receipt })
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

    async fn event(&mut self) -> anyhow::Result<Value> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Ok(event);
            }
            let message = self.read().await?;
            self.keep(message);
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
