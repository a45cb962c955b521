//! Row 36: the platform takes a seat away.

use agent_bridge_sim::agentunited::{Armed, Fault, Sim};
use agent_bridge_sim::serve::Serving;
use serde_json::{Value, json};

use super::{PATIENCE, POST, send};
use crate::bridge::{Agent, until};
use crate::house::{House, QUICK, ack, documented};
use crate::matrix;

/// `agentunited`, as it would be if it said 410 to a seat that is gone.
fn manifest() -> String {
    let embedded = include_str!("../../../adapters/agentunited.yaml");
    let rules = "outcomes:\n  - { status: 401, is: unauthorised }\n";
    assert!(embedded.contains(rules), "the manifest has its outcomes");
    embedded.replace(rules, &format!("{rules}  - {{ status: 410, is: revoked }}\n"))
}

/// A workspace `acme`, and `other` on a platform of its own.
struct Two {
    house: House,
    other: Sim,
    room: String,
    _serving: Serving,
    _adapters: tempfile::TempDir,
}

impl Two {
    async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("agentunited.yaml"), manifest()).expect("the manifest is written");
        let config = format!("adapters_dir = \"{}\"\n{QUICK}", folder.path().display());
        let house = House::with(documented(), &config).await;
        let other = Sim::new(documented());
        let serving = other.serve(0).await.expect("a free port");
        let room = other.channel("general");
        house.home.ok(&["join", "agentunited", &other.invite(None), "--as", "other"]).await;
        let listens = other.wait_for(|world| world.stream_count() > 0);
        tokio::time::timeout(PATIENCE, listens).await.expect("it listens");
        Self { house, other, room, _serving: serving, _adapters: folder }
    }

    /// Something new on the other platform reaches the agent.
    async fn other_lives(&self, agent: &mut Agent, text: &str) {
        self.other.say(&self.other.person("Bob"), &self.room, text);
        loop {
            let delivery = agent.delivery().await;
            ack(agent, &delivery).await;
            if delivery.event["workspace"] == "other" && delivery.text() == text {
                return;
            }
        }
    }

    /// The types of all that the feed tells of `acme`, in order.
    async fn told(&self) -> Vec<Value> {
        let types = "workspace.*,message.*,action.settled";
        let tail = ["tail", "--from", "start", "--once", "--json", "--own", "--workspaces", "acme", "--types", types];
        let told = self.house.home.ok(&tail).await;
        told.lines().map(|line| serde_json::from_str(line).expect("an event")).collect()
    }

    async fn is_revoked(&self) {
        let revoked = || async {
            let told = self.told().await;
            told.iter().any(|event| event["type"] == "workspace.revoked").then_some(())
        };
        until(revoked, || self.house.home.log()).await;
    }
}

#[tokio::test]
async fn row_36_a_seat_that_is_taken_away_has_its_last_word_and_sends_nothing_more() {
    matrix::row(36, async {
        let mut two = Two::new().await;
        let mut agent = two.house.agent().await;
        two.house.say("the last message");
        let last = two.house.next(&mut agent, "message.created").await;
        ack(&mut agent, &last).await;
        two.house.sim.fault(POST, Fault::TooMany { retry_after: "3000".into() });
        let room = two.house.room.clone();
        let open = send(&mut agent, &room, "too late").await;
        two.house.seen(POST, 1).await;

        let gone = Fault::Status { status: 410 };
        two.house.sim.arm(Armed { route: "*".into(), after: 0, count: u32::MAX, fault: gone });
        two.house.sim.cut_streams();
        two.is_revoked().await;
        let receipt = two.house.receipt(&mut agent, &open).await;
        assert_eq!((&receipt["state"], &receipt["kind"]), (&json!("failed"), &json!("revoked")), "{receipt:#}");
        let act = json!({ "workspace": "acme", "verb": "send", "args": { "text": "hello?" } });
        let refused = agent.call("act", act.clone()).await.expect_err("there is no seat");
        assert_eq!(refused["data"]["kind"], "revoked", "{refused}");

        let asked = two.house.sim.log().len();
        two.other_lives(&mut agent, "unaffected").await;
        drop(agent);
        two.house.stop().await;
        two.house.start().await;
        let mut agent = two.house.agent().await;
        two.other_lives(&mut agent, "after a restart, too").await;
        assert!(agent.call("act", act).await.is_err());
        assert_eq!(two.house.sim.log().len(), asked, "it asks for nothing any more");
        assert!(two.house.answers().is_empty());

        let told = two.told().await;
        let types: Vec<_> = told.iter().filter_map(|event| event["type"].as_str()).collect();
        assert!(types.ends_with(&["action.settled", "workspace.revoked"]), "{types:?}");
        assert_eq!(types.iter().filter(|kind| **kind == "workspace.revoked").count(), 1, "told once: {types:?}");
        let status: Value = serde_json::from_str(&two.house.home.ok(&["status", "--json"]).await).expect("JSON");
        let seats: Vec<_> = status["workspaces"].as_array().expect("two").iter().map(|it| &it["seat"]).collect();
        assert_eq!(seats, ["revoked", "signed_in"], "{status:#}");
    })
    .await;
}

#[tokio::test]
async fn row_36_a_key_that_is_revoked_needs_a_person_and_is_asked_for_nothing_more() {
    matrix::row(36, async {
        let mut house = House::empty(documented(), QUICK).await;
        let key = house.home.path("key");
        std::fs::write(&key, house.sim.api_key(&house.sim.primary())).expect("the key is written");
        let secret = format!("api_key=@{}", key.display());
        house.home.ok(&["join", "agentunited", &house.url(), "--as", "acme", "--secret", &secret]).await;
        house.listens().await;
        let mut agent = house.agent().await;
        house.say("heard");
        house.hears_all(&mut agent).await;
        house.sim.revoke_keys(&house.sim.primary());
        let told = house.next(&mut agent, "workspace.needs_action").await;
        assert!(told.event["data"]["command"].as_str().is_some_and(|it| it.contains("api_key=-")), "{told:?}");
        let asked = house.sim.log().len();
        let room = house.room.clone();
        let waits = send(&mut agent, &room, "when somebody has helped").await;
        let shown = || async {
            let receipt: Value =
                serde_json::from_str(&house.home.ok(&["receipt", &waits, "--json"]).await).expect("JSON");
            receipt["waits"].as_str().map(str::to_owned).map(|why| (receipt["state"].clone(), why))
        };
        let (state, why) = until(shown, || house.home.log()).await;
        assert!(state == "accepted" && why.contains("to repair it, run: agent-bridge join"), "{state} {why}");
        assert_eq!(house.sim.log().len(), asked, "nothing is asked for with a key that is not accepted");

        std::fs::write(&key, house.sim.api_key(&house.sim.primary())).expect("the key is written");
        house.home.ok(&["join", "agentunited", &house.url(), "--as", "acme", "--secret", &secret]).await;
        let receipt = house.receipt(&mut agent, &waits).await;
        assert_eq!(receipt["state"], "confirmed", "{receipt:#}");
        house.is_sound(&mut agent, 0).await;
    })
    .await;
}
