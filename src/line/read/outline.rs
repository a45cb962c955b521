//! What an answer looks like, for whoever mends a manifest: keys and types, bounded, and nothing of its content.

use serde_json::Value;

/// Keys named of one object.
const KEYS: usize = 20;
/// Steps down.
const DEPTH: usize = 4;
/// The longest key that is named: a longer one is hardly a field.
const KEY: usize = 40;
/// The longest outline, in bytes.
const LONGEST: usize = 600;

/// Keys and types of an answer.
pub(super) fn outline(value: &Value) -> String {
    let mut text = of(value, DEPTH);
    if text.len() > LONGEST {
        text.truncate(text.floor_char_boundary(LONGEST));
        text.push('…');
    }
    text
}

fn of(value: &Value, depth: usize) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(_) => "boolean".to_owned(),
        Value::Number(_) => "number".to_owned(),
        Value::String(_) => "text".to_owned(),
        Value::Array(items) if items.is_empty() => "[]".to_owned(),
        Value::Object(fields) if fields.is_empty() => "{}".to_owned(),
        _ if depth == 0 => "…".to_owned(),
        // A row without names: each of its values may be of another type.
        Value::Array(items) if items.len() <= KEYS && !items.iter().all(|item| alike(item, &items[0])) => {
            format!("[{}]", items.iter().map(|item| of(item, depth - 1)).collect::<Vec<_>>().join(", "))
        }
        Value::Array(items) => format!("[{} of {}]", items.len(), of(&items[0], depth - 1)),
        Value::Object(fields) => {
            let named = fields.iter().take(KEYS).map(|(key, value)| format!("{}: {}", name(key), of(value, depth - 1)));
            let more = fields.len().saturating_sub(KEYS);
            let more = (more > 0).then(|| format!("{more} more"));
            format!("{{{}}}", named.chain(more).collect::<Vec<_>>().join(", "))
        }
    }
}

fn alike(one: &Value, other: &Value) -> bool {
    std::mem::discriminant(one) == std::mem::discriminant(other)
}

/// What does not look like the name of a field may be what somebody wrote.
fn name(key: &str) -> &str {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '$' | '@');
    let is_name = key.len() <= KEY && key.chars().all(plain) && !key.starts_with(|c: char| c.is_ascii_digit());
    if is_name && !key.is_empty() { key } else { "…" }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn keys_and_types_are_told_and_no_content() {
        let answer =
            json!({ "ok": true, "data": { "list": [{ "mid": "m-1", "at": 5, "by": null }, { "mid": "m-2" }] } });
        let said = outline(&answer);
        // Keys stand in the order in which they are held.
        assert!(said.contains("list: [2 of {"), "{said}");
        assert!(said.contains("mid: text") && said.contains("at: number") && said.contains("by: null"), "{said}");
        assert!(!said.contains("m-1"), "{said}");
    }

    #[test]
    fn what_somebody_wrote_does_not_show_as_a_key_either_and_all_of_it_is_bounded() {
        let said = outline(&json!({ "my secret plan": 1, "Ümlaut": 2, "4711": 3 }));
        assert_eq!(said, "{…: number, …: number, …: number}");
        let wide: serde_json::Map<_, _> = (0..1_000).map(|n| (format!("k{n}"), json!([[[[[[1]]]]]]))).collect();
        let said = outline(&Value::Object(wide));
        assert!(said.len() <= LONGEST + '…'.len_utf8(), "{}", said.len());
        let deep = (0..100).fold(json!(1), |inner, _| json!({ "a": inner }));
        assert_eq!(outline(&deep), "{a: {a: {a: {a: …}}}}");
    }
}
