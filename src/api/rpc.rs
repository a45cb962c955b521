//! JSON-RPC 2.0, one object a line: reads a line, writes an answer. Pure.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use super::problem::Problem;
use crate::deliver::Delivery;

/// The name by which a request is answered: a string, a number, or null.
pub type Id = Box<RawValue>;

/// One call as it stands on the line.
#[derive(Debug)]
pub struct Call {
    /// `None` for a notification, which is not answered.
    pub id: Option<Id>,
    /// The verb.
    pub method: String,
    /// Its parameters; an empty object where none are given.
    pub params: Box<RawValue>,
}

/// A line that is no call, and whom to tell.
#[derive(Debug)]
pub struct Malformed {
    /// The request's id where it could be read, else null.
    pub id: Id,
    /// What is wrong.
    pub problem: Problem,
}

#[derive(Deserialize)]
struct Envelope {
    #[serde(default)]
    jsonrpc: Option<String>,
    #[serde(default, deserialize_with = "present")]
    id: Option<Id>,
    #[serde(default)]
    method: Option<String>,
    #[serde(default)]
    params: Option<Box<RawValue>>,
}

/// Tells `"id": null` (a request) from no id (a notification).
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Id>, D::Error> {
    Id::deserialize(deserializer).map(Some)
}

/// The id of an answer to what could not be read.
pub fn null() -> Id {
    RawValue::NULL.to_owned()
}

fn empty() -> Box<RawValue> {
    RawValue::from_string("{}".to_owned()).unwrap_or_else(|_| null())
}

/// Reads one line.
pub fn parse(line: &[u8]) -> Result<Call, Malformed> {
    let refuse = |kind, message: String| Malformed { id: null(), problem: Problem::new(kind, message) };
    let json: &RawValue =
        serde_json::from_slice(line).map_err(|error| refuse("not_json", format!("the line is not JSON: {error}")))?;
    match json.get().as_bytes().first() {
        Some(b'{') => {}
        Some(b'[') => {
            return Err(refuse(
                "batch",
                "batches are not taken: send one object a line; answers come as they finish".into(),
            ));
        }
        _ => return Err(refuse("not_a_request", "the line is no JSON-RPC request: send an object".into())),
    }
    let envelope: Envelope = serde_json::from_str(json.get())
        .map_err(|error| refuse("not_a_request", format!("the line is no JSON-RPC request: {error}")))?;
    check(envelope)
}

fn check(envelope: Envelope) -> Result<Call, Malformed> {
    let Envelope { jsonrpc, id, method, params } = envelope;
    let plain = id.as_ref().is_none_or(|id| !matches!(id.get().as_bytes().first(), Some(b'{' | b'[' | b't' | b'f')));
    let whom = if plain { id.clone().unwrap_or_else(null) } else { null() };
    let refuse = |message: &str| Malformed { id: whom.clone(), problem: Problem::new("not_a_request", message) };
    if !plain {
        return Err(refuse("`id` must be a string, a number or null"));
    }
    // A person at `nc -U` may leave it out; another version may not pass for this one.
    if jsonrpc.is_some_and(|version| version != "2.0") {
        return Err(refuse("`jsonrpc` must be \"2.0\""));
    }
    let method = method.ok_or_else(|| refuse("`method` is missing"))?;
    Ok(Call { id, method, params: params.filter(|params| params.get() != "null").unwrap_or_else(empty) })
}

/// Reads parameters; the error names the key or the expected type.
pub fn params<T: for<'de> Deserialize<'de>>(params: &RawValue) -> Result<T, Problem> {
    if !params.get().starts_with('{') {
        return Err(Problem::bad_params("`params` must be an object"));
    }
    serde_json::from_str(params.get()).map_err(|error| Problem::bad_params(format!("params: {error}")))
}

/// The line that answers a request.
pub fn answer(id: &RawValue, outcome: &Result<Value, Problem>) -> Vec<u8> {
    #[derive(Serialize)]
    struct Answer<'a> {
        jsonrpc: &'static str,
        id: &'a RawValue,
        #[serde(skip_serializing_if = "Option::is_none")]
        result: Option<&'a Value>,
        #[serde(skip_serializing_if = "Option::is_none")]
        error: Option<ErrorObject<'a>>,
    }
    #[derive(Serialize)]
    struct ErrorObject<'a> {
        code: i32,
        message: &'a str,
        data: ErrorData,
    }
    #[derive(Serialize)]
    struct ErrorData {
        kind: &'static str,
    }
    let error = outcome.as_ref().err().map(|problem| ErrorObject {
        code: problem.code(),
        message: &problem.message,
        data: ErrorData { kind: problem.kind },
    });
    line(&Answer { jsonrpc: "2.0", id, result: outcome.as_ref().ok(), error })
}

