//! A simulated platform on a real port, a bridge beside it, and what is owed between them.

use std::time::Duration;

use agent_bridge_sim::agentunited::{Message, Options, Sim, World};
use agent_bridge_sim::serve::Serving;
use serde_json::{Value, json};

use crate::bridge::{Agent, Daemon, Delivery, Home};
use crate::ledger::Ledger;

/// How long everything that is owed may take to arrive on a busy machine.
const SOON: Duration = Duration::from_secs(40);

/// Durations of seconds and minutes shortened to what a test can wait for.
pub const QUICK: &str = r#"
[store]
ballast = "0B"
[lines]
first_wait = "50ms"
longest_wait = "300ms"
spread = "1ms"
[lines.pace]
fast = "150ms"
fast_for = "5s"
slow = "300ms"
others = "500ms"
[outbox]
first_wait = "50ms"
longest_wait = "300ms"
"#;

/// A platform, the bridge that has joined it as `acme`, and the oracle.
pub struct House {
    /// The platform.
    pub sim: Sim,
    /// The bridge's folders.
    pub home: Home,
    /// A room with everybody in it.
    pub room: String,
    /// Somebody there.
    pub ann: String,
    /// What is owed and what came.
    pub ledger: Ledger,
    serving: Serving,
    daemon: Option<Daemon>,
}

impl House {
    /// A platform and a bridge that runs; nothing is joined.
    pub async fn empty(options: Options, config: &str) -> Self {
        Self::at(options, Home::new(config)).await
    }

    /// The same in these folders.
    pub async fn at(options: Options, home: Home) -> Self {
        let mut house = Self::idle_at(options, home).await;
        house.start().await;
        house
    }

    /// A platform and the folders of a bridge that does not run.
    pub async fn idle(options: Options, config: &str) -> Self {
        Self::idle_at(options, Home::new(config)).await
    }

    async fn idle_at(options: Options, home: Home) -> Self {
        let sim = Sim::new(options);
        let serving = sim.serve(0).await.expect("a free port");
        let (ann, room) = (sim.person("Ann"), sim.channel("general"));
        Self { sim, home, room, ann, ledger: Ledger::default(), serving, daemon: None }
    }

    /// The same, joined by an invite and listening.
    pub async fn new(options: Options) -> Self {
        Self::with(options, QUICK).await
    }

    /// The same with a config of its own.
    pub async fn with(options: Options, config: &str) -> Self {
        let house = Self::empty(options, config).await;
        house.join().await;
        house.listens().await;
        house
    }

    /// Joins as `acme` by a fresh invite.
    pub async fn join(&self) {
        self.home.ok(&["join", "agentunited", &self.sim.invite(Some("agent@workspace.test")), "--as", "acme"]).await;
    }

    /// Where the platform is.
    pub fn url(&self) -> String {
        self.serving.url()
    }

    /// Waits until a stream is open.
    pub async fn listens(&self) {
        tokio::time::timeout(SOON, self.sim.wait_for(|world| world.stream_count() > 0))
            .await
            .unwrap_or_else(|_| panic!("no stream: {}", self.home.log()));
    }

    /// Starts the daemon.
    pub async fn start(&mut self) {
        self.daemon = Some(self.home.start().await);
    }

    /// Starts the daemon with more in its environment.
    pub async fn start_under(&mut self, env: &[(&str, &str)]) {
        self.daemon = Some(self.home.start_under(env).await);
    }

    /// Starts the daemon with more in its environment, and does not wait for it.
    pub fn spawn(&mut self, env: &[(&str, &str)]) {
        self.daemon = Some(self.home.spawn(env));
    }

    /// Whether the daemon has ended by itself.
    pub fn has_ended(&mut self) -> bool {
        self.daemon.as_mut().expect("it was started").has_ended()
    }

