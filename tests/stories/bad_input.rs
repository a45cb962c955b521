//! What is given wrongly to a platform of documents, or comes wrongly from it: a clear word that says the next move, and
//! nothing lost.
//!
//! | input | tests |
//! |---|---|
//! | a share token that is wrong | `documents.rs::a_link_that_opens_nothing_joins_nothing`, `documents.rs::documents_come_and_go_and_one_that_is_closed_is_its_own_trouble` |
//! | a share token that is revoked | `a_share_link_that_is_revoked_says_what_to_ask_for_and_what_waited_is_told_by_the_new_one` |
//! | a draft token that is refused | `live.rs::a_document_that_is_closed_to_the_agent_fails_alone_and_says_why` |
//! | a draft token that expires in mid-session | `live.rs::a_token_that_expires_in_mid_session_is_replaced_and_a_document_nobody_asks_for_is_let_go` |
//! | a `serverUrl` that points inside, or is no URL | `live.rs::attack_a_document_server_that_is_none_or_lies_inside_is_never_dialled` |
//! | a mention without a document | `a_mention_without_a_document_is_not_taken_by_the_webhook_and_is_told_by_the_list` |
//! | a search text that is empty | `an_empty_search_text_never_leaves` |
//! | an update that does not decode | `live.rs::what_others_change_is_told_with_what_it_changed_and_the_agents_own_words_are_not`, `../faults/attacks/drafts.rs::attack_updates_that_are_none_cost_nothing_but_themselves` |
//! | a document over the cap | `../faults/attacks/drafts.rs::attack_a_document_over_the_cap_fails_alone_and_the_others_go_on` |
//! | a sheet that is no array of objects | `a_sheet_that_is_no_array_of_objects_is_neither_made_nor_written_over` |
//! | dates that are not ISO 8601 | `dates_that_are_not_iso_8601_never_leave` |
//! | a time zone that nobody knows | `a_time_zone_that_nobody_knows_never_leaves_and_one_that_comes_is_told` |
//! | a recipient that is no address | `a_recipient_that_is_no_address_never_leaves_and_nobody_gets_the_mail` |

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails, and says where")]

use agent_bridge_sim::agentworkspace::{DocumentType, Fault, MentionStatus};
use serde_json::{Value, json};

use crate::bench::Desk;
use crate::bridge::until;
use crate::cabinet::{ATLAS, Cabinet, PIERRE};
use crate::house::ack;
use crate::lounge::ingress;
use crate::margin::{Margin, NAME};

/// A verb that is not even taken: the kind, and what it says.
async fn is_refused(desk: &mut Desk, verb: &str, args: Value, words: &[&str]) {
    let (kind, message) = desk.refused(verb, args).await;
    assert_eq!(kind, "bad_args", "{verb}: {message}");
    for word in words {
        assert!(message.contains(word), "{verb}: `{word}` is missing: {message}");
    }
}

#[tokio::test]
async fn a_share_link_that_is_revoked_says_what_to_ask_for_and_what_waited_is_told_by_the_new_one() {
    let cabinet = Cabinet::new("").await;
    let mut agent = cabinet.agent().await;
    let first = cabinet.sim.mention(PIERRE, &cabinet.document, ATLAS, "@Atlas, the first");
    let told = agent.delivery_of("mention.created").await;
    assert!(cabinet.sim.revoke_share(&cabinet.token));
    let unreadable = async || {
        let status = cabinet.status().await["lines"][0]["unreadable"].clone();
        status.as_array().is_some_and(|lists| !lists.is_empty()).then_some(status)
    };
    let said = until(unreadable, || cabinet.home.log()).await.to_string();
    assert!(said.contains("ask for a new one"), "{said}");
    // It is acked while the link is dead; its mark waits for nobody, and says what is wrong.
    ack(&mut agent, &told).await;
    let args = json!({ "conversation": cabinet.document, "search": "Rome", "text": "Naples" });
    let act = json!({ "workspace": "cabinet", "verb": "suggest", "args": args, "wait": "30s" });
    let receipt = agent.call("act", act).await.unwrap();
    assert_eq!((&receipt["state"], &receipt["kind"]), (&json!("failed"), &json!("link_dead")), "{receipt:#}");
    assert!(receipt["message"].as_str().unwrap().contains("ask for a new one"), "{receipt:#}");
    // What is asked meanwhile is told once there is a new link.
    let second = cabinet.sim.mention(PIERRE, &cabinet.document, ATLAS, "@Atlas, the second");
    let link = cabinet.sim.share_link(&cabinet.sim.share(&cabinet.document));
    cabinet.home.ok(&["document", "add", "cabinet", &link]).await;
    let told = agent.delivery_of("mention.created").await;
    assert_eq!(told.event["data"]["message"]["id"], json!(second), "{:#}", told.event);
    ack(&mut agent, &told).await;
    let done = || async { (cabinet.sim.mention_status(&second) == Some(MentionStatus::Done)).then_some(()) };
    until(done, || cabinet.home.log()).await;
    let tail = cabinet.home.ok(&["tail", "--from", "start", "--once", "--json", "--types", "mention.created"]).await;
    let ids: Vec<Value> = tail
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["data"]["message"]["id"].clone())
        .collect();
    assert_eq!(ids, [json!(first), json!(second)], "each is told once");
    cabinet.end().await;
}

