//! What a call becomes: every value in its place, and none that leaves it.

use agent_bridge::adapter::{Call, CallError, Learn, Manifest, Outcome, Root, Scope, parse};
use agent_bridge::http::{Body, Request};
use proptest::prelude::*;
use secrecy::SecretString;
use serde_json::{Value, json};
use url::Url;

fn agentunited() -> Manifest {
    parse("agentunited.yaml", super::AGENTUNITED).expect("it is sound")
}

fn parrot() -> Manifest {
    parse("parrot.yaml", include_str!("../fixtures/adapters/parrot.yaml")).expect("it is sound")
}

fn base() -> Url {
    Url::parse("https://h.example/api/v1").expect("a URL")
}

fn action(verb: &str) -> Call {
    agentunited().actions.get(verb).expect("the verb").call.clone()
}

fn body(request: &Request) -> Value {
    let Body::Bytes { bytes, content_type: "application/json" } = &request.body else { panic!("no JSON") };
    serde_json::from_slice(bytes).expect("JSON")
}

#[test]
fn a_send_goes_to_its_conversation_with_its_text() {
    let scope = Scope::new().with(Root::Action, "conversation", "f84/33").with(Root::Action, "text", "say \"hi\"\n");
    let request = action("send").request(&base(), &scope).expect("rendered");
    assert_eq!(request.method, "POST");
    assert_eq!(request.url.expose().as_str(), "https://h.example/api/v1/channels/f84%2F33/messages");
    assert_eq!(body(&request), json!({ "text": "say \"hi\"\n" }));
}

#[test]
fn what_may_be_missing_is_left_out_and_what_may_not_is_named() {
    let history = agentunited().receive.history.and_then(|history| history.call).expect("there is one");
    let scope = Scope::new().with(Root::Room, "id", 7).with(Root::Page, "limit", 100);
    let query =
        |scope: &Scope| history.request(&base(), scope).expect("rendered").url.expose().query().map(str::to_owned);
    assert_eq!(query(&scope).as_deref(), Some("limit=100"));
    let next = scope.clone().with(Root::Page, "before", "m&1=#");
    assert_eq!(query(&next).as_deref(), Some("limit=100&before=m%261%3D%23"));
    let error = history.request(&base(), &Scope::new().with(Root::Room, "id", Value::Null)).expect_err("no room");
    assert!(matches!(&error, CallError::Missing(missing) if missing.0 == "room.id"), "{error}");

    let send = parrot().actions.get("send").expect("the verb").call.clone();
    let scope = Scope::new().with(Root::Action, "conversation", 5).with(Root::Action, "text", "x");
    let posted = |scope: &Scope| body(&send.request(&base(), scope).expect("rendered"));
    assert_eq!(posted(&scope), json!({ "squawk": { "noise": "x" } }));
    assert_eq!(posted(&scope.with(Root::Action, "reply_to", 9)), json!({ "squawk": { "noise": "x", "answers": 9 } }));
}

#[test]
fn a_secret_shows_in_the_request_and_nowhere_else() {
    let parrot = parrot();
    let hatch = &parrot.join.ways.get("egg").expect("the way").steps[1].dialects[0].call;
    let secret = |text: &str| SecretString::from(text.to_owned());
    let scope = Scope::new()
        .with_secret(Root::Secrets, "egg", secret("CANARY-egg"))
        .with_secret(Root::Secrets, "song", secret("CANARY-song"))
        .with(Root::Settings, "plumage", "Polly");
    let request = hatch.request(&base(), &scope).expect("rendered");
    assert_eq!(request.url.expose().path(), "/api/v1/eggs/CANARY-egg/hatch");
    assert_eq!(request.url.to_string(), "https://h.example/eggs/{secrets.egg}/hatch");
    for shown in [format!("{scope:?}"), format!("{:?}", request.url), request.url.to_string()] {
        assert!(!shown.contains("CANARY"), "{shown}");
    }
    let wing = Scope::new().with_secret(Root::Session, "token", secret("CANARY-wing"));
    let headers = agent_bridge::adapter::headers(&parrot.sessions.get("bird").expect("a session").header, &wing);
    let headers = headers.expect("rendered");
    assert_eq!(headers["x-parrot-wing"], "CANARY-wing");
    assert!(!format!("{headers:?}").contains("CANARY"), "{headers:?}");
}

