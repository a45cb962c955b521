//! What a wish must look like, and what a grant must allow, before anything is stored.

use agent_bridge::action::Request;
use agent_bridge::adapter::parse;
use agent_bridge::clock::Clock;
use agent_bridge::outbox::accept;
use serde_json::{Value, json};

use crate::magpie::{Magpie, NOON, Says, Tree};

async fn nest(may: Value) -> Magpie {
    let tree = Tree::new(|_, _| Says::Answer(200, json!({ "nest": { "no": 1 } })));
    Magpie::at("https://tree.example", &tree, &may, Clock::paced(NOON)).await
}

fn kind(nest: &Magpie, verb: &str, args: &Value) -> (&'static str, String) {
    let refusal = nest.wish(verb, args).expect_err("it is refused");
    (refusal.kind, refusal.message)
}

#[tokio::test(start_paused = true)]
async fn what_the_grant_lacks_is_refused_with_what_to_do() {
    for may in [json!({}), json!({ "nesting": false }), json!({ "nesting": "yes" })] {
        let nest = nest(may).await;
        let (kind, message) = kind(&nest, "topic.create", &json!({ "title": "t" }));
        assert!(kind == "no_capability" && message.contains("lacks `nesting`") && message.contains("Ask"), "{message}");
    }
    assert!(nest(json!({ "nesting": true })).await.wish("topic.create", &json!({ "title": "t" })).is_ok());
    assert!(nest(Value::Null).await.wish("topic.create", &json!({ "title": "t" })).is_ok(), "it never told");
}

#[tokio::test(start_paused = true)]
async fn pairs_come_whole_and_of_two_forms_one_is_given() {
    let nest = nest(Value::Null).await;
    let (kind_of, message) = kind(&nest, "topic.create", &json!({ "title": "t", "parent": "4" }));
    assert_eq!(kind_of, "bad_args");
    assert!(message.contains("`parent` and `spawned_from` go together: give both, or neither"), "{message}");
    assert!(nest.wish("topic.create", &json!({ "title": "t", "parent": "4", "spawned_from": "7" })).is_ok());
    for (args, words) in [
        (json!({ "conversation": "n1" }), "needs one of `text` and `html`"),
        (json!({ "conversation": "n1", "text": "a", "html": "<i>a</i>" }), "say the same thing twice"),
    ] {
        let (kind, message) = kind(&nest, "send", &args);
        assert!(kind == "bad_args" && message.contains(words), "{message}");
    }
}

#[tokio::test(start_paused = true)]
async fn lists_are_lists_of_texts_and_reach_the_platform_as_such() {
    let nest = nest(Value::Null).await;
    for people in [json!("a@x"), json!([]), json!([1]), json!([""]), json!([["a"]]), json!(vec!["a"; 1_001])] {
        assert_eq!(kind(&nest, "topic.create", &json!({ "title": "t", "people": people })).0, "bad_args", "{people}");
    }
    assert_eq!(kind(&nest, "topic.create", &json!({ "title": ["t"] })).0, "bad_args", "this one is no list");
    let tree = Tree::new(|_, _| Says::Answer(200, json!({ "nest": { "no": 1 } })));
    let nest = Magpie::new(&tree).await;
    let id = nest.accept("topic.create", json!({ "title": "t", "people": ["a@x", "b@x"] })).await;
    nest.settle(&id).await;
    assert_eq!(tree.seen("POST /nests")[0].json(), json!({ "title": "t", "birds": ["a@x", "b@x"] }));
}

#[tokio::test(start_paused = true)]
async fn a_blank_name_too_many_files_and_invented_ids_are_refused() {
    let nest = nest(Value::Null).await;
    assert_eq!(kind(&nest, "rename", &json!({ "name": " \t\n" })).0, "bad_args");
    let file = json!({ "name": "a.txt", "content": "YQ==" });
    let many = json!({ "conversation": "n1", "text": "x", "files": [file, file, file, file] });
    let (_, message) = kind(&nest, "send", &many);
    assert!(message.contains("3 go with one `send`"), "{message}");
    let forged = json!({ "conversation": "n1", "text": "x", "uploads": "somebody-elses" });
    assert!(kind(&nest, "send", &forged).1.contains("takes no `uploads`"));
}