#[tokio::test]
async fn a_mention_without_a_document_is_not_taken_by_the_webhook_and_is_told_by_the_list() {
    let study = Margin::new("every = \"10m\"\nbeside = \"10m\"", &format!("{}\nwait = \"300ms\"", ingress())).await;
    let mention = study.sim.mention("Pierre", &study.document, NAME, "@Atlas, numbers please");
    for body in [
        json!({ "mentionId": mention, "shareToken": study.token }),
        json!({ "mentionId": mention, "shareToken": study.token, "documentId": null }),
        json!({ "mentionId": mention, "shareToken": study.token, "documentId": "" }),
        json!({ "mentionId": mention, "shareToken": study.token, "documentId": ["x"] }),
        json!({ "mentionId": mention, "shareToken": study.token, "documentId": "11111111-2222-3333-4444-555555555555" }),
    ] {
        assert_eq!(study.delivers(&body).await, 503, "not taken: the platform may send it again. {body}");
    }
    let listed = study.home.ok(&["document", "list", "study"]).await;
    assert!(listed.contains("Trip to Italy") && !listed.contains("11111111"), "{listed}");
    // Nothing is lost by it: the document's own webhook, or list, tells the mention.
    let body = json!({ "mentionId": mention, "shareToken": study.token, "documentId": study.document });
    assert_eq!(study.delivers(&body).await, 204);
    let told = study.reader().await.delivery_of("mention.created").await;
    assert_eq!(
        (&told.event["data"]["message"]["id"], &told.event["subject"]),
        (&json!(mention), &json!(study.document))
    );
    // An action in a document that is none says so.
    let mut agent = study.home.agent().await;
    let args = json!({ "conversation": "nowhere", "search": "Rome", "text": "Naples" });
    let act = json!({ "workspace": "study", "verb": "suggest", "args": args, "wait": "30s" });
    let said = match agent.call("act", act).await {
        Ok(receipt) => {
            assert_eq!(receipt["state"], "failed", "{receipt:#}");
            receipt["message"].to_string()
        }
        Err(refusal) => refusal["message"].to_string(),
    };
    assert!(said.contains("document"), "{said}");
    assert_eq!(study.sim.look(|world| world.suggestions().count()), 0);
    study.end().await;
}

#[tokio::test]
async fn an_empty_search_text_never_leaves() {
    let mut desk = Desk::new().await;
    is_refused(
        &mut desk,
        "suggest",
        json!({ "conversation": "d", "search": "", "text": "x" }),
        &["`search`", "at least 1"],
    )
    .await;
    is_refused(&mut desk, "suggest", json!({ "conversation": "d", "text": "x" }), &["needs `search`"]).await;
    for op in ["replace", "delete"] {
        let mut args = json!({ "conversation": "d", "op": op, "quote": "" });
        if op == "replace" {
            args["text"] = "x".into();
        }
        is_refused(&mut desk, "document.edit", args, &["needs `quote`"]).await;
    }
    let asked = desk.sim.log().iter().filter(|entry| entry.path.contains("/suggest")).count();
    assert_eq!(asked, 0, "nothing left");
    desk.end().await;
}

#[tokio::test]
async fn a_sheet_that_is_no_array_of_objects_is_neither_made_nor_written_over() {
    const ROWS: &str = "[{\"Name\": \"Ann\", \"Age\": 30}]";
    let mut desk = Desk::new().await;
    let wrong = ["# Title", "", "{\"Name\": \"Ann\"}", "[1, 2]", "[{\"Name\": \"Ann\"}, []]", "[{\"Name\": \"Ann\"}"];
    for content in wrong {
        let args = json!({ "title": "Rows", "type": "sheet", "content": content });
        is_refused(
            &mut desk,
            "document.create",
            args,
            &["`content`", "JSON array of objects", "[{\"Name\": \"Ann\"}]"],
        )
        .await;
    }
    let sheet =
        desk.done("document.create", json!({ "title": "Rows", "type": "sheet", "content": ROWS })).await.remove(0);
    // Of an update only the platform knows what it goes into, and it would take some of these.
    for content in wrong {
        let (kind, message) = desk.failed("document.update", json!({ "document": sheet, "content": content })).await;
        assert_eq!(kind, "bad_args", "{content}: {message}");
        assert!(message.contains("`content`") && message.contains("JSON array of objects"), "{content}: {message}");
    }
    assert_eq!(desk.sim.content(&sheet), ROWS, "what stood there stands there");
    assert_eq!(desk.writes().len(), 1, "nothing but the first left: {:#?}", desk.writes());
    // Rows are written, and what is no sheet takes anything, asked about or not.
    desk.done("document.update", json!({ "document": sheet, "content": "[]", "title": "No rows" })).await;
    let note = desk.sim.document(&desk.me, "Notes", DocumentType::Markdown, "");
    desk.done("document.update", json!({ "document": note, "content": "[1, 2]" })).await;
    assert_eq!((desk.sim.content(&sheet), desk.sim.content(&note)), ("[]".to_owned(), "[1, 2]".to_owned()));
    // A lost answer to the question is not one about the document.
    desk.sim.fault("GET /docs/{id}", Fault::ReplyLost);
    let (kind, message) = desk.failed("document.update", json!({ "document": sheet, "content": "[1]" })).await;
    assert_eq!((kind.as_str(), desk.sim.content(&sheet).as_str()), ("bad_args", "[]"), "{message}");
    desk.end().await;
}