/// The line that tells something nobody asked for.
pub fn notification(method: &str, params: &Value) -> Vec<u8> {
    line(&serde_json::json!({ "jsonrpc": "2.0", "method": method, "params": params }))
}

fn line(value: &impl Serialize) -> Vec<u8> {
    let mut bytes = serde_json::to_vec(value).expect("strings, numbers and maps with string keys always serialise");
    bytes.push(b'\n');
    bytes
}

/// Appends the line that carries an event. The event's bytes go in as they are: they were made JSON once.
pub fn event(delivery: &Delivery, into: &mut Vec<u8>) {
    use std::io::Write as _;
    let Delivery { seq, attempt, lease_until, event, .. } = delivery;
    into.reserve(event.bytes.len() + 160);
    // Writing into a Vec cannot fail.
    let _ = write!(
        into,
        r#"{{"jsonrpc":"2.0","method":"event","params":{{"delivery":{{"seq":{seq},"attempt":{attempt},"lease_until":{lease_until}}},"event":"#
    );
    flat(&event.bytes, into);
    into.extend_from_slice(b"}}\n");
}

/// Appends JSON as one line: a line end in JSON is white space between tokens, and so is a blank.
pub fn flat(json: &[u8], into: &mut Vec<u8>) {
    let start = into.len();
    into.extend_from_slice(json);
    // Hardly any has one, and a search goes many bytes at a time.
    if memchr::memchr2(b'\n', b'\r', json).is_some() {
        into[start..].iter_mut().filter(|byte| matches!(**byte, b'\n' | b'\r')).for_each(|byte| *byte = b' ');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(line: &str) -> &'static str {
        parse(line.as_bytes()).unwrap_err().problem.kind
    }

    #[test]
    fn a_line_that_is_no_call_is_refused_by_kind() {
        for not_json in ["{", "hello", "{\"method\":}", "\u{feff}{}", "{} {}"] {
            assert_eq!(kind(not_json), "not_json", "{not_json}");
        }
        assert_eq!(kind("[{\"method\":\"ping\"}]"), "batch");
        for odd in ["1", "\"x\"", "null", "{}", "{\"method\":1}", "{\"jsonrpc\":\"1.0\",\"method\":\"ping\"}"] {
            assert_eq!(kind(odd), "not_a_request", "{odd}");
        }
        for id in ["{}", "[]", "true"] {
            let line = format!("{{\"id\":{id},\"method\":\"ping\"}}");
            assert_eq!(parse(line.as_bytes()).unwrap_err().id.get(), "null", "{id}");
        }
    }

    #[test]
    fn depth_huge_numbers_and_double_keys_are_refused_and_harm_nobody() {
        let deep =
            format!("{{\"method\":\"act\",\"params\":{{\"args\":{}{}}}}}", "[".repeat(200_000), "]".repeat(200_000));
        let call = parse(deep.as_bytes()).unwrap();
        assert_eq!(params::<Value>(&call.params).unwrap_err().kind, "bad_params");
        assert_eq!(kind("{\"id\":1,\"id\":2,\"method\":\"ping\"}"), "not_a_request");
        let huge = RawValue::from_string("{\"seq\":1e999}".into()).unwrap();
        assert_eq!(params::<crate::api::params::Extend>(&huge).unwrap_err().kind, "bad_params");
        let call = parse(b"{\"id\":123456789012345678901234567890,\"method\":\"ping\"}").unwrap();
        assert_eq!(call.id.unwrap().get(), "123456789012345678901234567890");
    }

    #[test]
    fn a_notification_has_no_id_and_null_is_an_id() {
        assert!(parse(br#"{"method":"ack","params":{"seq":1}}"#).unwrap().id.is_none());
        assert_eq!(parse(br#"{"method":"ack","id":null}"#).unwrap().id.unwrap().get(), "null");
        let call = parse(br#" {"jsonrpc":"2.0","method":"ping","id":"a","params":null} "#).unwrap();
        assert_eq!((call.id.unwrap().get(), call.params.get()), ("\"a\"", "{}"));
    }

    #[test]
    fn an_answer_carries_the_id_as_it_came_and_the_stable_word() {
        let id = RawValue::from_string("1.50".into()).unwrap();
        assert_eq!(answer(&id, &Ok(Value::from(7))), b"{\"jsonrpc\":\"2.0\",\"id\":1.50,\"result\":7}\n");
        let refused = Err(Problem::new("no_such_consumer", "there is none"));
        let line: Value = serde_json::from_slice(&answer(&id, &refused)).unwrap();
        assert_eq!(line["error"]["data"]["kind"], "no_such_consumer");
        assert_eq!(line["error"]["code"], -32_000);
    }
}
