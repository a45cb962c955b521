//! What a share token opens: reading, mentions, presence, suggestions, draft tokens.

use agent_bridge_sim::agentworkspace::{DocumentType, MentionStatus, Options};
use serde_json::{Value, json};

use crate::support::{Served, clocked, error, fields, house, issues};

pub async fn reads(served: &mut Served) {
    let house = house(Options::default());
    let (status, body) = house.shared("GET", "", Value::Null).await;
    assert_eq!((status, fields(&body)), (200, vec!["content", "id", "title", "type"]));
    assert_eq!((&body["type"], &body["content"]), (&json!("draft"), &json!("Rome is the majority of it.")));
    let page = house.ask("GET", &house.sim.share_link(&house.token), None, "").await;
    assert!(page.0 == 200 && page.1.as_str().is_some_and(|it| it.starts_with("<!doctype html>")), "{page:?}");
    assert_eq!(error(&house.ask("GET", "/api/share/guess", None, "").await), (404, "Not found"));
    assert!(house.sim.revoke_share(&house.token) && !house.sim.revoke_share("guess"));
    assert_eq!(error(&house.shared("GET", "", Value::Null).await), (404, "Not found"));
    assert_eq!(house.shared("POST", "/draft-token", json!({"name": "Atlas"})).await.0, 404);
    assert_eq!(house.ask("GET", &house.sim.share_link(&house.token), None, "").await.0, 404);
    house.close(served);
}

pub async fn mentions(served: &mut Served) {
    let house = house(Options::default());
    let asked = "@Atlas can you add budget estimates?";
    let first = house.sim.type_mention("Pierre", &house.draft, "Atlas", asked);
    house.sim.mention("Pierre", &house.draft, "Hermes", "@Hermes not for Atlas");
    assert!(
        house.sim.content(&house.draft).ends_with("\n\n@Atlas can you add budget estimates?\n\n@Hermes not for Atlas")
    );
    assert_eq!(issues(&house.shared("GET", "/mentions", Value::Null).await), ["name"]);
    let (status, body) = house.shared("GET", "/mentions?name=atlas", Value::Null).await;
    assert_eq!((status, body["mentions"].as_array().map(Vec::len)), (200, Some(1)));
    let mention = &body["mentions"][0];
    assert_eq!(fields(mention), ["authorName", "context", "createdAt", "id", "status"]);
    assert_eq!(
        (&mention["status"], &mention["context"], &mention["id"]),
        (&json!("pending"), &json!(asked), &json!(first))
    );
    assert!(house.sim.send_mention(&first) && !house.sim.send_mention(&first));
    let (_, body) = house.shared("GET", "/mentions?name=Atlas", Value::Null).await;
    assert_eq!(body["mentions"][0]["status"], "sent");
    let refused = house.shared("PATCH", "/mentions", json!({"mentionIds": [], "status": "read"})).await;
    assert_eq!(issues(&refused), ["mentionIds", "status"]);
    let done = json!({"mentionIds": [first, "no-such"], "status": "done"});
    assert_eq!(house.shared("PATCH", "/mentions", done).await, (200, json!({"updated": 1})));
    assert_eq!(house.sim.mention_status(&first), Some(MentionStatus::Done));
    let (_, body) = house.shared("GET", "/mentions?name=Atlas", Value::Null).await;
    assert_eq!(body["mentions"][0]["status"], "done");
    house.close(served);
}

pub async fn presence(served: &mut Served) {
    let (options, hands) = clocked();
    let house = house(options);
    assert_eq!(issues(&house.shared("POST", "/presence", json!({"status": "gone"})).await), ["name", "status"]);
    let stands =
        || house.sim.look(|world| world.present(&house.draft).iter().map(|it| it.status.clone()).collect::<Vec<_>>());
    for status in ["reading", "thinking", "acting"] {
        let said = house.shared("POST", "/presence", json!({"name": "Atlas", "status": status})).await;
        assert_eq!((said, stands()), ((200, json!({"ok": true})), vec![status.to_owned()]));
    }
    hands.turn(29);
    assert_eq!(stands(), ["acting"]);
    hands.turn(1);
    assert_eq!(stands(), Vec::<String>::new(), "it lapses after 30 seconds");
    house.shared("POST", "/presence", json!({"name": "Atlas", "status": "completed"})).await;
    assert_eq!(stands(), Vec::<String>::new());
    let history: Vec<String> = house.sim.look(|world| world.presences().map(|it| it.status.clone()).collect());
    assert_eq!(history, ["reading", "thinking", "acting", "completed"]);
    house.close(served);
}

pub async fn suggestions(served: &mut Served) {
    let house = house(Options::default());
    let refused = house.shared("POST", "/suggest", json!({"action": "insert"})).await;
    assert_eq!(issues(&refused), ["action", "search", "author", "replacement"]);
    let wish = |search: &str| json!({"action": "replace", "search": search, "replacement": "41%", "author": "Atlas"});
    assert_eq!(issues(&house.shared("POST", "/suggest", wish("nowhere")).await), ["search"]);
    let (status, body) = house.shared("POST", "/suggest", wish("the majority")).await;
    assert_eq!((status, &body["suggestion"]["status"]), (200, &json!("pending")));
    assert_eq!(house.sim.content(&house.draft), "Rome is the majority of it.", "nothing changed yet");
    let id = body["suggestion"]["id"].as_str().expect("an id");
    assert!(house.sim.decide(id, true) && !house.sim.decide(id, false), "decided once");
    assert_eq!(house.sim.content(&house.draft), "Rome is 41% of it.");
    let (_, body) = house.shared("POST", "/suggest", wish("Rome")).await;
    assert!(house.sim.decide(body["suggestion"]["id"].as_str().expect("an id"), false));
    assert_eq!(house.sim.content(&house.draft), "Rome is 41% of it.");
    house.close(served);
}

pub async fn draft_tokens(served: &mut Served) {
    let house = house(Options::default());
    assert_eq!(issues(&house.shared("POST", "/draft-token", json!({})).await), ["name"]);
    assert_eq!(error(&house.shared("POST", "/draft-token", Value::Null).await), (400, "Invalid JSON body"));
    let (status, body) = house.shared("POST", "/draft-token", json!({"name": "Atlas"})).await;
    assert_eq!((status, fields(&body)), (200, vec!["serverUrl", "slug", "token"]));
    assert_eq!(body["token"].as_str().map(|it| it.split('.').count()), Some(3));
    let (_, other) = house.shared("POST", "/draft-token", json!({"name": "Atlas"})).await;
    assert_ne!(body["token"], other["token"], "a new one for every connect");
    let (status, own) = house.own("POST", &format!("/docs/{}/draft-token", house.draft), Value::Null).await;
    assert_eq!((status, &own["slug"]), (200, &body["slug"]));
    let notes = house.sim.document(&house.agent, "Notes", DocumentType::Markdown, "");
    assert_eq!(issues(&house.own("POST", &format!("/docs/{notes}/draft-token"), Value::Null).await), ["id"]);
    house.close(served);
}

#[tokio::test]
async fn a_share_token_reads_until_it_is_revoked() {
    reads(&mut Served::new()).await;
}

#[tokio::test]
async fn a_mention_is_pending_then_sent_then_done() {
    mentions(&mut Served::new()).await;
}

#[tokio::test]
async fn a_presence_lapses() {
    presence(&mut Served::new()).await;
}

#[tokio::test]
async fn a_suggestion_waits_for_a_person() {
    suggestions(&mut Served::new()).await;
}

#[tokio::test]
async fn a_draft_gives_tokens() {
    draft_tokens(&mut Served::new()).await;
}
