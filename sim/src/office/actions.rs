//! `POST /api/offices/{colonyId}/xmtp`: says something, or changes a group.

use axum::{
    body::Bytes,
    extract::{Path, State},
    http::HeaderMap,
};
use serde_json::{Map, Value, json};

use super::{
    Sim,
    answer::{Answer, Outcome, Refusal, refuse},
    auth::Caller,
    join::text,
    options::Sent,
    record::{Group, Message, Receiver},
    world::World,
};

/// A request's body.
pub(crate) type Body = Map<String, Value>;

/// What can be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Action {
    Send,
    GroupSend,
    CreateGroup,
    AddMember,
    RenameGroup,
}

impl Action {
    fn of(body: &Body) -> Option<Self> {
        let word = text(body, "action")?;
        let all = [Self::Send, Self::GroupSend, Self::CreateGroup, Self::AddMember, Self::RenameGroup];
        all.into_iter().find(|it| it.name() == word)
    }

    fn name(self) -> &'static str {
        match self {
            Self::Send => "send",
            Self::GroupSend => "group-send",
            Self::CreateGroup => "create-group",
            Self::AddMember => "add-member",
            Self::RenameGroup => "rename-group",
        }
    }
}

/// Does one action.
pub(crate) async fn act(
    State(sim): State<Sim>,
    Path(office): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Outcome {
    let body: Option<Body> = serde_json::from_slice(&body).ok();
    let action = body.as_ref().and_then(Action::of);
    sim.as_agent(&headers, &office, action.map_or("other", Action::name), |world, me| {
        let body = body.ok_or_else(|| refuse(400, "invalid_json", "action.400_json"))?;
        let action = action.ok_or_else(|| refuse(400, "unknown action", "action.400_unknown"))?;
        match action {
            Action::Send => world.send(me, &body),
            Action::GroupSend => world.group_send(me, &body),
            Action::CreateGroup => world.create_group(me, &body),
            Action::AddMember => world.add_member(me, &body),
            Action::RenameGroup => world.rename_group(me, &body),
        }
    })
}

/// The texts of fields that must all be there; the refusal names them.
pub(crate) fn need<'b, const N: usize>(
    body: &'b Body,
    fields: [&str; N],
    line: &'static str,
) -> Result<[&'b str; N], Refusal> {
    let found = fields.map(|field| text(body, field));
    if found.iter().all(Option::is_some) {
        return Ok(found.map(Option::unwrap_or_default));
    }
    let (last, first) = fields.split_last().map_or(("", &fields[..]), |(last, first)| (*last, first));
    Err(refuse(400, format!("{} and {last} are required", first.join(", ")), line))
}

impl World {
    /// The caller speaks for itself, and the chat knows it.
    pub(crate) fn speaks(&self, me: &Caller, from: Option<&str>) -> Result<(), Refusal> {
        if from.is_some_and(|from| from != me.name) {
            return Err(refuse(403, "from is not your agent", "action.403_from"));
        }
        let known = self.desk(me).is_some_and(|(_, employee)| employee.chat);
        known.then_some(()).ok_or_else(|| refuse(409, "agent is not registered with chat", "chat.none_send"))
    }

    /// A group that the caller is in.
    pub(crate) fn own_group(&self, me: &Caller, id: &str) -> Result<&Group, Refusal> {
        let group = self.office(&me.office).and_then(|it| it.group(id));
        let group = group.ok_or_else(|| refuse(404, "group not found", "action.404_group"))?;
        let member = group.members.contains(&me.name);
        member.then_some(group).ok_or_else(|| refuse(403, "not a member of this group", "action.403_member"))
    }

    fn send(&mut self, me: &Caller, body: &Body) -> Outcome {
        let [from, to, text] = need(body, ["from", "to", "body"], "action.send_400")?;
        self.speaks(me, Some(from))?;
        if self.office(&me.office).is_none_or(|it| it.employee(to).is_none()) {
            return Err(refuse(404, "recipient not found", "action.404_recipient"));
        }
        let message = self.write(&me.office, from, Receiver::Direct(to.into()), text, true);
        Ok(self.sent_answer(&message, "action.send"))
    }

    fn group_send(&mut self, me: &Caller, body: &Body) -> Outcome {
        let [group, from, text] = need(body, ["groupId", "from", "body"], "action.group_send_400")?;
        self.speaks(me, Some(from))?;
        self.own_group(me, group)?;
        let message = self.write(&me.office, from, Receiver::Group(group.into()), text, true);
        Ok(self.sent_answer(&message, "action.group_send"))
    }

    fn sent_answer(&self, message: &Message, line: &'static str) -> Answer {
        let shown = self.options.shape.message(message);
        let (body, form) = match self.options.sent {
            Sent::Message => (json!({"message": shown}), "sent.message"),
            Sent::Bare => (shown, "sent.bare"),
            Sent::Ok => (json!({"success": true}), "sent.ok"),
        };
        Answer::ok(body, line).and([form]).noting(message)
    }
}
