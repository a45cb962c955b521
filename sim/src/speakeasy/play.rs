//! What happens on the platform, whoever does it; each happening becomes an event of every grant that may see it.

use serde_json::{Value, json};

use super::{
    chats::Draft,
    events::Happening,
    record::{Account, Chat, ChatId, GrantId, Participant, Topic, TopicId},
    wire,
    world::World,
};

impl World {
    /// The account of a person with this handle, made where there is none.
    pub(crate) fn person(&mut self, handle: &str, name: &str) {
        if !self.accounts.contains_key(handle) {
            let (id, handle) = (self.next_id(), handle.to_owned());
            let name = name.into();
            let account = Account { id, handle: handle.clone(), name, agent: false, listed: true, discovery: None };
            self.accounts.insert(handle, account);
        }
    }

    /// A new topic; `source` is the parent and the chat that it grows from.
    pub(crate) fn open_topic(
        &mut self,
        actor: &str,
        subject: &str,
        source: Option<(TopicId, ChatId)>,
        handles: &[String],
    ) -> TopicId {
        let id = self.next_id();
        let parent = source.and_then(|(parent, _)| self.topics.get(&parent));
        let (root, direct) = parent.map_or((id, false), |it| (it.root, it.direct));
        let mut topic = Topic {
            id,
            subject: subject.into(),
            direct,
            parent: source.map(|(parent, _)| parent),
            root,
            spawned_from: source.map(|(_, chat)| chat),
            participants: Vec::new(),
        };
        for handle in handles {
            if !topic.has(handle) {
                topic.participants.push(Participant { id: self.next_id(), handle: handle.clone() });
            }
        }
        let payload = json!({"topic": wire::topic(&topic)});
        self.topics.insert(id, topic);
        self.announce("topic.created", id, None, actor, &payload, None);
        id
    }

    /// The direct topic of two, where there is one.
    pub(crate) fn direct_of(&self, one: &str, other: &str) -> Option<TopicId> {
        let mut direct = self.topics.values().filter(|it| it.direct && it.parent.is_none());
        direct.find(|it| it.has(one) && it.has(other)).map(|it| it.id)
    }

    /// The same, made where there is none.
    pub(crate) fn direct(&mut self, one: &str, other: &str) -> TopicId {
        if let Some(known) = self.direct_of(one, other) {
            return known;
        }
        let id = self.open_topic(one, "", None, &[one.into(), other.into()]);
        if let Some(topic) = self.topics.get_mut(&id) {
            topic.direct = true;
        }
        id
    }

    /// Stores a chat and its timeline entry, and tells of it.
    pub(crate) fn write(&mut self, author: &str, topic: TopicId, draft: Draft) -> ChatId {
        let (id, timeline) = (self.next_id(), self.next_id());
        let chat = Chat {
            id,
            timeline,
            topic,
            author: author.into(),
            plain: draft.plain,
            html: draft.html,
            deleted: false,
            edited: None,
            reply_to: draft.reply_to,
            attachments: draft.attachments,
        };
        self.chats.insert(id, chat);
        self.timelines.insert(timeline, id);
        self.announce_chat("chat.created", id);
        id
    }

    /// Changes a chat; false when there is none, or none any more.
    pub(crate) fn revise(&mut self, chat: ChatId, html: &str, plain: &str) -> bool {
        let now = self.now();
        let Some(chat) = self.chats.get_mut(&chat).filter(|it| !it.deleted) else {
            return false;
        };
        html.clone_into(&mut chat.html);
        plain.clone_into(&mut chat.plain);
        chat.edited = Some(now);
        let id = chat.id;
        self.announce_chat("chat.updated", id);
        true
    }

    /// Removes a chat; its place stays. False when there is none, or none any more.
    pub(crate) fn remove(&mut self, chat: ChatId) -> bool {
        let Some(chat) = self.chats.get_mut(&chat).filter(|it| !it.deleted) else {
            return false;
        };
        chat.deleted = true;
        chat.html.clear();
        chat.plain.clear();
        chat.attachments.clear();
        let id = chat.id;
        self.announce_chat("chat.deleted", id);
        true
    }

    /// Puts somebody into a topic.
    pub(crate) fn join(&mut self, actor: &str, topic: TopicId, handle: &str) -> bool {
        let one = Participant { id: self.next_id(), handle: handle.into() };
        let Some(found) = self.topics.get_mut(&topic).filter(|it| !it.has(handle)) else {
            return false;
        };
        found.participants.push(one.clone());
        self.announce_participant("participant.added", topic, &one, actor);
        true
    }

    /// Takes somebody out of a topic; who is taken out hears of it too.
    pub(crate) fn leave(&mut self, actor: &str, topic: TopicId, handle: &str) -> bool {
        let Some(found) = self.topics.get_mut(&topic) else {
            return false;
        };
        let Some(at) = found.participants.iter().position(|it| it.handle == handle) else {
            return false;
        };
        let one = found.participants.remove(at);
        self.announce_participant("participant.removed", topic, &one, actor);
        true
    }

    fn announce_participant(&mut self, event_type: &'static str, topic: TopicId, one: &Participant, actor: &str) {
        let Some(found) = self.topics.get(&topic) else {
            return;
        };
        let record = json!({"id": one.id, "topic_id": topic, "handle": one.handle});
        let payload = json!({"topic": wire::topic(found), "participant": record});
        self.announce(event_type, topic, None, actor, &payload, Some(&one.handle));
    }

    fn announce_chat(&mut self, event_type: &'static str, id: ChatId) {
        let Some(chat) = self.chats.get(&id) else {
            return;
        };
        let topic = self.topics.get(&chat.topic).map(wire::topic);
        let payload = json!({"topic": topic, "chat": self.chat_json(chat), "timeline": self.timeline_json(chat)});
        let (topic, actor) = (chat.topic, chat.author.clone());
        self.announce(event_type, topic, Some(id), &actor, &payload, None);
    }

    /// One event per grant that may see it: its agent is in the topic, or is the one it is about.
    fn announce(
        &mut self,
        event_type: &'static str,
        topic: TopicId,
        chat: Option<ChatId>,
        actor: &str,
        payload: &Value,
        about: Option<&str>,
    ) {
        let Some(found) = self.topics.get(&topic) else {
            return;
        };
        let own = self.options.own_events;
        let live = self.grants.values().filter(|it| !it.revoked && (own || it.handle != actor));
        let told = live.filter(|it| found.has(&it.handle) || about == Some(it.handle.as_str()));
        let grants: Vec<GrantId> = told.map(|it| it.id).collect();
        for grant in grants {
            let who = Some(actor.to_owned());
            let payload = payload.clone();
            self.record(grant, &Happening { event_type, topic: Some(topic), chat, actor: who, payload });
            if self.agent(grant) == *actor {
                self.served("events.own");
            }
            self.served(match event_type {
                "chat.created" => "events.chat.created",
                "chat.updated" => "events.chat.updated",
                "chat.deleted" => "events.chat.deleted",
                "topic.created" => "events.topic.created",
                "participant.added" => "events.participant.added",
                _ => "events.participant.removed",
            });
        }
    }
}
