//! The simulated platform of documents on a real port, an agent `Atlas` on it, and the bridge that has a document of it.

use agent_bridge_sim::agentworkspace::{
    AgentId, DocumentId, DocumentType, Entry, MentionStatus, Options, ShareToken, Sim,
};
use agent_bridge_sim::serve::Serving;
use serde_json::{Value, json};

use crate::bridge::{Agent, Daemon, Home, http, until};
use crate::house::QUICK;

/// What the agent is called there.
pub const NAME: &str = "Atlas";
/// What stands in the document.
pub const TEXT: &str = "The majority of travellers fly to Rome.";

/// The platform, and the bridge that has joined it as `study` by a share link.
pub struct Margin {
    pub sim: Sim,
    pub home: Home,
    pub agent: AgentId,
    pub document: DocumentId,
    pub token: ShareToken,
    /// What the join has said.
    pub said: String,
    serving: Serving,
    daemon: Option<Daemon>,
}

impl Margin {
    /// A bridge with these keys of `[lines]`, and this config beside the usual one; with the webhook's secret.
    pub async fn new(lines: &str, more: &str) -> Self {
        Self::of(Options::default(), lines, more, true).await
    }

    /// The same with this before everything else in the config.
    pub async fn on(top: &str, lines: &str) -> Self {
        Self::with(Options::default(), top, (lines, ""), true).await
    }

    /// The same on such a platform, with or without the webhook's secret.
    pub async fn of(options: Options, lines: &str, more: &str, secret: bool) -> Self {
        Self::with(options, "", (lines, more), secret).await
    }

    async fn with(options: Options, top: &str, (lines, more): (&str, &str), secret: bool) -> Self {
        let sim = Sim::new(options);
        let serving = sim.serve(0).await.expect("a free port");
        let agent = sim.agent(NAME);
        let document = sim.document(&agent, "Trip to Italy", DocumentType::Markdown, TEXT);
        let token = sim.share(&document);
        let home = Home::new(&format!("{top}{}\n{more}", QUICK.replace("[lines]", &format!("[lines]\n{lines}"))));
        let daemon = Some(home.start().await);
        std::fs::write(home.path("hook"), sim.webhook_secret(&agent)).expect("the secret is written");
        let file = format!("webhook_secret=@{}", home.path("hook").display());
        let (link, display_name) = (sim.share_link(&token), format!("display_name={NAME}"));
        let mut join = vec!["join", "agentworkspace", &link, "--as", "study", "--set", &display_name];
        if secret {
            join.extend(["--secret", &file]);
        }
        let said = home.ok(&join).await;
        let study = Self { sim, home, agent, document, token, said, serving, daemon };
        until(|| async { (study.status().await["live"] == true).then_some(()) }, || study.home.log()).await;
        study
    }

    /// The URL that the join has told to paste, pasted.
    pub fn paste(&self) -> String {
        let url = self.said.split_whitespace().find(|word| word.contains("/hooks/study/")).expect("a URL to paste");
        self.sim.set_webhook(&self.agent, Some(url));
        url.to_owned()
    }

    pub async fn status(&self) -> Value {
        let shown = self.home.ok(&["status", "study", "--json"]).await;
        serde_json::from_str::<Value>(&shown).expect("JSON")["workspaces"][0].clone()
    }

    pub async fn reader(&self) -> Agent {
        let mut agent = self.home.agent().await;
        // The one before may have gone only just now.
        agent.call("subscribe", json!({ "consumer": "main", "take_over": true })).await.expect("it reads");
        agent
    }

    /// What the platform was asked so, as in `GET /api/share/{token}/mentions`.
    pub fn asked(&self, route: &str) -> Vec<Entry> {
        let log = self.sim.log();
        log.into_iter().filter(|entry| format!("{} {}", entry.method, entry.route) == route).collect()
    }

    /// The webhooks have been answered so, in the order of their ends.
    pub async fn is_answered(&self, statuses: &[u16]) {
        let wanted: Vec<Option<u16>> = statuses.iter().map(|status| Some(*status)).collect();
        let answered = || self.sim.deliveries().iter().map(|it| it.status).collect::<Vec<_>>();
        until(|| async { (answered() == wanted).then_some(()) }, || format!("{:?}: {}", answered(), self.home.log()))
            .await;
    }

    /// Delivers a body to the URL that was told to paste, as the platform would sign it; the status.
    pub async fn delivers(&self, body: &Value) -> u16 {
        use hmac::{Hmac, KeyInit as _, Mac as _};
        let url = self.said.split_whitespace().find(|word| word.contains("/hooks/study/")).expect("a URL to paste");
        let (origin, path) = url.split_at(url.find("/hooks/").expect("it was just found"));
        let (secret, body) = (self.sim.webhook_secret(&self.agent), body.to_string());
        let mut mac = Hmac::<sha2::Sha256>::new_from_slice(secret.as_bytes()).expect("a key of any length");
        mac.update(body.as_bytes());
        let digits = mac.finalize().into_bytes().iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
        http::signed_as("X-Webhook-Signature", origin, path, &body, &digits).await
    }

    /// The mention stands so on the platform.
    pub async fn stands(&self, mention: &str, status: MentionStatus) {
        let stands = || async { (self.sim.mention_status(mention) == Some(status)).then_some(()) };
        until(stands, || format!("{:?}: {}", self.sim.mention_status(mention), self.home.log())).await;
    }

    /// `kill -9`, and a new start.
    pub async fn kill(&mut self) {
        self.kill_under(&[]).await;
    }

    /// `kill -9`, and a new start with these variables set.
    pub async fn kill_under(&mut self, env: &[(&str, &str)]) {
        self.daemon.take().expect("it runs").kill().await;
        self.daemon = Some(self.home.start_under(env).await);
    }

    /// Ends it; neither its log nor what it tells has the token of a document.
    pub async fn end(mut self) {
        let feed = self.home.ok(&["tail", "--from", "start", "--once", "--json"]).await;
        let shown = self.home.ok(&["status", "--json"]).await;
        assert_eq!(self.daemon.take().expect("it runs").stop().await, Some(0), "{}", self.home.log());
        self.serving.stop().await;
        let log = self.home.log();
        let path = self.said.split("/hooks/study/").nth(1).and_then(|rest| rest.split_whitespace().next());
        assert!(path.is_none_or(|path| !log.contains(path) && !feed.contains(path)), "{log}");
        for (where_, text) in [("log", &log), ("feed", &feed), ("status", &shown)] {
            for token in self.sim.look(agent_bridge_sim::agentworkspace::World::share_tokens) {
                assert!(!text.contains(&token), "a share token stands in the {where_}: {text}");
            }
        }
    }
}
