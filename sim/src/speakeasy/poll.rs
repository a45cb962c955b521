//! `GET /agent/events?cursor=`: the event log, page by page, ascending.

use axum::extract::State;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Sim,
    answer::{Answer, Outcome, Refusal, refuse},
    asked::Asked,
    record::GrantId,
    transport::Transport,
    world::World,
};

/// What goes wrong with polls of the log.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum PollFault {
    /// The next polls that bring a cursor hear that it is invalid.
    InvalidCursor {
        /// How many.
        polls: u32,
    },
    /// The next polls get the cursor that they brought, although there is more.
    RepeatCursor {
        /// How many.
        polls: u32,
        /// Whether they also get no events.
        #[serde(default)]
        empty: bool,
    },
}

/// `GET /agent/events?cursor=`.
pub(crate) async fn events(State(sim): State<Sim>, asked: Asked) -> Outcome {
    sim.with(|world| {
        let grant = world.reader(&asked)?;
        world.answer_to(grant, |world, grant| {
            world.needs(grant, "event_polling")?;
            page(world, grant, asked.param("cursor"))
        })
    })
}

fn page(world: &mut World, grant: GrantId, cursor: Option<&str>) -> Outcome {
    let struck = world.strike_poll(cursor);
    let invalid = || refuse(400, "invalid cursor", "events.poll.400_cursor");
    if matches!(struck, Some(PollFault::InvalidCursor { .. })) {
        return Err(invalid());
    }
    let after = world.place_of(cursor).map_err(|_| invalid())?;
    let there = world.events_beyond(grant, after).take_while(|it| !world.push.transports.is_behind(it.id));
    let found: Vec<(u64, Value)> = there.take(world.options.page).map(|it| (it.id, it.body.clone())).collect();
    let (mut next, mut line) = match found.last() {
        Some((last, _)) => (json!(world.cursor_of(*last)), "events.poll.200"),
        None if cursor.is_some() => (json!(cursor), "events.poll.200_repeats"),
        None => (Value::Null, "events.poll.200_none"),
    };
    let (ids, mut events): (Vec<u64>, Vec<Value>) = found.into_iter().unzip();
    if let Some(PollFault::RepeatCursor { empty, .. }) = struck {
        (next, line) = (json!(cursor), "events.poll.stuck");
        if empty {
            events.clear();
        }
    }
    for id in ids.iter().take(events.len()) {
        world.push.transports.shows(*id, Transport::Polling);
    }
    Ok(Answer::ok(json!({"events": events, "next_cursor": next}), line))
}

impl World {
    /// The grant that polls: a live one, or a revoked one that may still read its last word.
    fn reader(&mut self, asked: &Asked) -> Result<GrantId, Refusal> {
        let refusal = match self.caller(asked) {
            Ok(grant) => return Ok(grant),
            Err(refusal) => refusal,
        };
        let (token, now) = (asked.header("x-auth-token"), self.now());
        let holds =
            |it: &&super::Grant| it.access.iter().any(|it| Some(it.token.as_str()) == token && it.expires > now);
        let last = self.grants.values().filter(|it| it.revoked).find(holds).map(|it| it.id);
        let Some(last) = last.filter(|_| self.options.revoked_polls) else {
            return Err(refusal);
        };
        self.served("events.poll.200_revoked");
        Ok(last)
    }

    /// The fault that strikes this poll: the first one armed that it qualifies for.
    fn strike_poll(&mut self, cursor: Option<&str>) -> Option<PollFault> {
        let fits = |it: &PollFault| cursor.is_some() || matches!(it, PollFault::RepeatCursor { .. });
        let at = self.poll_faults.iter().position(fits)?;
        let fault = self.poll_faults[at].clone();
        let (PollFault::InvalidCursor { polls } | PollFault::RepeatCursor { polls, .. }) = &mut self.poll_faults[at];
        *polls = polls.saturating_sub(1);
        if *polls == 0 {
            self.poll_faults.remove(at);
        }
        Some(fault)
    }
}
