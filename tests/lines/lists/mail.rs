//! Mail that came.

use std::time::Duration;

use agent_bridge::action::{Action, Request, State};
use agent_bridge::line::timing::Backfill;
use agent_bridge::store::{Batch, Change};
use agent_bridge_sim::agentworkspace::{Armed, Fault};
use serde_json::json;

use super::Story;
use crate::bench::{NOW, name};

const LIST: &str = "GET /email";
const ONE: &str = "GET /email/{thread_id}";

#[tokio::test(start_paused = true)]
async fn p2_a_mail_is_told_once_with_its_thread_as_the_conversation_through_crashes() {
    let mut story = Story::with_mail().await;
    let thread = story.sim.write_mail(&story.agent, "ann@x.example", "Hello", "1", None);
    story.until("it is told", |story| story.mails() == ["1"]).await;
    let told = &story.of("email.received")[0];
    let id = told["data"]["message"]["id"].as_str().unwrap().to_owned();
    assert_eq!(told["id"], format!("acme/email.received/{thread}/{id}"));
    let conversation = &told["data"]["conversation"];
    assert_eq!((&conversation["id"], &conversation["title"]), (&json!(thread), &json!("Hello")));
    assert_eq!(told["data"]["author"]["id"], "ann@x.example");
    assert_eq!(told["data"].get("backfill"), None);
    // In the same second, and while the bridge is dead; the cursor is there, and nothing is told twice.
    story.sim.write_mail(&story.agent, "ann@x.example", "Hello", "2", Some(&thread));
    story.until("the answer is told", |story| story.mails() == ["1", "2"]).await;
    for round in 3..8 {
        story.crash().await;
        story.sim.write_mail(&story.agent, "bob@x.example", "Hello", &round.to_string(), Some(&thread));
        story.start().await;
        story.until("what came meanwhile is told", |story| story.mails().len() == round).await;
    }
    assert_eq!(story.mails(), ["1", "2", "3", "4", "5", "6", "7"]);
    assert!(story.store.cursor(&name(), "threads").unwrap().is_some());
}

#[tokio::test(start_paused = true)]
async fn a_thread_is_read_only_when_it_has_moved_and_the_list_seldom_when_it_is_quiet() {
    let story = Story::with_mail().await;
    for n in 0..3 {
        story.sim.write_mail(&story.agent, "ann@x.example", "Hello", &n.to_string(), None);
    }
    story.until("all are told", |story| story.mails().len() == 3).await;
    story.pass_mins(20).await;
    assert_eq!(story.asked(ONE), 3);
    let before = story.asked(LIST);
    story.pass_mins(20).await;
    let reads = story.asked(LIST) - before;
    assert!((8..=13).contains(&reads), "about every two minutes: {reads}");
}

#[tokio::test(start_paused = true)]
async fn what_came_before_the_join_is_told_where_the_config_asks_for_it_and_marked() {
    for (backfill, want) in [(Backfill::None, &[][..]), (Backfill::All, &["old"][..])] {
        let mut story = Story::joined().await;
        assert!(story.sim.enable_email(&story.agent, "atlas"));
        let thread = story.sim.write_mail(&story.agent, "ann@x.example", "Hello", "old", None);
        // It was joined an hour later.
        let record = story.store.workspace(&name()).unwrap().unwrap();
        let record = agent_bridge::store::WorkspaceRecord { joined_at: NOW + 3_600_000, ..record };
        story.store.commit(Batch::new().with(Change::Workspace(Box::new(record)))).await.unwrap();
        story.pass_mins(60).await;
        story.backfill = backfill;
        story.start().await;
        story.until("the mail is read", |story| story.line("threads").checked.is_some()).await;
        assert_eq!(story.mails(), want);
        assert!(story.of("email.received").iter().all(|event| event["data"]["backfill"] == true));
        // The old thread moves: only what is new in it is told.
        story.sim.write_mail(&story.agent, "ann@x.example", "Hello", "new", Some(&thread));
        story.until("what is new is told", |story| story.mails().last().is_some_and(|text| text == "new")).await;
        assert_eq!(story.mails().len(), want.len() + 1);
    }
}

#[tokio::test(start_paused = true)]
async fn mail_that_is_not_enabled_is_the_lists_own_state_and_asked_for_seldom() {
    let mut story = Story::joined().await;
    story.start().await;
    story.until("it is refused", |story| !story.line("threads").unreadable.is_empty()).await;
    let status = story.status();
    assert!(status.live, "{status:#?}");
    let line = story.line("threads");
    assert_eq!((line.phase, &line.error), ("live", &None));
    assert!(line.unreadable[0].1.contains("not enabled"), "{line:#?}");
    story.pass_mins(60).await;
    let asked = story.asked(LIST);
    assert!((2..=4).contains(&asked), "about every half hour: {asked}");
    let types: Vec<_> = story.feed().iter().map(|event| event["type"].clone()).collect();
    assert_eq!(types, ["workspace.connected"]);
    // Once it is enabled, what comes is told without anybody's help.
    assert!(story.sim.enable_email(&story.agent, "atlas"));
    story.sim.write_mail(&story.agent, "ann@x.example", "Hello", "at last", None);
    story.pass_mins(40).await;
    assert_eq!(story.mails(), ["at last"]);
    assert!(story.line("threads").unreadable.is_empty());
}

