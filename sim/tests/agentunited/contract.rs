//! Every line of the contract is served by some real request, and nothing else is recorded.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use crate::{
    lines,
    support::{Caller, token},
};
use agent_bridge_sim::{
    agentunited::{Accept, Fault, Options, Sim, UnknownCursor},
    contract,
};
use axum::body::Body;
use serde_json::{Value, json};

const NOBODY: &str = "00000000-0000-4000-8000-000000000000";

fn error(reply: &(u16, Value)) -> (u16, &str) {
    (reply.0, reply.1["error"].as_str().unwrap_or_default())
}

async fn invites(served: &mut BTreeSet<&'static str>) {
    let time = Arc::new(AtomicU64::new(1_000_000));
    let clock = time.clone();
    let options = Options { wall: Arc::new(move || clock.load(Ordering::SeqCst)), ..Options::default() };
    let sim = Sim::new(options);
    let stranger = Caller::stranger(&sim);
    let link = sim.invite(Some("Agent@workspace.test"));
    assert!(link.ends_with("%3D"), "{link}");
    let path = format!("/invite?{}", link.split('?').nth(1).expect("a query"));
    let (status, body) = stranger.get(&path).await;
    assert_eq!((status, &body["status"], &body["email"]), (200, &json!("pending"), &json!("Agent@workspace.test")));
    assert_eq!(error(&stranger.get("/invite?token=inv_x").await), (404, "invite not found"));

    let good = json!({"token": token(&link), "display_name": "Echo", "password": "correct horse"});
    let accept = async |change: &dyn Fn(&mut Value)| {
        let mut body = good.clone();
        change(&mut body);
        stranger.post("/invite/accept", body).await
    };
    let refused = accept(&|it| it["token"] = json!("")).await;
    assert!(refused.0 == 400 && error(&refused).1.contains("'Token'"), "{refused:?}");
    let refused = accept(&|it| it["password"] = json!("elevenchars")).await;
    assert_eq!(error(&refused), (400, "password must be at least 12 characters"));
    let refused = accept(&|it| it["token"] = json!("inv_x")).await;
    assert_eq!(error(&refused), (404, "invite not found"));
    // None of the refusals spent it.
    let (status, body) = accept(&|_| ()).await;
    assert_eq!((status, &body["message"]), (200, &json!("invite accepted successfully")));
    assert!(body["dm_channel_id"].is_string());
    assert_eq!(error(&accept(&|_| ()).await), (409, "invite has already been used"));
    assert_eq!(error(&stranger.get(&path).await), (404, "invite has already been used"));

    let login = async |email: &str, password: &str| {
        stranger.post("/auth/login", json!({"email": email, "password": password})).await
    };
    assert_eq!(login("Agent@workspace.test", "correct horse").await.0, 200);
    assert_eq!(login("agent@workspace.test", "correct horse").await.0, 401);
    assert_eq!(login("Agent@workspace.test", "wrong").await.0, 401);
    assert_eq!(login("Agent@workspace.test", "").await.0, 400);

    let stale = sim.invite(None);
    time.fetch_add(7 * 24 * 3600 * 1000, Ordering::SeqCst);
    let path = format!("/invite?token={}", token(&stale));
    assert_eq!(error(&stranger.get(&path).await), (404, "invite has expired"));
    let refused = accept(&|it| it["token"] = json!(token(&stale))).await;
    assert_eq!(error(&refused), (404, "invite has expired"));
    served.extend(sim.served());
}

async fn newer_accept(served: &mut BTreeSet<&'static str>) {
    let options = Options { accept: Accept::Central, dm_channel_id: false, ..Options::default() };
    let sim = Sim::new(options);
    let stranger = Caller::stranger(&sim);
    let invite = token(&sim.invite(Some("a@b.test")));
    let old = json!({"token": invite, "display_name": "Echo", "password": "correct horse"});
    let refused = stranger.post("/invite/accept", old).await;
    assert!(refused.0 == 400 && error(&refused).1.contains("InviteToken"), "{refused:?}");
    let refused = stranger.post("/invite/accept", json!({"invite_token": invite})).await;
    assert!(error(&refused).1.contains("CentralJWT"), "{refused:?}");
    let wrong = json!({"invite_token": invite, "central_jwt": "nonsense"});
    assert_eq!(stranger.post("/invite/accept", wrong).await.0, 401);
    let good = json!({"invite_token": invite, "central_jwt": sim.central_jwt()});
    let (status, body) = stranger.post("/invite/accept", good).await;
    assert_eq!((status, body.get("dm_channel_id")), (200, None));
    let member = Caller { credential: body["jwt_token"].as_str().expect("a token").into(), ..stranger.clone() };
    let login = json!({"email": "a@b.test", "password": "correct horse"});
    assert_eq!(stranger.post("/auth/login", login).await.0, 401);

    let (status, agent) = member.post("/agents", json!({"name": "echo", "display_name": "Echo"})).await;
    assert_eq!(status, 201);
    let path = format!("/agents/{}/keys", agent["id"].as_str().expect("an id"));
    let (status, key) = member.post(&path, json!({"name": "bridge"})).await;
    let key = key["plaintext_key"].as_str().expect("a key").to_owned();
    assert!(status == 201 && key.starts_with("au_"));
    assert_eq!(member.post(&format!("/agents/{NOBODY}/keys"), json!({"name": "x"})).await.0, 403);
    let agents = Caller { credential: key, ..stranger.clone() };
    let room = sim.channel("general");
    let (status, body) = agents.post(&format!("/channels/{room}/messages"), json!({"text": "hi"})).await;
    assert_eq!((status, &body["message"]["author_id"]), (201, &agent["id"]));
    assert_eq!(body["message"]["author_type"], "agent");
    let owner = Caller { credential: sim.api_key(&sim.primary()), ..stranger.clone() };
    assert!(owner.credential.starts_with("ak_live_"));
    assert_eq!(owner.get("/users").await.0, 200);
    served.extend(sim.served());
}

