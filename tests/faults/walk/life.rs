//! A bridge's life as its operator, its agent and its webhook live it: join, receive, ack with an action, a renewed
//! token, a stop. Each step looks at what is there before it does anything, so that the same life goes on wherever it
//! was cut off.

use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use agent_bridge::failpoint::Point;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use serde_json::{Value, json};

use super::Cut;
use crate::bridge::{Agent, Daemon, Delivery, PATIENCE};
use crate::house::{House, QUICK, documented};

const QUESTION: &str = "does it hold?";
const ANSWER: &str = "it holds";

/// Who reads; receipts come only to those who ask for them.
const READERS: &str = r#"
[[consumer]]
name = "main"
[consumer.only]
types = ["*"]
[[consumer]]
name = "hook"
[consumer.webhook]
"#;

/// The daemon has gone in the middle of this.
struct Gone(String);

type Went = Result<(), Gone>;

/// What the webhook was given.
type Posts = Arc<Mutex<Vec<Delivery>>>;

pub struct Life {
    house: House,
    daemon: Daemon,
    link: String,
    posts: Posts,
    /// The question was asked.
    asked: bool,
    /// The token was made to expire.
    expired: bool,
    /// By the id of their action.
    receipts: BTreeMap<String, Value>,
}

impl Life {
    /// Lives without a cut; how often each point is reached.
    pub async fn untouched() -> BTreeMap<String, usize> {
        let file = tempfile::NamedTempFile::new().expect("a file");
        let mut life = Self::begin(&[("AGENT_BRIDGE_REACHED", &file.path().to_string_lossy())]).await;
        let lived = life.live().await;
        assert!(lived.is_ok(), "nobody kills it: {}", life.house.home.log());
        life.is_sound().await;
        super::reached(file.path())
    }

    /// Dies there, and goes on as if it had not.
    pub async fn is_cut_off(cut: Cut) {
        let mut life = Self::begin(&[("AGENT_BRIDGE_KILL_AT", &cut.word())]).await;
        let Err(gone) = life.live_on(cut.point).await else { panic!("{}: it did not die", cut.word()) };
        let status = life.daemon.ended().await;
        assert_eq!(status.signal(), Some(9), "{}: {}\n{}", cut.word(), gone.0, life.house.home.log());
        life.daemon = life.house.home.spawn(&[]);
        if let Err(gone) = life.live().await {
            panic!("after {}: {}\n{}", cut.word(), gone.0, life.house.home.log());
        }
        life.is_sound().await;
    }

    async fn begin(told: &[(&str, &str)]) -> Self {
        let house = House::idle(documented(), "").await;
        let path = house.home.path("hook.sock");
        house.home.configure(&format!("{QUICK}{READERS}url = \"unix:{}:/events\"\n", path.display()));
        let posts = Posts::default();
        let router = Router::new().fallback(take).with_state(posts.clone());
        let listener = tokio::net::UnixListener::bind(&path).expect("a socket");
        tokio::spawn(async move { axum::serve(listener, router).await });
        let (link, daemon) = (house.sim.invite(Some("agent@workspace.test")), house.home.spawn(told));
        Self { house, daemon, link, posts, asked: false, expired: false, receipts: BTreeMap::new() }
    }

    /// From wherever it stands to where everything is told and answered.
    async fn live(&mut self) -> Went {
        self.comes_up().await?;
        self.joins().await?;
        if !std::mem::replace(&mut self.asked, true) {
            for text in ["good morning", QUESTION, "take your time"] {
                self.house.say(text);
            }
        }
        self.hears().await
    }

    /// The same, and then whatever leads to the point once more.
    async fn live_on(&mut self, point: Point) -> Went {
        self.live().await?;
        // Only a stop leads there.
        let at_the_end = matches!(point, Point::StoreClosedBefore | Point::StoreClosedAfter);
        let begun = Instant::now();
        while !at_the_end && begun.elapsed() < PATIENCE {
            self.house.say("what else?");
            self.hears().await?;
        }
        self.stops().await
    }

    async fn comes_up(&mut self) -> Went {
        self.waits("it starts", async |life| life.house.home.ready().await).await
    }

    async fn joins(&mut self) -> Went {
        let joined = self.house.home.cli(&["join", "agentunited", &self.link, "--as", "acme"]).await;
        let word = String::from_utf8_lossy(&joined.stderr).into_owned();
        let stands = joined.status.success() || word.contains("joined already");
        if stands { Ok(()) } else { Err(Gone(format!("join: {word}"))) }
    }