    /// Waits until the daemon ends by itself: `kill -9` at a failpoint.
    pub async fn dies(&mut self) {
        let status = self.daemon.take().expect("it was started").ended().await;
        assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(9), "{status}: {}", self.home.log());
    }

    /// The process of the daemon that runs.
    pub fn daemon(&mut self) -> &mut Daemon {
        self.daemon.as_mut().expect("it runs")
    }

    /// What `status` says of the store.
    pub async fn store_status(&self) -> Value {
        let status: Value = serde_json::from_str(&self.home.ok(&["status", "--json"]).await).expect("JSON");
        status["store"].clone()
    }

    /// `kill -9`.
    pub async fn kill(&mut self) {
        self.daemon.take().expect("it runs").kill().await;
    }

    /// Sends a signal to the daemon.
    pub fn signal(&self, signal: rustix::process::Signal) {
        self.daemon.as_ref().expect("it runs").signal(signal);
    }

    /// SIGTERM; it must end well.
    pub async fn stop(&mut self) {
        let code = self.daemon.take().expect("it runs").stop().await;
        assert_eq!(code, Some(0), "{}", self.home.log());
    }

    /// An agent that reads `main`.
    pub async fn agent(&self) -> Agent {
        self.agent_of("main").await
    }

    /// An agent that reads this consumer.
    pub async fn agent_of(&self, consumer: &str) -> Agent {
        let mut agent = self.home.agent().await;
        // A reader that has just gone may still be there for a moment.
        loop {
            match agent.call("subscribe", json!({ "consumer": consumer })).await {
                Ok(_) => return agent,
                Err(refused) => assert_eq!(refused["data"]["kind"], "consumer_busy", "{refused}"),
            }
        }
    }

    /// Ann says something in the room, which is owed.
    pub fn say(&mut self, text: &str) -> String {
        let room = self.room.clone();
        self.say_in(&room, text)
    }

    /// Ann says something in a room, which is owed.
    pub fn say_in(&mut self, room: &str, text: &str) -> String {
        let ann = self.ann.clone();
        self.says(&ann, room, text)
    }

    /// Somebody says something, which is owed.
    pub fn says(&mut self, who: &str, room: &str, text: &str) -> String {
        let id = self.sim.say(who, room, text);
        self.ledger.owes("message.created", room, &id, Some(text));
        id
    }

    /// Somebody changes what was said in the room, which is owed.
    pub fn edit(&mut self, message: &str, text: &str) {
        assert!(self.sim.edit(message, text), "there is {message}");
        self.ledger.owes("message.updated", &self.room, message, Some(text));
    }

    /// What the agent said there, in order.
    pub fn answers(&self) -> Vec<Message> {
        self.sim.messages_by_agent()
    }

    /// The next event of this type, noted and not acked; others are acked.
    pub async fn next(&mut self, agent: &mut Agent, kind: &str) -> Delivery {
        loop {
            let delivery = agent.delivery().await;
            self.ledger.had(&delivery);
            if delivery.event["type"] == kind {
                return delivery;
            }
            ack(agent, &delivery).await;
        }
    }

    /// The agent takes and acks until nothing is owed any more.
    pub async fn hears_all(&mut self, agent: &mut Agent) {
        while !self.ledger.is_settled() {
            let Ok(delivery) = tokio::time::timeout(SOON, agent.delivery()).await else {
                panic!("lost: {:#?}\n{}", self.ledger.missing(), self.home.log());
            };
            self.ledger.had(&delivery);
            ack(agent, &delivery).await;
        }
    }

    /// The agent takes and acks until it is so.
    pub async fn hears_until(&mut self, agent: &mut Agent, so: impl Fn(&Ledger) -> bool) {
        while !so(&self.ledger) {
            let delivery = agent.delivery().await;
            self.ledger.had(&delivery);
            ack(agent, &delivery).await;
        }
    }

    /// L D O, and V: something new passes in every room.
    pub async fn is_sound(&mut self, agent: &mut Agent, late: usize) {
        self.hears_all(agent).await;
        for room in self.ledger.rooms() {
            self.say_in(&room, "something new");
        }
        self.hears_all(agent).await;
        self.ledger.verify(late);
    }

    /// The receipt of an action once it is settled.
    pub async fn receipt(&self, agent: &mut Agent, action: &str) -> Value {
        loop {
            let receipt = agent.call("receipt", json!({ "id": action, "wait": "30s" })).await.expect("a receipt");
            if receipt.get("settled_at").is_some() {
                return receipt;
            }
        }
    }

    /// The status of `acme`.
    pub async fn status(&self) -> Value {
        let status: Value = serde_json::from_str(&self.home.ok(&["status", "--json"]).await).expect("JSON");
        status["workspaces"][0].clone()
    }

    /// Waits until the platform's log says so.
    pub async fn seen(&self, what: &str, count: usize) {
        let seen = |world: &World| {
            world.log().filter(|entry| format!("{} {}", entry.method, entry.route) == what).count() >= count
        };
        let waited = tokio::time::timeout(SOON, self.sim.wait_for(seen)).await;
        assert!(waited.is_ok(), "never {count} × {what}: {}", self.home.log());
    }

    /// How often the platform saw this.
    pub fn count(&self, what: &str) -> usize {
        self.sim.log().iter().filter(|entry| format!("{} {}", entry.method, entry.route) == what).count()
    }

    /// Waits until the bridge has read the room's history as it is now, and kept what it read: a read begins only when
    /// the one before it is committed.
    pub async fn is_read(&self) {
        let path = format!("/channels/{}/messages", self.room);
        let reads = |world: &World| world.log().filter(|it| it.method == "GET" && it.path.ends_with(&path)).count();
        let before = self.sim.look(reads);
        let waited = tokio::time::timeout(SOON, self.sim.wait_for(|world| reads(world) >= before + 3)).await;
        assert!(waited.is_ok(), "the room is not read: {}", self.home.log());
    }
}

/// Acks one event.
pub async fn ack(agent: &mut Agent, delivery: &Delivery) {
    agent.call("ack", json!({ "seq": delivery.seq })).await.expect("it is acked");
}

/// The ids of what an ack or reply accepted.
pub fn accepted(answer: &Value) -> Vec<String> {
    let actions = answer["actions"].as_array().expect("actions");
    actions.iter().map(|action| action["id"].as_str().or(action.as_str()).expect("an id").to_owned()).collect()
}

/// The server as its document describes it.
pub fn documented() -> Options {
    Options::documented()
}

/// The server as it was met.
pub fn observed() -> Options {
    Options::default()
}
