//! The stream about bots.

use std::time::Duration;

use crate::{
    listener::Listener,
    support::{House, Served, ask, close, error, join, read},
};
use agent_bridge_sim::office::{BotStatus, EventStyle, Options, StreamFault, Turn, World};
use axum::body::Body;
use serde_json::{Value, json};

async fn listen(house: &House) -> Listener {
    let path = format!("/api/dashboard/stream?office={}", house.office);
    let response = ask(&house.sim, "GET", &path, Some(&house.key), Body::empty()).await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    Listener::of(response.into_body())
}

async fn event(stream: &mut Listener) -> (String, Value) {
    let (name, _, data) = stream.event().await.expect("an event");
    (name, data)
}

pub async fn bots(served: &mut Served) {
    let house = House::new(Options::default()).await;
    let sim = &house.sim;
    sim.colleague("robo");
    let mut stream = listen(&house).await;
    let (name, init) = event(&mut stream).await;
    assert_eq!((name.as_str(), &init["office_id"]), ("init", &json!(house.office)));
    let shown = |bot: &Value| (bot["name"].clone(), bot["originSource"].clone(), bot["status"].clone());
    let bots: Vec<_> = init["bots"].as_array().expect("bots").iter().map(shown).collect();
    let all = [("jared", "external"), ("robo", "provisioned")];
    assert_eq!(bots, all.map(|(name, origin)| (json!(name), json!(origin), json!("online"))), "people are no bots");
    assert_eq!((&init["bots"][0]["pod_name"], &init["bots"][1]["podPhase"]), (&Value::Null, &json!("Running")));
    for status in [BotStatus::Offline, BotStatus::Error, BotStatus::Online] {
        assert!(sim.bot("robo", status) && !sim.bot("user", status));
        let (name, data) = event(&mut stream).await;
        assert_eq!((name.as_str(), &data["bot"]["status"]), ("bot_update", &json!(status)));
    }
    join(sim, &sim.invite(), "ada").await;
    assert_eq!(event(&mut stream).await.1["bot"]["name"], "ada");
    sim.leaves("robo");
    assert_eq!(event(&mut stream).await, ("bot_removed".into(), json!({"bot_id": init["bots"][1]["id"]})));

    sim.reconfigure(|options| options.events = EventStyle::InData);
    let mut unnamed = listen(&house).await;
    let frame = unnamed.frame().await.expect("a frame");
    let data: Value = serde_json::from_str(frame.strip_prefix("data: ").expect("no name")).expect("JSON");
    assert_eq!(data["type"], "init");
    assert_eq!(sim.look(World::stream_count), 2);
    sim.revoke_key("jared");
    assert!(unnamed.frame().await.is_none() && stream.frame().await.is_none());
    let bare = read(ask(sim, "GET", "/api/dashboard/stream", Some(&house.key), Body::empty()).await).await;
    assert_eq!(error(&bare), (400, "office is required"));
    let path = format!("/api/dashboard/stream?office={}", house.office);
    assert_eq!(read(ask(sim, "GET", &path, Some(&house.key), Body::empty()).await).await.0, 401);
    close(sim, served);
}

/// What a new stream still says, after its opening, of two changes.
async fn hears(fault: StreamFault) -> Vec<String> {
    let house = House::new(Options::default()).await;
    house.sim.stream_fault(fault);
    let mut stream = listen(&house).await;
    stream.frame().await.expect("an opening");
    house.sim.bot("jared", BotStatus::Offline);
    house.sim.bot("jared", BotStatus::Error);
    house.sim.cut_streams();
    let mut frames = Vec::new();
    while let Some(frame) = stream.frame().await {
        frames.push(frame);
    }
    assert_eq!(house.sim.look(World::faults_left), 0);
    frames
}

#[tokio::test(start_paused = true)]
async fn faults_of_the_stream_strike_at_their_place() {
    let statuses = async |fault| {
        let mut found = Vec::new();
        for frame in hears(fault).await {
            let data = frame.lines().find_map(|it| it.strip_prefix("data: ")).expect("data").to_owned();
            let data: Value = serde_json::from_str(&data).unwrap_or_default();
            found.push(data["bot"]["status"].as_str().unwrap_or("?").to_owned());
        }
        found
    };
    assert_eq!(statuses(StreamFault::NoInit).await, ["offline", "error"]);
    assert_eq!(statuses(StreamFault::Mute).await, [""; 0]);
    assert_eq!(statuses(StreamFault::Lose).await, ["error"]);
    assert_eq!(statuses(StreamFault::Duplicate).await, ["offline", "offline", "error"]);
    assert_eq!(statuses(StreamFault::NotJson).await, ["?", "error"]);
    assert_eq!(statuses(StreamFault::DropBefore).await, [""; 0]);
    assert_eq!(statuses(StreamFault::DropAfter).await, ["offline"]);
    assert_eq!(statuses(StreamFault::DropMidFrame).await, [""; 0]);
    assert!(hears(StreamFault::Oversize { bytes: 5000 }).await[0].len() > 5000);
}

#[tokio::test(start_paused = true)]
async fn a_stream_beats_unless_it_is_mute_and_may_have_an_end() {
    let house = House::new(Options { stream_lifetime: Some(Duration::from_mins(1)), ..Options::default() }).await;
    let mut stream = listen(&house).await;
    stream.frame().await.expect("an init");
    assert_eq!(stream.frame().await.as_deref(), Some(": keepalive"));
    assert_eq!(stream.frame().await.as_deref(), Some(": keepalive"));
    assert_eq!(stream.frame().await, None, "its time is over");
    house.sim.arm_stream(Turn::always(StreamFault::Mute));
    let mut mute = listen(&house).await;
    assert_eq!(mute.frame().await.as_deref(), Some(": open"));
    assert_eq!(mute.rest().await, b"", "not even a beat");
}
