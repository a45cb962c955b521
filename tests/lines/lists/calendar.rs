//! Appointments that are near.

use std::time::Duration;

use agent_bridge_sim::agentworkspace::Fault;

use super::Story;
use crate::bench::{NOW, name, text};

const LIST: &str = "GET /events";
const MINUTE: u64 = 60_000;
const HOUR: u64 = 60 * MINUTE;

impl Story {
    /// A bridge that follows a calendar.
    async fn with_calendar() -> Self {
        let mut story = Self::joined().await;
        story.start().await;
        story.until("the calendar is read", |story| story.line("calendar").checked.is_some()).await;
        story
    }

    /// What was told: its title, and when it starts.
    fn starting(&self) -> Vec<(String, String)> {
        let events = self.of("calendar.starting");
        events.iter().map(|event| (text(&event["data"]["title"]), text(&event["data"]["starts"]))).collect()
    }

    fn late(&self) -> Vec<bool> {
        self.of("calendar.starting").iter().map(|event| event["data"]["late"] == true).collect()
    }

    fn now(&self) -> u64 {
        self.clock.now()
    }
}

#[tokio::test(start_paused = true)]
async fn an_appointment_is_told_once_ten_minutes_before_it_starts() {
    let mut story = Story::with_calendar().await;
    let id = story.sim.appoint(&story.agent, "Stand-up", NOW + HOUR, None);
    story.pass_mins(47).await;
    assert_eq!(story.starting(), []);
    story.until("it is told", |story| !story.starting().is_empty()).await;
    let early = NOW + HOUR - story.now();
    assert!((9 * MINUTE..=10 * MINUTE).contains(&early), "{early} ms before its start");
    let told = story.of("calendar.starting")[0].clone();
    assert_eq!(told["id"], format!("acme/calendar.starting/{id}%2F2026-03-22T19:00:00Z"));
    assert_eq!(told["data"]["starts"], "2026-03-22T19:00:00Z");
    assert_eq!((&told["data"]["object"], told["data"].get("late")), (&serde_json::json!(id), None));
    story.crash().await;
    story.start().await;
    story.pass_mins(60).await;
    assert_eq!(story.starting().len(), 1, "never twice");
}

#[tokio::test(start_paused = true)]
async fn occurrences_of_a_rule_are_told_each_with_the_lead_of_the_config() {
    let mut story = Story::joined().await;
    story.timing.calendar_lead = Some(Duration::from_mins(1));
    story.sim.appoint(&story.agent, "Tick", NOW - 240 * HOUR + 30 * MINUTE, Some("FREQ=HOURLY"));
    story.start().await;
    story.pass_mins(28).await;
    assert_eq!(story.starting(), []);
    story.pass_mins(2 * 60 + 2).await;
    let starts: Vec<_> = story.starting().into_iter().map(|(_, start)| start).collect();
    assert_eq!(starts, ["2026-03-22T18:30:00Z", "2026-03-22T19:30:00Z", "2026-03-22T20:30:00Z"]);
}

#[tokio::test(start_paused = true)]
async fn what_is_put_off_or_called_off_before_it_starts_tells_nothing_old() {
    let story = Story::with_calendar().await;
    let moved = story.sim.appoint(&story.agent, "Moved", NOW + HOUR, None);
    let gone = story.sim.appoint(&story.agent, "Gone", NOW + HOUR, None);
    // Long enough for both to be known, and then in the minute before they are due.
    story.pass_mins(49).await;
    assert!(story.sim.put_off(&moved, Some(NOW + 3 * HOUR)) && story.sim.put_off(&gone, None));
    story.pass_mins(60).await;
    assert_eq!(story.starting(), []);
    story.pass_mins(75).await;
    assert_eq!(story.starting(), [("Moved".to_owned(), "2026-03-22T21:00:00Z".to_owned())]);
}

#[tokio::test(start_paused = true)]
async fn what_began_while_the_bridge_was_down_is_told_late_back_to_a_day() {
    let mut story = Story::with_calendar().await;
    for (title, start) in [("too old", 2), ("late", 20), ("later", 24)] {
        story.sim.appoint(&story.agent, title, NOW + start * HOUR, None);
    }
    story.pass_mins(6).await;
    story.crash().await;
    for _ in 0..30 {
        tokio::time::advance(Duration::from_hours(1)).await;
    }
    story.sim.appoint(&story.agent, "soon", story.now() + 5 * MINUTE, None);
    story.start().await;
    story.until("three are told", |story| story.starting().len() >= 3).await;
    let titles: Vec<_> = story.starting().into_iter().map(|(title, _)| title).collect();
    assert_eq!(
        (titles, story.late()),
        (vec!["late".into(), "later".into(), "soon".to_owned()], vec![true, true, false])
    );
    // What is put into the past now has not begun while nobody looked.
    story.pass_mins(6).await;
    story.sim.appoint(&story.agent, "history", story.now() - HOUR, None);
    story.pass_mins(12).await;
    assert_eq!(story.starting().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_calendar_that_cannot_be_read_when_something_is_due_is_told_from_memory() {
    let mut story = Story::with_calendar().await;
    story.sim.appoint(&story.agent, "Stand-up", NOW + HOUR, None);
    story.pass_mins(45).await;
    story.reachable(false);
    story.until("it is told", |story| !story.starting().is_empty()).await;
    assert_eq!(story.late(), [false]);
    story.reachable(true);
    story.sim.fault(LIST, Fault::Html);
    story.pass_mins(30).await;
    story.crash().await;
    story.start().await;
    story.pass_mins(30).await;
    assert_eq!((story.starting().len(), story.line("calendar").phase), (1, "live"));
}

#[tokio::test(start_paused = true)]
async fn p10_an_appointment_of_every_second_is_named_in_the_status_and_holds_back_no_other() {
    let story = Story::with_calendar().await;
    let bomb = story.sim.appoint(&story.agent, "Bomb", NOW - 10_000 * HOUR, Some("FREQ=SECONDLY"));
    story.sim.appoint(&story.agent, "Stand-up", NOW + 30 * MINUTE, None);
    story.pass_mins(18).await;
    story.until("the other is told", |story| story.starting().len() == 1).await;
    let unreadable = story.line("calendar").unreadable;
    assert!(unreadable.len() == 1 && unreadable[0].0 == bomb, "{unreadable:?}");
}

#[tokio::test(start_paused = true)]
async fn p10_a_long_calendar_is_read_page_by_page() {
    let story = Story::with_calendar().await;
    for n in 0..1_200 {
        story.sim.appoint(&story.agent, &n.to_string(), NOW + 24 * HOUR, None);
    }
    story.sim.appoint(&story.agent, "last", NOW + 30 * MINUTE, None);
    story.pass_mins(18).await;
    story.until("the last is told", |story| story.starting().len() == 1).await;
    assert_eq!(story.line("calendar").conversations, 1_202, "with the agent's birthday");
    assert_eq!(story.of("workspace.gap").len(), 0);
    assert!(story.store.cursor(&name(), "calendar").unwrap().is_some());
}
