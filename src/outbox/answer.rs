//! What a platform's answer to an action means: pure.

use std::time::Duration;

use http::header::CONTENT_TYPE;
use serde_json::Value;

use super::decide::Tried;
use crate::adapter::{Action as Verb, Answer, Call, Manifest, Outcome, text};
use crate::http::{Failure, Response};
use crate::retry;

/// How long to wait before the next try.
#[derive(Clone, Copy, Debug)]
pub struct Pause {
    /// Where the platform does not say how long.
    pub backoff: Duration,
    /// At most, whatever it says.
    pub longest: Duration,
}

/// Reads an answer. `now` in milliseconds since 1970, for `Retry-After` dates.
pub fn read(manifest: &Manifest, verb: &Verb, response: &Response, now: u64, pause: Pause) -> Tried {
    match response.status {
        status if verb.gone_is_done == Some(status) => Tried::Done { remote_ids: Vec::new() },
        200..=299 => done(verb, response),
        // The platform has another request under this key: no repetition changes that.
        409 if verb.idempotency.is_some() => refused(manifest, &verb.call, response, "conflict"),
        _ => failed(manifest, &verb.call, response, now, pause),
    }
}

/// What an answer means that is no success, whichever call it answers.
pub fn failed(manifest: &Manifest, call: &Call, response: &Response, now: u64, pause: Pause) -> Tried {
    let status = response.status;
    let lost = |what: &str, spoke| Tried::Lost { why: format!("{what}, which may come after it stored"), spoke };
    match status {
        401 => later(response, now, pause, "the platform does not accept the credential (401)"),
        429 => later(response, now, pause, "the platform asks for patience (429)"),
        // Without `Retry-After` it may come from something in between that gave the request on.
        503 if retry::retry_after(&response.headers, now).is_some() => {
            later(response, now, pause, "the platform is busy (503)")
        }
        // `See Other` is how forms answer once they are done; 307 and 308 say that nothing was done here.
        300..=303 => lost(&format!("the platform redirected ({status})"), true),
        // Something in between answers these for a platform that is away.
        408 | 502..=504 => lost(&format!("the platform answered {status}"), false),
        500..600 => lost(&format!("the platform answered {status}"), true),
        _ => refused(manifest, call, response, "refused"),
    }
}

/// What no answer at all means.
pub fn missing(failure: &Failure, pause: Pause) -> Tried {
    let why = failure.to_string();
    match failure {
        _ if failure.may_have_happened() => Tried::Lost { why, spoke: false },
        // The redirect of a form that is done leads to another origin, too.
        Failure::Elsewhere { .. } => Tried::Lost { why, spoke: true },
        Failure::Unreachable { .. } => Tried::Later { after: pause.backoff, why },
        _ => Tried::Refused { kind: "forbidden".to_owned(), status: None, message: why },
    }
}

/// A 2xx that is no answer, or does not hold the id that it should hold, is a lost reply: half a body, a proxy's page.
fn done(verb: &Verb, response: &Response) -> Tried {
    let lost = |why: &str| Tried::Lost { why: why.to_owned(), spoke: true };
    if !is_answer(response) {
        return lost("the platform's answer cannot be read");
    }
    if !verb.call.take.has("id") {
        return Tried::Done { remote_ids: Vec::new() };
    }
    let taken = verb.call.take(&serde_json::from_slice(&response.body).unwrap_or(Value::Null));
    match taken.get("id").and_then(text) {
        // Nobody has written down what the answer looks like: to take it for lost could do the thing twice.
        None if verb.answer == Answer::Undocumented => Tried::Done { remote_ids: Vec::new() },
        // What makes a conversation and says something in it names both.
        Some(id) => Tried::Done { remote_ids: [id].into_iter().chain(taken.get("message").and_then(text)).collect() },
        None => lost("the platform's answer holds no id"),
    }
}

/// Nothing, JSON, or a plain word: no page of something in between, and no half of an answer.
fn is_answer(response: &Response) -> bool {
    let kind = response.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    response.body.trim_ascii().is_empty()
        || serde_json::from_slice::<Value>(&response.body).is_ok()
        || kind.starts_with("text/plain")
}

