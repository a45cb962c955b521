//! The simulated platform with a grant, an event log, a cable and webhooks on a real port, and the bridge beside it.

use std::collections::BTreeMap;

use agent_bridge::store::{Options as StoreOptions, Store};
use agent_bridge_sim::serve::Serving;
use agent_bridge_sim::speakeasy::{Approval, CableFault, Entry, Options, Sim, TopicId, Turn, World};
use serde_json::{Value, json};

use crate::bridge::{Agent, Daemon, Home, PATIENCE, until};
use crate::house::{QUICK, accepted, ack};

/// Who lets the agent in, and talks to it.
pub const OWNER: &str = "owner@example.com";

/// The platform, and the bridge that it has let in as `lounge`.
pub struct Lounge {
    pub sim: Sim,
    pub home: Home,
    pub topic: TopicId,
    /// What was said and has to be told.
    pub said: Vec<String>,
    serving: Serving,
    daemon: Option<Daemon>,
}

/// `[ingress]` on a port that was free a moment ago: the platform must be told it before the bridge listens there.
pub fn ingress() -> String {
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port").local_addr().expect("its address");
    format!("[ingress]\nlisten = \"{free}\"\npublic_url = \"http://{free}\"")
}

/// As the platform behaves by default, but that the owner approves at once.
pub fn hospitable() -> Options {
    Options { approval: Approval::AtOnce, ..Options::default() }
}

impl Lounge {
    /// A bridge that has been let in, with these keys of `[lines]`, and this config beside the usual one.
    pub async fn new(lines: &str, more: &str) -> Self {
        Self::of(Sim::new(hospitable()), lines, more).await
    }

    /// The same where the cable is refused.
    pub async fn without_cable(lines: &str, more: &str) -> Self {
        let sim = Sim::new(hospitable());
        sim.arm_cable(Turn { after: 0, count: None, fault: CableFault::Refuse { status: 404 } });
        Self::of(sim, lines, more).await
    }

    /// The same on this platform.
    pub async fn of(sim: Sim, lines: &str, more: &str) -> Self {
        let serving = sim.serve(0).await.expect("a free port");
        let url = serving.url();
        Self::at((sim, serving), &url, &[], lines, more).await
    }

    /// The same where the platform is reached by this URL, and the daemon has this in its environment.
    pub async fn at((sim, serving): (Sim, Serving), url: &str, env: &[(&str, &str)], lines: &str, more: &str) -> Self {
        sim.person(OWNER, "Olivia");
        sim.enable_discovery(OWNER);
        let home = Home::new(&format!("{}\n{more}", QUICK.replace("[lines]", &format!("[lines]\n{lines}"))));
        let daemon = Some(home.start_under(env).await);
        home.ok(&["join", "speakeasy", url, "--as", "lounge", "--handle", OWNER]).await;
        let grant = sim.newest_grant().expect("a grant");
        let topic = sim.topic("Planning", &[OWNER, &sim.agent(grant)]);
        let lounge = Self { sim, home, topic, said: Vec::new(), serving, daemon };
        lounge.is_live().await;
        lounge
    }

    pub async fn status(&self) -> Value {
        let shown = self.home.ok(&["status", "lounge", "--json"]).await;
        serde_json::from_str::<Value>(&shown).expect("JSON")["workspaces"][0].clone()
    }

    pub async fn is_live(&self) {
        until(|| async { (self.status().await["live"] == true).then_some(()) }, || self.home.log()).await;
    }

    /// The cable is subscribed.
    pub async fn is_subscribed(&self) {
        let subscribed = self.sim.wait_for(|world| world.subscribed() > 0);
        let waited = tokio::time::timeout(PATIENCE, subscribed).await;
        assert!(waited.is_ok(), "no cable is subscribed: {}", self.home.log());
    }

    /// The cable has been dialled so often.
    pub async fn is_dialled(&self, times: u64) {
        let waited = tokio::time::timeout(PATIENCE, self.sim.wait_for(|world| world.cable_dials() >= times)).await;
        assert!(waited.is_ok(), "{} dials: {}", self.sim.look(World::cable_dials), self.home.log());
    }

    /// The owner says something that has to be told.
    pub fn say(&mut self, text: &str) {
        self.sim.say(OWNER, self.topic, text);
        self.said.push(text.to_owned());
    }

    /// `kill -9`, and a new start.
    pub async fn kill(&mut self) {
        self.kill_under(&[]).await;
    }

    /// `kill -9`, and a new start with more in its environment.
    pub async fn kill_under(&mut self, env: &[(&str, &str)]) {
        self.daemon.take().expect("it runs").kill().await;
        self.daemon = Some(self.home.start_under(env).await);
    }

    /// What the platform was asked so, as in `GET /agent/events`.
    pub fn asked(&self, route: &str) -> Vec<Entry> {
        let log = self.sim.log();
        log.into_iter().filter(|entry| format!("{} {}", entry.method, entry.route) == route).collect()
    }