#[tokio::test(start_paused = true)]
async fn what_is_never_stored_is_not_accepted() {
    let nest = nest(Value::Null).await;
    let (kind, message) = kind(&nest, "typing", &json!({ "conversation": "n1", "state": true }));
    assert!(kind == "not_stored" && message.contains("by `act`"), "{message}");
    let args = json!({ "conversation": "n1", "state": true }).as_object().cloned().unwrap();
    let riding = Request { workspace: None, verb: "typing".into(), args, key: None };
    let refused = accept(nest.session.manifest(), &nest.session.record(), riding, Some(7), NOON).unwrap_err();
    assert!(refused.kind == "not_stored" && refused.message.contains("cannot ride on an ack"), "{refused}");
}

#[test]
fn keys_of_a_verb_that_contradict_each_other_are_named() {
    let manifest = include_str!("../fixtures/adapters/magpie.yaml");
    for (old, new, words) in [
        ("together: [parent, spawned_from]", "together: [parent, mother]", "`mother` is no argument of this action"),
        ("one_of: [text, html]", "one_of: [text, hmtl]", "`hmtl` is no argument"),
        ("lists: [people]", "lists: [persons]", "`persons` is no argument"),
        ("lists: [people]", "lists: [people]\n    put: /x", "two methods"),
        (", sticks: \"{action.uploads?}\"", "", "nothing names what is uploaded"),
        ("    idempotency: chirp-key\n  delete", "    idempotency: chirp key\n  delete", "no header name"),
        ("header: chirp-key, needs", "header: chirp-key, wants", "unknown field `wants`"),
        ("ephemeral: true", "ephemeral: true\n    repeatable: true", "leave `repeatable` out"),
        (
            "    take: { id: /chirp/no }",
            "    files: { field: f, text_field: t, cap: 1 }\n    take: { id: /chirp/no }",
            "keep one",
        ),
        (
            "    own: true\n    idem",
            "    files: { field: f, text_field: t, cap: 1 }\n    own: true\n    idem",
            "a form is not stored",
        ),
        ("capabilities: grants", "capabilities: grunts", "`grunts` is no fact"),
        ("{file.md5}", "{file.md4}", "`file` has name, size, md5, type"),
        ("files: 3", "files: 0", "at least 1"),
        ("noise: \"{action.text}\" }\n    own", "noise: \"{action.uploads?}\" }\n    own", "nothing uploads"),
    ] {
        assert!(manifest.contains(old), "{old}");
        let said = parse("magpie.yaml", &manifest.replacen(old, new, 1)).expect_err(new).to_string();
        assert!(said.contains(words), "{new}: {said}");
    }
}

#[test]
fn a_thing_that_has_to_stand_there_is_asked_about_with_all_that_its_question_needs() {
    let manifest = include_str!("../../adapters/speakeasy.yaml");
    let rule = "ask: message, as: { conversation: parent, message: spawned_from }";
    assert!(manifest.contains(rule));
    for (new, words) in [
        ("ask: massage, as: { conversation: parent, message: spawned_from }", "`massage` is no question"),
        ("ask: message, as: { room: parent, message: spawned_from }", "`room` is no argument of this question"),
        ("ask: message, as: { conversation: parent, message: spawn }", "`spawn` is no argument of this action"),
        ("ask: message, as: { message: spawned_from }", "the question needs `conversation`"),
        ("ask: message", "missing field `as`"),
    ] {
        let said = parse("speakeasy.yaml", &manifest.replacen(rule, new, 1)).expect_err(new).to_string();
        assert!(said.contains(words), "{new}: {said}");
    }
}