#[test]
fn a_header_that_would_become_two_is_refused() {
    let header = agentunited().sessions.get("member").expect("a session").header.clone();
    for bad in ["a\r\nx: y", "a\nb", "a\0b"] {
        let scope = Scope::new().with_secret(Root::Session, "token", SecretString::from(bad.to_owned()));
        let error = agent_bridge::adapter::headers(&header, &scope).expect_err("refused").to_string();
        assert!(error.contains("authorization") && !error.contains(bad), "{error}");
    }
}

#[test]
fn an_answer_means_what_its_words_say() {
    let manifest = agentunited();
    let invite = manifest.join.ways.get("invite").expect("the way");
    let validate = &invite.steps[0].dialects[0].call;
    let named = |call: &Call, status, body: &str| match call.outcome(&manifest, status, body.as_bytes()) {
        Outcome::Named { is, go, message, .. } => (is, go.unwrap_or_default(), message.is_some()),
        other => (format!("{other:?}"), String::new(), false),
    };
    let is = |is: &str, go: &str, told| (is.to_owned(), go.to_owned(), told);
    assert_eq!(named(validate, 404, r#"{"error":"Invite has EXPIRED"}"#), is("invite_expired", "", true));
    assert_eq!(named(validate, 404, "invite has already been used"), is("invite_used", "login", true));
    assert_eq!(named(validate, 404, "<html>"), is("invite_unknown", "", true));
    assert_eq!(named(validate, 502, ""), is("offline", "", true));
    assert_eq!(named(validate, 500, "expired"), is("Status(500)", "", false));
    assert_eq!(named(validate, 201, ""), is("Ok", "", false));

    let accept = &invite.steps[1].dialects;
    assert_eq!(accept.iter().map(|dialect| dialect.name.as_str()).collect::<Vec<_>>(), ["password", "central"]);
    for dialect in accept {
        assert_eq!(named(&dialect.call, 409, "invite has already been used"), is("invite_used", "login", true));
    }
    let next = accept[0].next_on.as_ref().expect("there is a next one");
    assert!(next.fits(400, b"Key: 'Accept.InviteToken' Error: required") && next.fits(400, b"centraljwt"));
    assert!(!next.fits(400, b"password must be at least 12 characters") && !next.fits(404, b"InviteToken"));
}

#[test]
fn what_is_taken_stands_at_the_first_pointer_that_finds_something() {
    let take = |body: Value| action("send").take(&body).get("id").cloned();
    assert_eq!(take(json!({ "message": { "id": null }, "id": 5 })), Some(json!(5)));
    assert_eq!(take(json!({ "message_id": "m1" })), Some(json!("m1")));
    assert_eq!(take(json!([])), None);
    let learn: Vec<Learn> = agentunited().join.learn;
    let rooms = json!({ "channels": [{ "id": "c1", "type": "channel" }, { "id": "d1", "type": "dm" }] });
    assert_eq!(learn[0].read(&rooms).get("direct"), Some(&json!("d1")));
    assert!(learn[0].read(&json!({ "channels": null })).is_empty());
    assert_eq!(learn[1].read(&json!({ "sub": "u1" })).get("user"), Some(&json!("u1")));
}

proptest! {
    #[test]
    fn no_value_leaves_its_segment_its_parameter_or_its_string(value in any::<String>(), limit in any::<String>()) {
        let manifest = agentunited();
        let history = manifest.receive.history.and_then(|history| history.call).expect("there is one");
        let scope = Scope::new()
            .with(Root::Room, "id", value.as_str())
            .with(Root::Page, "limit", limit.as_str())
            .with(Root::Page, "before", value.as_str());
        match history.request(&base(), &scope) {
            Err(error) => prop_assert!(matches!(value.as_str(), "" | "." | ".."), "{error}"),
            Ok(request) => {
                let url = request.url.expose();
                prop_assert_eq!(url.origin(), base().origin());
                let segments: Vec<_> = url.path_segments().expect("a path").collect();
                prop_assert_eq!(segments.len(), 5);
                let decoded = percent_encoding::percent_decode_str(segments[3]).decode_utf8().expect("UTF-8");
                prop_assert_eq!(decoded, value.as_str());
                let pairs: Vec<_> = url.query_pairs().into_owned().collect();
                prop_assert_eq!(pairs, vec![("limit".to_owned(), limit), ("before".to_owned(), value)]);
                prop_assert_eq!(url.fragment(), None);
            }
        }
    }

    #[test]
    fn no_text_leaves_its_json_string(text in any::<String>()) {
        let scope = Scope::new().with(Root::Action, "conversation", "c").with(Root::Action, "text", text.as_str());
        let request = action("send").request(&base(), &scope).expect("rendered");
        prop_assert_eq!(body(&request), json!({ "text": text }));
    }
}
