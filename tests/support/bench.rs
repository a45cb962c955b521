//! The simulated platform with an agent that has a desk there (documents, calendar, e-mail), and the bridge that has its key.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails, and says where")]

use agent_bridge_sim::agentworkspace::{Entry, Options, Sim};
use agent_bridge_sim::serve::Serving;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

use crate::bridge::{Agent, Daemon, Home, PATIENCE};
use crate::house::QUICK;

/// The platform with an agent on it that has e-mail, and the bridge that has its key as `atlas`.
pub struct Desk {
    pub sim: Sim,
    /// The agent's id there.
    pub me: String,
    pub home: Home,
    pub agent: Agent,
    pub url: String,
    pub serving: Serving,
    pub daemon: Daemon,
}

impl Desk {
    /// With nothing done yet.
    pub async fn new() -> Self {
        Self::on(Home::new(QUICK)).await
    }

    /// The same under another manifest of the platform.
    pub async fn by(manifest: &str) -> Self {
        let home = Home::new("");
        let folder = home.path("adapters");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("agentworkspace.yaml"), manifest).unwrap();
        home.configure(&format!("adapters_dir = \"{}\"\n{QUICK}", folder.display()));
        Self::on(home).await
    }

    async fn on(home: Home) -> Self {
        let sim = Sim::new(Options::default());
        let me = sim.agent("Atlas");
        assert!(sim.enable_email(&me, "atlas"));
        let serving = sim.serve(0).await.unwrap();
        let url = serving.url();
        let daemon = home.start().await;
        let key = home.path("key");
        std::fs::write(&key, sim.api_key(&me)).unwrap();
        let secret = format!("api_key=@{}", key.display());
        home.ok(&["join", "agentworkspace", &url, "--as", "atlas", "--secret", &secret]).await;
        let agent = home.agent().await;
        Self { sim, me, home, agent, url, serving, daemon }
    }

    /// The receipt of a verb, or the refusal.
    pub async fn act(&mut self, verb: &str, args: Value) -> Result<Value, Value> {
        let act = json!({ "workspace": "atlas", "verb": verb, "args": args, "wait": "45s" });
        self.agent.call("act", act).await
    }

    /// The ids of what a verb has made.
    pub async fn done(&mut self, verb: &str, args: Value) -> Vec<String> {
        let receipt = self.act(verb, args).await.expect("it is taken");
        assert_eq!(receipt["state"], "confirmed", "{verb}: {receipt:#}\n{}", self.home.log());
        serde_json::from_value(receipt["remote_ids"].clone()).unwrap()
    }

    /// Why a verb failed on the platform.
    pub async fn failed(&mut self, verb: &str, args: Value) -> (String, String) {
        let receipt = self.act(verb, args).await.expect("it is taken");
        assert_eq!(receipt["state"], "failed", "{verb}: {receipt:#}");
        (receipt["kind"].as_str().unwrap().to_owned(), receipt["message"].as_str().unwrap().to_owned())
    }

    /// Why a verb is not even taken.
    pub async fn refused(&mut self, verb: &str, args: Value) -> (String, String) {
        let refusal = self.act(verb, args).await.expect_err("it is not taken");
        let kind = refusal.pointer("/data/kind").or_else(|| refusal.get("kind")).and_then(Value::as_str);
        (kind.unwrap_or_default().to_owned(), refusal["message"].as_str().unwrap_or_default().to_owned())
    }

    /// The same question through each door; the one answer.
    pub async fn ask(&mut self, what: &str, given: &[(&str, &str)]) -> Value {
        let mut params = json!({ "workspace": "atlas", "what": what });
        let mut query = format!("desk?workspace=atlas&what={what}");
        let mut words = vec!["ask".to_owned(), "atlas".to_owned(), "desk".to_owned(), "--what".into(), what.into()];
        for (key, value) in given {
            params[key] = json!(value);
            query.extend(["&", key, "=", value]);
            words.extend([format!("--{}", key.replace('_', "-")), (*value).to_owned()]);
        }
        let told = self.agent.call("desk", params).await.expect("an answer");
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let shown: Value = serde_json::from_str(&self.home.ok(&words).await).unwrap();
        assert_eq!(shown, told, "{words:?}");
        assert_eq!(self.get(&query).await, told, "{query}");
        told
    }

    /// `GET /v1/…` on `control.sock`.
    pub async fn get(&self, path: &str) -> Value {
        let mut stream = UnixStream::connect(self.home.path("run/control.sock")).await.unwrap();
        let request = format!("GET /v1/{path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        tokio::time::timeout(PATIENCE, stream.read_to_string(&mut answer)).await.unwrap().unwrap();
        serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
    }

    /// What the platform was asked to change.
    pub fn writes(&self) -> Vec<Entry> {
        self.sim.log().into_iter().filter(|entry| entry.method != "GET" && entry.path.starts_with("/api/v1")).collect()
    }

    /// Ends everything in good order.
    pub async fn end(self) {
        drop(self.agent);
        assert_eq!(self.daemon.stop().await, Some(0));
        self.serving.stop().await;
    }
}
