//! An agent's calendar, and its feed.

use agent_bridge_sim::agentworkspace::Options;
use serde_json::{Value, json};

use crate::support::{Served, clocked, error, house, issues};

fn standup() -> Value {
    json!({"title": "Team Standup", "start": "2026-07-01T10:00:00Z", "end": "2026-07-01T12:30:00+02:00"})
}

pub async fn events(served: &mut Served) {
    let (options, _) = clocked();
    let house = house(options);
    let (_, body) = house.get("/events").await;
    let birthday = &body["events"][0];
    assert_eq!((&birthday["allDay"], &birthday["rrule"]), (&json!(true), &json!("FREQ=YEARLY")));
    let (status, body) = house.own("POST", "/events", standup()).await;
    let id = body["event"]["id"].clone();
    assert_eq!(status, 201);
    let whole = json!({
        "id": id, "title": "Team Standup", "start": "2026-07-01T10:00:00Z", "end": "2026-07-01T10:30:00Z",
        "description": null, "location": null, "allDay": false, "rrule": null, "color": "#3b82f6",
    });
    assert_eq!(body["event"], whole);
    let path = format!("/events/{}", id.as_str().expect("an id"));
    assert_eq!(house.get(&path).await.1["event"], whole);
    let mut weekly = standup();
    weekly["rrule"] = json!("FREQ=WEEKLY;BYDAY=MO,WE,FR");
    weekly["timezone"] = json!("America/New_York");
    let (_, body) = house.own("POST", "/events", weekly).await;
    assert_eq!(body["event"]["rrule"], "FREQ=WEEKLY;BYDAY=MO,WE,FR");
    let (_, body) = house.own("PUT", &path, json!({"location": "Zoom", "start": "2026-06-30T10:00:00Z"})).await;
    assert_eq!((&body["event"]["location"], &body["event"]["title"]), (&json!("Zoom"), &json!("Team Standup")));
    let range = "/events?start_after=2026-06-30T10:00:00Z&start_before=2026-07-01T10:00:00Z";
    let (_, body) = house.get(range).await;
    assert_eq!((body["events"].as_array().map(Vec::len), &body["events"][0]["id"]), (Some(1), &id));
    assert_eq!(
        issues(&house.get("/events?start_after=2026-06-30&start_before=x").await),
        ["start_after", "start_before"]
    );
    assert_eq!(issues(&house.get("/events?limit=0").await), ["limit"]);
    let feed = house.sim.calendar_path(&house.agent);
    let (status, ics) = house.ask("GET", &feed, None, "").await;
    let ics = ics.as_str().expect("text").to_owned();
    assert!(status == 200 && ics.starts_with("BEGIN:VCALENDAR\r\n") && ics.contains("RRULE:FREQ=WEEKLY"), "{ics}");
    house.sim.rotate_calendar(&house.agent);
    assert_eq!(error(&house.ask("GET", &feed, None, "").await), (404, "Not found"));
    assert_eq!(house.own("DELETE", &path, Value::Null).await, (200, json!({"deleted": true})));
    assert_eq!(error(&house.own("DELETE", &path, Value::Null).await), (404, "Not found"));
    house.close(served);
}

pub async fn fields(served: &mut Served) {
    let house = house(Options::default());
    let refused = house.own("POST", "/events", json!({})).await;
    assert_eq!(issues(&refused), ["title", "start", "end"]);
    assert_eq!(refused.1["issues"][1]["message"], "start must be an ISO 8601 datetime");
    let all_wrong = json!({
        "title": "x".repeat(501), "start": "tomorrow", "end": 7, "description": "x".repeat(5001), "location": "x".repeat(501),
        "allDay": "yes", "rrule": "WEEKLY", "timezone": "Berlin", "color": "red",
    });
    let named = ["title", "start", "end", "description", "location", "allDay", "rrule", "timezone", "color"];
    assert_eq!(issues(&house.own("POST", "/events", all_wrong).await), named);
    for rule in
        ["FREQ=WEEKLY;BYDAY=XX", "INTERVAL=2", "FREQ=DAILY;COUNT=0", "FREQ=DAILY;COUNT=2;UNTIL=20260701T000000Z", ""]
    {
        let mut event = standup();
        event["rrule"] = json!(rule);
        assert_eq!(issues(&house.own("POST", "/events", event).await), ["rrule"], "{rule}");
    }
    for rule in ["FREQ=MONTHLY;BYDAY=-1FR;COUNT=3", "FREQ=DAILY;UNTIL=20260701T000000Z", "FREQ=YEARLY;BYMONTH=1,12"] {
        let mut event = standup();
        event["rrule"] = json!(rule);
        assert_eq!(house.own("POST", "/events", event).await.0, 201, "{rule}");
    }
    house.close(served);
}

#[tokio::test]
async fn events_come_and_go() {
    events(&mut Served::new()).await;
}

#[tokio::test]
async fn every_field_that_is_wrong_is_named() {
    fields(&mut Served::new()).await;
}
