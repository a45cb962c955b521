//! Row 36: somebody takes the grant away, and each way tells of it.

use agent_bridge_sim::serve::Serving;
use agent_bridge_sim::speakeasy::{CableFault, Fault, Options, Sim, TopicId, Turn};
use serde_json::{Value, json};

use super::{NEVER, OFTEN, hears};
use crate::bridge::{Agent, until};
use crate::lounge::{Lounge, OWNER, hospitable, ingress};
use crate::matrix;

const CHATS: &str = "POST /agent/topics/{topic_id}/chats";

/// A workspace `lounge`, and `other` on a platform of its own.
struct Two {
    lounge: Lounge,
    other: Sim,
    topic: TopicId,
    _serving: Serving,
}

impl Two {
    async fn of(lounge: Lounge) -> Self {
        let other = Sim::new(hospitable());
        let serving = other.serve(0).await.expect("a free port");
        other.person(OWNER, "Olivia");
        other.enable_discovery(OWNER);
        lounge.home.ok(&["join", "speakeasy", &serving.url(), "--as", "other", "--handle", OWNER]).await;
        let topic = other.topic("Elsewhere", &[OWNER, &other.agent(other.newest_grant().expect("a grant"))]);
        let two = Self { lounge, other, topic, _serving: serving };
        let live = || async {
            let shown = two.lounge.home.ok(&["status", "other", "--json"]).await;
            let status: Value = serde_json::from_str(&shown).expect("JSON");
            (status["workspaces"][0]["live"] == true).then_some(())
        };
        until(live, || two.lounge.home.log()).await;
        two
    }

    /// Something new on the other platform reaches the agent, and its answer stands there.
    async fn other_lives(&self, agent: &mut Agent, text: &str) {
        self.other.say(OWNER, self.topic, text);
        hears(agent, text).await;
        let args = json!({ "conversation": self.topic.to_string(), "text": text });
        let act = json!({ "workspace": "other", "verb": "send", "args": args });
        let id = agent.call("act", act).await.expect("it is accepted")["id"].as_str().expect("an id").to_owned();
        let receipt = self.lounge.receipt(agent, &id).await;
        assert_eq!(receipt["state"], "confirmed", "{receipt:#}");
    }

    /// The types of all that the feed tells of `lounge`, in order.
    async fn told(&self) -> Vec<String> {
        let types = "workspace.*,message.*,action.settled";
        let tail = ["tail", "--from", "start", "--once", "--json", "--own", "--workspaces", "lounge", "--types", types];
        let told = self.lounge.home.ok(&tail).await;
        let kind =
            |line: &str| serde_json::from_str::<Value>(line).expect("an event")["type"].as_str().map(str::to_owned);
        told.lines().filter_map(kind).collect()
    }

    /// The grant goes, and that is the last that is told and the last that is asked.
    async fn ends_with_the_grant(mut self) {
        let mut agent = self.lounge.agent().await;
        self.lounge.sim.say(OWNER, self.lounge.topic, "the last message");
        hears(&mut agent, "the last message").await;
        self.lounge.sim.fault(CHATS, Fault::TooMany { retry_after: "3000".into() });
        let open = self.lounge.send(&mut agent, self.lounge.topic, "too late").await;
        self.lounge.is_struck().await;
        assert!(self.lounge.sim.revoke(self.lounge.sim.newest_grant().expect("a grant")));
        let last = || async { (self.told().await.last()? == "workspace.revoked").then_some(()) };
        until(last, || self.lounge.home.log()).await;
        let receipt = self.lounge.receipt(&mut agent, &open).await;
        assert_eq!((&receipt["state"], &receipt["kind"]), (&json!("failed"), &json!("revoked")), "{receipt:#}");
        let hello = json!({ "workspace": "lounge", "verb": "send", "args": { "conversation": "1", "text": "hello?" } });
        let refused = agent.call("act", hello.clone()).await.expect_err("there is no seat");
        assert_eq!(refused["data"]["kind"], "revoked", "{refused}");

        let asked = self.lounge.sim.log().len();
        self.other_lives(&mut agent, "unaffected").await;
        drop(agent);
        self.lounge.kill().await;
        let mut agent = self.lounge.agent().await;
        self.other_lives(&mut agent, "after a crash, too").await;
        assert!(agent.call("act", hello).await.is_err());
        assert_eq!(self.lounge.sim.log().len(), asked, "it asks for nothing any more");
        let told = self.told().await;
        assert!(told.ends_with(&["action.settled".into(), "workspace.revoked".into()]), "{told:?}");
        assert_eq!(told.iter().filter(|kind| *kind == "workspace.revoked").count(), 1, "told once: {told:?}");
        let shown = self.lounge.home.ok(&["status", "--json"]).await;
        let status: Value = serde_json::from_str(&shown).expect("JSON");
        let seats: Vec<_> = status["workspaces"].as_array().expect("two").iter().map(|it| &it["seat"]).collect();
        assert_eq!(seats, ["revoked", "signed_in"], "{status:#}");
        self.lounge.end().await;
    }
}

#[tokio::test]
async fn row_36_a_grant_that_the_cable_says_is_gone_has_its_last_word() {
    matrix::row(36, async {
        let lounge = Lounge::new(OFTEN, "").await;
        lounge.is_subscribed().await;
        Two::of(lounge).await.ends_with_the_grant().await;
    })
    .await;
}

#[tokio::test]
async fn row_36_a_grant_that_the_log_says_is_gone_has_its_last_word() {
    matrix::row(36, async {
        let sim = Sim::new(Options { revoked_polls: true, ..hospitable() });
        sim.arm_cable(Turn::always(CableFault::Refuse { status: 404 }));
        Two::of(Lounge::of(sim, OFTEN, "").await).await.ends_with_the_grant().await;
    })
    .await;
}

#[tokio::test]
async fn row_36_a_grant_that_a_webhook_says_is_gone_has_its_last_word() {
    matrix::row(36, async {
        Two::of(Lounge::without_cable(NEVER, &ingress()).await).await.ends_with_the_grant().await;
    })
    .await;
}
