//! A platform with a grant, a log of events, a cable and webhooks: from the request for access to the answer in a topic.

use agent_bridge_sim::serve::Serving;
use agent_bridge_sim::speakeasy::{Approval, CableFault, Options, Sim, TopicId, Turn};
use serde_json::{Value, json};

use crate::bridge::{Daemon, Home, PATIENCE, until};
use crate::house::{QUICK, accepted, ack};

const OWNER: &str = "owner@example.com";

/// The platform on a real port, and the bridge beside it.
struct Lounge {
    sim: Sim,
    home: Home,
    serving: Serving,
    daemon: Daemon,
    topic: TopicId,
}

impl Lounge {
    /// A bridge that has been let in, with this config beside the usual one.
    async fn new(lines: &str, more: &str) -> Self {
        let sim = Sim::new(Options { approval: Approval::AtOnce, ..Options::default() });
        Self::of(sim, lines, more).await
    }

    /// The same where the cable is refused.
    async fn without_cable(lines: &str, more: &str) -> Self {
        let sim = Sim::new(Options { approval: Approval::AtOnce, ..Options::default() });
        sim.arm_cable(Turn { after: 0, count: None, fault: CableFault::Refuse { status: 404 } });
        Self::of(sim, lines, more).await
    }

    async fn of(sim: Sim, lines: &str, more: &str) -> Self {
        let serving = sim.serve(0).await.expect("a free port");
        sim.person(OWNER, "Olivia");
        sim.enable_discovery(OWNER);
        let home = Home::new(&format!("{}\n{more}", QUICK.replace("[lines]", &format!("[lines]\n{lines}"))));
        let daemon = home.start().await;
        let said = home.ok(&["join", "speakeasy", &serving.url(), "--as", "lounge", "--handle", OWNER]).await;
        assert!(!said.contains("agent_access_token"), "{said}");
        let grant = sim.newest_grant().expect("a grant");
        let topic = sim.topic("Planning", &[OWNER, &sim.agent(grant)]);
        Self { sim, home, serving, daemon, topic }
    }

    async fn status(&self) -> Value {
        let shown = self.home.ok(&["status", "lounge", "--json"]).await;
        serde_json::from_str::<Value>(&shown).expect("JSON")["workspaces"][0].clone()
    }

    async fn is_live(&self) {
        until(|| async { (self.status().await["live"] == true).then_some(()) }, || self.home.log()).await;
    }

    /// Somebody asks, the agent answers, and the answer stands there; by which lines the question was seen.
    async fn round_trip(&self, question: &str) -> Value {
        let mut agent = self.home.agent().await;
        agent.call("subscribe", json!({ "consumer": "main" })).await.expect("it reads");
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
        let id = &accepted(&reply)[0];
        let receipt = agent.call("receipt", json!({ "id": id, "wait": "30s" })).await.expect("a receipt");
        assert_eq!(receipt["state"], "confirmed", "{receipt:#}\n{}", self.home.log());
        let answers = self.sim.chats_by_agents();
        let answer = answers.last().expect("an answer");
        assert_eq!(receipt["remote_ids"], json!([answer.id.to_string()]));
        assert_eq!(answer.html, "<div>An <strong>answer</strong></div>");
        let traced = self.home.ok(&["trace", asked.event["id"].as_str().expect("an id"), "--json"]).await;
        serde_json::from_str(&traced).expect("JSON")
    }

    async fn end(self) {
        self.daemon.stop().await;
        self.serving.stop().await;
        let log = self.home.log();
        assert!(!log.contains("agent_access_token="), "no token is printed: {log}");
    }
}

fn seen_by(traced: &Value, line: &str) -> bool {
    traced.to_string().contains(line)
}

#[tokio::test]
async fn by_the_cable() {
    let lounge = Lounge::new("every = \"10m\"\nbeside = \"10m\"", "").await;
    lounge.is_live().await;
    tokio::time::timeout(PATIENCE, lounge.sim.wait_for(|world| world.subscribed() > 0)).await.expect("it subscribes");
    let traced = lounge.round_trip("By the cable?").await;
    assert!(seen_by(&traced, "action_cable"), "{traced:#}");
    lounge.end().await;
}

#[tokio::test]
async fn by_polling_where_the_cable_is_refused() {
    let lounge = Lounge::without_cable("every = \"200ms\"", "").await;
    lounge.is_live().await;
    let traced = lounge.round_trip("By polling?").await;
    assert!(seen_by(&traced, "poll"), "{traced:#}");
    lounge.end().await;
}

#[tokio::test]
async fn by_webhook_alone() {
    // Free a moment ago: the platform must be told the port before the bridge listens there.
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port").local_addr().expect("its address");
    let ingress = format!("[ingress]\nlisten = \"{free}\"\npublic_url = \"http://{free}\"");
    let lounge = Lounge::without_cable("every = \"10m\"\nbeside = \"10m\"\noverlap = \"10m\"", &ingress).await;
    lounge.is_live().await;
    lounge.round_trip("By webhook?").await;
    let taken = || async {
        let deliveries = lounge.sim.deliveries();
        deliveries.iter().any(|sent| sent.attempts.iter().any(|attempt| attempt.status == Some(204))).then_some(())
    };
    until(taken, || format!("{:#?}", lounge.sim.deliveries())).await;
    lounge.end().await;
}

#[tokio::test]
async fn what_a_grant_takes_away_is_the_last_word() {
    let lounge = Lounge::new("every = \"200ms\"", "").await;
    lounge.is_live().await;
    lounge.round_trip("Still here?").await;
    let grant = lounge.sim.newest_grant().expect("a grant");
    assert!(lounge.sim.revoke(grant));
    let revoked = || async { (lounge.status().await["seat"] == "revoked").then_some(()) };
    until(revoked, || lounge.home.log()).await;
    lounge.end().await;
}
