//! The chat: what is read, who reads it, what is sent, and an agent without it.

use std::sync::Arc;

use crate::support::{House, Served, ask, close, error, join, read};
use agent_bridge_sim::office::{Options, Others, Unregistered};
use axum::body::Body;
use serde_json::json;

pub async fn reads(served: &mut Served) {
    let house = House::new(Options::default()).await;
    let sim = &house.sim;
    sim.say("user", "jared", "hi");
    sim.say("anna", "user", "lunch?");
    let ids: Vec<String> = (0..3).map(|n| sim.say("user", &house.group, &format!("all {n}"))).collect();

    let (_, listed) = house.view("conversations").await;
    let pairs: Vec<_> =
        listed["conversations"].as_array().expect("a list").iter().map(|it| (&it["agent"], &it["peer"])).collect();
    assert_eq!(
        pairs,
        [(&json!("anna"), &json!("user")), (&json!("jared"), &json!("user"))],
        "the colony's, newest first"
    );
    let direct = house.messages("messages&agent=jared&peer=user&limit=50").await;
    assert_eq!(
        (direct.len(), &direct[0]["from"], &direct[0]["to"], &direct[0]["body"]),
        (1, &json!("user"), &json!("jared"), &json!("hi"))
    );
    let newest = house.messages(&format!("group-messages&groupId={}&limit=2", house.group)).await;
    assert_eq!(newest.iter().map(|it| it["id"].as_str().expect("an id")).collect::<Vec<_>>(), [&ids[2], &ids[1]]);
    assert_eq!(sim.look(|world| world.books().reads_of_others), 0);

    let others = house.messages("messages&agent=anna&peer=user").await;
    assert_eq!(others[0]["body"], "lunch?");
    let read = sim.look(|world| world.books().reads.back().cloned()).expect("a read");
    assert_eq!((read.by.as_str(), read.of, read.others), ("jared", vec!["anna".into(), "user".into()], true));
    sim.reconfigure(|options| options.others = Others::Refused);
    assert_eq!(error(&house.view("messages&agent=anna&peer=user").await), (403, "not your conversation"));
    assert_eq!(sim.look(|world| world.books().reads_of_others), 1);

    assert_eq!(error(&house.view("everything").await), (400, "unknown view"));
    assert_eq!(error(&house.view("messages&agent=jared").await), (400, "agent and peer are required"));
    assert_eq!(error(&house.view("group-messages").await), (400, "groupId is required"));
    assert_eq!(error(&house.view("group-messages&groupId=group_0").await), (404, "group not found"));
    for limit in ["0", "-1", "many"] {
        let reply = house.view(&format!("messages&agent=jared&peer=user&limit={limit}")).await;
        assert_eq!(error(&reply), (400, "limit must be a positive number"));
    }
    close(sim, served);
}

pub async fn sends(served: &mut Served) {
    let house = House::new(Options::default()).await;
    let sim = &house.sim;
    sim.person("anna");
    let (status, sent) = house.send("user", "hello").await;
    assert_eq!((status, &sent["message"]["body"]), (200, &json!("hello")));
    let kept = &sim.sent()[0];
    assert_eq!(
        (kept.id.as_str(), kept.from.as_str(), kept.body.as_str()),
        (sent["message"]["id"].as_str().expect("an id"), "jared", "hello")
    );
    let team = json!({"action": "group-send", "groupId": house.group, "from": "jared", "body": "hello team"});
    assert_eq!(house.act(team.clone()).await.0, 200);
    assert_eq!(house.messages(&format!("group-messages&groupId={}", house.group)).await[0]["body"], "hello team");

    let forged = json!({"action": "send", "from": "anna", "to": "user", "body": "it was me"});
    assert_eq!(error(&house.act(forged).await), (403, "from is not your agent"));
    assert_eq!(error(&house.send("nobody", "x").await), (404, "recipient not found"));
    for missing in ["from", "to", "body"] {
        let mut body = json!({"action": "send", "from": "jared", "to": "user", "body": "x"});
        body[missing] = json!("");
        assert_eq!(error(&house.act(body).await), (400, "from, to and body are required"));
    }
    let mut nowhere = team;
    nowhere["groupId"] = json!("group_0");
    assert_eq!(error(&house.act(nowhere).await), (404, "group not found"));
    let bare = json!({"action": "group-send", "from": "jared", "body": "x"});
    assert_eq!(error(&house.act(bare).await), (400, "groupId, from and body are required"));
    assert_eq!(error(&house.act(json!({"action": "shout"})).await), (400, "unknown action"));
    let path = format!("/api/offices/{}/xmtp", house.office);
    let no_json = read(ask(sim, "POST", &path, Some(&house.key), "{").await).await;
    assert_eq!(error(&no_json), (400, "invalid_json"));
    assert_eq!(sim.sent().len(), 2, "refused is not stored");
    close(sim, served);
}

