//! What a grant may not do is refused before the call, with words, and no event offers it; transports follow.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails, and says where")]

use agent_bridge_sim::speakeasy::{Armed, CAPABILITIES, Fault, World};
use serde_json::{Value, json};

use crate::bridge::until;
use crate::house::ack;
use crate::lounge::{Lounge, OWNER, ingress};

/// A bridge whose grant lacks just this, and knows it.
async fn without(lounge: &mut Lounge, lacking: &str) {
    let grant = lounge.sim.newest_grant().unwrap();
    lounge.stop().await;
    for capability in CAPABILITIES {
        lounge.sim.set_capability(grant, capability, capability != lacking);
    }
    let known = me(lounge);
    lounge.start().await;
    until(|| async { (me(lounge) > known).then_some(()) }, || lounge.home.log()).await;
}

fn me(lounge: &Lounge) -> usize {
    lounge.sim.log().iter().filter(|it| it.method == "GET" && it.route == "/agent/me").count()
}

fn count(lounge: &Lounge, method: &str, route: &str) -> usize {
    lounge.sim.log().iter().filter(|it| it.method == method && it.route == route).count()
}

/// This call is refused by the bridge itself, and named.
async fn refused(lounge: &Lounge, capability: &str, method: &str, params: Value) {
    let refusal = || async {
        // The answer that tells of the grant may still be on its way into the store.
        let answer = lounge.home.agent().await.call(method, params.clone()).await.err()?;
        let named = answer["message"].as_str().is_some_and(|said| said.contains(&format!("`{capability}`")));
        (answer["data"]["kind"] == "no_capability" && named).then_some(answer)
    };
    let answer = until(refusal, || format!("{capability}: {}", lounge.home.log())).await;
    let said = answer["message"].as_str().unwrap();
    assert!(said.contains(&format!("its grant lacks `{capability}`")) && said.contains("Ask whoever"), "{said}");
}

async fn allowed(lounge: &Lounge, method: &str, params: Value) -> Value {
    // The answer that tells of the grant may still be on its way into the store.
    let granted = || async {
        let answer = lounge.home.agent().await.call(method, params.clone()).await;
        (!answer.as_ref().is_err_and(|error| error["data"]["kind"] == "no_capability")).then_some(answer)
    };
    let answer = until(granted, || format!("{method} {params}: {}", lounge.home.log())).await;
    answer.unwrap_or_else(|error| panic!("{method} {params}: {error}"))
}

fn act(verb: &str, args: &Value) -> Value {
    json!({ "workspace": "lounge", "verb": verb, "args": args, "wait": "30s" })
}

#[tokio::test]
async fn every_capability_governs_what_it_names() {
    let mut lounge = Lounge::new("every = \"200ms\"", &ingress()).await;
    let topic = lounge.topic.to_string();
    let seed = lounge.sim.say(OWNER, lounge.topic, "seed").to_string();
    let file = lounge.home.path("brief.txt");
    std::fs::write(&file, "brief").unwrap();
    joined_without_introduction(&mut lounge).await;

    let child = act("topic.create", &json!({ "title": "Child", "parent": topic, "spawned_from": seed }));
    let plain = act("topic.create", &json!({ "title": "Plain" }));
    for capability in ["topic_hierarchy", "threaded_topic_create"] {
        without(&mut lounge, capability).await;
        refused(&lounge, capability, "act", child.clone()).await;
        assert_eq!(allowed(&lounge, "act", plain.clone()).await["state"], "confirmed");
    }
    without(&mut lounge, "topic_history").await;
    refused(&lounge, "topic_history", "history", json!({ "workspace": "lounge", "conversation": topic })).await;
    without(&mut lounge, "topic_participants_read").await;
    let people = json!({ "workspace": "lounge", "conversation": topic });
    refused(&lounge, "topic_participants_read", "people", people).await;
    allowed(&lounge, "people", json!({ "workspace": "lounge" })).await;
    without(&mut lounge, "topic_files_read").await;
    refused(&lounge, "topic_files_read", "files", json!({ "workspace": "lounge", "conversation": topic })).await;

    without(&mut lounge, "typing_indicator").await;
    refused(&lounge, "typing_indicator", "act", act("typing", &json!({ "conversation": topic, "state": true }))).await;
    lounge.is_live().await;
    lounge.sim.say(OWNER, lounge.topic, "what can you do?");
    let mut agent = lounge.agent().await;
    let asked = loop {
        let delivery = agent.delivery_of("message.created").await;
        if delivery.text() == "what can you do?" {
            break delivery;
        }
        ack(&mut agent, &delivery).await;
    };
    let can = asked.event["data"]["can"].to_string();
    assert!(can.contains("\"send\"") && !can.contains("typing"), "{can}");
    ack(&mut agent, &asked).await;
    drop(agent);

    without(&mut lounge, "attachments").await;
    let with_file = json!({ "conversation": topic, "text": "see", "files": [{ "path": file }] });
    refused(&lounge, "attachments", "act", act("send", &with_file)).await;
    let bare = act("send", &json!({ "conversation": topic, "text": "no file" }));
    assert_eq!(allowed(&lounge, "act", bare.clone()).await["state"], "confirmed");
    without(&mut lounge, "profile_update").await;
    refused(&lounge, "profile_update", "act", act("rename", &json!({ "name": "Other" }))).await;

    without(&mut lounge, "chat_idempotency").await;
    let keys = |lounge: &Lounge| {
        let log = lounge.sim.log();
        log.iter().rfind(|it| it.method == "POST" && it.route.ends_with("/chats")).map(|it| it.idempotency_key.clone())
    };
    assert!(keys(&lounge).unwrap().is_some(), "with the capability each write has its key");
    let lacks = || async {
        assert_eq!(allowed(&lounge, "act", bare.clone()).await["state"], "confirmed");
        keys(&lounge).unwrap().is_none().then_some(())
    };
    until(lacks, || lounge.home.log()).await;
    lounge.end().await;
}

