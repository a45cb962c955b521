//! What a test has people do: make agents and documents, share, mention, send, accept, write a mail.

use super::{
    Sim,
    events::COLOR,
    options::Notify,
    record::{
        AgentId, CalendarEvent, Document, DocumentId, DocumentType, Mail, Mention, MentionId, MentionStatus,
        ShareToken, Verdict,
    },
    world::World,
};

impl Sim {
    /// The agent of this name, made where there is none, with a key and a calendar; each is of one account.
    pub fn agent(&self, name: &str) -> AgentId {
        self.with(|world| match world.agent_named(name).map(|it| it.id.clone()) {
            Some(id) => id,
            None => world.make_agent(name, "owner@example.com"),
        })
    }

    /// The agent's key that stands.
    pub fn api_key(&self, agent: &str) -> String {
        let held =
            |world: &World| world.keys.iter().find(|(_, it)| it.as_deref() == Some(agent)).map(|it| it.0.clone());
        self.look(held).unwrap_or_default()
    }

    /// A new key; the old one is 401 at once.
    pub fn regenerate_key(&self, agent: &str) -> String {
        self.with(|world| world.make_key(agent))
    }

    /// Where the agent's webhooks go from now on, or nowhere.
    pub fn set_webhook(&self, agent: &str, url: Option<&str>) {
        self.with(|world| world.agents.get_mut(agent).map(|it| it.webhook_url = url.map(Into::into)));
    }

    /// What signs the agent's webhooks.
    pub fn webhook_secret(&self, agent: &str) -> String {
        self.look(|world| world.agents.get(agent).map_or_else(String::new, |it| it.webhook_secret.clone()))
    }

    /// Gives the agent an address; false when its account has two already.
    pub fn enable_email(&self, agent: &str, handle: &str) -> bool {
        self.with(|world| world.enable_email(agent, handle))
    }

    /// The path of the feed of an agent's calendar.
    pub fn calendar_path(&self, agent: &str) -> String {
        let token = self.look(|world| world.agents.get(agent).map(|it| it.calendar_token.clone()));
        format!("/api/cal/{agent}/{}.ics", token.unwrap_or_default())
    }

    /// A new credential for the calendar's feed; the old URL stops working at once.
    pub fn rotate_calendar(&self, agent: &str) {
        self.with(|world| {
            let token = world.nanoid(32);
            world.agents.get_mut(agent).map(|it| it.calendar_token = token)
        });
    }

    /// A document of an agent.
    pub fn document(&self, agent: &str, title: &str, kind: DocumentType, content: &str) -> DocumentId {
        self.with(|world| world.make_document(agent, title, kind, content).id)
    }

    /// A new share token of a document.
    pub fn share(&self, document: &str) -> ShareToken {
        self.with(|world| world.share(document))
    }

    /// The link that a person would hand over.
    pub fn share_link(&self, token: &str) -> String {
        self.look(|world| format!("{}/share/{token}", world.options.url))
    }

    /// The token opens nothing any more; false when there was none.
    pub fn revoke_share(&self, token: &str) -> bool {
        self.with(|world| world.shares.get_mut(token).map(|it| *it = None).is_some())
    }

    /// A person types `@agent …`; the paragraph around it is the mention's context. It is `pending`.
    pub fn type_mention(&self, person: &str, document: &str, agent: &str, paragraph: &str) -> MentionId {
        self.with(|world| {
            world.write_paragraph(document, paragraph);
            let mention = Mention {
                id: world.ids.uuid(),
                document: document.into(),
                name: agent.into(),
                author: person.into(),
                context: paragraph.into(),
                status: MentionStatus::Pending,
                created: world.now(),
            };
            let id = mention.id.clone();
            world.mentions.push(mention);
            if world.options.notify == Notify::WhenTyped {
                world.served("hook.typed");
                world.notify(&id);
            }
            id
        })
    }

    /// The person clicks *Send*; false when there is no such mention that is pending.
    pub fn send_mention(&self, mention: &str) -> bool {
        self.with(|world| {
            let pending = |it: &&mut Mention| it.id == mention && it.status == MentionStatus::Pending;
            let Some(found) = world.mentions.iter_mut().find(pending) else {
                return false;
            };
            found.status = MentionStatus::Sent;
            world.notify(mention);
            true
        })
    }

