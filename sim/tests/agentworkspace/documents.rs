//! An agent's own documents, its key, and the pages around them.

use agent_bridge_sim::agentworkspace::{DocumentType, Options};
use serde_json::{Value, json};

use crate::support::{Served, error, fields, house, issues};

pub async fn documents(served: &mut Served) {
    let house = house(Options::default());
    let refused = house.own("POST", "/docs", json!({"type": "video", "content": 7})).await;
    assert_eq!(issues(&refused), ["title", "type", "content"]);
    assert_eq!(refused.1["issues"][0]["message"], "Title is required");
    assert_eq!(issues(&house.own("POST", "/docs", json!({"title": "x".repeat(501)})).await), ["title"]);
    let long = json!({"title": "x", "content": "x".repeat(100_001)});
    assert_eq!(issues(&house.own("POST", "/docs", long).await), ["content"]);
    for rows in ["{}", "[1]", "no"] {
        let sheet = json!({"title": "Sheet", "type": "sheet", "content": rows});
        assert_eq!(issues(&house.own("POST", "/docs", sheet).await), ["content"], "{rows}");
    }
    for (kind, content) in [("sheet", r#"[{"Name":"Alice"}]"#), ("slide", "# A\n---\n# B"), ("draft", "")] {
        let (status, _) = house.own("POST", "/docs", json!({"title": kind, "type": kind, "content": content})).await;
        assert_eq!(status, 201, "{kind}");
    }
    let (status, body) = house.own("POST", "/docs", json!({"title": "Meeting Notes", "content": "# Notes"})).await;
    let document = &body["document"];
    let named = ["agentId", "content", "createdAt", "id", "title", "type", "updatedAt"];
    assert_eq!((status, fields(document)), (201, named.to_vec()));
    assert_eq!(document["type"], "markdown");
    let path = format!("/docs/{}", document["id"].as_str().expect("an id"));
    assert_eq!(house.get(&path).await, (200, body.clone()));
    assert_eq!(issues(&house.own("PUT", &path, json!({"title": ""})).await), ["title"]);
    let (_, changed) = house.own("PUT", &path, json!({"title": "Notes", "content": "new"})).await;
    assert_eq!((&changed["document"]["title"], &changed["document"]["content"]), (&json!("Notes"), &json!("new")));
    let draft = format!("/docs/{}", house.draft);
    house.own("PUT", &draft, json!({"content": "Written over."})).await;
    assert_eq!(house.get(&draft).await.1["document"]["content"], "Written over.");
    let (_, page) = house.get("/docs?limit=2&offset=1").await;
    let titles: Vec<&Value> = page["documents"].as_array().expect("a list").iter().map(|it| &it["title"]).collect();
    assert_eq!(titles, ["sheet", "slide"]);
    assert_eq!(issues(&house.get("/docs?limit=501&offset=-1").await), ["limit", "offset"]);
    assert_eq!(house.own("DELETE", &path, Value::Null).await, (200, json!({"deleted": true})));
    assert_eq!(error(&house.get(&path).await), (404, "Not found"));
    house.close(served);
}

pub async fn keys(served: &mut Served) {
    let house = house(Options::default());
    let path = format!("/docs/{}", house.draft);
    let hermes = house.sim.agent("Hermes");
    let others = house.sim.document(&hermes, "Not yours", DocumentType::Markdown, "");
    assert_eq!(error(&house.get(&format!("/docs/{others}")).await), (404, "Not found"));
    house.sim.reconfigure(|options| options.not_yours = 403);
    assert_eq!(error(&house.get(&format!("/docs/{others}")).await), (403, "Forbidden"));
    assert_eq!(error(&house.ask("GET", "/api/v1/docs", None, "").await), (401, "Unauthorized"));
    assert_eq!(error(&house.ask("GET", "/api/v1/docs", Some("ak_guess"), "").await), (401, "Unauthorized"));
    assert!(house.key.starts_with("ak_") && house.key.len() == 43, "{}", house.key);
    let new = house.sim.regenerate_key(&house.agent);
    assert_eq!(error(&house.get(&path).await), (401, "Unauthorized"), "the old key is dead at once");
    assert_eq!(house.ask("GET", &format!("/api/v1{path}"), Some(&new), "").await.0, 200);
    let logged = serde_json::to_string(&house.sim.log()).expect("JSON");
    assert!(!logged.contains(&house.key) && !logged.contains(&new), "no key is logged");
    house.close(served);
}

pub async fn pages(served: &mut Served) {
    let house = house(Options::default());
    let (status, skill) = house.ask("GET", "/api/skill", None, "").await;
    assert!(status == 200 && skill.as_str().is_some_and(|it| it.starts_with("# AgentWorkspace")), "{skill}");
    assert!(house.sim.enable_email(&house.agent, "atlas"));
    let (_, skill) = house.get("/skill").await;
    assert!(
        skill.as_str().is_some_and(|it| it.contains("You are Atlas. Your e-mail: atlas@agentworkspace.dev.")),
        "{skill}"
    );
    assert_eq!(house.ask("GET", "/api/v1/skill", None, "").await.0, 401);
    assert_eq!(house.ask("GET", "/docs/agent-collaboration", None, "").await.0, 200);
    house.close(served);
}

#[tokio::test]
async fn documents_are_made_changed_and_deleted() {
    documents(&mut Served::new()).await;
}

#[tokio::test]
async fn a_key_opens_its_own_agent_until_it_is_regenerated() {
    keys(&mut Served::new()).await;
}

#[tokio::test]
async fn the_skill_names_the_agent() {
    pages(&mut Served::new()).await;
}
