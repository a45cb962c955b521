//! A platform's idea of time as RFC 3339.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde_json::Value;

/// RFC 3339 of a text or a number; `None` for what is no time. A text that is RFC 3339 already stays as it is.
/// Numbers count from 1970: seconds, milliseconds, microseconds or nanoseconds, by their size. A text without an
/// offset is UTC.
pub(super) fn rfc3339(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => from_text(text.trim()),
        Value::Number(number) => from_number(number.as_i64().or_else(|| whole(number.as_f64()?))?),
        _ => None,
    }
}

fn from_text(text: &str) -> Option<String> {
    if let Ok(time) = text.parse::<Timestamp>() {
        return Some(if is_rfc3339(text) { text.to_owned() } else { time.to_string() });
    }
    if let Ok(number) = text.parse() {
        return from_number(number);
    }
    let civil: DateTime = text.parse().ok()?;
    Some(civil.to_zoned(TimeZone::UTC).ok()?.timestamp().to_string())
}

#[expect(clippy::cast_possible_truncation, reason = "the range is checked: beyond it is no time")]
fn whole(number: f64) -> Option<i64> {
    // A fraction of a second is kept as milliseconds.
    let (number, factor) = if number.fract() == 0.0 { (number, 1.0) } else { (number, 1000.0) };
    (number.abs() < 9e15).then_some((number * factor) as i64)
}

fn from_number(number: i64) -> Option<String> {
    let time = match number {
        ..=0 => return None,
        1..100_000_000_000 => Timestamp::from_second(number),
        100_000_000_000..100_000_000_000_000 => Timestamp::from_millisecond(number),
        100_000_000_000_000..100_000_000_000_000_000 => Timestamp::from_microsecond(number),
        _ => Timestamp::from_nanosecond(number.into()),
    };
    time.ok().map(|time| time.to_string())
}

/// The strict form: `2026-03-22T18:00:00[.5]Z`, or with `±hh:mm`.
fn is_rfc3339(text: &str) -> bool {
    let bytes = text.as_bytes();
    let digits = |from: usize, to: usize| bytes.get(from..to).is_some_and(|part| part.iter().all(u8::is_ascii_digit));
    let marks = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
    let shape = [(0, 4), (5, 7), (8, 10), (11, 13), (14, 16), (17, 19)].iter().all(|&(from, to)| digits(from, to));
    if !shape || marks.iter().any(|&(at, mark)| bytes[at] != mark) {
        return false;
    }
    let fraction =
        bytes[19..].strip_prefix(b".").map_or(0, |rest| 1 + rest.iter().take_while(|c| c.is_ascii_digit()).count());
    let offset = &bytes[19 + fraction..];
    fraction != 1
        && match offset {
            b"Z" => true,
            [b'+' | b'-', a, b, b':', c, d] => [a, b, c, d].iter().all(|c| c.is_ascii_digit()),
            _ => false,
        }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn times_read_as_their_platforms_write_them() {
        for same in ["2026-03-22T18:00:00Z", "2026-03-22T18:00:00.123456789Z", "2026-03-22T18:00:00+02:00"] {
            assert_eq!(rfc3339(&json!(same)).as_deref(), Some(same));
        }
        for (given, want) in [
            (json!(1_774_202_400), "2026-03-22T18:00:00Z"),
            (json!(1_774_202_400_123_u64), "2026-03-22T18:00:00.123Z"),
            (json!(1_774_202_400_123_456_u64), "2026-03-22T18:00:00.123456Z"),
            (json!(1_774_202_400_123_456_789_u64), "2026-03-22T18:00:00.123456789Z"),
            (json!(1_774_202_400.5), "2026-03-22T18:00:00.5Z"),
            (json!("1774202400123"), "2026-03-22T18:00:00.123Z"),
            (json!("2026-03-22 18:00:00Z"), "2026-03-22T18:00:00Z"),
            (json!("2026-03-22T18:00:00"), "2026-03-22T18:00:00Z"),
        ] {
            assert_eq!(rfc3339(&given).as_deref(), Some(want), "{given}");
        }
        for none in [
            json!(null),
            json!(""),
            json!("soon"),
            json!(0),
            json!(-5),
            json!(f64::MAX),
            json!([]),
            json!("2026-13-01T00:00:00Z"),
        ] {
            assert_eq!(rfc3339(&none), None, "{none}");
        }
    }
}