    /// A person asks an agent for something: types it and sends it.
    pub fn mention(&self, person: &str, document: &str, agent: &str, paragraph: &str) -> MentionId {
        let id = self.type_mention(person, document, agent, paragraph);
        self.send_mention(&id);
        id
    }

    /// Where a mention stands.
    pub fn mention_status(&self, mention: &str) -> Option<MentionStatus> {
        self.look(|world| world.mentions().find(|it| it.id == mention).map(|it| it.status))
    }

    /// A person takes a suggestion, or not. False when it is decided already, or its text is gone.
    pub fn decide(&self, suggestion: &str, accept: bool) -> bool {
        self.with(|world| {
            let open = world.suggestions.iter().find(|it| it.id == suggestion && it.verdict == Verdict::Pending);
            let Some(found) = open.cloned() else {
                return false;
            };
            if accept && !world.replace(&found.document, &found.search, &found.replacement) {
                return false;
            }
            let verdict = if accept { Verdict::Accepted } else { Verdict::Rejected };
            world.suggestions.iter_mut().filter(|it| it.id == suggestion).for_each(|it| it.verdict = verdict);
            true
        })
    }

    /// Somebody writes to an agent, into a thread or into a new one; returns the thread's id.
    pub fn write_mail(&self, agent: &str, from: &str, subject: &str, text: &str, thread: Option<&str>) -> String {
        self.with(|world| {
            let to = world.agents.get(agent).and_then(|it| it.email.clone()).into_iter().collect();
            let mail = Mail { to, unread: true, ..world.mail(from, subject, text) };
            world.put_mail(agent, thread, mail, "received")
        })
    }

    /// An appointment in an agent's calendar, of an hour from `start` (milliseconds since 1970); its id.
    pub fn appoint(&self, agent: &str, title: &str, start: u64, rule: Option<&str>) -> String {
        self.with(|world| {
            let event = CalendarEvent {
                id: world.ids.uuid(),
                agent: agent.into(),
                title: title.into(),
                start,
                end: start + 3_600_000,
                description: None,
                location: None,
                all_day: false,
                rrule: rule.map(Into::into),
                timezone: None,
                color: COLOR.into(),
            };
            let id = event.id.clone();
            world.events.push(event);
            id
        })
    }

    /// An appointment is put off to another time, or called off; whether it was there.
    pub fn put_off(&self, event: &str, start: Option<u64>) -> bool {
        self.with(|world| {
            let Some(at) = world.events.iter().position(|it| it.id == event) else { return false };
            match start {
                Some(start) => (world.events[at].start, world.events[at].end) = (start, start + 3_600_000),
                None => drop(world.events.remove(at)),
            }
            true
        })
    }

    /// What an agent sent, oldest first in each thread.
    pub fn sent_mails(&self, agent: &str) -> Vec<Mail> {
        self.look(|world| {
            let address = world.agents.get(agent).and_then(|it| it.email.clone());
            let own = world.threads().filter(|it| it.agent == agent).flat_map(|it| &it.mails);
            own.filter(|it| Some(&it.from) == address.as_ref()).cloned().collect()
        })
    }

    /// A document's content now.
    pub fn content(&self, document: &str) -> String {
        self.look(|world| world.content(document)).unwrap_or_default()
    }
}

impl World {
    /// A paragraph at the end, unless the document has it already.
    pub(super) fn write_paragraph(&mut self, document: &str, paragraph: &str) {
        let Some(content) = self.content(document) else {
            return;
        };
        // A sheet is rows: people mention agents in its margin.
        let sheet = self.document(document).is_some_and(|it: &Document| it.kind == DocumentType::Sheet);
        if content.contains(paragraph) || self.edit(document, |shape, doc| shape.append(doc, paragraph)) {
            return;
        }
        if !sheet {
            let gap = if content.is_empty() { "" } else { "\n\n" };
            self.write(document, &format!("{content}{gap}{paragraph}"));
        }
    }

    /// Replaces the first `search`; false where it does not stand.
    pub(super) fn replace(&mut self, document: &str, search: &str, replacement: &str) -> bool {
        let Some(content) = self.content(document) else {
            return false;
        };
        let Some(found) = content.find(search) else {
            return false;
        };
        let at = content[..found].encode_utf16().count();
        let in_draft = self.edit(document, |shape, doc| {
            shape.delete(doc, at, search.encode_utf16().count());
            shape.insert(doc, at, replacement);
        });
        if !in_draft {
            self.write(document, &content.replacen(search, replacement, 1));
        }
        true
    }
}
