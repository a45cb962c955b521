//! Frames as the platform's document and the field notes have them.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;
use secrecy::SecretString;
use serde_json::json;

use super::*;
use crate::adapter::parse;
use crate::event::{AuthorKind, ConversationKind, WorkspaceName};
use crate::store::{Seat, WorkspaceRecord};

const NOW: &str = "2026-11-22T00:00:00Z";

/// The document, "Step 5".
const FLAT: &str = r#"{"channel_id":"f8433e40","message_id":"b2c1a3e8","author_id":"728548d4","author_type":"human","text":"Hey, can you help?","created_at":"2026-03-22T18:00:00Z"}"#;
/// The field notes, "Frames".
const NESTED: &str = r#"{"type":"message.created","data":{"id":"m7","channel_id":"c1","author_id":"u9","author_type":"user","author_email":"ann@x.example","text":"hi","attachment_url":"/files/1","attachment_name":"a.pdf","created_at":"2026-04-01T10:00:00.5Z","updated_at":"2026-04-01T10:00:00.5Z"}}"#;

fn mapping(yaml: &str, facts: Value, settings: &[(&str, &str)], secrets: &[&str]) -> Mapping {
    let manifest = Arc::new(parse("test.yaml", yaml).expect("sound"));
    let record = WorkspaceRecord {
        name: WorkspaceName::new("acme").expect("a name"),
        platform: manifest.platform.clone(),
        settings: settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        facts: serde_json::from_value::<BTreeMap<_, _>>(facts).expect("a table"),
        session: "member".to_owned(),
        seat: Seat::SignedIn,
        joined_at: 0,
    };
    Mapping::new(manifest, &record, secrets.iter().map(|&secret| SecretString::from(secret.to_owned())))
}

fn agentunited(secrets: &[&str]) -> Mapping {
    let facts = json!({ "user": "me-user", "agent": "me-agent", "direct": "f8433e40" });
    let settings = [("display_name", "Scout"), ("email", "scout@x.example")];
    mapping(include_str!("../../adapters/agentunited.yaml"), facts, &settings, secrets)
}

fn frame<'a>(name: &'a str, body: &'a str) -> Frame<'a> {
    Frame { name: Some(name), body, room: None }
}

fn event(name: &str, body: &str, mapping: &Mapping) -> Value {
    let draft = normalise(&frame(name, body), mapping, NOW).expect("of interest");
    serde_json::from_slice(&draft.seal().bytes).expect("JSON")
}

#[test]
fn the_flat_frame_of_the_document() {
    let event = event("message.created", FLAT, &agentunited(&[]));
    assert_eq!(event["id"], "acme/message.created/f8433e40/b2c1a3e8");
    assert_eq!(event["time"], "2026-03-22T18:00:00Z");
    assert_eq!(
        event["data"]["conversation"],
        json!({ "id": "f8433e40", "kind": "direct", "title": null, "parent": null })
    );
    assert_eq!(event["data"]["author"], json!({ "id": "728548d4", "name": null, "kind": "human", "me": false }));
    assert_eq!(event["data"]["message"]["text"], "Hey, can you help?");
    assert_eq!(event["data"]["mentions_me"], true, "a direct conversation");
    assert_eq!(event["data"]["can"], json!(["send", "mark_read"]));
    assert_eq!(event["data"]["raw"], serde_json::from_str::<Value>(FLAT).expect("JSON"));
}

#[test]
fn the_nested_frame_of_the_field_notes() {
    let rooms = [("c1".to_owned(), Room { kind: Some(ConversationKind::Group), title: Some("general".to_owned()) })];
    let mapping = agentunited(&[]).with_rooms(rooms);
    let event = event("message.created", NESTED, &mapping);
    assert_eq!(event["id"], "acme/message.created/c1/m7");
    assert_eq!(
        event["data"]["conversation"],
        json!({ "id": "c1", "kind": "group", "title": "general", "parent": null })
    );
    assert_eq!(event["data"]["author"], json!({ "id": "u9", "name": "ann@x.example", "kind": "human", "me": false }));
    assert_eq!(event["data"]["message"]["attachments"], json!([{ "name": "a.pdf", "url": "/files/1" }]));
    assert_eq!(event["data"]["mentions_me"], false);
}

