//! The stream as it is met: lifetimes, what it leaves out, and every way in which it goes wrong.

use std::time::Duration;

use crate::{listener::Listener, support::Caller};
use agent_bridge_sim::agentunited::{
    Burst, Cut, Newline, Options, Sim, StreamFault, UnknownCursor, burst_id, burst_text,
};
use serde_json::json;
use tokio::time::Instant;

/// An agent listening to a channel where a person talks.
async fn listening(options: Options) -> (Sim, Caller, Listener, impl Fn(&str) -> String) {
    let sim = Sim::new(options);
    let (agent, _) = Caller::join(&sim).await;
    let (pierre, room) = (sim.person("Pierre"), sim.channel("general"));
    let mut stream = agent.listen(None).await;
    stream.frame().await.expect("an opening");
    let speaker = sim.clone();
    (sim, agent, stream, move |text: &str| speaker.say(&pierre, &room, text))
}

async fn texts(stream: &mut Listener, count: usize) -> Vec<String> {
    let mut texts = Vec::new();
    for _ in 0..count {
        let (_, _, data) = stream.event().await.expect("an event");
        let text = data.pointer("/data/text").or(data.get("text")).expect("a text");
        texts.push(text.as_str().expect("text").to_owned());
    }
    texts
}

#[tokio::test(start_paused = true)]
async fn an_observed_stream_dies_after_15_s_without_a_keepalive() {
    let start = Instant::now();
    let (sim, _, mut stream, _) = listening(Options::default()).await;
    assert_eq!(stream.frame().await, None);
    assert_eq!(start.elapsed().as_secs(), 15);
    drop(stream);
    sim.wait_for(|world| world.stream_count() == 0).await;
}

#[tokio::test(start_paused = true)]
async fn a_mute_stream_loses_the_next_event_and_ends_with_it() {
    let options = Options { cut: Cut::AtNextWrite, ..Options::default() };
    let (_, _, mut stream, say) = listening(options).await;
    tokio::time::advance(Duration::from_secs(16)).await;
    say("lost");
    assert_eq!(stream.frame().await, None);
}

#[tokio::test(start_paused = true)]
async fn a_documented_stream_lives_on_and_beats_every_25_s() {
    let start = Instant::now();
    let (_sim, _, mut stream, _) = listening(Options::documented()).await;
    for beat in 1..=3 {
        assert_eq!(stream.frame().await.as_deref(), Some(": keepalive"));
        assert_eq!(start.elapsed().as_secs(), 25 * beat);
    }
}

#[tokio::test(start_paused = true)]
async fn an_observed_stream_leaves_out_dms_and_rooms_made_later() {
    let (sim, agent, mut stream, say) = listening(Options::default()).await;
    let (pierre, me) = (sim.person("Pierre"), sim.members()[0].clone());
    sim.stream_fault(&StreamFault::HoldBack { events: 1 });
    sim.say(&pierre, &sim.dm(&pierre, &me), "direct");
    // The DM goes to no stream, so it is not what the fault waited for.
    say("held back");
    sim.say(&pierre, &sim.channel("later"), "later");
    let id = say("here");
    sim.delete(&id);
    let room = sim.channel("general");
    agent.post(&format!("/channels/{room}/messages"), json!({"text": "my own"})).await;
    assert_eq!(texts(&mut stream, 2).await, ["here", "my own"]);
}

#[tokio::test(start_paused = true)]
async fn a_token_that_expires_ends_the_stream_and_then_refuses_it() {
    let hour = Duration::from_hours(1);
    let wall = {
        let start = Instant::now();
        std::sync::Arc::new(move || 1_000_000 + u64::try_from(start.elapsed().as_millis()).unwrap_or(0))
    };
    let options = Options { token_lifetime: hour, wall, ..Options::documented() };
    let (_, agent, stream, _) = listening(options).await;
    stream.rest().await;
    assert_eq!(agent.get("/users").await.0, 401);
}

#[tokio::test(start_paused = true)]
async fn a_drop_after_n_can_fall_into_the_middle_of_an_event() {
    let (sim, _, stream, say) = listening(Options::default()).await;
    sim.stream_fault(&StreamFault::DropAfter { events: 1, bytes: Some(20) });
    say("whole");
    say("halved");
    let rest = String::from_utf8(stream.rest().await).expect("text");
    assert!(rest.contains("whole") && rest.ends_with("\n\nevent: message.creat"), "{rest}");
}

