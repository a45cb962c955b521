//! `/api/v1/email`: an agent's own address, its threads, and what it sends.

use std::collections::BTreeSet;

use axum::extract::{Path, State};
use serde_json::{Map, Value, json};

use super::{
    Sim,
    answer::{Answer, Outcome, Refusal, refuse},
    asked::Asked,
    check::{CONTENT, Issues, TITLE},
    record::{Mail, Thread},
    wire,
    world::World,
};

/// `GET /api/v1/email`.
pub(crate) async fn index(State(sim): State<Sim>, asked: Asked) -> Outcome {
    sim.as_agent(&asked, |world, agent| {
        world.mailbox(agent)?;
        let (offset, limit) = asked.page(50, 100, "email.400_limit")?;
        let wanted: Option<Vec<&str>> = asked.param("labels").map(|it| it.split(',').map(str::trim).collect());
        let labelled = |it: &&Thread| wanted.as_ref().is_none_or(|all| it.labels.iter().any(|one| all.contains(one)));
        let mut own: Vec<&Thread> = world.threads.iter().filter(|it| it.agent == agent).filter(labelled).collect();
        // Newest first, as an inbox is read.
        own.sort_by_key(|it| std::cmp::Reverse(it.mails.last().map(|it| it.created)));
        let shown: Vec<Value> = own.into_iter().skip(offset).take(limit).map(wire::thread).collect();
        let line = if wanted.is_some() { "email.index.labels" } else { "email.index.200" };
        Ok(Answer::ok(json!({"threads": shown}), line))
    })
}

/// `GET /api/v1/email/{threadId}`.
pub(crate) async fn show(State(sim): State<Sim>, Path(id): Path<String>, asked: Asked) -> Outcome {
    sim.as_agent(&asked, |world, agent| {
        world.mailbox(agent)?;
        let thread = world.own_thread(agent, &id)?;
        let mails: Vec<Value> = thread.mails.iter().map(wire::mail).collect();
        let shown = json!({"thread_id": thread.id, "subject": thread.subject, "messages": mails});
        Ok(Answer::ok(json!({"thread": shown}), "email.show.200"))
    })
}

/// `POST /api/v1/email`.
pub(crate) async fn send(State(sim): State<Sim>, asked: Asked) -> Outcome {
    sim.as_agent(&asked, |world, agent| {
        let from = world.mailbox(agent)?;
        let body = asked.object()?;
        let mut issues = Issues::default();
        let to = issues.addresses(&body, "to", "email.400_addresses");
        if body.get("to").is_none_or(Value::is_null) || to.as_ref().is_some_and(Vec::is_empty) {
            issues.add("to", "At least one recipient is required", "email.400_to");
        }
        let cc = issues.addresses(&body, "cc", "email.400_addresses");
        let bcc = issues.addresses(&body, "bcc", "email.400_addresses");
        let subject = issues.required(&body, "subject", TITLE, "email.400_subject");
        let (text, html) = bodies(&mut issues, &body);
        issues.none()?;
        let mail = Mail {
            to: to.unwrap_or_default(),
            cc: cc.unwrap_or_default(),
            bcc: bcc.unwrap_or_default(),
            html,
            ..world.mail(&from, &subject, &text.unwrap_or_default())
        };
        let id = mail.id.clone();
        let thread = world.put_mail(agent, None, mail, "sent");
        Ok(Answer::ok(json!({"thread_id": thread, "message_id": id}), "email.send.200"))
    })
}

