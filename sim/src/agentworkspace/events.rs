//! `/api/v1/events`: an agent's calendar.

use axum::extract::{Path, State};
use serde_json::{Map, Value, json};

use super::{
    Sim,
    answer::{Answer, Outcome, Refusal},
    asked::Asked,
    check::{Issues, TITLE},
    record::CalendarEvent,
    when, wire,
    world::World,
};

/// The colour of an event that names none.
pub(crate) const COLOR: &str = "#3b82f6";
/// The longest description.
const DESCRIPTION: usize = 5_000;
/// The longest location.
const LOCATION: usize = 500;

/// `GET /api/v1/events`.
pub(crate) async fn index(State(sim): State<Sim>, asked: Asked) -> Outcome {
    sim.as_agent(&asked, |world, agent| {
        let (offset, limit) = asked.page(100, 500, "events.400_limit")?;
        let mut issues = Issues::default();
        let mut bound = |name: &str| {
            let at = asked.param(name).map(when::instant);
            if at == Some(None) {
                issues.add(name, &format!("{name} must be an ISO 8601 datetime"), "events.400_range");
            }
            at.flatten()
        };
        let (after, before) = (bound("start_after"), bound("start_before"));
        issues.none()?;
        let own = world.events.iter().filter(|it| it.agent == agent);
        let within = own.filter(|it| after.is_none_or(|at| it.start >= at) && before.is_none_or(|at| it.start < at));
        let shown: Vec<Value> = within.skip(offset).take(limit).map(wire::event).collect();
        let line = if after.is_some() || before.is_some() { "events.index.range" } else { "events.index.200" };
        let birthday = shown.iter().any(|it| it["rrule"] == "FREQ=YEARLY" && it["allDay"] == true);
        let answer = Answer::ok(json!({"events": shown}), line);
        Ok(answer.and(birthday.then_some("events.birthday")))
    })
}

/// `GET /api/v1/events/{id}`.
pub(crate) async fn show(State(sim): State<Sim>, Path(id): Path<String>, asked: Asked) -> Outcome {
    sim.as_agent(&asked, |world, agent| {
        let event = world.own_event(agent, &id)?;
        Ok(Answer::ok(json!({"event": wire::event(event)}), "events.show.200"))
    })
}

/// `POST /api/v1/events`.
pub(crate) async fn create(State(sim): State<Sim>, asked: Asked) -> Outcome {
    sim.as_agent(&asked, |world, agent| {
        let body = asked.object()?;
        let blank = CalendarEvent {
            id: world.ids.uuid(),
            agent: agent.into(),
            title: String::new(),
            start: 0,
            end: 0,
            description: None,
            location: None,
            all_day: false,
            rrule: None,
            timezone: None,
            color: COLOR.into(),
        };
        let event = filled(blank, &body, true)?;
        let shown = wire::event(&event);
        let line = if event.rrule.is_some() { "events.create.rrule" } else { "events.create.201" };
        world.events.push(event);
        Ok(Answer::with(201, json!({"event": shown}), line))
    })
}

/// `PUT /api/v1/events/{id}`.
pub(crate) async fn update(State(sim): State<Sim>, Path(id): Path<String>, asked: Asked) -> Outcome {
    sim.as_agent(&asked, |world, agent| {
        let event = world.own_event(agent, &id)?.clone();
        let event = filled(event, &asked.object()?, false)?;
        let shown = wire::event(&event);
        if let Some(kept) = world.events.iter_mut().find(|it| it.id == id) {
            *kept = event;
        }
        Ok(Answer::ok(json!({"event": shown}), "events.update.200"))
    })
}

/// `DELETE /api/v1/events/{id}`.
pub(crate) async fn delete(State(sim): State<Sim>, Path(id): Path<String>, asked: Asked) -> Outcome {
    sim.as_agent(&asked, |world, agent| {
        world.own_event(agent, &id)?;
        world.events.retain(|it| it.id != id);
        Ok(Answer::ok(json!({"deleted": true}), "events.delete.200"))
    })
}

impl World {
    fn own_event(&self, agent: &str, id: &str) -> Result<&CalendarEvent, Refusal> {
        let found = self.events.iter().find(|it| it.id == id);
        let owner = found.map(|it| it.agent.as_str());
        found.filter(|it| it.agent == agent).ok_or_else(|| self.not_yours(owner, "events.404"))
    }
}

/// The event with what the body says of it; a `new` one must have its title and its times.
fn filled(mut event: CalendarEvent, body: &Map<String, Value>, new: bool) -> Result<CalendarEvent, Refusal> {
    let mut issues = Issues::default();
    if new {
        event.title = issues.required(body, "title", TITLE, "events.400_title");
    } else if let Some(title) = issues.named(body, "title", TITLE, "events.400_title") {
        event.title = title;
    }
    event.start = time(&mut issues, body, "start", new, "events.400_start").unwrap_or(event.start);
    event.end = time(&mut issues, body, "end", new, "events.400_end").unwrap_or(event.end);
    let description = issues.optional(body, "description", DESCRIPTION, "events.400_description");
    event.description = description.or(event.description);
    event.location = issues.optional(body, "location", LOCATION, "events.400_location").or(event.location);
    match body.get("allDay") {
        None | Some(Value::Null) => {}
        Some(Value::Bool(all_day)) => event.all_day = *all_day,
        Some(_) => issues.add("allDay", "allDay must be a boolean", "events.400_all_day"),
    }
    let rrule = shaped(&mut issues, body, "rrule", when::is_rule, "an iCal recurrence rule", "events.400_rrule");
    event.rrule = rrule.or(event.rrule);
    let zone = shaped(&mut issues, body, "timezone", when::is_zone, "an IANA timezone", "events.400_timezone");
    event.timezone = zone.or(event.timezone);
    let color = shaped(&mut issues, body, "color", when::is_color, "a hex color code", "events.400_color");
    event.color = color.unwrap_or(event.color);
    issues.none()?;
    Ok(event)
}

fn time(issues: &mut Issues, body: &Map<String, Value>, field: &str, needed: bool, line: &'static str) -> Option<u64> {
    let value = body.get(field);
    let at = value.and_then(Value::as_str).and_then(when::instant);
    if at.is_none() && (needed || value.is_some()) {
        issues.add(field, &format!("{field} must be an ISO 8601 datetime"), line);
    }
    at
}

/// A text of a certain shape, where it is there.
fn shaped(
    issues: &mut Issues,
    body: &Map<String, Value>,
    field: &str,
    fits: fn(&str) -> bool,
    what: &str,
    line: &'static str,
) -> Option<String> {
    let value = body.get(field).filter(|it| !it.is_null())?;
    let text = value.as_str().filter(|it| fits(it));
    if text.is_none() {
        issues.add(field, &format!("{field} must be {what}"), line);
    }
    text.map(Into::into)
}
