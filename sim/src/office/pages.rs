//! Pages of messages: the newest of a conversation or of a group; there is no cursor.

use super::{
    answer::{Answer, Outcome, Refusal, refuse},
    auth::Caller,
    books::Read,
    options::{MessageIds, Others},
    record::Message,
    shape::Order,
    views::{Asked, View, param},
    world::World,
};

impl World {
    /// `view=messages&agent=&peer=&limit=`.
    pub(crate) fn direct_page(&mut self, me: &Caller, query: &Asked) -> Outcome {
        let (Some(agent), Some(peer)) = (param(query, "agent"), param(query, "peer")) else {
            return Err(refuse(400, "agent and peer are required", "view.400_pair"));
        };
        let limit = self.limit(query)?;
        let others = ![agent, peer].contains(&&*me.name);
        self.reads(me, View::Messages, &[agent, peer], others)?;
        let messages: Vec<Message> = self.between(&me.office, agent, peer).cloned().collect();
        let answer = self.page(messages, limit, "view.messages");
        Ok(answer.and(param(query, "limit").map(|_| "view.messages_limit")))
    }

    /// `view=group-messages&groupId=`, with a `limit` where the switch says so.
    pub(crate) fn group_page(&mut self, me: &Caller, query: &Asked) -> Outcome {
        let id = param(query, "groupId").ok_or_else(|| refuse(400, "groupId is required", "view.400_group"))?;
        let group = self.office(&me.office).and_then(|it| it.group(id));
        let group = group.ok_or_else(|| refuse(404, "group not found", "view.404_group"))?;
        let others = !group.members.contains(&me.name);
        let limit = if self.options.group_limit { self.limit(query)? } else { self.options.page };
        self.reads(me, View::GroupMessages, &[id], others)?;
        let messages: Vec<Message> = self.in_group(id).cloned().collect();
        let answer = self.page(messages, limit, "view.group_messages");
        Ok(answer.and(param(query, "limit").map(|_| "view.group_messages_limit")))
    }

    fn limit(&self, query: &Asked) -> Result<usize, Refusal> {
        let Some(limit) = param(query, "limit") else {
            return Ok(self.options.page);
        };
        let limit = limit.parse::<usize>().ok().filter(|it| *it > 0);
        let limit = limit.ok_or_else(|| refuse(400, "limit must be a positive number", "view.400_limit"))?;
        Ok(limit.min(self.options.most))
    }

    /// Writes a read into the books, unless it is refused.
    fn reads(&mut self, me: &Caller, view: View, of: &[&str], others: bool) -> Result<(), Refusal> {
        if others && self.options.others == Others::Refused {
            return Err(refuse(403, "not your conversation", "view.403_others"));
        }
        if others {
            self.served("view.others_told");
        }
        let of = of.iter().map(|it| (*it).into()).collect();
        self.books.read(Read { at: self.now(), by: me.name.clone(), view: view.name(), of, others });
        Ok(())
    }

    /// The newest `limit` of messages that are oldest first.
    fn page(&self, mut messages: Vec<Message>, limit: usize, line: &'static str) -> Answer {
        let shape = &self.options.shape;
        messages.drain(..messages.len().saturating_sub(limit));
        if shape.order == Order::NewestFirst {
            messages.reverse();
        }
        // An empty page shows nothing but what is around it.
        let lines: Vec<_> = shape.lines().take(if messages.is_empty() { 1 } else { usize::MAX }).collect();
        let reused = self.options.ids == MessageIds::PerConversation && !messages.is_empty();
        let list = messages.iter().map(|it| shape.message(it)).collect();
        let answer = Answer::ok(shape.list("messages", list), line);
        answer.and(lines).and(reused.then_some("shape.reused_ids"))
    }
}