/// `POST /api/v1/email/{threadId}/reply`.
pub(crate) async fn reply(State(sim): State<Sim>, Path(id): Path<String>, asked: Asked) -> Outcome {
    sim.as_agent(&asked, |world, agent| {
        let from = world.mailbox(agent)?;
        let thread = world.own_thread(agent, &id)?.clone();
        let body = asked.object()?;
        let mut issues = Issues::default();
        let to = issues.addresses(&body, "to", "email.400_addresses").filter(|it| !it.is_empty());
        let (text, html) = bodies(&mut issues, &body);
        if text.is_none() && html.is_none() {
            issues.add("text", "Text is required", "email.reply.400_text");
        }
        issues.none()?;
        let last = thread.mails.last();
        let other = last.map(|it| if it.from == from { it.to.clone() } else { vec![it.from.clone()] });
        let line = if to.is_some() { "email.reply.to" } else { "email.reply.200" };
        let subject = format!("Re: {}", thread.subject.trim_start_matches("Re: "));
        let to = to.or(other).unwrap_or_default();
        let mail = Mail { to, html, ..world.mail(&from, &subject, &text.unwrap_or_default()) };
        let message = mail.id.clone();
        world.put_mail(agent, Some(&id), mail, "sent");
        Ok(Answer::ok(json!({"thread_id": id, "message_id": message}), line))
    })
}

/// `POST /api/v1/email/{threadId}/read`.
pub(crate) async fn read(State(sim): State<Sim>, Path(id): Path<String>, asked: Asked) -> Outcome {
    sim.as_agent(&asked, |world, agent| {
        world.mailbox(agent)?;
        world.own_thread(agent, &id)?;
        let thread = world.threads.iter_mut().filter(|it| it.id == id);
        let unread = thread.flat_map(|it| &mut it.mails).filter(|it| it.unread);
        let marked = unread.map(|it| it.unread = false).count();
        Ok(Answer::ok(json!({"marked": marked}), "email.read.200"))
    })
}

fn bodies(issues: &mut Issues, body: &Map<String, Value>) -> (Option<String>, Option<String>) {
    let text = issues.optional(body, "text", CONTENT, "email.400_text");
    let html = issues.optional(body, "html", CONTENT, "email.400_html");
    (text, html)
}

impl Sim {
    /// Somebody sends a mail from the agent's address by hand; its thread, or `None` where it has no address.
    pub fn send_by_hand(&self, agent: &str, to: &str, subject: &str, text: &str) -> Option<String> {
        self.with(|world| {
            let from = world.mailbox(agent).ok()?;
            let mail = Mail { to: vec![to.into()], ..world.mail(&from, subject, text) };
            Some(world.put_mail(agent, None, mail, "sent"))
        })
    }
}

impl World {
    /// The agent's address, once e-mail is enabled.
    fn mailbox(&self, agent: &str) -> Result<String, Refusal> {
        let address = self.agents.get(agent).and_then(|it| it.email.clone());
        address.ok_or_else(|| refuse(403, "Email is not enabled for this agent", "email.403"))
    }

    fn own_thread(&self, agent: &str, id: &str) -> Result<&Thread, Refusal> {
        let found = self.threads.iter().find(|it| it.id == id);
        let owner = found.map(|it| it.agent.as_str());
        found.filter(|it| it.agent == agent).ok_or_else(|| self.not_yours(owner, "email.404"))
    }

    /// A mail to nobody yet.
    pub(crate) fn mail(&mut self, from: &str, subject: &str, text: &str) -> Mail {
        Mail {
            id: format!("msg_{}", self.nanoid(12)),
            from: from.into(),
            to: Vec::new(),
            cc: Vec::new(),
            bcc: Vec::new(),
            subject: subject.into(),
            text: text.into(),
            html: None,
            unread: false,
            created: self.now(),
        }
    }

    /// Puts a mail into a thread, or into a new one; returns the thread's id.
    pub(crate) fn put_mail(&mut self, agent: &str, thread: Option<&str>, mail: Mail, label: &'static str) -> String {
        if let Some(thread) = self.threads.iter_mut().find(|it| it.agent == agent && Some(it.id.as_str()) == thread) {
            thread.labels.insert(label);
            thread.mails.push(mail);
            return thread.id.clone();
        }
        let id = format!("th_{}", self.nanoid(12));
        let (subject, labels) = (mail.subject.clone(), BTreeSet::from([label]));
        self.threads.push(Thread { id: id.clone(), agent: agent.into(), subject, labels, mails: vec![mail] });
        id
    }
}
