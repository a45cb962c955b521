//! The event log: envelopes, cursors, late events, the last word.

use crate::support::{ANNA, Caller, PIERRE, Served, close, error, fields, house};
use agent_bridge_sim::speakeasy::{CursorError, Options, PollFault, StoredEvent, World};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

fn types(events: &[Value]) -> Vec<&str> {
    events.iter().filter_map(|it| it["event_type"].as_str()).collect()
}

fn ids(events: &[Value]) -> Vec<u64> {
    events.iter().filter_map(|it| it["event_id"].as_u64()).collect()
}

pub async fn envelopes(served: &mut Served) {
    let house = house(Options::default());
    let (sim, agent) = (&house.sim, &house.agent);
    let (_, start) = agent.poll(None).await;
    let chat = sim.say(PIERRE, house.topic, "hello");
    sim.edit(chat, "hello!");
    sim.delete(chat);
    sim.topic("Without the agent", &[PIERRE, ANNA]);
    sim.person("max@people.test", "Max");
    sim.add_participant(PIERRE, house.topic, "max@people.test");
    sim.remove_participant(PIERRE, house.topic, &house.handle);
    let (events, _) = agent.poll(start.as_str()).await;
    let expected = ["chat.created", "chat.updated", "chat.deleted", "participant.added", "participant.removed"];
    assert_eq!(types(&events), expected);
    let first = &events[0];
    let named = ["actor_handle", "chat_id", "event_id", "event_type", "id", "occurred_at", "payload", "topic_id"];
    assert_eq!(fields(first), named);
    assert_eq!((&first["id"], &first["actor_handle"]), (&first["event_id"], &json!(PIERRE)));
    let payload = &first["payload"];
    assert_eq!(fields(&payload["chat"]), ["attachments", "author_handle", "deleted", "html", "id", "plain"]);
    assert_eq!(fields(&payload["timeline"]), ["edited_at", "id", "reply_timeline_id", "thread_topic_id"]);
    assert_eq!((&payload["chat"]["html"], &payload["chat"]["plain"]), (&json!("<div>hello</div>"), &json!("hello")));
    assert_eq!((&payload["topic"]["id"], &payload["timeline"]["edited_at"]), (&json!(house.topic), &Value::Null));
    assert!(events[1]["payload"]["timeline"]["edited_at"].is_string());
    assert_eq!(events[2]["payload"]["chat"]["deleted"], true);
    assert_eq!(events[3]["payload"]["participant"]["handle"], "max@people.test");
    assert_eq!(events[4]["payload"]["participant"]["handle"], json!(house.handle));
    sim.say(PIERRE, house.topic, "nobody hears");
    let end = sim.look(|world| world.cursor_of(ids(&events)[4]));
    assert_eq!(agent.poll(Some(&end)).await, (vec![], json!(end)));
    close(sim, served);
}

pub async fn pages(served: &mut Served) {
    let house = house(Options { page: 2, ..Options::default() });
    let (sim, agent) = (&house.sim, &house.agent);
    let other = sim.grant(ANNA, "Other", None);
    let quiet = Caller { token: sim.access_token(other), ..agent.clone() };
    assert_eq!(quiet.poll(None).await, (Vec::new(), Value::Null));
    sim.add_participant(PIERRE, house.topic, &sim.agent(other));
    for n in 0..3 {
        sim.say(PIERRE, house.topic, &n.to_string());
    }
    let mut all = Vec::new();
    let (mut page, mut cursor) = agent.poll(None).await;
    while !page.is_empty() {
        assert!(page.len() <= 2 && all.len() < 10, "{all:?}");
        all.extend(ids(&page));
        let (next, after) = agent.poll(cursor.as_str()).await;
        assert!(!next.is_empty() || after == cursor, "the end is where the cursor repeats");
        (page, cursor) = (next, after);
    }
    // Both grants have rows of their own; ids ascend over all.
    assert_eq!((all.len(), all.is_sorted()), (5, true));
    let (others, _) = quiet.poll(None).await;
    assert!(ids(&others).iter().all(|it| !all.contains(it)), "{others:?}");
    let known = sim.look(|world| world.cursor_of(all[0]));
    let plain = String::from_utf8(URL_SAFE_NO_PAD.decode(&known).expect("base64")).expect("text");
    let forged = URL_SAFE_NO_PAD.encode(plain.replacen(':', ":1", 1));
    assert_eq!(agent.get(&format!("/agent/events?cursor={known}")).await.0, 200);
    assert_eq!(error(&agent.get(&format!("/agent/events?cursor={forged}")).await), (400, "invalid cursor"));
    for wrong in ["opaque", "MTo0Mg", ""] {
        let reply = agent.get(&format!("/agent/events?cursor={wrong}x")).await;
        assert_eq!(error(&reply), (400, "invalid cursor"));
    }
    sim.set_capability(house.grant, "event_polling", false);
    assert_eq!(agent.get("/agent/events").await.0, 403);
    close(sim, served);
}