    /// The platform has been asked so, so many times.
    pub async fn is_asked(&self, route: &str, times: usize) {
        let seen = |world: &World| {
            world.log().filter(|entry| format!("{} {}", entry.method, entry.route) == route).count() >= times
        };
        let waited = tokio::time::timeout(PATIENCE, self.sim.wait_for(seen)).await;
        assert!(waited.is_ok(), "never {times} × {route}: {}", self.home.log());
    }

    /// Every fault that was armed has struck.
    pub async fn is_struck(&self) {
        let waited = tokio::time::timeout(PATIENCE, self.sim.wait_for(|world| world.faults_left() == 0)).await;
        assert!(waited.is_ok(), "a fault did not strike: {}", self.home.log());
    }

    /// Asks for a text in a topic; the action's id.
    pub async fn send(&self, agent: &mut Agent, topic: TopicId, text: &str) -> String {
        let args = json!({ "conversation": topic.to_string(), "text": text });
        let act = json!({ "workspace": "lounge", "verb": "send", "args": args });
        let accepted = agent.call("act", act).await.expect("it is accepted");
        accepted["id"].as_str().expect("an id").to_owned()
    }

    /// SIGTERM; it must end well.
    pub async fn stop(&mut self) {
        let code = self.daemon.take().expect("it runs").stop().await;
        assert_eq!(code, Some(0), "{}", self.home.log());
    }

    /// A start after a stop.
    pub async fn start(&mut self) {
        self.daemon = Some(self.home.start().await);
    }

    /// What a bridge that has stopped has in its store.
    pub fn store(&self) -> Store {
        let options = StoreOptions { ballast: 0, ..StoreOptions::default() };
        Store::open(&self.home.path("state/bridge.redb"), options).expect("the store opens")
    }

    /// Waits until the seat is this.
    pub async fn becomes(&self, seat: &str) {
        until(|| async { (self.status().await["seat"] == seat).then_some(()) }, || self.home.log()).await;
    }

    /// Where the platform is.
    pub fn url(&self) -> String {
        self.serving.url()
    }

    pub async fn agent(&self) -> Agent {
        let mut agent = self.home.agent().await;
        // The one before may have gone only just now.
        agent.call("subscribe", json!({ "consumer": "main", "take_over": true })).await.expect("it reads");
        agent
    }

    /// L D O V: all that was said since the last time is told once and in order, but for at most so many that come `late`, and
    /// so is something new.
    pub async fn is_sound(&mut self, agent: &mut Agent, late: usize) {
        self.say(&format!("something new behind {}", self.said.len()));
        let (mut told, mut ids) = (Vec::new(), BTreeMap::new());
        while !self.said.iter().all(|text| told.iter().any(|(said, _)| said == text)) {
            let delivery = agent.delivery_of("message.created").await;
            ack(agent, &delivery).await;
            let id = delivery.event["id"].as_str().expect("an id").to_owned();
            if ids.insert(id, delivery.seq).is_none() {
                told.push((delivery.text().to_owned(), delivery.event["data"]["late"] == true));
            }
        }
        let in_time: Vec<&String> = told.iter().filter(|(_, late)| !late).map(|(text, _)| text).collect();
        let said: Vec<_> = self.said.iter().filter(|text| in_time.contains(text)).collect();
        assert_eq!(in_time, said, "in the order of the platform: {}", self.home.log());
        assert_eq!(told.len(), self.said.len(), "each once: {told:?}");
        assert!(told.len() - in_time.len() <= late, "more than {late} came late: {told:?}\n{}", self.home.log());
        self.said.clear();
    }

    /// Somebody asks, the agent answers, and the answer stands there; the way of the question.
    pub async fn round_trip(&self, question: &str) -> Value {
        let mut agent = self.agent().await;
        self.sim.say(OWNER, self.topic, question);
        let asked = loop {
            let delivery = agent.delivery_of("message.created").await;
            if delivery.text() == question {
                break delivery;
            }
            ack(&mut agent, &delivery).await;
        };
        assert_eq!(asked.event["data"]["author"]["me"], false);
        let reply = agent.call("reply", json!({ "seq": asked.seq, "text": "An **answer**" })).await.expect("accepted");
        let receipt = self.receipt(&mut agent, &accepted(&reply)[0]).await;
        assert_eq!(receipt["state"], "confirmed", "{receipt:#}\n{}", self.home.log());
        let answers = self.sim.chats_by_agents();
        let answer = answers.last().expect("an answer");
        assert_eq!(receipt["remote_ids"], json!([answer.id.to_string()]));
        assert_eq!(answer.html, "<div>An <strong>answer</strong></div>");
        let traced = self.home.ok(&["trace", asked.event["id"].as_str().expect("an id"), "--json"]).await;
        serde_json::from_str(&traced).expect("JSON")
    }

    /// The receipt of an action once it is settled.
    pub async fn receipt(&self, agent: &mut Agent, id: &str) -> Value {
        agent.call("receipt", json!({ "id": id, "wait": "30s" })).await.expect("a receipt")
    }

    pub async fn end(mut self) {
        self.daemon.take().expect("it runs").stop().await;
        self.serving.stop().await;
        let log = self.home.log();
        assert!(!log.contains("agent_access_token="), "no token is printed: {log}");
    }
}
