//! Drafts of the agent's own key: edited live without a link, and what is no draft changed in its own way.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails, and says where")]

use agent_bridge_sim::agentworkspace::{AgentId, DocumentType, LiveFault, Options, Shape, Sim, Turn};
use agent_bridge_sim::serve::Serving;
use serde_json::{Value, json};

use crate::bridge::{Agent, Daemon, Home, until};
use crate::house::QUICK;

/// The platform with the agent `Atlas` on it, and the bridge that has its key as `atlas`.
struct Loft {
    sim: Sim,
    me: AgentId,
    home: Home,
    agent: Agent,
    serving: Serving,
    daemon: Daemon,
}

impl Loft {
    /// Joined by the key, with this config beside the usual one.
    async fn new(more: &str) -> Self {
        let loft = Self::empty(more).await;
        let (url, secret) = (loft.serving.url(), loft.key(&loft.sim.api_key(&loft.me)));
        loft.home.ok(&["join", "agentworkspace", &url, "--as", "atlas", "--secret", &secret]).await;
        loft
    }

    /// Nothing joined yet.
    async fn empty(more: &str) -> Self {
        let sim = Sim::new(Options::default());
        let me = sim.agent("Atlas");
        let serving = sim.serve(0).await.unwrap();
        let home = Home::new(&format!("{QUICK}\n{more}"));
        let daemon = home.start().await;
        let agent = home.agent().await;
        Self { sim, me, home, agent, serving, daemon }
    }

    /// The argument that gives this key.
    fn key(&self, key: &str) -> String {
        let file = self.home.path("key");
        std::fs::write(&file, key).unwrap();
        format!("api_key=@{}", file.display())
    }

    /// The receipt of a verb.
    async fn act(&mut self, verb: &str, args: Value) -> Value {
        let act = json!({ "workspace": "atlas", "verb": verb, "args": args, "wait": "45s" });
        self.agent.call("act", act).await.expect("it is taken")
    }

    async fn edit(&mut self, document: &str, mut what: Value) -> Value {
        what["conversation"] = document.into();
        self.act("document.edit", what).await
    }

    async fn read(&mut self, document: &str) -> Result<Value, Value> {
        self.agent.call("document", json!({ "workspace": "atlas", "document": document })).await
    }

    async fn workspace(&self) -> Value {
        let shown = self.home.ok(&["status", "atlas", "--json"]).await;
        serde_json::from_str::<Value>(&shown).unwrap()["workspaces"][0].clone()
    }

    async fn is_live(&self) {
        until(|| async { (self.workspace().await["live"] == true).then_some(()) }, || self.home.log()).await;
    }

    async fn end(self) {
        drop(self.agent);
        let key = self.sim.api_key(&self.me);
        assert_eq!(self.daemon.stop().await, Some(0), "{}", self.home.log());
        self.serving.stop().await;
        let log = self.home.log();
        assert!(!log.contains(&key) && !log.contains("token="), "{log}");
    }
}

fn draft(loft: &Loft, content: &str) -> String {
    loft.sim.draft(&loft.me, "Notes", Shape::Text("content".into()), content).as_str().to_owned()
}

