//! What an answer to a delivery means. Pure.

use std::time::Duration;

use serde::Deserialize;

use crate::action::Request;

/// What is to be done with the event.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// Done, with what rides on it.
    Ack {
        /// To be said in the same conversation.
        reply: Option<String>,
        /// To be done besides.
        actions: Vec<Request>,
    },
    /// 202: settled by the API before the lease ends.
    Later,
    /// 410: nobody wants events there any more.
    Gone,
    /// A failed attempt, and why.
    Attempt(String),
    /// Not reached, or asked to come back.
    Unreached {
        /// Why.
        reason: String,
        /// When to come back.
        retry_after: Option<Duration>,
    },
}

#[derive(Deserialize)]
struct Answer {
    reply: Option<String>,
    #[serde(default)]
    actions: Vec<Request>,
}

/// Reads an answer; `body` is `None` where it was over the cap.
pub fn of(status: u16, retry_after: Option<Duration>, json: bool, body: Option<&[u8]>) -> Verdict {
    match status {
        202 => Verdict::Later,
        200..=299 => ack(json, body),
        410 => Verdict::Gone,
        408 | 429 | 502..=504 => Verdict::Unreached { reason: format!("the webhook answered {status}"), retry_after },
        300..=399 => Verdict::Attempt(format!("the webhook answered {status}; redirects are not followed")),
        _ => Verdict::Attempt(format!("the webhook answered {status}")),
    }
}

fn ack(json: bool, body: Option<&[u8]>) -> Verdict {
    let plain = Verdict::Ack { reply: None, actions: Vec::new() };
    let Some(body) = body else {
        let over = || Verdict::Attempt("the webhook answered with more than 1 MiB of JSON".to_owned());
        return if json { over() } else { plain };
    };
    // Only an object that speaks of `reply` or `actions` is meant for the bridge, whatever its content type says.
    let Ok(serde_json::Value::Object(object)) = serde_json::from_slice(body) else { return plain };
    if !object.contains_key("reply") && !object.contains_key("actions") {
        return plain;
    }
    match serde_json::from_value(object.into()) {
        Ok(Answer { reply, actions }) => Verdict::Ack { reply, actions },
        Err(error) => Verdict::Attempt(format!("the webhook's reply or actions cannot be read: {error}")),
    }
}

/// `Retry-After` (RFC 9110, section 10.2.3): seconds, or a date. `now` in milliseconds since 1970.
pub fn retry_after(text: &str, now: u64) -> Option<Duration> {
    if let Ok(seconds) = text.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = jiff::fmt::rfc2822::parse(text.trim()).ok()?.timestamp().as_millisecond();
    Some(Duration::from_millis(u64::try_from(date).ok()?.saturating_sub(now)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on_200(body: &str) -> Verdict {
        of(200, None, false, Some(body.as_bytes()))
    }

    #[test]
    fn bodies_that_are_not_for_the_bridge_are_plain_acks() {
        for body in ["", "ok", "[]", "{}", r#"{"status":"ok"}"#, r#"{"reply":null}"#, "\u{0}{"] {
            assert_eq!(on_200(body), Verdict::Ack { reply: None, actions: Vec::new() }, "{body}");
        }
        assert_eq!(of(204, None, false, None), Verdict::Ack { reply: None, actions: Vec::new() });
    }

    #[test]
    fn replies_and_actions_ride_along_and_malformed_ones_fail() {
        let Verdict::Ack { reply, actions } = on_200(r#"{"reply":"hi","actions":[{"verb":"mark_read"}],"more":1}"#)
        else {
            panic!("an ack")
        };
        assert_eq!((reply.as_deref(), actions[0].verb.as_str()), (Some("hi"), "mark_read"));
        for bad in [r#"{"reply":7}"#, r#"{"actions":{}}"#, r#"{"actions":[{"verb":"send","colour":1}]}"#] {
            assert!(matches!(on_200(bad), Verdict::Attempt(_)), "{bad}");
        }
        assert!(matches!(of(200, None, true, None), Verdict::Attempt(_)), "JSON over the cap");
    }

    #[test]
    fn each_status_has_its_meaning() {
        for (status, unreached) in [(408, true), (429, true), (502, true), (503, true), (504, true), (500, false)] {
            let verdict = of(status, None, false, None);
            assert_eq!(matches!(verdict, Verdict::Unreached { .. }), unreached, "{status}");
        }
        for status in [301, 307, 400, 404, 500, 501] {
            assert!(matches!(of(status, None, false, None), Verdict::Attempt(_)), "{status}");
        }
        assert_eq!(of(202, None, false, None), Verdict::Later);
        assert_eq!(of(410, None, false, None), Verdict::Gone);
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        assert_eq!(retry_after("120", 0), Some(Duration::from_mins(2)));
        let now = 784_111_770_000;
        assert_eq!(retry_after("Sun, 06 Nov 1994 08:49:37 GMT", now), Some(Duration::from_secs(7)));
        assert_eq!(retry_after("soon", 0), None);
    }
}
