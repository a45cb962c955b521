//! What a platform sent, kept as it came, but never nested deeper than its readers follow.

use serde_json::Value;
use serde_json::value::RawValue;

/// Levels. Readers of JSON give up at 128 (`serde_json` does), and an event travels within some levels more.
const DEPTH: usize = 100;

/// The same; as a JSON string of its text where it is nested deeper than 100 levels.
pub(super) fn shallow(raw: Box<RawValue>) -> Box<RawValue> {
    if depth(raw.get()) <= DEPTH {
        return raw;
    }
    let text = Value::from(raw.get()).to_string();
    RawValue::from_string(text).expect("a JSON string is JSON")
}

/// How many lists and tables stand within each other.
fn depth(json: &str) -> usize {
    let (mut now, mut most, mut bytes) = (0_usize, 0, json.bytes());
    while let Some(byte) = bytes.next() {
        match byte {
            b'{' | b'[' => now += 1,
            b'}' | b']' => now = now.saturating_sub(1),
            b'"' => skip_text(&mut bytes),
            _ => {}
        }
        most = most.max(now);
    }
    most
}

/// Goes on to the end of a JSON string.
fn skip_text(bytes: &mut std::str::Bytes<'_>) {
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => return,
            b'\\' => drop(bytes.next()),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nested(levels: usize) -> Box<RawValue> {
        let json = format!("{}\"[[\\\"[[\"{}", "[".repeat(levels), "]".repeat(levels));
        RawValue::from_string(json).expect("JSON")
    }

    #[test]
    fn p10_what_is_nested_too_deep_to_be_read_becomes_a_text_of_the_same() {
        assert_eq!((depth("{}"), depth(r#"{"a":[1,"]["],"b":{}}"#), depth("7")), (1, 2, 0));
        assert_eq!(shallow(nested(DEPTH)).get(), nested(DEPTH).get());
        for levels in [DEPTH + 1, 100_000] {
            let text: String = serde_json::from_str(shallow(nested(levels)).get()).expect("a text");
            assert_eq!(text, nested(levels).get());
        }
    }
}
