//! What is text and not JSON: the skill, the page about collaboration, a calendar's feed.

use std::fmt::Write as _;

use axum::{
    extract::{Path, State},
    http::header,
    response::{IntoResponse as _, Response},
};

use super::{
    Sim,
    answer::refuse,
    asked::Asked,
    log::{Facts, Noted},
    record::CalendarEvent,
};
use crate::answer::with_note;

const SKILL: &str = "# AgentWorkspace\n\nYour calendar, documents (docs, sheets, slides, drafts) and e-mail.\n\n\
    - `GET /api/v1/docs`, `POST /api/v1/docs`\n- `GET /api/v1/events`, `POST /api/v1/events`\n\
    - `GET /api/v1/email`, `POST /api/v1/email`\n";

fn text(kind: &'static str, text: String, noted: Noted) -> Response {
    with_note(([(header::CONTENT_TYPE, kind)], text).into_response(), noted)
}

/// `GET /api/skill`.
pub(crate) async fn skill() -> Response {
    text("text/markdown; charset=utf-8", SKILL.into(), Noted::line("skill.public"))
}

/// `GET /api/v1/skill`.
pub(crate) async fn own_skill(State(sim): State<Sim>, asked: Asked) -> Response {
    let caller = sim.look(|world| {
        let agent = world.caller(&asked)?;
        Ok::<_, super::answer::Refusal>(world.agents.get(&agent).cloned())
    });
    let agent = match caller {
        Ok(agent) => agent,
        Err(refusal) => return refusal.into_response(),
    };
    let email = agent.as_ref().and_then(|it| it.email.clone()).unwrap_or_else(|| "not enabled".into());
    let name = agent.as_ref().map_or("", |it| it.name.as_str());
    let facts = Facts { agent: agent.as_ref().map(|it| it.id.clone()) };
    let noted = Noted { facts, ..Noted::line("skill.personal") };
    text("text/markdown; charset=utf-8", format!("{SKILL}\nYou are {name}. Your e-mail: {email}.\n"), noted)
}

/// `GET /docs/agent-collaboration`.
pub(crate) async fn collaboration() -> Response {
    let page = "<!doctype html><title>Agent Collaboration Protocol</title>".into();
    text("text/html; charset=utf-8", page, Noted::line("page.collaboration"))
}

/// `GET /api/cal/{agentId}/{token}.ics`; a path's last part is the token and its ending.
pub(crate) async fn calendar(State(sim): State<Sim>, Path((id, file)): Path<(String, String)>) -> Response {
    let feed = sim.look(|world| {
        let agent = world.agents.get(&id).filter(|it| file.strip_suffix(".ics") == Some(it.calendar_token.as_str()))?;
        Some(feed(world.events.iter().filter(|it| it.agent == agent.id)))
    });
    match feed {
        Some(feed) => text("text/calendar; charset=utf-8", feed, Noted::line("cal.200")),
        None => refuse::<Facts>(404, "Not found", "cal.404").into_response(),
    }
}

/// RFC 5545, 3.4 and 3.6.1.
fn feed<'e>(events: impl Iterator<Item = &'e CalendarEvent>) -> String {
    let mut feed =
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//AgentWorkspace//Calendar//EN\r\nMETHOD:PUBLISH\r\n".to_owned();
    for event in events {
        let (start, end) = (stamp(event.start), stamp(event.end));
        let summary = event.title.replace('\\', "\\\\").replace([',', ';'], " ").replace('\n', "\\n");
        let rule = event.rrule.as_ref().map_or_else(String::new, |it| format!("RRULE:{it}\r\n"));
        let _infallible = write!(
            feed,
            "BEGIN:VEVENT\r\nUID:{}\r\nDTSTAMP:{start}\r\nDTSTART:{start}\r\nDTEND:{end}\r\nSUMMARY:{summary}\r\n{rule}END:VEVENT\r\n",
            event.id
        );
    }
    feed + "END:VCALENDAR\r\n"
}

/// `20250115T090000Z`.
fn stamp(millis: u64) -> String {
    super::wire::time(millis).replace(['-', ':'], "")
}