#[tokio::test]
async fn a_draft_that_the_agent_has_just_made_is_edited_live_and_nobody_has_to_add_it() {
    let mut loft = Loft::new("").await;
    loft.agent.call("subscribe", json!({ "consumer": "main" })).await.unwrap();
    let made = loft.act("document.create", json!({ "title": "Plan", "type": "draft" })).await;
    let id = made["remote_ids"][0].as_str().unwrap().to_owned();
    // The platform does not say of which type an empty one is; by its own route the first words go in.
    let receipt = loft.edit(&id, json!({ "op": "append", "text": "First." })).await;
    assert_eq!((&receipt["state"], &receipt["kind"]), (&json!("failed"), &json!("document_empty")), "{receipt}");
    assert!(receipt["message"].as_str().unwrap().contains("first words with `document.update`"), "{receipt}");
    loft.act("document.update", json!({ "document": id, "content": "Plan" })).await;
    until(|| async { (loft.sim.seen(&id) == "Plan").then_some(()) }, || loft.home.log()).await;
    let receipt = loft.edit(&id, json!({ "op": "append", "text": "First." })).await;
    assert_eq!((&receipt["state"], &receipt["went"]), (&json!("confirmed"), &json!("edited")), "{receipt}");
    let receipt = loft.edit(&id, json!({ "op": "replace", "quote": "First.", "text": "Firstly." })).await;
    assert_eq!(receipt["state"], "confirmed", "its own words it may change: {receipt}");
    assert!(loft.sim.seen(&id).contains("Firstly."), "{}", loft.sim.seen(&id));
    let lines = loft.sim.lines();
    assert_eq!(
        (lines.len(), lines[0].name.as_str()),
        (1, "Atlas"),
        "one connection, by the key's own token: {lines:?}"
    );
    let read = loft.read(&id).await.unwrap()["item"].clone();
    assert_eq!(
        (&read["title"], &read["type"], &read["live"]),
        (&json!("Plan"), &json!("draft"), &json!(true)),
        "{read}"
    );
    assert!(read["content"].as_str().unwrap().contains("Firstly."), "{read}");
    let shown = loft.workspace().await["documents"].clone();
    assert_eq!((&shown[0]["id"], &shown[0]["own"], &shown[0]["state"]), (&json!(id), &json!(true), &json!("live")));
    assert!(loft.home.ok(&["status"]).await.contains("live"), "an open one is shown");
    loft.sim.appends(&id, "Says Pierre.");
    // What the route wrote is the agent's own, too.
    let told = loft.agent.delivery_of("document.changed").await;
    let diff = told.event["data"]["diff"].as_str().unwrap();
    assert!(diff.contains("+Says Pierre.") && !diff.contains("Plan") && !diff.contains("Firstly"), "{}", told.event);
    let conversation = &told.event["data"]["conversation"];
    assert_eq!((&conversation["id"], &conversation["title"]), (&json!(id), &json!("Plan")), "{}", told.event);
    loft.end().await;
}

/// What others change is told, whenever they do it; what the agent writes by the key's own route never is.
#[tokio::test]
async fn what_the_route_writes_into_an_open_draft_is_no_event_and_what_others_write_around_it_is() {
    let mut loft = Loft::new("").await;
    loft.agent.call("subscribe", json!({ "consumer": "main" })).await.unwrap();
    let id = draft(&loft, "Rome.");
    assert_eq!(loft.edit(&id, json!({ "op": "append", "text": "Mine." })).await["state"], "confirmed");
    loft.sim.appends(&id, "Pierre one.");
    let update = json!({ "document": id, "content": "All of it anew.\n\nIn two lines." });
    assert_eq!(loft.act("document.update", update).await["state"], "confirmed");
    loft.sim.appends(&id, "Pierre two.");
    let told = told_until(&mut loft, "+Pierre two.").await;
    assert!(told.contains("+Pierre one."), "{told}");
    assert!(!told.contains("anew") && !told.contains("In two lines"), "own words: {told}");
    // Both while the connection is lost: they come back as one change.
    loft.sim.arm_live(Turn { after: 0, count: None, fault: LiveFault::Refuse { status: 503 } });
    loft.sim.live_fault(LiveFault::Drop);
    let update = json!({ "document": id, "content": "Once more.\n\nQuite another text.\n\nOf three lines." });
    assert_eq!(loft.act("document.update", update).await["state"], "confirmed");
    loft.sim.appends(&id, "Pierre three.");
    loft.sim.heal_live();
    let told = told_until(&mut loft, "+Pierre three.").await;
    assert!(!["Once more", "another", "anew", "Pierre two"].iter().any(|own| told.contains(own)), "{told}");
    loft.end().await;
}

/// All that is told of changes, up to this.
async fn told_until(loft: &mut Loft, last: &str) -> String {
    let mut told = String::new();
    while !told.contains(last) {
        let event = loft.agent.delivery_of("document.changed").await;
        loft.agent.call("ack", json!({ "seq": event.seq })).await.unwrap();
        told.push_str(event.event["data"]["diff"].as_str().unwrap());
    }
    told
}

#[tokio::test]
async fn others_words_in_an_own_draft_are_theirs_and_the_way_out_is_said() {
    let mut loft = Loft::new("").await;
    let id = draft(&loft, "Rome is the majority of it.");
    let change = json!({ "op": "replace", "quote": "the majority of", "text": "about 41% of" });
    let receipt = loft.edit(&id, change.clone()).await;
    assert_eq!((&receipt["state"], &receipt["kind"]), (&json!("failed"), &json!("not_suggested")), "{receipt}");
    let words = receipt["message"].as_str().unwrap();
    assert!(words.contains("document add") && words.contains("direct_edits"), "{words}");
    assert_eq!(loft.sim.seen(&id), "Rome is the majority of it.");
    // With its link somebody can be asked.
    let link = loft.sim.share_link(&loft.sim.share(&id));
    loft.home.ok(&["document", "add", "atlas", &link]).await;
    let receipt = loft.edit(&id, change).await;
    assert_eq!((&receipt["state"], &receipt["went"]), (&json!("confirmed"), &json!("suggested")), "{receipt}");
    loft.end().await;
}