pub async fn keys(served: &mut Served) {
    let house = House::new(Options::default()).await;
    let sim = &house.sim;
    let other = sim.new_office("Elsewhere");
    let path = |office: &str| format!("/api/offices/{office}/xmtp?view=groups");
    let asked = async |office: &str, key: Option<&str>| {
        let reply = read(ask(sim, "GET", &path(office), key, Body::empty()).await).await;
        (reply.0, reply.1["error"].as_str().unwrap_or_default().to_owned())
    };
    assert_eq!(asked(&house.office, None).await, (401, "unauthorized".into()));
    assert_eq!(asked(&house.office, Some("guess")).await, (401, "unauthorized".into()));
    assert_eq!(asked(&other, Some(&house.key)).await, (403, "forbidden".into()));
    assert_eq!(asked("office_0", Some(&house.key)).await, (404, "office not found".into()));
    assert_eq!(asked(&house.office, Some(&house.key)).await.0, 200);
    assert!(sim.revoke_key("jared") && !sim.revoke_key("jared"));
    assert_eq!(asked(&house.office, Some(&house.key)).await, (401, "unauthorized".into()));
    let there = join(sim, &sim.invite_to(&other), "jared").await.1;
    assert_eq!((&there["office_id"], &there["agent_name"]), (&json!(other), &json!("jared")), "names are an office's");
    close(sim, served);
}

pub async fn without_chat(served: &mut Served) {
    let house = House::new(Options::default()).await;
    let sim = &house.sim;
    sim.say("user", "jared", "hi");
    assert!(sim.lose_chat("jared"));
    assert_eq!(error(&house.send("user", "x").await), (409, "agent is not registered with chat"));
    let members = async || house.view("groups").await.1["groups"][0]["members"].clone();
    assert_eq!(members().await, json!(["user"]));
    sim.reconfigure(|options| options.unregistered = Unregistered::Empty);
    assert_eq!(house.view("groups").await.1, json!({"groups": []}));
    assert_eq!(house.messages("messages&agent=jared&peer=user").await.len(), 0);
    sim.reconfigure(|options| options.unregistered = Unregistered::Refused(409));
    assert_eq!(error(&house.view("conversations").await), (409, "agent is not registered with chat"));
    assert!(sim.register_chat("jared"));
    assert_eq!(members().await, json!(["jared", "user"]));
    assert_eq!(house.messages("messages&agent=jared&peer=user").await.len(), 1, "what was said meanwhile is there");
    assert_eq!(house.send("user", "x").await.0, 200);
    close(sim, served);
}

#[tokio::test]
async fn a_page_has_no_more_than_it_may() {
    let house = House::new(Options { page: 2, most: 3, group_limit: false, ..Options::default() }).await;
    for n in 0..5 {
        house.sim.say("user", "jared", &n.to_string());
        house.sim.say("user", &house.group, &n.to_string());
    }
    let texts = async |query: String| {
        let page = house.messages(&query).await;
        page.iter().map(|it| it["body"].as_str().expect("a text").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(texts("messages&agent=user&peer=jared".into()).await, ["4", "3"]);
    assert_eq!(texts("messages&agent=user&peer=jared&limit=100".into()).await, ["4", "3", "2"]);
    let group = format!("group-messages&groupId={}&limit=100", house.group);
    assert_eq!(texts(group).await, ["4", "3"], "no limit there");
}

#[tokio::test]
async fn the_books_count_requests_by_kind_and_minute() {
    let house = House::new(Options { wall: Arc::new(|| 60_000), ..Options::default() }).await;
    for minute in [1, 2, 2] {
        house.sim.reconfigure(|options| options.wall = Arc::new(move || minute * 60_000));
        house.view("conversations").await;
    }
    house.send("user", "x").await;
    let books = house.sim.look(|world| world.books().clone());
    assert_eq!((books.requests("conversations"), books.busiest("conversations")), (3, 2));
    assert_eq!((books.requests("send"), books.requests("join"), books.requests("groups")), (1, 1, 0));
    assert_eq!(books.minutes[&2]["conversations"], 2);
}
