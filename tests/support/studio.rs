//! The simulated platform with documents that are edited live, on a real port, and the bridge that has one of them.

use std::collections::BTreeMap;

use agent_bridge_sim::agentworkspace::{AgentId, DocumentId, Options, Shape, ShareToken, Sim, World};
use agent_bridge_sim::serve::Serving;
use serde_json::{Value, json};

use crate::bridge::{Agent, Daemon, Home, PATIENCE, until};
use crate::house::QUICK;

/// The platform, and the bridge that was given `draft` in the workspace `plans`.
pub struct Studio {
    pub sim: Sim,
    pub home: Home,
    pub agent: AgentId,
    pub draft: DocumentId,
    pub token: ShareToken,
    serving: Serving,
    daemon: Option<Daemon>,
}

impl Studio {
    /// A plain document in which `content` stands, and this config beside the usual one.
    pub async fn new(content: &str, more: &str) -> Self {
        Self::of(Shape::Text("content".into()), content, more).await
    }

    /// The same, and mentions are read often.
    pub async fn often(content: &str) -> Self {
        Self::on("", "every = \"200ms\"\nbeside = \"200ms\"", content).await
    }

    /// The same in this shared type.
    pub async fn of(shape: Shape, content: &str, more: &str) -> Self {
        Self::with(shape, content, &format!("{QUICK}\n{more}")).await
    }

    /// A plain document, and these keys of `[lines]`; `top` stands before everything else in the config.
    pub async fn on(top: &str, lines: &str, content: &str) -> Self {
        let config = format!("{top}{}", QUICK.replace("[lines]", &format!("[lines]\n{lines}")));
        Self::with(Shape::Text("content".into()), content, &config).await
    }

    async fn with(shape: Shape, content: &str, config: &str) -> Self {
        let sim = Sim::new(Options::default());
        let serving = sim.serve(0).await.expect("a free port");
        let agent = sim.agent("Atlas");
        let draft = sim.draft(&agent, "Trip to Italy", shape, content);
        let token = sim.share(&draft);
        let home = Home::new(config);
        let daemon = Some(home.start().await);
        let link = sim.share_link(&token);
        home.ok(&["join", "agentworkspace", &link, "--as", "plans", "--set", "display_name=Atlas"]).await;
        Self { sim, home, agent, draft, token, serving, daemon }
    }

    /// What the agent asks of the document, and the receipt once it is settled.
    pub async fn edit(&self, agent: &mut Agent, what: Value) -> Value {
        let accepted = self.begin(agent, what).await.expect("it is accepted");
        agent.call("receipt", json!({ "id": accepted["id"], "wait": "60s" })).await.expect("a receipt")
    }

    /// The same, only accepted.
    pub async fn begin(&self, agent: &mut Agent, mut what: Value) -> Result<Value, Value> {
        what["conversation"] = self.draft.as_str().into();
        agent.call("act", json!({ "workspace": "plans", "verb": "document.edit", "args": what })).await
    }

    /// What the bridge says of the workspace's documents, by their ids.
    pub async fn documents(&self) -> BTreeMap<String, Value> {
        let shown = self.home.ok(&["status", "plans", "--json"]).await;
        assert!(!shown.contains(self.token.as_str()), "no token stands in the status: {shown}");
        let status: Value = serde_json::from_str(&shown).expect("JSON");
        let listed = status["workspaces"][0]["documents"].as_array().cloned().unwrap_or_default();
        listed.into_iter().map(|one| (one["id"].as_str().expect("an id").to_owned(), one)).collect()
    }

    /// A document has come to stand so; how it does in full.
    pub async fn stands(&self, document: &str, state: &str) -> Value {
        let seen = || async { self.documents().await.remove(document).filter(|one| one["state"] == state) };
        until(seen, || self.home.log()).await
    }

    /// Where the platform is.
    pub fn url(&self) -> String {
        self.serving.url()
    }

    /// The memory of the bridge, in bytes.
    pub fn memory(&self) -> u64 {
        let pid = self.daemon.as_ref().expect("it runs").pid();
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("its memory");
        line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") << 10
    }

    /// What the person sees.
    pub fn seen(&self) -> String {
        self.sim.seen(&self.draft)
    }

    /// The platform has come to this.
    pub async fn sees(&self, what: impl Fn(&World) -> bool + Copy) {
        let waited = tokio::time::timeout(PATIENCE, self.sim.wait_for(what)).await;
        assert!(waited.is_ok(), "in vain; the person sees `{}`: {}", self.seen(), self.home.log());
    }

    /// `kill -9`, and a new start.
    pub async fn kill(&mut self) {
        self.daemon.take().expect("it runs").kill().await;
        self.daemon = Some(self.home.start().await);
    }

    /// Runs it anew with a failpoint, and has the agent act; whether it is alive behind that.
    pub async fn outlives(&mut self, cut: &str, act: Value) -> bool {
        self.daemon.take().expect("it runs").kill().await;
        let mut daemon = self.home.spawn(&[("AGENT_BRIDGE_KILL_AT", cut)]);
        let mut done = false;
        if self.home.is_ready(&mut daemon).await
            && let Some(mut agent) = self.home.try_agent().await
        {
            done = agent.try_call("act", act).await.is_some();
        }
        let lives = done && !daemon.has_ended();
        if lives {
            self.daemon = Some(daemon);
        } else {
            daemon.ended().await;
        }
        lives
    }

    /// A new start of what has ended.
    pub async fn starts(&mut self) {
        self.daemon = Some(self.home.start().await);
    }

    /// Whether some text is nowhere in what the bridge wrote.
    pub fn never_logged(&self, text: &str) -> bool {
        !self.home.log().contains(text)
    }

    /// The bridge is stopped, and the platform goes on.
    pub async fn stop(&mut self) {
        let code = self.daemon.take().expect("it runs").stop().await;
        assert_eq!(code, Some(0), "{}", self.home.log());
    }

    /// Ends everything in good order.
    pub async fn end(mut self) {
        if self.daemon.is_some() {
            self.stop().await;
        }
        self.serving.stop().await;
    }
}
