//! Writing chats, and reading them back page by page.

use crate::support::{ANNA, House, PIERRE, Served, close, error, house};
use agent_bridge_sim::speakeasy::{Fault, Options};
use axum::body::Bytes;
use serde_json::{Value, json};

pub async fn writes(served: &mut Served) {
    let house = house(Options::documented());
    let (sim, agent) = (&house.sim, &house.agent);
    let path = house.at("/chats");
    let say = async |chat: Value| agent.post(&path, json!({"chat": chat})).await;
    let (status, body) = say(json!({"text": "**hi** <you>"})).await;
    let said = body["records"]["chats"]["data"].as_object().and_then(|it| it.values().next()).expect("a chat");
    assert_eq!((status, &said["html"]), (201, &json!("<div><strong>hi</strong> &lt;you&gt;</div>")));
    assert_eq!((&said["plain"], &said["author_handle"]), (&json!("hi <you>"), &json!(house.handle)));
    assert_eq!(body.get("chat"), None, "the document has records alone");
    let (_, body) = say(json!({"text": "*a* `<b>`\n\n[c](https://d.test) 2 * 3"})).await;
    let expected = r#"<div><em>a</em> <code>&lt;b&gt;</code></div><div><a href=\"https://d.test\">c</a> 2 * 3</div>"#;
    assert!(body.to_string().contains(expected) && body.to_string().contains(r"a <b>\n\nc 2 * 3"), "{body}");
    let (_, body) = say(json!({"html": "<div>one<br>two</div>"})).await;
    assert!(body.to_string().contains(r#""plain":"one\ntwo""#), "{body}");
    for blank in [json!({}), json!({"text": " "}), Value::Null] {
        assert_eq!(error(&say(blank).await), (400, "chat can't be blank"));
    }
    assert_eq!(agent.ask("POST", &path, &[], "{not JSON").await.0, 400);
    assert_eq!(agent.ask("POST", &path, &[("content-type", "text/plain")], "{}").await.0, 415);
    assert_eq!(agent.ask("POST", &path, &[], vec![b' '; (32 << 20) + 1]).await.0, 413);

    let theirs = sim.say(PIERRE, house.topic, "mine");
    let timeline = sim.look(|world| world.chat(theirs).map(|it| it.timeline)).expect("a timeline");
    let reply = |to: u64| json!({"text": "yes", "reply_timeline_id": to});
    assert_eq!(say(reply(timeline)).await.0, 201);
    assert_eq!(say(reply(theirs)).await.0, 400, "a chat's id is not its timeline's");
    let other = sim.topic("Other", &[PIERRE, &house.handle]);
    let elsewhere = agent.post(&format!("/agent/topics/{other}/chats"), json!({"chat": reply(timeline)})).await;
    assert_eq!(elsewhere.0, 400);
    let direct = json!({"handle": ANNA, "chat": reply(timeline)});
    let refused = agent.post("/agent/direct_chats", direct).await;
    assert_eq!(error(&refused), (400, "reply_timeline_id is in another topic"));
    assert!(sim.look(|world| world.topics().all(|topic| !topic.direct)), "and nothing was made");
    close(sim, served);
}

pub async fn own(served: &mut Served) {
    let house = house(Options::default());
    let (sim, agent) = (&house.sim, &house.agent);
    let (mine, theirs) = (house.says("hello").await, sim.say(ANNA, house.topic, "mine"));
    let (path, their_path) = (house.at(&format!("/chats/{mine}")), house.at(&format!("/chats/{theirs}")));
    let text = |text: &str| json!({"chat": {"text": text}});
    let types = async || agent.patch(&house.at("/typing"), json!({"typing": true})).await.0;
    assert_eq!(types().await, 200);
    let (status, body) = agent.patch(&path, text("hello!")).await;
    assert_eq!((status, &body["chat"]["plain"], sim.typing(house.topic).len()), (200, &json!("hello!"), 0));
    assert_eq!(agent.patch(&path, text(" ")).await.0, 400);
    assert_eq!(agent.patch(&their_path, text("yours")).await.0, 403);
    assert_eq!(agent.delete(&their_path).await.0, 403);
    assert_eq!(agent.delete(&house.at("/chats/999999")).await.0, 404);
    types().await;
    assert_eq!(
        (agent.delete(&their_path).await.0, sim.typing(house.topic).len()),
        (403, 1),
        "a refusal clears nothing"
    );
    let (status, body) = agent.delete(&path).await;
    assert_eq!((status, &body["chat"]["deleted"], sim.typing(house.topic).len()), (200, &json!(true), 0));
    assert_eq!([agent.delete(&path).await.0, agent.patch(&path, text("x")).await.0], [404, 404]);
    assert_eq!(agent.get(&path).await.0, 200, "its place stays");
    types().await;
    house.says("again").await;
    assert_eq!(sim.typing(house.topic).len(), 0);

    sim.fault("POST /agent/topics/{topic_id}/chats", Fault::StoredThen500);
    assert_eq!(agent.post(&house.at("/chats"), text("stored")).await.0, 500);
    assert_eq!(sim.chats_by_agents().last().map(|it| it.plain.clone()), Some("stored".into()));
    close(sim, served);
}

/// The timeline ids of a page, newest first, and its cursor.
async fn page(house: &House, cursor: &str) -> (Vec<u64>, Value, Value) {
    let (status, body) = house.agent.get(&house.at(&format!("/chats{cursor}"))).await;
    assert_eq!(status, 200, "{body}");
    let data = body["records"]["timelines"]["data"].as_object().expect("timelines");
    let mut ids: Vec<u64> = data.keys().filter_map(|it| it.parse().ok()).collect();
    ids.sort_unstable_by(|one, other| other.cmp(one));
    (ids, body["next_cursor"].clone(), body)
}

pub async fn history(served: &mut Served) {
    let house = house(Options::default());
    let sim = &house.sim;
    let said: Vec<u64> = (0..201).map(|n| sim.say(PIERRE, house.topic, &format!("n {n}"))).collect();
    let places: Vec<u64> =
        sim.look(|world| said.iter().rev().filter_map(|it| Some(world.chat(*it)?.timeline)).collect());
    let (first, cursor, _) = page(&house, "").await;
    assert_eq!((first.as_slice(), &cursor), (&places[..100], &json!(places[99].to_string())));
    let (second, cursor, _) = page(&house, &format!("?cursor={}", places[99])).await;
    assert_eq!((second.as_slice(), &cursor), (&places[100..200], &json!(places[199].to_string())));
    let (last, cursor, _) = page(&house, &format!("?cursor={}", places[199])).await;
    assert_eq!((last.as_slice(), cursor), (&places[200..], Value::Null));
    let (_, cursor, _) = page(&house, &format!("?cursor={}", places[100])).await;
    assert_eq!(cursor, Value::Null, "a page that is just full is the last all the same");
    sim.reconfigure(|options| options.cursor_until_empty = true);
    let (_, cursor, _) = page(&house, &format!("?cursor={}", places[199])).await;
    assert_eq!(cursor, json!(places[200].to_string()));
    let (none, cursor, _) = page(&house, &format!("?cursor={}", places[200])).await;
    assert_eq!((none.len(), cursor), (0, Value::Null));
    assert_eq!(error(&house.agent.get(&house.at("/chats?cursor=opaque")).await), (400, "invalid cursor"));
    close(sim, served);
}

pub async fn dependent_records(served: &mut Served) {
    let house = house(Options::default());
    let sim = &house.sim;
    let old = sim.say(PIERRE, house.topic, "the oldest");
    let gone = sim.say(PIERRE, house.topic, "regretted");
    sim.delete(gone);
    for n in 0..98 {
        sim.say(ANNA, house.topic, &n.to_string());
    }
    let reply = sim.reply(ANNA, old, "to the oldest").expect("a chat");
    let child = sim.child_topic(reply, "Aside").expect("a topic");
    let hidden = sim.child_topic(sim.say(ANNA, house.topic, "between us"), "Not for agents").expect("a topic");
    sim.remove_participant(ANNA, hidden, &house.handle);
    let file = sim.say_with_file(PIERRE, house.topic, "see this", "a b.txt", Bytes::from_static(b"hello"));
    let (_, _, body) = page(&house, "").await;
    let records = &body["records"];
    let oldest = sim.look(|world| world.chat(old).map(|it| it.timeline)).expect("a timeline").to_string();
    assert_eq!(records["timelines"]["data"][&oldest]["tl_id"], old, "what is answered is there, though off the page");
    assert!(records["chats"]["data"].get(old.to_string()).is_none());
    assert!(records["topics"]["data"].get(child.to_string()).is_some());
    assert!(records["topics"]["data"].get(hidden.to_string()).is_none(), "the agent may not see it");
    assert_eq!(records["participants"]["data"].as_object().map(serde_json::Map::len), Some(3));
    assert_eq!(records["contacts"]["data"][PIERRE]["name"], "Pierre");
    let attached = &records["chats"]["data"][file.to_string()]["attachments"][0];
    assert_eq!((&attached["filename"], &attached["byte_size"]), (&json!("a b.txt"), &json!(5)));
    let cursor = body["next_cursor"].as_str().expect("more");
    let (_, _, body) = page(&house, &format!("?cursor={cursor}")).await;
    let removed = &body["records"]["chats"]["data"][gone.to_string()];
    assert_eq!((&removed["deleted"], &removed["plain"]), (&json!(true), &json!("")));
    let (status, one) = house.agent.get(&house.at(&format!("/chats/{reply}"))).await;
    assert_eq!((status, one["records"]["timelines"]["data"].as_object().map(serde_json::Map::len)), (200, Some(2)));
    assert_eq!(house.agent.get(&format!("/agent/topics/{child}/chats/{reply}")).await.0, 404);
    let (_, files) = house.agent.get(&house.at("/files")).await;
    assert_eq!(files["records"]["files"]["data"][house.topic.to_string()]["files"][0]["filename"], "a b.txt");
    close(sim, served);
}

#[tokio::test]
async fn chats_are_written_in_markdown_or_html() {
    writes(&mut Served::new()).await;
}

#[tokio::test]
async fn only_own_chats_change() {
    own(&mut Served::new()).await;
}

#[tokio::test]
async fn history_goes_back_by_raw_timeline_ids() {
    history(&mut Served::new()).await;
}

#[tokio::test]
async fn a_page_brings_what_it_depends_on() {
    dependent_records(&mut Served::new()).await;
}
