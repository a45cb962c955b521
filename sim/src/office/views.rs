//! `GET /api/offices/{colonyId}/xmtp?view=…`: conversations, groups, messages.

use std::collections::{BTreeMap, HashMap};

use axum::{
    extract::{Path, Query, State},
    http::HeaderMap,
};
use serde_json::{Value, json};

use super::{
    Sim,
    answer::{Answer, Outcome, Refusal, refuse},
    auth::Caller,
    options::Unregistered,
    record::{OriginSource, USER},
    world::World,
};

/// What can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum View {
    Conversations,
    Groups,
    Messages,
    GroupMessages,
}

impl View {
    pub(crate) fn of(word: &str) -> Option<Self> {
        let all = [Self::Conversations, Self::Groups, Self::Messages, Self::GroupMessages];
        all.into_iter().find(|it| it.name() == word)
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Conversations => "conversations",
            Self::Groups => "groups",
            Self::Messages => "messages",
            Self::GroupMessages => "group-messages",
        }
    }

    /// What the list is called.
    fn noun(self) -> &'static str {
        match self {
            Self::Conversations => "conversations",
            Self::Groups => "groups",
            Self::Messages | Self::GroupMessages => "messages",
        }
    }
}

/// A query as handlers read it.
pub(crate) type Asked = HashMap<String, String>;

/// A query parameter that is not empty.
pub(crate) fn param<'q>(query: &'q Asked, name: &str) -> Option<&'q str> {
    query.get(name).map(String::as_str).filter(|it| !it.is_empty())
}

/// Reads one view.
pub(crate) async fn read(
    State(sim): State<Sim>,
    Path(office): Path<String>,
    Query(query): Query<Asked>,
    headers: HeaderMap,
) -> Outcome {
    let view = param(&query, "view").and_then(View::of);
    sim.as_agent(&headers, &office, view.map_or("other", View::name), |world, me| {
        let view = view.ok_or_else(|| refuse(400, "unknown view", "view.400_unknown"))?;
        if let Some(answer) = world.without_chat(me, view)? {
            return Ok(answer);
        }
        match view {
            View::Conversations => Ok(world.conversations(me)),
            View::Groups => Ok(world.groups(me)),
            View::Messages => world.direct_page(me, &query),
            View::GroupMessages => world.group_page(me, &query),
        }
    })
}

impl World {
    /// What an agent that the chat does not know is told instead.
    fn without_chat(&self, me: &Caller, view: View) -> Result<Option<Answer>, Refusal> {
        if self.desk(me).is_some_and(|(_, employee)| employee.chat) {
            return Ok(None);
        }
        match self.options.unregistered {
            Unregistered::Absent => Ok(None),
            Unregistered::Empty => {
                let list = self.options.shape.list(view.noun(), Vec::new());
                Ok(Some(Answer::ok(list, "chat.none_empty")))
            }
            Unregistered::Refused(status) => {
                Err(refuse(status, "agent is not registered with chat", "chat.none_refused"))
            }
        }
    }

    /// Everybody's direct conversations, the newest first: they are the colony's.
    fn conversations(&self, me: &Caller) -> Answer {
        let mut newest: BTreeMap<(&str, &str), (usize, u64)> = BTreeMap::new();
        for (at, message) in self.messages.iter().enumerate().filter(|(_, it)| it.office == me.office) {
            message.pair().map(|pair| newest.insert(pair, (at, message.sent)));
        }
        let mut rows: Vec<_> = newest.into_iter().collect();
        rows.sort_by_key(|(_, (at, _))| std::cmp::Reverse(*at));
        let others = rows.iter().any(|((one, other), _)| ![*one, *other].contains(&&*me.name));
        let list = rows.into_iter().map(|(pair, (_, sent))| self.conversation(me, pair, sent)).collect();
        let answer = Answer::ok(self.options.shape.list("conversations", list), "view.conversations");
        answer.and(others.then_some("view.conversations_of_others"))
    }

    /// An agent is the `agent`, whoever else the `peer`; of two agents the first.
    fn conversation(&self, me: &Caller, (one, other): (&str, &str), sent: u64) -> Value {
        let is_bot = |name| self.office(&me.office).and_then(|it| it.employee(name)).is_some_and(|it| it.bot.is_some());
        let (agent, peer) = if is_bot(other) && !is_bot(one) { (other, one) } else { (one, other) };
        json!({
            "id": format!("dm_{one}_{other}"),
            "agent": agent,
            "peer": peer,
            "lastMessageAt": self.options.shape.time(sent),
        })
    }

    /// Sets the canonical group's membership anew, and shows that group alone.
    fn groups(&mut self, me: &Caller) -> Answer {
        let changed = self.reconcile(&me.office);
        self.books.rewrote(changed);
        let group = self.office(&me.office).and_then(|it| it.group(&it.group));
        let list = group.map(|it| json!({"id": it.id, "name": it.name, "members": it.members}));
        let list = self.options.shape.list("groups", list.into_iter().collect());
        Answer::ok(list, "view.groups").and(changed.then_some("view.groups_rewrite"))
    }

    /// The canonical group is `user` and the agents of the office that the chat knows; whether that was news.
    fn reconcile(&mut self, office: &str) -> bool {
        let Some(office) = self.office_mut(office) else {
            return false;
        };
        let [here, away] = [OriginSource::Provisioned, OriginSource::External];
        let agents = office.agents(here).chain(office.agents(away)).filter(|it| it.chat).map(|it| it.name.clone());
        let members = agents.chain([USER.into()]).collect();
        let group = office.group.clone();
        office.group_mut(&group).is_some_and(|it| std::mem::replace(&mut it.members, members) != it.members)
    }
}