async fn rooms(served: &mut BTreeSet<&'static str>) {
    let sim = Sim::new(Options { seed: Some(7), ..Options::default() });
    let (agent, dm) = Caller::join(&sim).await;
    let (pierre, me) = (sim.person("Pierre"), sim.members()[0].clone());
    let (status, body) = agent.get("/channels").await;
    assert_eq!((status, &body["channels"][0]["type"], &body["channels"][0]["id"]), (200, &json!("dm"), &json!(dm)));
    sim.remove_member(&me, &dm);
    assert_eq!(agent.get("/channels").await, (200, json!({"channels": null})));
    let other = sim.dm(&pierre, &sim.primary());
    for room in [other.as_str(), NOBODY] {
        assert_eq!(agent.get(&format!("/channels/{room}/messages")).await.0, 403);
    }
    assert_eq!(agent.get("/channels/not-an-id/messages").await.0, 500);
    let (status, body) = agent.post("/dm", json!({"user_id": pierre})).await;
    assert_eq!((status, &body["channel"]["type"]), (200, &json!("dm")));
    assert_eq!(agent.post("/dm", json!({"user_id": NOBODY})).await.0, 404);

    let room = sim.channel("general");
    let path = format!("/channels/{room}/messages");
    assert_eq!(agent.get(&path).await, (200, json!({"messages": null, "has_more": false})));
    let said: Vec<String> = ["one", "two", "three"].map(|it| sim.say(&pierre, &room, it)).into();
    let (_, page) = agent.get(&format!("{path}?limit=2")).await;
    assert_eq!((&page["messages"][0]["id"], &page["has_more"]), (&json!(said[2]), &json!(true)));
    let (_, page) = agent.get(&format!("{path}?limit=2&before={}", said[1])).await;
    assert_eq!((&page["messages"][0]["text"], &page["has_more"]), (&json!("one"), &json!(false)));
    assert_eq!(agent.get(&format!("{path}?limit=101")).await.0, 400);
    assert_eq!(agent.post(&format!("/channels/{room}/read"), json!({})).await.0, 204);
    assert_eq!(agent.get(&format!("/channels/{room}/members")).await.0, 200);
    let (_, found) = agent.get(&format!("/messages/search?q=two&channel_id={room}")).await;
    assert_eq!(found["messages"][0]["id"], json!(said[1]));
    assert_eq!(agent.get("/messages/search").await.0, 400);

    for wrong in ["Bearer  x", "bearer x", "Bearer x y", "Bearer x"] {
        let mut request = Caller::stranger(&sim).request("GET", "/users", Body::empty());
        request.headers_mut().insert("authorization", wrong.parse().expect("a header"));
        assert_eq!(agent.send(request).await.status(), 401, "{wrong}");
    }
    served.extend(sim.served());
}