#[tokio::test(start_paused = true)]
async fn p1_troubles_of_the_platform_lose_nothing_and_one_thread_holds_back_no_other() {
    let mut story = Story::with_mail().await;
    let broken = story.sim.write_mail(&story.agent, "ann@x.example", "Hello", "behind a fault", None);
    let status = Fault::Status { status: 500 };
    story.sim.arm(Armed { route: ONE.into(), after: 0, count: 1, fault: status });
    story.sim.arm(Armed { route: LIST.into(), after: 2, count: 3, fault: Fault::ReplyLost });
    story.pass(Duration::from_secs(1)).await;
    story.sim.write_mail(&story.agent, "bob@x.example", "Other", "beside it", None);
    story.until("both are told", |story| story.mails().len() == 2).await;
    assert!(story.feed().iter().any(|event| event["data"]["conversation"]["id"] == broken));
    story.reachable(false);
    story.sim.write_mail(&story.agent, "ann@x.example", "Hello", "out of reach", None);
    story.pass_mins(10).await;
    story.crash().await;
    story.start().await;
    story.pass_mins(5).await;
    assert_eq!(story.line("threads").phase, "waiting");
    story.reachable(true);
    story.until("it is told", |story| story.mails().len() == 3).await;
    assert_eq!(story.of("workspace.gap").len(), 0);
}

#[tokio::test(start_paused = true)]
async fn p9_a_thread_that_cannot_be_read_is_told_as_a_gap_and_passed_by() {
    let story = Story::with_mail().await;
    let broken = story.sim.write_mail(&story.agent, "ann@x.example", "Hello", "never", None);
    story.sim.arm(Armed { route: ONE.into(), after: 0, count: 5, fault: Fault::Status { status: 500 } });
    story.until("it is told", |story| !story.of("workspace.gap").is_empty()).await;
    let gap = &story.of("workspace.gap")[0]["data"];
    assert_eq!((&gap["reason"], &gap["conversation"]["id"]), (&json!("unreadable"), &json!(broken)));
    story.sim.write_mail(&story.agent, "ann@x.example", "Hello", "again", Some(&broken));
    story.until("it is read again", |story| story.mails() == ["never", "again"]).await;
    assert!(story.line("threads").unreadable.is_empty());
}

#[tokio::test(start_paused = true)]
async fn p10_more_than_a_page_is_read_and_more_than_the_bound_is_told_as_a_gap() {
    let story = Story::with_mail().await;
    for n in 0..250 {
        story.sim.write_mail(&story.agent, "ann@x.example", "Hello", &n.to_string(), None);
    }
    story.until("all are told", |story| story.mails().len() == 250).await;
    assert_eq!(story.of("workspace.gap").len(), 0);
    for n in 0..2_000 {
        story.sim.write_mail(&story.agent, "ann@x.example", "Hello", &n.to_string(), None);
    }
    story.until("it is cut", |story| !story.of("workspace.gap").is_empty()).await;
    assert_eq!(story.of("workspace.gap")[0]["data"]["reason"], "list_too_long");
}

#[tokio::test(start_paused = true)]
async fn what_the_agent_itself_wrote_is_not_told_nor_what_comes_from_its_address_then() {
    let story = Story::with_mail().await;
    let thread = story.sim.write_mail(&story.agent, "ann@x.example", "Hello", "a question", None);
    story.until("it is told", |story| story.mails() == ["a question"]).await;
    // The agent answers, and the bridge knows the answer by its id.
    story.sim.write_mail(&story.agent, "atlas@agentworkspace.dev", "Hello", "an answer", Some(&thread));
    let mails = story.sim.sent_mails(&story.agent);
    let request = Request { workspace: None, verb: "email.reply".into(), args: serde_json::Map::new(), key: None };
    let mut action = Action::accept(name(), request, None, NOW);
    let accept = Change::Accept(Box::new(action.clone()));
    action.state = State::Confirmed { remote_ids: vec![mails[0].id.clone()] };
    action.settled_at = Some(NOW);
    // In one commit: the outbox must not try it.
    story.store.commit(Batch::new().with(accept).with(Change::Action(Box::new(action)))).await.unwrap();
    story.sim.write_mail(&story.agent, "ann@x.example", "Hello", "thanks", Some(&thread));
    story.until("it is told", |story| story.mails() == ["a question", "thanks"]).await;
    // Another that the bridge did not send.
    story.sim.write_mail(&story.agent, "atlas@agentworkspace.dev", "Hello", "by hand", Some(&thread));
    story.sim.write_mail(&story.agent, "ann@x.example", "Hello", "bye", Some(&thread));
    story.until("it is told", |story| story.mails() == ["a question", "thanks", "bye"]).await;
}

#[tokio::test(start_paused = true)]
async fn a_key_that_was_regenerated_needs_a_person() {
    let story = Story::with_mail().await;
    story.sim.regenerate_key(&story.agent);
    story.until("the seat says so", |story| !story.of("workspace.needs_action").is_empty()).await;
}
