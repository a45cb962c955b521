//! A mention that is answered in its document: told, acked with an edit, the edit kept, brought and seen there, the mention
//! marked as done behind it. The daemon is killed at each commit and each request on that way, and goes on.

use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt;
use std::time::{Duration, Instant};

use agent_bridge::failpoint::Point;
use agent_bridge_sim::agentworkspace::{DocumentId, MentionId, MentionStatus, Options, Shape, Sim};
use agent_bridge_sim::serve::Serving;
use futures_util::stream::{self, StreamExt};
use serde_json::{Value, json};

use super::{Cut, TOGETHER, cuts_of, reached};
use crate::bridge::{Agent, Daemon, Home, PATIENCE};
use crate::house::QUICK;

/// Whatever lasts or leaves on this way; the others are walked by the other life.
const POINTS: [Point; 4] =
    [Point::StoreCommitBefore, Point::StoreCommitAfter, Point::HttpRequestBefore, Point::HttpRequestAfter];
/// Times of each point: what happens on the way lies close together.
const TIMES: usize = 10;

/// The daemon has gone in the middle of this.
struct Gone(String);

type Went = Result<(), Gone>;

/// A person who asks in a document, an agent that answers there, and the bridge between them.
struct Life {
    sim: Sim,
    home: Home,
    draft: DocumentId,
    link: String,
    daemon: Daemon,
    /// What was asked, and the answer that belongs there.
    asked: Vec<(MentionId, String)>,
    /// What came, by the event's id: its place and itself.
    told: BTreeMap<String, (u64, Value)>,
    _serving: Serving,
}

impl Life {
    async fn begin(told: &[(&str, &str)]) -> Self {
        let sim = Sim::new(Options::default());
        let serving = sim.serve(0).await.expect("a free port");
        let agent = sim.agent("Atlas");
        let draft = sim.draft(&agent, "Trip to Italy", Shape::Text("content".into()), "Rome is most of it.");
        let link = sim.share_link(&sim.share(&draft));
        let home = Home::new(&QUICK.replace("[lines]", "[lines]\nevery = \"200ms\"\nbeside = \"200ms\""));
        let daemon = home.spawn(told);
        Self { sim, home, draft, link, daemon, asked: Vec::new(), told: BTreeMap::new(), _serving: serving }
    }

    /// How often each point is reached by one whole life.
    async fn untouched() -> BTreeMap<String, usize> {
        let file = tempfile::NamedTempFile::new().expect("a file");
        let mut life = Self::begin(&[("AGENT_BRIDGE_REACHED", &file.path().to_string_lossy())]).await;
        assert!(life.lives().await.is_ok(), "nobody kills it: {}", life.home.log());
        life.is_sound().await;
        reached(file.path())
    }

    async fn is_cut_off(cut: Cut) {
        let mut life = Self::begin(&[("AGENT_BRIDGE_KILL_AT", &cut.word())]).await;
        let begun = Instant::now();
        let gone = loop {
            match life.lives().await {
                Err(gone) => break gone,
                Ok(()) => assert!(begun.elapsed() < PATIENCE, "{}: it did not die", cut.word()),
            }
        };
        let status = life.daemon.ended().await;
        assert_eq!(status.signal(), Some(9), "{}: {}\n{}", cut.word(), gone.0, life.home.log());
        life.daemon = life.home.spawn(&[]);
        if let Err(gone) = life.lives().await {
            panic!("after {}: {}\n{}", cut.word(), gone.0, life.home.log());
        }
        life.is_sound().await;
    }

    /// From wherever it stands to where a further mention is answered and done.
    async fn lives(&mut self) -> Went {
        self.waits("it starts", async |life| life.home.ready().await).await?;
        let joined = self
            .home
            .cli(&["join", "agentworkspace", &self.link, "--as", "plans", "--set", "display_name=Atlas"])
            .await;
        let word = String::from_utf8_lossy(&joined.stderr).into_owned();
        if !joined.status.success() && !word.contains("joined already") {
            return Err(Gone(format!("join: {word}")));
        }
        let number = self.asked.len();
        let mention = self.sim.mention("Pierre", &self.draft, "Atlas", &format!("@Atlas, question {number}?"));
        self.asked.push((mention, format!("Answer {number}.")));
        self.answers().await?;
        self.waits("every mention is done and answered", async |life| {
            let done = |mention: &str| life.sim.mention_status(mention) == Some(MentionStatus::Done);
            let seen = life.sim.seen(&life.draft);
            life.asked.iter().all(|(mention, answer)| done(mention) && seen.contains(answer.as_str()))
        })
        .await
    }

