//! What an agent sends: lines, and the calls on them.

use agent_bridge::action::{Action, Request};
use agent_bridge::api::lines::{Line, Lines};
use agent_bridge::api::params::{Ack, Act, Nack, Subscribe};
use agent_bridge::api::rpc;
use bytes::Bytes;
use futures_util::FutureExt;
use serde_json::Value;
use tokio::io::AsyncReadExt;

use super::choices;

/// However the bytes are cut, the lines are those that a naive reader finds; none is over the cap, and the line after a
/// long one is whole.
pub fn lines(input: &[u8]) {
    let ([cap, cut], body) = choices::<2>(input);
    let cap = cap + 1;
    let expected = naive(body, cap);
    assert_eq!(read(body, cap), expected);
    let (front, back) = body.split_at(cut.min(body.len()));
    assert_eq!(read(front.chain(back), cap), expected, "cut at {cut} it reads otherwise");
    let followed = [body, b"\nx\n"].concat();
    assert_eq!(read(&*followed, cap).last(), Some(&Line::Whole(Bytes::from_static(b"x"))), "the next line is lost");
}

fn read(from: impl tokio::io::AsyncRead + Unpin, cap: usize) -> Vec<Line> {
    let mut lines = Lines::new(from, cap);
    let mut all = Vec::new();
    while let Some(line) = lines.next().now_or_never().expect("bytes in memory are ready").expect("and readable") {
        all.push(line);
    }
    all
}

fn naive(body: &[u8], cap: usize) -> Vec<Line> {
    let mut lines = Vec::new();
    for line in body.split_inclusive(|byte| *byte == b'\n') {
        let (line, ended) = line.strip_suffix(b"\n").map_or((line, false), |line| (line, true));
        if line.len() > cap {
            lines.push(Line::TooLong);
        } else if ended && !line.iter().all(u8::is_ascii_whitespace) {
            lines.push(Line::Whole(Bytes::copy_from_slice(line.strip_suffix(b"\r").unwrap_or(line))));
        }
    }
    lines
}

/// A line is a call or is refused with words; either way the answer is one line of JSON under the id that came. The
/// parameters of every verb are read or refused with words, however deep they are nested.
pub fn call(input: &[u8]) {
    let line = match rpc::parse(input) {
        Ok(call) => {
            let params: Value = serde_json::from_str(call.params.get()).unwrap_or_default();
            worded(rpc::params::<Value>(&call.params));
            match rpc::params::<Act>(&call.params) {
                Ok(act) => kept(act),
                refused => worded(refused),
            }
            worded(rpc::params::<Ack>(&call.params));
            worded(rpc::params::<Nack>(&call.params));
            worded(rpc::params::<Subscribe>(&call.params));
            let id = call.id.unwrap_or_else(rpc::null);
            (rpc::answer(&id, &Ok(params)), id)
        }
        Err(refused) => {
            assert!(!refused.problem.message.is_empty() && !refused.problem.kind.is_empty());
            (rpc::answer(&refused.id, &Err(refused.problem)), refused.id)
        }
    };
    let (answer, id) = line;
    assert_eq!(answer.iter().position(|byte| *byte == b'\n'), Some(answer.len() - 1), "an answer is one line");
    assert!(matches!(id.get().as_bytes()[0], b'"' | b'-' | b'0'..=b'9' | b'n'), "{id} is no id");
    let front = format!("{{\"jsonrpc\":\"2.0\",\"id\":{},", id.get());
    assert!(answer.starts_with(front.as_bytes()), "the id comes back as it came");
}

/// An action that was taken is a row that the store can read again, however deep its arguments are nested.
fn kept(Act { workspace, verb, args, key, .. }: Act) {
    let action = Action::accept(workspace.clone(), Request { workspace: Some(workspace), verb, args, key }, None, 0);
    let row = serde_json::to_vec(&action).expect("an action can be written");
    let again: Action = serde_json::from_slice(&row).expect("and read again");
    assert_eq!((again.id, again.verb, again.key), (action.id, action.verb, action.key));
}

fn worded<T>(read: Result<T, agent_bridge::api::Problem>) {
    if let Err(problem) = read {
        assert!(!problem.message.is_empty(), "a refusal has words");
    }
}