/// A grant that the bridge knows nothing of yet: from the next start on it asks, and as long as something is lacking.
async fn joined_without_introduction(lounge: &mut Lounge) {
    lounge.home.ok(&["leave", "lounge", "--yes"]).await;
    let fault = Fault::Status { status: 404 };
    lounge.sim.arm(Armed { route: "GET /agent/me".into(), after: 0, count: u32::MAX, fault });
    lounge.home.ok(&["join", "speakeasy", &lounge.url(), "--as", "lounge", "--handle", OWNER]).await;
    lounge.sim.clear_faults();
    let own = lounge.sim.agent(lounge.sim.newest_grant().unwrap());
    lounge.sim.add_participant(OWNER, lounge.topic, &own);
}

/// A delivery that the platform signed, of something that the log has; what it is answered.
async fn delivered(lounge: &Lounge) -> u16 {
    use hmac::{Hmac, KeyInit as _, Mac as _};
    let grant = lounge.sim.newest_grant().unwrap();
    let (url, secret) =
        lounge.sim.look(|world| (world.callback_url(grant).unwrap(), world.webhook_secret(grant).unwrap()));
    let log = lounge.sim.look(|world| world.events_after(grant, None)).unwrap();
    let body = log.last().unwrap().body.to_string();
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(body.as_bytes());
    let digits = mac.finalize().into_bytes().iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
    let (origin, path) = url.split_at(url.find("/hooks/").unwrap());
    crate::bridge::http::signed(origin, path, &body, &digits).await
}

const TRANSPORTS: [&str; 3] = ["event_polling", "event_websocket", "event_webhooks"];

#[tokio::test]
async fn the_lines_are_those_that_the_grant_allows_in_every_combination() {
    let mut lounge = Lounge::new("every = \"200ms\"", &ingress()).await;
    joined_without_introduction(&mut lounge).await;
    lounge.sim.say(OWNER, lounge.topic, "something that a delivery can be about");
    // All of them come last: behind that the bridge has nothing to ask for any more.
    for combination in 0..8_usize {
        let has = |transport: usize| combination >> transport & 1 == 1;
        lounge.stop().await;
        let (grant, known) = (lounge.sim.newest_grant().unwrap(), me(&lounge));
        for (transport, capability) in TRANSPORTS.into_iter().enumerate() {
            lounge.sim.set_capability(grant, capability, has(transport));
        }
        lounge.start().await;
        until(|| async { (me(&lounge) > known).then_some(()) }, || lounge.home.log()).await;
        // The log is the truth: where it may not be read, nothing else is believed, and the operator is told.
        let polled = has(0);
        let cabled = polled && has(1);
        let last = std::cell::RefCell::new(Value::Null);
        let settled = || async {
            let status = lounge.status().await;
            last.replace(status.clone());
            let lines = status["lines"].as_array().map_or(0, Vec::len);
            let told = status["trouble"].as_str().is_some_and(|why| why.contains("the grant lacks `event_polling`"));
            let is_so = (lines == if cabled { 2 } else { 1 }) && status["live"] == polled && told != polled;
            (is_so && lounge.sim.look(World::subscribed) == usize::from(cabled)).then_some(())
        };
        until(settled, || format!("{combination:03b}: {:#} {}", last.borrow(), lounge.home.log())).await;
        // Who may not deliver is a stranger; what nobody may read in the log is asked for again.
        let wanted = match (has(2), polled) {
            (false, _) => 401,
            (true, false) => 503,
            (true, true) => 204,
        };
        for _ in 0..2 {
            let answer = std::cell::Cell::new(0);
            let answered = || async {
                answer.set(delivered(&lounge).await);
                (answer.get() == wanted).then_some(())
            };
            until(answered, || format!("{combination:03b}: {} and not {wanted}: {}", answer.get(), lounge.home.log()))
                .await;
        }
        if !polled {
            let asked = count(&lounge, "GET", "/agent/events");
            let send = act("send", &json!({ "conversation": lounge.topic.to_string(), "text": "still here" }));
            assert_eq!(allowed(&lounge, "act", send).await["state"], "confirmed", "actions need the seat alone");
            assert_eq!(count(&lounge, "GET", "/agent/events"), asked, "nothing that is not allowed is asked for");
        }
    }
    lounge.round_trip("All of them?").await;
    lounge.end().await;
}
