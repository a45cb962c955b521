//! The simulated platform of documents on a real port, and the bridge that was given one of them as `cabinet`.

use agent_bridge_sim::agentworkspace::{AgentId, DocumentId, DocumentType, Options, ShareToken, Sim};
use agent_bridge_sim::run_agentworkspace;
use agent_bridge_sim::serve::Serving;
use serde_json::{Value, json};

use crate::bridge::{Agent, Daemon, Home, until};

/// Who writes, and asks the agent for things.
pub const PIERRE: &str = "Pierre";
/// The agent's name there.
pub const ATLAS: &str = "Atlas";

/// The platform, one of its documents, and the bridge.
pub struct Cabinet {
    pub sim: Sim,
    pub home: Home,
    pub atlas: AgentId,
    pub document: DocumentId,
    pub token: ShareToken,
    serving: Serving,
    daemon: Option<Daemon>,
}

impl Cabinet {
    /// A bridge that joined by a share link and reads its lists often.
    pub async fn new(more: &str) -> Self {
        let (sim, serving) = run_agentworkspace(Options::default(), 0).await.expect("a free port");
        let atlas = sim.agent(ATLAS);
        let document = sim.document(&atlas, "Trip to Italy", DocumentType::Markdown, "Rome for the majority of days.");
        let token = sim.share(&document);
        let home = Home::new(&format!("[lines]\nevery = \"200ms\"\nbeside = \"200ms\"\n{more}"));
        let daemon = Some(home.start().await);
        let (link, name) = (sim.share_link(&token), format!("display_name={ATLAS}"));
        home.ok(&["join", "agentworkspace", &link, "--as", "cabinet", "--set", &name]).await;
        let cabinet = Self { sim, home, atlas, document, token, serving, daemon };
        until(|| async { (cabinet.status().await["live"] == true).then_some(()) }, || cabinet.home.log()).await;
        cabinet
    }

    pub async fn status(&self) -> Value {
        let shown = self.home.ok(&["status", "cabinet", "--json"]).await;
        serde_json::from_str::<Value>(&shown).expect("JSON")["workspaces"][0].clone()
    }

    /// `kill -9`, and a new start.
    pub async fn kill(&mut self) {
        self.daemon.take().expect("it runs").kill().await;
        self.daemon = Some(self.home.start().await);
    }

    pub async fn agent(&self) -> Agent {
        let mut agent = self.home.agent().await;
        // The one before may have gone only just now.
        agent.call("subscribe", json!({ "consumer": "main", "take_over": true })).await.expect("it reads");
        agent
    }

    pub async fn end(mut self) {
        self.daemon.take().expect("it runs").stop().await;
        self.serving.stop().await;
        let log = self.home.log();
        assert!(!log.contains(&self.token), "no token is printed: {log}");
    }
}