    /// Acks whatever is owed, a mention with the edit that answers it.
    async fn answers(&mut self) -> Went {
        let mut agent = self.agent().await?;
        let last = self.asked.last().expect("one was asked").0.clone();
        // What was acked before a kill is not told again, and its end is waited for.
        while self.sim.mention_status(&last) != Some(MentionStatus::Done) {
            let delivery = agent.try_delivery().await.ok_or_else(|| Gone("a delivery".into()))?;
            let came = (delivery.seq, delivery.event.clone());
            let first = self.told.entry(delivery.event["id"].to_string()).or_insert_with(|| came.clone());
            assert_eq!(*first, came, "a redelivery is the same in the same place");
            let said = delivery.event["data"]["message"]["id"].as_str().unwrap_or_default().to_owned();
            let its = self.asked.iter().find(|(mention, _)| *mention == said);
            let actions: Vec<Value> = its
                .map(|(_, answer)| {
                    let args = json!({ "conversation": self.draft, "op": "append", "text": answer });
                    json!({ "verb": "document.edit", "args": args })
                })
                .into_iter()
                .collect();
            let acked = agent.try_call("ack", json!({ "seq": delivery.seq, "actions": actions })).await;
            acked.ok_or_else(|| Gone("the answer to an ack".into()))?.expect("it is acked");
            if said == last {
                return Ok(());
            }
        }
        Ok(())
    }

    async fn agent(&mut self) -> Result<Agent, Gone> {
        loop {
            let mut agent = self.home.try_agent().await.ok_or_else(|| Gone("connecting".into()))?;
            let subscribed = agent.try_call("subscribe", json!({ "consumer": "main" })).await;
            match subscribed.ok_or_else(|| Gone("subscribing".into()))? {
                Ok(_) => return Ok(agent),
                // The reader before may still be there for a moment.
                Err(refused) => assert_eq!(refused["data"]["kind"], "consumer_busy", "{refused}"),
            }
        }
    }

    /// Each mention is one event, each answer stands there once and is confirmed, and what marks it is, too.
    async fn is_sound(&mut self) {
        assert!(self.lives().await.is_ok(), "it lives: {}", self.home.log());
        let seen = self.sim.seen(&self.draft);
        for (_, answer) in &self.asked {
            assert_eq!(seen.matches(answer.as_str()).count(), 1, "`{answer}` in `{seen}`");
        }
        // The person wrote this; nothing of it is touched.
        assert!(seen.starts_with("Rome is most of it."), "{seen}");
        assert_eq!(self.sim.content(&self.draft), seen, "they converge");
        let settled = async |life: &Self| {
            let receipts = life.receipts().await;
            let of = |verb: &str| receipts.iter().filter(|it| it["verb"] == verb).collect::<Vec<_>>();
            let (edits, marks) = (of("document.edit"), of("mention.done"));
            let all = life.asked.len();
            assert!(edits.len() <= all && marks.len() <= all, "{receipts:#?}");
            (edits.len() == all && marks.len() == all).then_some(receipts)
        };
        let begun = Instant::now();
        let receipts = loop {
            if let Some(receipts) = settled(self).await {
                break receipts;
            }
            assert!(begun.elapsed() < PATIENCE, "not all is settled: {:#?}", self.receipts().await);
        };
        assert!(receipts.iter().all(|it| it["state"] == "confirmed"), "{receipts:#?}");
        let mentions = self.feed("mention.created").await;
        let ids: Vec<_> = mentions.iter().map(|event| event["data"]["message"]["id"].clone()).collect();
        let wanted: Vec<_> = self.asked.iter().map(|(mention, _)| json!(mention)).collect();
        assert_eq!(ids, wanted, "one event each, in order");
        self.daemon.terminate();
        assert!(self.daemon.ended().await.success(), "a clean stop");
        let log = self.home.log();
        let token = self.link.rsplit('/').next().expect("a token");
        assert!(!log.contains(token), "no token is printed: {log}");
    }

    async fn feed(&self, kind: &str) -> Vec<Value> {
        let told = self.home.ok(&["tail", "--from", "start", "--once", "--json", "--types", kind]).await;
        told.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    }

    async fn receipts(&self) -> Vec<Value> {
        let events = self.feed("action.settled").await;
        events.iter().map(|event| event["data"]["receipt"].clone()).collect()
    }

    /// Looks again and again, as long as the daemon lives.
    async fn waits(&mut self, what: &str, is_so: impl AsyncFn(&Self) -> bool) -> Went {
        let begun = Instant::now();
        while !is_so(self).await {
            if self.daemon.has_ended() {
                return Err(Gone(what.into()));
            }
            assert!(begun.elapsed() < PATIENCE, "in vain: {what}\n{}", self.home.log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }
}

#[tokio::test]
async fn a_mention_answered_in_its_document_is_lost_doubled_or_left_pending_at_no_failpoint() {
    let times = Life::untouched().await;
    let cuts = cuts_of(&times, &POINTS, TIMES);
    eprintln!("the walk of a document: {times:?}; {} cuts", cuts.len());
    assert!(cuts.len() > POINTS.len(), "{times:?}");
    stream::iter(cuts).for_each_concurrent(TOGETHER, Life::is_cut_off).await;
}
