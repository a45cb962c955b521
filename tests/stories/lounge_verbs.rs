//! Every verb of a platform with topics, on the real binary: what reaches the platform, and what the receipt names, in each
//! of the forms in which such platforms answer.

use agent_bridge_sim::speakeasy::{Chat, ChatId, Options, Sim, TopicId, World};
use serde_json::{Value, json};

use crate::bridge::Agent;
use crate::lounge::{Lounge, OWNER, hospitable};

const BOB: &str = "bob@example.com";

/// The workspace, and somebody who acts there.
struct Room {
    lounge: Lounge,
    agent: Agent,
    /// The agent's handle.
    me: String,
}

impl Room {
    async fn of(options: Options) -> Self {
        let lounge = Lounge::of(Sim::new(options), "every = \"10m\"", "").await;
        lounge.sim.person(BOB, "Bob");
        let me = lounge.sim.agent(lounge.sim.newest_grant().expect("a grant"));
        let agent = lounge.home.agent().await;
        Self { lounge, agent, me }
    }

    async fn act(&mut self, verb: &str, args: Value) -> Value {
        let act = json!({ "workspace": "lounge", "verb": verb, "args": args, "wait": "30s" });
        self.agent.call("act", act).await.expect("it is taken")
    }

    /// The ids that the receipt names.
    async fn done(&mut self, verb: &str, args: Value) -> Vec<u64> {
        let receipt = self.act(verb, args).await;
        assert_eq!(receipt["state"], "confirmed", "{verb}: {receipt:#}\n{}", self.lounge.home.log());
        let ids: Vec<String> = serde_json::from_value(receipt["remote_ids"].clone()).expect("ids are texts");
        ids.iter().map(|id| id.parse().expect("a number")).collect()
    }

    async fn failed(&mut self, verb: &str, args: Value) -> (String, String) {
        let receipt = self.act(verb, args).await;
        assert_eq!(receipt["state"], "failed", "{verb}: {receipt:#}");
        let word = |key: &str| receipt[key].as_str().expect("a text").to_owned();
        (word("kind"), word("message"))
    }

    /// Arguments in the topic of the workspace.
    fn here(&self, more: &Value) -> Value {
        let mut args = json!({ "conversation": self.lounge.topic.to_string() });
        args.as_object_mut().expect("a table").extend(more.as_object().cloned().expect("a table"));
        args
    }

    fn chat(&self, id: ChatId) -> Chat {
        self.lounge.sim.look(|world| world.chat(id).expect("it is there").clone())
    }

    fn handles(&self, topic: TopicId) -> Vec<String> {
        let handles = |world: &World| {
            let topic = world.topic(topic).expect("it is there");
            topic.participants.iter().map(|it| it.handle.clone()).collect()
        };
        self.lounge.sim.look(handles)
    }

    async fn texts(&mut self) {
        let said = self.done("send", self.here(&json!({ "text": "In **Markdown**" }))).await;
        assert_eq!(self.chat(said[0]).html, "<div>In <strong>Markdown</strong></div>");
        let said = self.done("send", self.here(&json!({ "html": "<p>In <i>HTML</i></p>" }))).await;
        let chat = self.chat(said[0]);
        assert_eq!((chat.html.as_str(), chat.plain.as_str()), ("<p>In <i>HTML</i></p>", "In HTML"));
        let message = chat.id.to_string();
        self.done("edit", self.here(&json!({ "message": message, "html": "<p>Better</p>" }))).await;
        assert_eq!((self.chat(chat.id).html, self.chat(chat.id).edited.is_some()), ("<p>Better</p>".to_owned(), true));
        self.done("delete", self.here(&json!({ "message": message }))).await;
        assert!(self.chat(chat.id).deleted);
        // Gone is not done: a 404 may as well be another mistake, and the message stands there.
        let (kind, said_so) = self.failed("delete", self.here(&json!({ "message": message }))).await;
        assert!(kind == "not_found" && said_so.contains("(chat not found)"), "{kind}: {said_so}");
        let stands = self.done("send", self.here(&json!({ "text": "this stays" }))).await[0];
        let other = self.lounge.sim.topic("Other", &[OWNER, &self.me]);
        let elsewhere = json!({ "conversation": other.to_string(), "message": stands.to_string() });
        assert_eq!(self.failed("delete", elsewhere).await.0, "not_found");
        assert!(!self.chat(stands).deleted);
    }

    async fn typing(&mut self) {
        let seen = |room: &Self| room.lounge.sim.typing(room.lounge.topic);
        self.done("typing", self.here(&json!({ "state": true }))).await;
        assert_eq!(seen(self), std::slice::from_ref(&self.me));
        self.done("typing", self.here(&json!({ "state": false }))).await;
        assert!(seen(self).is_empty());
    }

    async fn topics(&mut self) {
        let here = self.lounge.topic;
        let made = self.done("topic.create", json!({ "title": "Launch", "people": [BOB] })).await;
        assert_eq!(self.handles(made[0]), [self.me.clone(), BOB.to_owned()]);
        let source = self.lounge.sim.say(OWNER, here, "Shall we?");
        let grown = json!({ "title": "We shall", "parent": here.to_string(), "spawned_from": source.to_string(), "people": [BOB] });
        let child = self.done("topic.create", grown.clone()).await[0];
        let hangs = |world: &World| world.topic(child).map(|topic| (topic.parent, topic.spawned_from));
        assert_eq!(self.lounge.sim.look(hangs), Some((Some(here), Some(source))));
        assert_eq!(self.handles(child).len(), 3, "those of the parent, and who was named");
        let (_, message) = self.failed("topic.create", grown).await;
        assert!(message.contains(&format!("`{source}` has `{child}` already")), "{message}");

        let first = self.done("direct.open", json!({ "person": BOB, "text": "Hello" })).await;
        let again = self.done("direct.open", json!({ "person": BOB, "text": "Hello again" })).await;
        assert_eq!(
            (first[0], self.chat(first[1]).plain),
            (again[0], "Hello".to_owned()),
            "topic and chat, in this order"
        );
        assert_eq!(self.chat(again[1]).topic, first[0]);
        assert!(self.done("participant.add", self.here(&json!({ "person": BOB }))).await.is_empty());
        assert!(self.handles(here).iter().any(|handle| handle == BOB));
        assert!(self.done("rename", json!({ "name": "Scout" })).await.is_empty());
        assert_eq!(self.lounge.sim.look(|world| world.appears(&self.me).map(str::to_owned)).as_deref(), Some("Scout"));
    }
}

#[tokio::test]
async fn every_verb_does_what_it_says_and_names_what_it_made_in_every_form_of_answer() {
    let bare = Options { top_level: false, ids_as_strings: true, ..hospitable() };
    for options in [hospitable(), bare] {
        let mut room = Room::of(options).await;
        room.texts().await;
        room.typing().await;
        room.topics().await;
        drop(room.agent);
        room.lounge.end().await;
    }
}