    /// The agent hears and answers until nothing is owed to it; the webhook has the same.
    async fn hears(&mut self) -> Went {
        let mut agent = self.agent().await?;
        while self.receipts.is_empty() || !self.house.ledger.is_settled() {
            let delivery = agent.try_delivery().await.ok_or_else(|| Gone("a delivery".into()))?;
            self.house.ledger.had(&delivery);
            let settled = match (delivery.event["type"].as_str(), delivery.text()) {
                (Some("message.created"), QUESTION) => self.answers(&mut agent, delivery.seq).await,
                (Some("action.settled"), _) => {
                    let receipt = delivery.event["data"]["receipt"].clone();
                    self.receipts.insert(receipt["id"].to_string(), receipt);
                    agent.try_call("ack", json!({ "seq": delivery.seq })).await
                }
                _ => agent.try_call("ack", json!({ "seq": delivery.seq })).await,
            };
            settled.ok_or_else(|| Gone("the answer to an ack".into()))?.expect("it is acked");
        }
        self.waits("the webhook has it all", async |life| life.theirs().is_settled()).await
    }

    /// An ack with an action, for which the token has to be renewed.
    async fn answers(&mut self, agent: &mut Agent, seq: u64) -> Option<Result<Value, Value>> {
        if !std::mem::replace(&mut self.expired, true) {
            self.house.sim.expire_token(&self.house.sim.members()[0]);
        }
        agent.try_call("reply", json!({ "seq": seq, "text": ANSWER })).await
    }

    async fn agent(&mut self) -> Result<Agent, Gone> {
        loop {
            let mut agent = self.house.home.try_agent().await.ok_or_else(|| Gone("connecting".into()))?;
            let subscribed = agent.try_call("subscribe", json!({ "consumer": "main" })).await;
            match subscribed.ok_or_else(|| Gone("subscribing".into()))? {
                Ok(_) => return Ok(agent),
                // The reader before may still be there for a moment.
                Err(refused) => assert_eq!(refused["data"]["kind"], "consumer_busy", "{refused}"),
            }
        }
    }

    async fn stops(&mut self) -> Went {
        self.daemon.terminate();
        let status = self.daemon.ended().await;
        if status.success() { Ok(()) } else { Err(Gone(format!("a stop: {status}"))) }
    }

    /// L D O V for both readers; one reply, under the id of its receipt; one member, signed in.
    async fn is_sound(&mut self) {
        self.house.say("something new");
        assert!(self.hears().await.is_ok(), "it lives");
        self.house.ledger.verify(0);
        self.theirs().verify(0);
        let (answers, members) = (self.house.answers(), self.house.sim.members());
        assert_eq!((answers.len(), answers[0].text.as_str(), members.len()), (1, ANSWER, 1), "{answers:#?}");
        let receipts: Vec<_> = self.receipts.values().collect();
        assert_eq!(receipts.len(), 1, "{receipts:#?}");
        assert_eq!(receipts[0]["remote_ids"], json!([answers[0].id]), "{receipts:#?}");
        let status = self.house.status().await;
        assert_eq!((&status["name"], &status["seat"]), (&json!("acme"), &json!("signed_in")), "{status:#}");
        assert!(self.stops().await.is_ok(), "a clean stop");
    }

    /// What is owed to the webhook, and what it was given.
    fn theirs(&self) -> crate::ledger::Ledger {
        let mut theirs = self.house.ledger.of_another_reader();
        for delivery in self.posts.lock().expect("nobody panicked").iter() {
            theirs.had(delivery);
        }
        theirs
    }

    /// Looks again and again, as long as the daemon lives.
    async fn waits(&mut self, what: &str, is_so: impl AsyncFn(&Self) -> bool) -> Went {
        let begun = Instant::now();
        while !is_so(self).await {
            if self.daemon.has_ended() {
                return Err(Gone(what.into()));
            }
            assert!(begun.elapsed() < PATIENCE, "in vain: {what}\n{}", self.house.home.log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }
}

/// A webhook that acks everything.
async fn take(State(posts): State<Posts>, headers: HeaderMap, body: Bytes) {
    let number = |name: &str| headers[name].to_str().expect("text").parse().expect("a number");
    let event = serde_json::from_slice(&body).expect("an event is JSON");
    let delivery = Delivery { seq: number("bridge-seq"), attempt: number("bridge-attempt"), event };
    posts.lock().expect("nobody panicked").push(delivery);
}
