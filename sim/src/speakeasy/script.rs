//! What a test has people do: let an agent in, say, edit, add, remove, revoke.

use bytes::Bytes;

use super::{
    Sim,
    chats::Draft,
    record::{Chat, ChatId, GrantId, TopicId},
};

impl Sim {
    /// A person with this handle, made where there is none; agents may see it. Returns the handle.
    pub fn person(&self, handle: &str, name: &str) -> String {
        self.with(|world| world.person(handle, name));
        handle.into()
    }

    /// A person whom agents do not see before they share a topic.
    pub fn stranger(&self, handle: &str, name: &str) -> String {
        self.person(handle, name);
        self.with(|world| world.accounts.get_mut(handle).map(|it| it.listed = false));
        handle.into()
    }

    /// Opens a person's Agent Discovery for as long as the options say.
    pub fn enable_discovery(&self, handle: &str) {
        self.with(|world| {
            let until = world.after(world.options.discovery_window);
            world.accounts.get_mut(handle).map(|it| it.discovery = Some(until))
        });
    }

    /// Says yes to a request for access.
    pub fn approve(&self, request: u64) {
        self.with(|world| world.decide(request, true));
    }

    /// Says no to a request for access.
    pub fn deny(&self, request: u64) {
        self.with(|world| world.decide(request, false));
    }

    /// A grant without the way there: as if a request had been approved and exchanged.
    pub fn grant(&self, owner: &str, name: &str, callback_url: Option<&str>) -> GrantId {
        self.with(|world| {
            world.person(owner, owner);
            world.make_grant(owner, name, callback_url.map(Into::into))
        })
    }

    /// The newest access token of a grant.
    pub fn access_token(&self, grant: GrantId) -> String {
        let newest = |world: &super::World| Some(world.grants.get(&grant)?.access.last()?.token.clone());
        self.look(newest).unwrap_or_default()
    }

    /// The refresh token that a grant has now.
    pub fn refresh_token(&self, grant: GrantId) -> String {
        self.look(|world| world.grants.get(&grant).map_or_else(String::new, |it| it.refresh.token.clone()))
    }

    /// The handle of a grant's agent.
    pub fn agent(&self, grant: GrantId) -> String {
        self.look(|world| world.agent(grant))
    }

    /// The newest grant that stands.
    pub fn newest_grant(&self) -> Option<GrantId> {
        self.look(|world| world.grants.values().rfind(|it| !it.revoked).map(|it| it.id))
    }

    /// A new topic; who is first made it.
    pub fn topic(&self, subject: &str, handles: &[&str]) -> TopicId {
        let handles: Vec<String> = handles.iter().map(|it| (*it).into()).collect();
        let first = handles.first().cloned().unwrap_or_default();
        self.with(|world| world.open_topic(&first, subject, None, &handles))
    }

    /// A child topic of the topic in which `chat` was said, with the same people; `None` where there is no such chat.
    pub fn child_topic(&self, chat: ChatId, subject: &str) -> Option<TopicId> {
        self.with(|world| {
            let (parent, actor) = world.chats.get(&chat).map(|it| (it.topic, it.author.clone()))?;
            let handles = world.handles_in(parent);
            Some(world.open_topic(&actor, subject, Some((parent, chat)), &handles))
        })
    }

    /// The direct topic of two, made where there is none.
    pub fn direct_topic(&self, one: &str, other: &str) -> TopicId {
        self.with(|world| world.direct(one, other))
    }

    /// Somebody says something, in Markdown.
    pub fn say(&self, handle: &str, topic: TopicId, text: &str) -> ChatId {
        self.with(|world| world.write(handle, topic, Draft::markdown(text)))
    }

    /// Somebody answers a chat.
    pub fn reply(&self, handle: &str, to: ChatId, text: &str) -> Option<ChatId> {
        self.with(|world| {
            let (topic, timeline) = world.chats.get(&to).map(|it| (it.topic, it.timeline))?;
            let draft = Draft { reply_to: Some(timeline), ..Draft::markdown(text) };
            Some(world.write(handle, topic, draft))
        })
    }

    /// Somebody says something with a file.
    pub fn say_with_file(&self, handle: &str, topic: TopicId, text: &str, filename: &str, bytes: Bytes) -> ChatId {
        self.with(|world| {
            let file = world.file(filename, "application/octet-stream", bytes);
            let draft = Draft { attachments: vec![file], ..Draft::markdown(text) };
            world.write(handle, topic, draft)
        })
    }

    /// Somebody changes a chat; false when there is none.
    pub fn edit(&self, chat: ChatId, text: &str) -> bool {
        let draft = Draft::markdown(text);
        self.with(|world| world.revise(chat, &draft.html, &draft.plain))
    }

    /// Somebody removes a chat; false when there is none.
    pub fn delete(&self, chat: ChatId) -> bool {
        self.with(|world| world.remove(chat))
    }

    /// Puts somebody into a topic; `by` did it.
    pub fn add_participant(&self, by: &str, topic: TopicId, handle: &str) -> bool {
        self.with(|world| world.join(by, topic, handle))
    }

    /// Takes somebody out of a topic; `by` did it.
    pub fn remove_participant(&self, by: &str, topic: TopicId, handle: &str) -> bool {
        self.with(|world| world.leave(by, topic, handle))
    }

    /// Ends a grant: `grant.revoked` is its last event. False when there is none that stands.
    pub fn revoke(&self, grant: GrantId) -> bool {
        self.with(|world| world.revoke(grant))
    }

    /// Switches a capability of a grant; names that are none are passed over.
    pub fn set_capability(&self, grant: GrantId, capability: &str, on: bool) {
        self.with(|world| {
            let held = world.grants.get_mut(&grant).and_then(|it| it.capabilities.get_mut(capability));
            held.map(|it| *it = on)
        });
    }

    /// What agents said and did not take back, in order.
    pub fn chats_by_agents(&self) -> Vec<Chat> {
        self.look(|world| {
            let agent = |handle: &str| world.accounts.get(handle).is_some_and(|it| it.agent);
            world.chats.values().filter(|it| agent(&it.author) && !it.deleted).cloned().collect()
        })
    }

    /// Who types in a topic now.
    pub fn typing(&self, topic: TopicId) -> Vec<String> {
        self.look(|world| {
            world.typing.iter().filter(|(at, _)| *at == topic).map(|(_, handle)| handle.clone()).collect()
        })
    }
}