/// `Retry-After: 0` is no leave to hammer: the shortest wait is a tenth of a second.
fn later(response: &Response, now: u64, pause: Pause, why: &str) -> Tried {
    let asked = retry::retry_after(&response.headers, now).map(|asked| asked.min(pause.longest));
    let after = asked.unwrap_or(pause.backoff).max(Duration::from_millis(100));
    Tried::Later { after, why: why.to_owned() }
}

/// What a person should know of a conflict, where the manifest does not say it.
const CONFLICT: &str = "the platform has had another request under this action's key, so this one was not done and is not \
                        sent again: look at what stands there, and ask for it anew if it is still wanted";

/// `kind`: what it is called where the manifest has no name for it.
fn refused(manifest: &Manifest, call: &Call, response: &Response, kind: &str) -> Tried {
    let (kind, words) = match call.outcome(manifest, response.status, &response.body) {
        Outcome::Named { is, message, .. } => (is, message),
        Outcome::Ok | Outcome::Status(_) if kind == "conflict" => (kind.to_owned(), Some(CONFLICT.to_owned())),
        Outcome::Ok | Outcome::Status(_) => (kind.to_owned(), None),
    };
    let said = call.words(manifest, &response.body);
    let message = match (words, said) {
        (Some(words), Some(said)) => format!("{words} ({said})"),
        (Some(words), None) => words,
        // Its words are about its own fields, which are not called as the arguments are.
        (None, Some(said)) => format!("{} says: {said} ({})", manifest.title, response.status),
        (None, None) => format!("the platform answered {}", response.status),
    };
    Tried::Refused { kind, status: Some(response.status), message }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::HeaderMap;

    use super::*;
    use crate::adapter::Manifests;

    const PAUSE: Pause = Pause { backoff: Duration::from_secs(3), longest: Duration::from_mins(10) };

    fn answer(verb: &str, status: u16, body: &'static str) -> Tried {
        asked(verb, status, body, None)
    }

    fn asked(verb: &str, status: u16, body: &'static str, retry_after: Option<&'static str>) -> Tried {
        let header = retry_after.map(|asks| (http::header::RETRY_AFTER, http::HeaderValue::from_static(asks)));
        with(verb, status, body, header)
    }

    type Header = (http::HeaderName, http::HeaderValue);

    fn with(verb: &str, status: u16, body: &'static str, header: Option<Header>) -> Tried {
        let manifest = Manifests::load(None).unwrap().get("agentunited").unwrap();
        let headers = HeaderMap::from_iter(header);
        let response = Response { status, headers, body: Bytes::from_static(body.as_bytes()) };
        read(&manifest, manifest.actions.get(verb).unwrap(), &response, 0, PAUSE)
    }

    #[test]
    fn patience_is_as_long_as_asked_within_the_bound_else_by_backoff() {
        let cases = [
            (429, Some("7"), 7),
            (429, Some("999999999999"), 600),
            (503, Some("86400"), 600),
            (503, Some("Tue, 31 Dec 2999 23:59:59 GMT"), 600),
            (429, Some("soon"), 3),
            (429, None, 3),
            (401, None, 3),
        ];
        for (status, asks, seconds) in cases {
            let Tried::Later { after, .. } = asked("send", status, "", asks) else { panic!("{status} {asks:?}") };
            assert_eq!(after, Duration::from_secs(seconds), "{status} {asks:?}");
        }
        assert!(matches!(asked("send", 503, "", None), Tried::Lost { .. }), "nobody says that it was not given on");
    }

    #[test]
    fn an_id_in_any_of_its_places_confirms() {
        for body in [r#"{"message":{"id":"m1"}}"#, r#"{"id":"m1"}"#, r#"{"message_id":"m1"}"#] {
            assert_eq!(answer("send", 201, body), Tried::Done { remote_ids: vec!["m1".into()] });
        }
        assert_eq!(answer("mark_read", 204, ""), Tried::Done { remote_ids: vec![] });
        assert_eq!(answer("delete", 404, ""), Tried::Done { remote_ids: vec![] }, "gone is done");
        let kind = (CONTENT_TYPE, http::HeaderValue::from_static("text/plain; charset=utf-8"));
        assert_eq!(
            with("edit", 200, "OK", Some(kind)),
            Tried::Done { remote_ids: vec![] },
            "a plain word is an answer"
        );
    }

    fn of_agentworkspace(verb: &str, status: u16, body: &'static str) -> Tried {
        let manifest = Manifests::load(None).unwrap().get("agentworkspace").unwrap();
        let response = Response { status, headers: HeaderMap::new(), body: Bytes::from_static(body.as_bytes()) };
        read(&manifest, manifest.actions.get(verb).unwrap(), &response, 0, PAUSE)
    }

    #[test]
    fn p6_an_answer_that_no_document_shows_is_one_but_a_page_is_not() {
        for body in ["", "{}", r#"{"ok":true}"#] {
            assert_eq!(of_agentworkspace("email.send", 200, body), Tried::Done { remote_ids: vec![] }, "{body}");
        }
        let both = r#"{"thread_id":"th","message_id":"msg"}"#;
        let ids = vec!["th".to_owned(), "msg".to_owned()];
        assert_eq!(of_agentworkspace("email.send", 201, both), Tried::Done { remote_ids: ids });
        for body in ["<html>", "{\"thread_id\":\"t"] {
            assert!(matches!(of_agentworkspace("email.send", 200, body), Tried::Lost { .. }), "{body}");
        }
        assert!(
            matches!(of_agentworkspace("document.create", 200, "{}"), Tried::Lost { .. }),
            "that one is documented"
        );
    }

    #[test]
    fn what_is_wrong_is_told_field_by_field_as_the_arguments_are_called() {
        let body = r#"{"error":"Validation failed","issues":[{"path":"allDay","message":"must be a boolean"},
            {"path":["to",0],"message":"no address"},{"path":"","message":"odd\u001b"},{"message":"alone"},{"path":"x"}]}"#;
        let Tried::Refused { kind, message, .. } = of_agentworkspace("event.create", 400, body) else { panic!() };
        assert_eq!(kind, "bad_args");
        assert!(message.contains("Validation failed: all_day: must be a boolean; to.0: no address"), "{message}");
        assert!(message.contains("odd; alone") && !message.contains('\u{1b}'), "{message}");
    }

    #[test]
    fn p6_what_may_have_been_stored_is_a_lost_reply() {
        for (status, body) in [(500, "{}"), (502, ""), (504, ""), (302, ""), (303, ""), (200, "<html>"), (200, "{\"me")]
        {
            assert!(matches!(answer("send", status, body), Tried::Lost { .. }), "{status} {body}");
        }
        for body in ["<html>", "{\"me"] {
            assert!(matches!(answer("edit", 200, body), Tried::Lost { .. }), "also where no id is taken: {body}");
        }
        let lost = Failure::Lost { host: "h".into(), why: "cut".into() };
        assert!(matches!(missing(&lost, PAUSE), Tried::Lost { .. }));
        assert!(matches!(answer("send", 307, ""), Tried::Refused { .. }));
        let elsewhere = Failure::Elsewhere { host: "h".into(), to: "https://other.example".into() };
        assert!(matches!(missing(&elsewhere, PAUSE), Tried::Lost { .. }));
        let away = Failure::Unreachable { host: "h".into(), why: "refused".into() };
        assert!(matches!(missing(&away, PAUSE), Tried::Later { .. }));
    }

    #[test]
    fn a_refusal_carries_the_words_of_manifest_and_platform() {
        let Tried::Refused { kind, status, message } = answer("send", 403, r#"{"error":"not a member"}"#) else {
            panic!()
        };
        assert_eq!((kind.as_str(), status), ("refused", Some(403)));
        assert!(message.contains("no such channel") && message.contains("not a member"), "{message}");
        assert!(matches!(answer("send", 429, ""), Tried::Later { .. }));
    }
}