async fn posts(served: &mut BTreeSet<&'static str>) {
    let sim = Sim::new(Options::default());
    let (agent, dm) = Caller::join(&sim).await;
    let path = format!("/channels/{dm}/messages");
    let (status, body) = agent.post(&path, json!({"text": "hi"})).await;
    let mine = format!("/messages/{}", body["message"]["id"].as_str().expect("an id"));
    assert_eq!(status, 201);
    assert_eq!(agent.form(&path, Some("see this"), 3).await.1["message"]["attachment_name"], "a.txt");
    let refused = agent.form(&path, None, 3).await;
    assert!(refused.0 == 400 && error(&refused).1.contains("'Text'"), "{refused:?}");
    assert_eq!(agent.form(&path, Some("big"), (10 << 20) + 1).await.0, 413);
    assert_eq!(agent.post(&path, json!({"text": ""})).await.0, 400);
    assert_eq!(agent.post(&path, json!({"text": "é".repeat(5000)})).await.0, 201);
    assert_eq!(agent.post(&path, json!({"text": "é".repeat(5001)})).await.0, 400);
    assert_eq!(agent.post(&path, json!({"text": "nul\0"})).await.0, 500);
    assert_eq!(agent.call("PATCH", &mine, Some(json!({"text": "hello"}))).await.0, 200);
    assert_eq!(agent.call("DELETE", &mine, None).await.0, 204);
    assert_eq!(agent.call("DELETE", &mine, None).await.0, 404);
    let theirs = sim.say(&sim.primary(), &dm, "mine");
    assert_eq!(agent.call("DELETE", &format!("/messages/{theirs}"), None).await.0, 403);

    let before = sim.messages_by_agent().len();
    sim.fault("POST /channels/{id}/messages", Fault::StoredThen500);
    assert_eq!(agent.post(&path, json!({"text": "stored"})).await.0, 500);
    assert_eq!(sim.messages_by_agent().len(), before + 1);
    for status in [502, 504] {
        sim.fault("GET /users", Fault::Status { status });
        assert_eq!(agent.get("/users").await.0, status);
    }
    sim.reconfigure(|options| options.crash.refuse = true);
    let mut statuses = Vec::new();
    for n in 0..11 {
        statuses.push(agent.post(&path, json!({"text": n.to_string()})).await.0);
    }
    assert!(statuses.contains(&500), "{statuses:?}");
    assert_eq!(sim.look(agent_bridge_sim::agentunited::World::crashes), 1);
    served.extend(sim.served());
}

async fn observed_stream(served: &mut BTreeSet<&'static str>) {
    let sim = Sim::new(Options { relay: true, ..Options::default() });
    let (agent, _) = Caller::join(&sim).await;
    let (pierre, room) = (sim.person("Pierre"), sim.channel("general"));
    let mut stream = agent.listen(Some("ignored")).await;
    assert_eq!(stream.event().await.expect("a greeting").0, "connected");
    let id = sim.say(&pierre, &room, "hi");
    sim.edit(&id, "hi!");
    sim.reconfigure(|options| options.websocket = true);
    sim.say(&pierre, &room, "by websocket");
    let names = [stream.event().await, stream.event().await, stream.event().await];
    let names: Vec<_> = names.into_iter().flatten().map(|it| it.0).collect();
    assert_eq!(names, ["message.created", "message.updated", "message"]);
    sim.restart();
    assert!(stream.frame().await.is_none());
    assert_eq!(agent.get("/events/stream").await.0, 504, "buffered by the relay");
    sim.reconfigure(|options| options.relay = false);
    sim.expire_token(&sim.members()[0]);
    assert_eq!(agent.get("/events/stream").await.0, 401);
    served.extend(sim.served());
}

async fn documented_stream(served: &mut BTreeSet<&'static str>) {
    let sim = Sim::new(Options { unknown_cursor: UnknownCursor::Refuse, ..Options::documented() });
    let (agent, dm) = Caller::join(&sim).await;
    let pierre = sim.person("Pierre");
    let room = sim.dm(&pierre, &sim.members()[0]);
    let mut stream = agent.listen(None).await;
    let first = sim.say(&pierre, &room, "hi");
    sim.edit(&first, "hi!");
    let (name, id, data) = stream.event().await.expect("an event");
    assert_eq!((name.as_str(), id.as_deref()), ("message.created", Some(first.as_str())));
    assert_eq!((&data["message_id"], &data["author_type"]), (&json!(first), &json!("human")));
    let (name, id, _) = stream.event().await.expect("an event");
    assert_eq!((name.as_str(), id), ("message.updated", None));
    drop(stream);
    let missed = sim.say(&pierre, &dm, "missed");
    let mut stream = agent.listen(Some(&first)).await;
    assert_eq!(stream.event().await.expect("a replay").1, Some(missed));
    let mut request = agent.request("GET", "/events/stream", Body::empty());
    request.headers_mut().insert("last-event-id", NOBODY.parse().expect("a header"));
    assert_eq!(agent.send(request).await.status(), 400);
    served.extend(sim.served());
}

#[tokio::test(start_paused = true)]
async fn every_line_is_served() {
    let mut served = BTreeSet::new();
    let all = async {
        invites(&mut served).await;
        newer_accept(&mut served).await;
        rooms(&mut served).await;
        posts(&mut served).await;
        observed_stream(&mut served).await;
        documented_stream(&mut served).await;
    };
    tokio::time::timeout(Duration::from_mins(10), all).await.expect("no request hangs");
    lines::all_served(contract::AGENTUNITED, &served);
}

#[test]
fn every_line_is_whole_and_named_once() {
    lines::whole(contract::AGENTUNITED);
}