#[tokio::test]
async fn dates_that_are_not_iso_8601_never_leave() {
    let mut desk = Desk::new().await;
    let good = "2030-01-01T10:00:00Z";
    for date in
        ["tomorrow", "2030-01-01", "2030-01-01T10:00:00", "01/02/2030", "1893492000", "2030-13-01T10:00:00Z", ""]
    {
        for (start, end, name) in [(date, good, "`start`"), (good, date, "`end`")] {
            let args = json!({ "title": "T", "start": start, "end": end });
            is_refused(&mut desk, "event.create", args, &[name, "ISO 8601", "2025-07-01T10:00:00Z"]).await;
        }
        let args = json!({ "event": "e", "start": date });
        is_refused(&mut desk, "event.update", args, &["`start`", "ISO 8601"]).await;
        let question = json!({ "workspace": "atlas", "what": "events", "start_after": date });
        let refused = desk.agent.call("desk", question).await.expect_err("it cannot be asked");
        assert!(refused.to_string().contains("`start_after`"), "{refused}");
    }
    assert!(desk.writes().is_empty(), "nothing left");
    desk.end().await;
}

#[tokio::test]
async fn a_recipient_that_is_no_address_never_leaves_and_nobody_gets_the_mail() {
    let mut desk = Desk::new().await;
    let thread = desk.sim.write_mail(&desk.me, "ann@example.com", "Lunch", "At noon?", None);
    for wrong in ["ann", "ann@", "@example.com", "Ann <ann@example.com>", "ann@example.com, bob@example.com"] {
        for field in ["to", "cc", "bcc"] {
            let mut args = json!({ "to": ["ann@example.com"], "subject": "S", "text": "T" });
            args[field] = json!(["bob@example.com", wrong]);
            let name = format!("`{field}` is `{wrong}`");
            is_refused(&mut desk, "email.send", args, &[&name, "ann@example.com"]).await;
        }
        let args = json!({ "thread": thread, "text": "T", "to": [wrong] });
        is_refused(&mut desk, "email.reply", args, &["`to`", "an e-mail address"]).await;
    }
    for none in [json!([]), json!([""]), json!(""), json!(null)] {
        let args = json!({ "to": none, "subject": "S", "text": "T" });
        is_refused(&mut desk, "email.send", args, &["`to`"]).await;
    }
    assert!(desk.sim.sent_mails(&desk.me).is_empty() && desk.writes().is_empty(), "not to the good ones either");
    desk.end().await;
}

#[tokio::test]
async fn a_time_zone_that_nobody_knows_never_leaves_and_one_that_comes_is_told() {
    let manifest = include_str!("../../adapters/agentworkspace.yaml");
    // The platform's list does not show zones: for once its `location` is read as one.
    assert!(manifest.contains("zone: /timezone") && manifest.contains("every: 5m"));
    let manifest = manifest.replace("zone: /timezone", "zone: /location").replace("every: 5m", "every: 200ms");
    let mut desk = Desk::by(&manifest).await;
    let times = json!({ "title": "T", "start": "2030-01-01T10:00:00Z", "end": "2030-01-01T11:00:00Z" });
    for zone in ["Mars/Phobos", "Europe/Berln", "CEST", "+02:00"] {
        let mut args = times.clone();
        args["timezone"] = zone.into();
        let said = format!("`timezone` is `{zone}`");
        is_refused(&mut desk, "event.create", args, &[&said, "America/New_York"]).await;
        is_refused(&mut desk, "event.update", json!({ "event": "e", "timezone": zone }), &[&said]).await;
    }
    assert!(desk.writes().is_empty(), "nothing left");
    // An appointment every hour, somewhere that nobody knows: it is told, and so is what is wrong with it.
    let hourly = json!({ "title": "Tick", "start": "2026-01-01T00:00:00Z", "end": "2026-01-01T00:10:00Z",
        "rrule": "FREQ=MINUTELY;INTERVAL=5", "location": "Mars/Phobos" });
    let id = desk.done("event.create", hourly).await.remove(0);
    let mut agent = desk.home.agent().await;
    agent.call("subscribe", json!({ "consumer": "main" })).await.unwrap();
    let told = agent.delivery_of("calendar.starting").await;
    assert_eq!(
        (&told.event["data"]["object"], &told.event["data"]["unknown_zone"]),
        (&json!(id), &json!("Mars/Phobos"))
    );
    let shown = async || {
        let status = desk.home.ok(&["status", "atlas", "--json"]).await;
        status.contains("`Mars/Phobos` is none of the IANA database").then_some(())
    };
    until(shown, || desk.home.log()).await;
    drop(agent);
    desk.end().await;
}