pub async fn mischief(served: &mut Served) {
    let house = house(Options::default());
    let (sim, agent) = (&house.sim, &house.agent);
    sim.hold_events(1);
    sim.say(PIERRE, house.topic, "late");
    sim.say(PIERRE, house.topic, "later and sooner");
    let (events, cursor) = agent.poll(None).await;
    let cursor = cursor.as_str().expect("a cursor").to_owned();
    assert_eq!(events.last().expect("an event")["payload"]["chat"]["plain"], "later and sooner");
    sim.show_events();
    assert_eq!(agent.poll(Some(&cursor)).await.0.len(), 0, "the cursor has passed it");
    assert_eq!(agent.poll(None).await.0.len(), events.len() + 1);

    sim.say(PIERRE, house.topic, "more");
    sim.poll_fault(PollFault::RepeatCursor { polls: 1, empty: true });
    sim.poll_fault(PollFault::RepeatCursor { polls: 1, empty: false });
    sim.poll_fault(PollFault::InvalidCursor { polls: 1 });
    assert_eq!(agent.poll(Some(&cursor)).await, (vec![], json!(cursor)));
    let (events, stuck) = agent.poll(Some(&cursor)).await;
    assert_eq!((events.len(), stuck), (1, json!(cursor)));
    let path = format!("/agent/events?cursor={cursor}");
    assert_eq!(error(&agent.get(&path).await), (400, "invalid cursor"));
    assert_eq!(agent.poll(Some(&cursor)).await.0.len(), 1);

    let replay = |cursor: &str| sim.look(|world| world.events_after(house.grant, Some(cursor)));
    let (_, newest) = agent.poll(Some(&cursor)).await;
    let newest = newest.as_str().expect("a cursor");
    sim.age_events();
    assert_eq!((replay(&cursor), replay(newest)), (Err(CursorError::TooOld), Ok(vec![])), "the newest misses nothing");
    sim.age_cursors();
    assert_eq!(replay(newest), Err(CursorError::TooOld));
    assert_eq!(agent.poll(Some(&cursor)).await.0.len(), 1, "polling takes it");
    sim.invalidate_cursors();
    assert_eq!(error(&agent.get(&path).await), (400, "invalid cursor"));
    assert_eq!(replay(&cursor), Err(CursorError::Invalid));
    close(sim, served);
}

pub async fn dialects(served: &mut Served) {
    let house = house(Options::default());
    let (sim, agent) = (&house.sim, &house.agent);
    let (_, start) = agent.poll(None).await;
    house.says("my own").await;
    sim.reconfigure(|options| options.own_events = false);
    house.says("not told").await;
    sim.reconfigure(|options| {
        (options.ids_as_strings, options.null_timestamps, options.null_topic_ids) = (true, true, true);
    });
    let chat = sim.say(PIERRE, house.topic, "strange");
    sim.edit(chat, "stranger");
    let (events, _) = agent.poll(start.as_str()).await;
    assert_eq!(types(&events), ["chat.created", "chat.created", "chat.updated"]);
    assert_eq!(events[0]["actor_handle"], json!(house.handle));
    let last = &events[2];
    assert!(last["event_id"].is_string() && last["payload"]["topic"]["id"].is_string(), "{last}");
    let nulls = [&last["topic_id"], &last["occurred_at"], &last["payload"]["timeline"]["edited_at"]];
    assert_eq!(nulls, [&Value::Null; 3]);
    let (_, page) = agent.get(&house.at("/chats")).await;
    assert_eq!(page["records"]["chats"]["data"][chat.to_string()]["id"], json!(chat.to_string()));
    close(sim, served);
}

pub async fn last_word(served: &mut Served) {
    let house = house(Options::default());
    let (sim, agent) = (&house.sim, &house.agent);
    let mut heard = sim.look(World::hear_events);
    let (_, start) = agent.poll(None).await;
    sim.say(PIERRE, house.topic, "before");
    sim.revoke(house.grant);
    sim.say(PIERRE, house.topic, "after");
    assert_eq!(agent.get("/agent/events").await.0, 401);
    sim.reconfigure(|options| options.revoked_polls = true);
    let (events, _) = agent.poll(start.as_str()).await;
    assert_eq!(types(&events), ["chat.created", "grant.revoked"]);
    assert_eq!((&events[1]["topic_id"], &events[1]["chat_id"]), (&Value::Null, &Value::Null));
    assert_eq!(agent.get("/agent/me").await.0, 401, "only the log is left");
    let told: Vec<StoredEvent> = std::iter::from_fn(|| heard.try_recv().ok()).collect();
    assert_eq!(told.into_iter().map(|it| it.body).collect::<Vec<_>>(), events, "listeners hear the same envelopes");
    close(sim, served);
}

#[tokio::test]
async fn envelopes_are_the_documents() {
    envelopes(&mut Served::new()).await;
}

#[tokio::test]
async fn the_log_is_read_page_by_page() {
    pages(&mut Served::new()).await;
}

#[tokio::test]
async fn the_log_can_lie() {
    mischief(&mut Served::new()).await;
}

#[tokio::test]
async fn ids_times_and_topics_may_look_otherwise() {
    dialects(&mut Served::new()).await;
}

#[tokio::test]
async fn a_revocation_is_the_last_event() {
    last_word(&mut Served::new()).await;
}
