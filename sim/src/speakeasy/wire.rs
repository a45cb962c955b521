//! The shapes in which the platform shows what it keeps.

use serde_json::Value;

/// RFC 3339, to the second, UTC.
pub(crate) fn time(millis: u64) -> String {
    let at = i64::try_from(millis).ok().and_then(|it| jiff::Timestamp::from_millisecond(it).ok()).unwrap_or_default();
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Turns every number under a key that names an id into a string, where `strings` says so.
pub(crate) fn ids(mut body: Value, strings: bool) -> Value {
    if strings {
        stringify(&mut body);
    }
    body
}

fn stringify(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(stringify),
        Value::Object(fields) => {
            for (key, value) in fields {
                if value.is_number() && (key == "id" || key.ends_with("_id")) {
                    *value = Value::String(value.to_string());
                }
                stringify(value);
            }
        }
        _ => {}
    }
}
