//! Dates, recurrences, time zones and colours, as an event may name them.

/// The parts of a recurrence rule (RFC 5545, 3.3.10).
const PARTS: [&str; 14] = [
    "FREQ",
    "UNTIL",
    "COUNT",
    "INTERVAL",
    "BYSECOND",
    "BYMINUTE",
    "BYHOUR",
    "BYDAY",
    "BYMONTHDAY",
    "BYYEARDAY",
    "BYWEEKNO",
    "BYMONTH",
    "BYSETPOS",
    "WKST",
];
const FREQUENCIES: [&str; 7] = ["SECONDLY", "MINUTELY", "HOURLY", "DAILY", "WEEKLY", "MONTHLY", "YEARLY"];
const DAYS: [&str; 7] = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"];

/// Milliseconds since 1970 of an ISO 8601 datetime with its offset.
pub(crate) fn instant(text: &str) -> Option<u64> {
    // jiff also takes a space for the `T`; the platform names the format with one.
    let at: jiff::Timestamp = text.contains('T').then(|| text.parse().ok())??;
    u64::try_from(at.as_millisecond()).ok()
}

/// `FREQ=WEEKLY;BYDAY=MO,WE,FR` and the like.
pub(crate) fn is_rule(text: &str) -> bool {
    let mut parts = Vec::new();
    for part in text.split(';') {
        let Some((name, value)) = part.split_once('=') else {
            return false;
        };
        if parts.contains(&name) || !PARTS.contains(&name) || !is_value(name, value) {
            return false;
        }
        parts.push(name);
    }
    // COUNT and UNTIL exclude each other.
    parts.contains(&"FREQ") && !(parts.contains(&"COUNT") && parts.contains(&"UNTIL"))
}

fn is_value(name: &str, value: &str) -> bool {
    let digits = |it: &str| !it.is_empty() && it.bytes().all(|it| it.is_ascii_digit());
    match name {
        "FREQ" => FREQUENCIES.contains(&value),
        "COUNT" | "INTERVAL" => value.parse::<u32>().is_ok_and(|it| it > 0),
        "WKST" => DAYS.contains(&value),
        "BYDAY" => value.split(',').all(|it| {
            let day = it.trim_start_matches(['+', '-']).trim_start_matches(|c: char| c.is_ascii_digit());
            DAYS.contains(&day)
        }),
        "UNTIL" => {
            let (day, hours) = value.split_once('T').unwrap_or((value, "000000"));
            let hours = hours.strip_suffix('Z').unwrap_or(hours);
            digits(day) && day.len() == 8 && digits(hours) && hours.len() == 6
        }
        _ => value.split(',').all(|it| digits(it.trim_start_matches(['+', '-']))),
    }
}

/// `UTC` or `America/New_York`; whether such a place exists is not looked up.
pub(crate) fn is_zone(text: &str) -> bool {
    let named = |it: &str| {
        it.starts_with(|c: char| c.is_ascii_uppercase())
            && it.bytes().all(|it| it.is_ascii_alphanumeric() || matches!(it, b'_' | b'-' | b'+'))
    };
    text == "UTC" || (text.contains('/') && text.split('/').all(named))
}

/// `#ff5733`.
pub(crate) fn is_color(text: &str) -> bool {
    text.strip_prefix('#').is_some_and(|it| it.len() == 6 && it.bytes().all(|it| it.is_ascii_hexdigit()))
}
