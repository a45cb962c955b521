//! The simulated platform with documents that are edited live, in a process of its own: this program again.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};

use agent_bridge_sim::agentworkspace::Options;
use anyhow::Context;
use serde_json::{Value, json};

use super::plain_http;

/// Whose documents they are.
const AGENT: &str = "Atlas";
/// Letters of a paragraph, with the empty line behind it.
const PARAGRAPH: usize = 500;

/// The child: serves until its standard input ends.
pub fn serve() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    runtime.block_on(async {
        let options = Options { log: 0, ..Options::default() };
        let (_sim, serving) = agent_bridge_sim::run_agentworkspace(options, 0).await?;
        println!("{}", serving.addr());
        tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new())).await??;
        anyhow::Ok(())
    })
}

/// A document, and how somebody is let into it.
pub struct Draft {
    /// Its id.
    pub id: String,
    /// What a person hands over.
    pub link: String,
    share_token: String,
}

/// The parent's end.
pub struct Studio {
    child: Child,
    address: String,
}

impl Studio {
    /// Starts it.
    pub fn start() -> anyhow::Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        let mut child = command.arg("--studio").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let from = child.stdout.take().context("its standard output")?;
        let mut studio = Self { child, address: String::new() };
        BufReader::new(from).read_line(&mut studio.address)?;
        studio.address.truncate(studio.address.trim_end().len());
        Ok(studio)
    }

    /// A rich document with about so many letters in it, in paragraphs.
    pub fn draft(&self, number: usize, letters: usize) -> anyhow::Result<Draft> {
        let paragraph = |at| format!("{:1$}", format!("Paragraph {at} of document {number}."), PARAGRAPH - 2);
        let content: Vec<String> = (0..letters.div_ceil(PARAGRAPH)).map(paragraph).collect();
        let asked = json!({
            "agent": AGENT, "title": format!("Draft {number}"), "type": "draft", "content": content.join("\n\n"),
            "shape": { "xml": "prosemirror" },
        });
        let made = plain_http::post(&self.address, "/_sim/document", &asked)?;
        let word = |key: &str| made[key].as_str().map(str::to_owned).context("a document");
        Ok(Draft { id: word("document")?, link: word("link")?, share_token: word("share_token")? })
    }

    /// What `join` is told to be given this document, as this workspace.
    pub fn joined_as(draft: &Draft, name: &str) -> Value {
        json!({
            "platform": "agentworkspace", "name": name, "link": draft.link, "settings": { "display_name": AGENT },
        })
    }

    /// A way into a document as somebody: `host:port`, and the URL with a token.
    pub fn way_into(&self, draft: &Draft, name: &str) -> anyhow::Result<(&str, String)> {
        let path = format!("/api/share/{}/draft-token", draft.share_token);
        let given = plain_http::post(&self.address, &path, &json!({ "name": name }))?;
        let word = |key: &str| given[key].as_str().context("a way into the document");
        let server = word("serverUrl")?.replacen("http", "ws", 1);
        Ok((&self.address, format!("{server}/{}?token={}", word("slug")?, word("token")?)))
    }

    /// What the document server has, and who is connected.
    pub fn state(&self) -> anyhow::Result<Value> {
        plain_http::get(&self.address, "/_sim/live")
    }
}

impl Drop for Studio {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _gone = self.child.wait();
    }
}