#[tokio::test]
async fn what_is_no_draft_says_which_verb_changes_it_and_what_is_not_there_says_so() {
    let mut loft = Loft::new("").await;
    let sheet = loft.sim.document(&loft.me, "Budget", DocumentType::Sheet, "[]").as_str().to_owned();
    let receipt = loft.edit(&sheet, json!({ "op": "append", "text": "x" })).await;
    assert_eq!((&receipt["state"], &receipt["kind"]), (&json!("failed"), &json!("not_live")), "{receipt}");
    let words = receipt["message"].as_str().unwrap();
    assert!(words.contains("`sheet`") && words.contains("`document.update`"), "{words}");
    let asked = loft.sim.log().iter().filter(|it| it.path.ends_with("draft-token")).count();
    assert_eq!(asked, 0, "no token is asked for what cannot be opened");
    assert!(loft.workspace().await["documents"].is_null(), "it is no trouble of a document");
    assert_eq!(loft.read(&sheet).await.unwrap()["item"]["content"], "[]", "it is read all the same");
    let rome = loft.sim.agent("Rome");
    let foreign = loft.sim.draft(&rome, "Theirs", Shape::Text("content".into()), "x").as_str().to_owned();
    for stranger in ["no-such-document", &foreign] {
        let receipt = loft.edit(stranger, json!({ "op": "append", "text": "x" })).await;
        assert_eq!((&receipt["state"], &receipt["kind"]), (&json!("failed"), &json!("document_failed")), "{receipt}");
        assert!(receipt["message"].as_str().unwrap().contains("not there, or not yours"), "{receipt}");
    }
    assert_eq!(loft.sim.seen(&foreign), "x");
    let id = draft(&loft, "Well.");
    assert_eq!(loft.edit(&id, json!({ "op": "append", "text": "x" })).await["state"], "confirmed", "others are well");
    loft.end().await;
}

#[tokio::test]
async fn a_workspace_of_links_gets_the_key_by_joining_again_and_loses_nothing_by_a_wrong_one() {
    let mut loft = Loft::empty("").await;
    let shared = draft(&loft, "Shared.");
    let link = loft.sim.share_link(&loft.sim.share(&shared));
    loft.home.ok(&["join", "agentworkspace", &link, "--as", "atlas", "--set", "display_name=Atlas"]).await;
    loft.is_live().await;
    let own = draft(&loft, "Own.");
    let receipt = loft.edit(&own, json!({ "op": "append", "text": "x" })).await;
    assert!(receipt["message"].as_str().unwrap().contains("document add"), "no key, and no link of it: {receipt}");
    let again = loft.home.cli(&["join", "agentworkspace", &link, "--as", "atlas"]).await;
    let words = String::from_utf8_lossy(&again.stderr).into_owned();
    assert!(!again.status.success() && words.contains("agent-bridge document add atlas"), "{words}");

    let wrong = loft.key("ak_nobody-has-this-one-at-all-00000000000000");
    let again = loft.home.cli(&["join", "agentworkspace", "--as", "atlas", "--secret", &wrong]).await;
    assert!(!again.status.success(), "{}", String::from_utf8_lossy(&again.stderr));
    loft.is_live().await;
    assert_eq!(loft.workspace().await["session"], "share", "it stands as it did");
    let receipt = loft.edit(&shared, json!({ "op": "append", "text": "One." })).await;
    assert_eq!(receipt["state"], "confirmed", "{receipt}");

    let right = loft.key(&loft.sim.api_key(&loft.me));
    loft.home.ok(&["join", "agentworkspace", "--as", "atlas", "--secret", &right]).await;
    loft.is_live().await;
    assert_eq!(loft.workspace().await["session"], "key");
    for document in [&own, &shared] {
        let receipt = loft.edit(document, json!({ "op": "append", "text": "Two." })).await;
        assert_eq!(receipt["state"], "confirmed", "{receipt}: {}", loft.home.log());
        assert!(loft.sim.seen(document).contains("Two."));
    }
    let desk = loft.agent.call("desk", json!({ "workspace": "atlas", "what": "documents" })).await.unwrap();
    assert_eq!(desk["items"].as_array().unwrap().len(), 2, "{desk}");
    let again = loft.home.cli(&["join", "agentworkspace", "--as", "atlas", "--secret", &right]).await;
    assert!(!again.status.success(), "it has its key: there is nothing to join");
    loft.end().await;
}