#[test]
fn a_flat_frame_under_the_other_name_and_frames_of_no_interest() {
    let mapping = agentunited(&[]);
    assert_eq!(event("message", FLAT, &mapping)["id"], "acme/message.created/f8433e40/b2c1a3e8");
    assert!(normalise(&frame("connected", r#"{"status":"ok"}"#), &mapping, NOW).is_none());
    // The body's own name counts before the transport's.
    let updated = NESTED.replace("message.created", "message.updated");
    assert_eq!(event("message", &updated, &mapping)["type"], "message.updated");
}

#[test]
fn the_same_message_is_one_identity_in_every_dialect_and_in_the_history() {
    let mapping = agentunited(&[]);
    let nested: Value = serde_json::from_str(NESTED).expect("JSON");
    let of = |draft: Draft| (draft.id(), draft.identity);
    let live = of(normalise(&frame("message.created", NESTED), &mapping, NOW).expect("known"));
    let paged = of(from_history(&nested["data"], Type::MessageCreated, "c1", &mapping, NOW));
    assert_eq!(live, paged);

    // A stream without edit times, and a history with them: the content says that nothing changed.
    let known = object(&serde_json::from_str(FLAT).expect("JSON"), &mapping, "message.created", None).expect("mapped");
    let item = json!({ "id": "b2c1a3e8", "channel_id": "f8433e40", "text": "Hey, can you help?", "updated_at": "v1" });
    let same = object(&item, &mapping, "message.created", None).expect("mapped");
    assert!(same.is_revision(&known.revision) && same.is_revision("v1"));
    let edited = json!({ "id": "b2c1a3e8", "channel_id": "f8433e40", "text": "Never mind", "updated_at": "v2" });
    assert!(!object(&edited, &mapping, "message.created", None).expect("mapped").is_revision(&known.revision));
}

#[test]
fn the_agents_own_messages_are_known_by_either_id_or_by_the_login() {
    let mapping = agentunited(&[]);
    for own in
        [r#""author_id":"me-user""#, r#""author_id":"me-agent""#, r#""author_id":"x","author_email":"Scout@X.example""#]
    {
        let event = event("message.created", &FLAT.replace(r#""author_id":"728548d4""#, own), &mapping);
        assert_eq!(event["data"]["author"]["me"], true, "{own}");
        assert_eq!(event["data"]["mentions_me"], false, "{own}");
        assert_eq!(event["data"]["can"], json!(["send", "edit", "delete", "mark_read"]), "{own}");
    }
    // Somebody who merely takes the agent's display name is somebody else.
    let other = FLAT.replace(r#""text""#, r#""author_name":"Scout","text""#);
    assert_eq!(event("message.created", &other, &mapping)["data"]["author"]["me"], false);
}

#[test]
fn a_name_in_the_text_means_the_agent() {
    let mapping = agentunited(&[]);
    let said = |text: &str| {
        event("message", &NESTED.replace("\"hi\"", &json!(text).to_string()), &mapping)["data"]["mentions_me"].clone()
    };
    assert_eq!(said("what does @scout think?"), true);
    assert_eq!(said("mail scout@x.example"), true);
    assert_eq!(said("scouting ahead"), false);
}

#[test]
fn what_no_mapping_knows_is_kept_raw_under_its_content() {
    let mapping = agentunited(&[]);
    let first = event("reaction.added", r#"{"emoji":"x"}"#, &mapping);
    assert_eq!((&first["type"], &first["data"]["name"]), (&json!("platform.other"), &json!("reaction.added")));
    assert_eq!(first["data"]["raw"], json!({ "emoji": "x" }));
    assert_eq!(first["id"], event("reaction.added", r#"{"emoji":"x"}"#, &mapping)["id"]);
    assert_ne!(first["id"], event("reaction.added", r#"{"emoji":"y"}"#, &mapping)["id"]);

    let html = event("message", "<html>", &mapping);
    assert_eq!((&html["type"], &html["data"]["raw"]), (&json!("platform.other"), &json!("<html>")));
    let deep = event("message", &format!("{}{}", "[".repeat(5000), "]".repeat(5000)), &mapping);
    assert_eq!(deep["data"]["why"], "the body is not JSON");
    let moved = event("message.created", r#"{"channel":"c","nr":5}"#, &mapping);
    assert!(moved["data"]["why"].as_str().expect("a reason").contains("/channel_id"), "{moved}");
    let nothing = event("message.created", "null", &mapping);
    assert_eq!(nothing["type"], "platform.other");
}

#[test]
fn the_other_platform_speaks_in_numbers_and_nests_otherwise() {
    let facts = json!({ "bird": 77, "direct": 5 });
    let parrot =
        mapping(include_str!("../../tests/fixtures/adapters/parrot.yaml"), facts, &[("plumage", "Polly")], &[]);
    let body = r#"{"what":"squawk","payload":{"squawk":{"no":12,"branch":{"no":5},"feathers":{"version":3},"at":{"ms":1774202400123},
        "noise":"polly wants a cracker","answers":{"no":11},"nest_key":"n","from":{"no":77,"species":"parrot"},
        "droppings":[{"where":"/d/1","label":"x"},{"where":null},{"where":"/d/2"},{"label":"y"}]}}}"#;
    let event = event("anything", body, &parrot);
    assert_eq!(event["id"], "acme/message.created/5/12");
    assert_eq!(event["time"], "2026-03-22T18:00:00.123Z");
    let author = json!({ "id": "77", "name": null, "kind": "agent", "me": true });
    assert_eq!((&event["data"]["author"], &event["data"]["message"]["reply_to"]), (&author, &json!("11")));
    let files = json!([{ "name": "x", "url": "/d/1" }, { "name": null, "url": "/d/2" }, { "name": "y", "url": null }]);
    assert_eq!(event["data"]["message"]["attachments"], files);
    assert_eq!(event["data"]["raw"]["payload"]["squawk"]["nest_key"], SEALED);
    let hushed = normalise(&frame("hush", r#"{"no":12,"branch":{"no":5}}"#), &parrot, NOW).expect("known");
    assert_eq!((hushed.kind, hushed.time.as_str()), (Type::MessageDeleted, NOW));
    assert_eq!(hushed.data.can, ["send"]);
    assert_eq!(hushed.data.author.and_then(|author| author.kind), None::<AuthorKind>);
}

#[test]
fn what_a_grant_lacks_no_event_can() {
    let magpie = include_str!("../../tests/fixtures/adapters/magpie.yaml");
    let can = |facts: Value| {
        let mapping = mapping(magpie, facts, &[], &[]);
        event("message.created", r#"{"no":1,"nest":"n1","from":"me","noise":"x"}"#, &mapping)["data"]["can"].clone()
    };
    let all = json!(["send", "edit", "delete", "typing"]);
    assert_eq!(can(json!({ "bird": "me" })), all, "a platform that never told allows it");
    assert_eq!(can(json!({ "bird": "me", "grants": { "flutter": true } })), all);
    for without in [json!({}), json!({ "flutter": false }), json!({ "flutter": 1 })] {
        assert_eq!(can(json!({ "bird": "me", "grants": without })), json!(["send", "edit", "delete"]));
    }
}

#[test]
fn ids_that_cannot_be_printed_stay_apart() {
    let mapping = agentunited(&[]);
    let id = |id: &str| event("message", &FLAT.replace("\"b2c1a3e8\"", &json!(id).to_string()), &mapping)["id"].clone();
    let odd = id("a\u{0}b");
    assert!(odd.as_str().expect("text").chars().all(|c| !c.is_control()), "{odd}");
    assert_ne!(odd, id("ab"));
    assert_ne!(odd, id("a\u{1}b"));
    assert!(id(&"x".repeat(100_000)).as_str().expect("text").len() < 400);
}

#[test]
fn no_secret_reaches_an_event_however_it_is_written() {
    let mapping = agentunited(&["CANARY=/secret+", "s3cr\"t\\canary", "12345678", "tiny"]);
    let text = |text: &str| FLAT.replace("Hey, can you help?", text);
    for body in [
        text("my token is CANARY=/secret+, use it"),
        text("CANARY\\u003d\\/secret+"),
        text("https:\\/\\/x.example\\/invite?token=CANARY%3D%2Fsecret%2B"),
        text("quoted s3cr\\\"t\\\\canary"),
        text("tiny"),
        FLAT.replace("\"text\"", "\"CANARY=/secret+\":1,\"text\""),
        FLAT.replace("\"text\"", "\"pin\":12345678,\"text\""),
        FLAT.replace("\"text\"", "\"text\":\"CANARY\\u003d/secret+\",\"text\""),
        "no JSON: CANARY=/secret+".to_owned(),
    ] {
        let event = event("message", &body, &mapping).to_string();
        for secret in ["CANARY", "canary", "12345678", "\"tiny\"", "secret"] {
            assert!(!event.contains(secret), "{secret} in {event}");
        }
    }
    let harmless = event("message", &text("a tiny thing"), &mapping);
    assert_eq!(harmless["data"]["message"]["text"], "a tiny thing");
    assert!(!format!("{mapping:?}").contains("CANARY"));
    let item = json!({ "id": "CANARY=/secret+", "channel_id": "c", "text": "x" });
    let paged = from_history(&item, Type::MessageCreated, "c", &mapping, NOW);
    assert_eq!(paged.kind, Type::PlatformOther, "an id that is a secret is no id");
}

#[test]
fn raw_stays_on_one_line() {
    let spread = FLAT.replace(",\"", ",\n\"");
    let sealed = normalise(&frame("message", &spread), &agentunited(&[]), NOW).expect("known").seal();
    assert!(!sealed.bytes.contains(&b'\n'));
}

#[test]
fn a_deletion_found_in_the_history_has_no_author_and_no_text() {
    let draft = deleted("m7", "c1", &agentunited(&[]), NOW);
    assert_eq!((draft.id().as_str(), draft.kind), ("acme/message.deleted/c1/m7", Type::MessageDeleted));
    assert_eq!(
        (draft.data.can.as_slice(), draft.data.raw.is_none()),
        (["send".to_owned(), "mark_read".to_owned()].as_slice(), true)
    );
}

proptest! {
    #[test]
    fn a_secret_within_any_text_is_sealed(secret in "[!-~]{12,40}", before in any::<String>(), after in any::<String>(), escape: bool) {
        let mapping = agentunited(&[&secret]);
        let text = format!("{before}{secret}{after}");
        let literal = if escape { escaped(&text) } else { json!(text).to_string() };
        let event = event("message", &FLAT.replace("\"Hey, can you help?\"", &literal), &mapping);
        prop_assert_eq!(&event["data"]["message"]["text"], SEALED);
        prop_assert_eq!(&event["data"]["raw"]["text"], SEALED);
        prop_assert!(!event.to_string().contains(&secret));
    }

    #[test]
    fn any_body_gives_an_event_that_is_json(body in any::<String>(), name in any::<String>()) {
        let event = event(&name, &body, &agentunited(&[]));
        prop_assert_eq!(&event["specversion"], "1.0");
    }
}

/// A JSON string in which every character is an escape.
fn escaped(text: &str) -> String {
    text.encode_utf16().fold(String::from("\""), |json, unit| json + &format!("\\u{unit:04x}")) + "\""
}

#[test]
fn p8_a_link_seals_its_secret_however_much_of_it_is_encoded() {
    let mapping = agentunited(&["inv_OKgj9-a.b~c+d/e=="]);
    for shown in ["inv_OKgj9-a.b~c%2Bd%2Fe%3D%3D", "inv_OKgj9-a.b~c+d/e%3d%3d", "inv%5FOKgj9%2Da.b~c%2bd%2fe=="] {
        let link = format!("https://h.example/invite?token={shown}&x=1");
        let item =
            json!({ "id": "m1", "channel_id": "c1", "text": link, "attachment_url": link, "attachment_name": "a" });
        for draft in [
            normalise(&frame("message", &item.to_string()), &mapping, NOW).expect("known"),
            from_history(&item, Type::MessageCreated, "c1", &mapping, NOW),
        ] {
            let sealed = String::from_utf8(draft.seal().bytes).expect("text");
            assert!(!sealed.contains(shown), "{sealed}");
        }
    }
    let plain = json!({ "id": "m1", "channel_id": "c1", "text": "100% sure, 50%2" }).to_string();
    assert_eq!(event("message", &plain, &mapping)["data"]["message"]["text"], "100% sure, 50%2");
}