#[tokio::test(start_paused = true)]
async fn events_are_doubled_swapped_held_back_and_replayed() {
    let (sim, _, mut stream, say) = listening(Options::default()).await;
    let strike = |fault| sim.stream_fault(&fault);
    strike(StreamFault::Duplicate { events: 1 });
    say("1");
    say("2");
    strike(StreamFault::Reorder { events: 2 });
    say("3");
    say("4");
    strike(StreamFault::HoldBack { events: 1 });
    say("5");
    say("6");
    strike(StreamFault::ReplayOld { events: 2 });
    say("7");
    assert_eq!(texts(&mut stream, 9).await, ["1", "1", "2", "4", "3", "6", "5", "6", "7"]);
    assert_eq!(sim.history(&sim.channel("general")).len(), 7);
    assert_eq!(sim.look(agent_bridge_sim::agentunited::World::faults_left), 0);
}

#[tokio::test(start_paused = true)]
async fn framing_may_be_strange() {
    let (sim, agent, stream, say) = listening(Options::default()).await;
    drop(stream);
    sim.stream_fault(&StreamFault::Framing { bom: true, newline: Newline::Cr });
    let stream = agent.listen(None).await;
    sim.stream_fault(&StreamFault::BadUtf8);
    say("spoilt");
    sim.stream_fault(&StreamFault::Oversize { bytes: 5_000_000 });
    say("big");
    sim.cut_streams();
    let bytes = stream.rest().await;
    assert!(bytes.starts_with(b"\xef\xbb\xbfevent: connected\rdata: "));
    assert!(!bytes.contains(&b'\n'));
    assert!(bytes.windows(8).any(|it| it == b"\xff\xfespoilt"[..8].as_ref()));
    assert!(bytes.len() > 5_000_000);
}

#[tokio::test(start_paused = true)]
async fn a_restart_may_forget_what_could_be_replayed() {
    let options =
        Options { forget_on_restart: true, unknown_cursor: UnknownCursor::Everything, ..Options::documented() };
    let (sim, agent, _, say) = listening(options).await;
    let ids = ["1", "2", "3"].map(&say);
    assert_eq!(texts(&mut agent.listen(Some(&ids[0])).await, 2).await, ["2", "3"]);
    assert_eq!(texts(&mut agent.listen(Some("never heard of")).await, 3).await, ["1", "2", "3"]);
    sim.restart();
    let mut stream = agent.listen(Some(&ids[0])).await;
    say("4");
    assert_eq!(texts(&mut stream, 1).await, ["4"]);
}

#[tokio::test(start_paused = true)]
async fn a_burst_is_on_the_stream_and_in_the_history() {
    let (sim, agent, mut stream, say) = listening(Options::documented()).await;
    let room = sim.channel("general");
    say("before");
    let burst = Burst { channel: room.clone(), count: 300, bytes: 100, rate_per_s: None, seed: 9, first: 5 };
    assert!(sim.burst(&burst).await);
    let last = say("after");
    assert_eq!(texts(&mut stream, 1).await, ["before"]);
    for n in 5..305 {
        let (_, id, data) = stream.event().await.expect("an event");
        assert_eq!(id, Some(burst_id(9, n)));
        assert_eq!(data["text"], json!(burst_text(9, n, 100)));
    }
    let path = format!("/channels/{room}/messages?limit=100&before=");
    let (_, page) = agent.get(&format!("{path}{last}")).await;
    assert_eq!(page["messages"][0]["id"], json!(burst_id(9, 304)));
    let (_, page) = agent.get(&format!("{path}{}", burst_id(9, 6))).await;
    let texts = [&page["messages"][0]["text"], &page["messages"][1]["text"], &page["has_more"]];
    assert_eq!(texts, [&json!(burst_text(9, 5, 100)), &json!("before"), &json!(false)]);
    let mut replay = agent.listen(Some(&burst_id(9, 303))).await;
    assert_eq!(replay.event().await.expect("a replay").1, Some(burst_id(9, 304)));
}
