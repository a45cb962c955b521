//! The forms of text that documents name: dates, addresses, colours, zones, recurrences, rows. Pure.
//!
//! Each is written out here. What a crate for addresses or rules takes is wider than what a platform's form field does
//! (comments and quotes in addresses, the rule's own property name), and the platform has the last word anyway: this
//! only keeps what is surely wrong from going out, with a word that says so.

use serde::Deserialize;
use serde_json::Value;

/// The longest address (RFC 5321, 4.5.3.1.3), and its part before the `@` (4.5.3.1.1), in bytes.
const ADDRESS: usize = 254;
const MAILBOX: usize = 64;
/// The longest label of a host name (RFC 1035, 2.3.4).
const LABEL: usize = 63;

/// A form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// ISO 8601, with a `T` and an offset.
    DateTime,
    /// An e-mail address, without a display name.
    Address,
    /// `#rrggbb`.
    HexColor,
    /// A name of the IANA database.
    TimeZone,
    /// RFC 5545, 3.3.10.
    Recurrence,
    /// A JSON array of objects.
    Rows,
    /// `true` or `false`.
    Boolean,
    /// A whole number, 0 or more.
    Number,
}

impl Form {
    /// What it is called, with an example.
    pub const fn words(self) -> &'static str {
        match self {
            Self::DateTime => "an ISO 8601 date and time with its offset, as in 2025-07-01T10:00:00Z",
            Self::Address => "an e-mail address, as in ann@example.com",
            Self::HexColor => "a colour in hexadecimal digits, as in #ff5733",
            Self::TimeZone => "an IANA time zone, as in America/New_York",
            Self::Recurrence => "a recurrence rule of iCalendar, as in FREQ=WEEKLY;BYDAY=MO,WE,FR",
            Self::Rows => "a JSON array of objects, one for each row, as in [{\"Name\": \"Ann\"}]",
            Self::Boolean => "true or false",
            Self::Number => "a whole number",
        }
    }

    /// Whether a text has it.
    pub fn fits(self, text: &str) -> bool {
        match self {
            // The reader of times takes a space for the `T`, too.
            Self::DateTime => text.contains(['T', 't']) && text.parse::<jiff::Timestamp>().is_ok(),
            Self::Address => is_address(text),
            Self::HexColor => text
                .strip_prefix('#')
                .is_some_and(|digits| digits.len() == 6 && digits.bytes().all(|digit| digit.is_ascii_hexdigit())),
            Self::TimeZone => is_zone(text) && jiff::tz::TimeZone::get(text).is_ok(),
            Self::Recurrence => is_recurrence(text),
            Self::Rows => match serde_json::from_str(text) {
                Ok(Value::Array(rows)) => rows.iter().all(Value::is_object),
                _ => false,
            },
            Self::Boolean => matches!(text, "true" | "false"),
            Self::Number => text.parse::<u64>().is_ok(),
        }
    }
}

/// A dot-atom (RFC 5322, 3.2.3, with the letters of RFC 6531), `@`, and a host name with a dot in it.
fn is_address(text: &str) -> bool {
    let Some((mailbox, host)) = text.rsplit_once('@') else { return false };
    let atom = |c: char| c.is_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c);
    let dotted = |text: &str, good: &dyn Fn(&str) -> bool| text.split('.').all(|part| !part.is_empty() && good(part));
    let label = |part: &str| {
        let letters = part.chars().all(|c| c.is_alphanumeric() || c == '-');
        part.len() <= LABEL && letters && !part.starts_with('-') && !part.ends_with('-')
    };
    text.len() <= ADDRESS
        && mailbox.len() <= MAILBOX
        && dotted(mailbox, &|part| part.chars().all(atom))
        && host.contains('.')
        && dotted(host, &label)
}

fn is_zone(text: &str) -> bool {
    let part = |part: &str| {
        let plain = part.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'_' | b'-' | b'+'));
        plain && part.starts_with(|c: char| c.is_ascii_uppercase())
    };
    text.split('/').count() <= 3 && text.split('/').all(part)
}

/// `NAME=VALUE` with `;` between them: `FREQ` once, none twice, and not both `COUNT` and `UNTIL`.
fn is_recurrence(text: &str) -> bool {
    let mut names: Vec<&str> = Vec::new();
    for part in text.split(';') {
        let Some((name, value)) = part.split_once('=') else { return false };
        if names.contains(&name) || !has_value(name, value) {
            return false;
        }
        names.push(name);
    }
    names.contains(&"FREQ") && !(names.contains(&"COUNT") && names.contains(&"UNTIL"))
}

const DAYS: [&str; 7] = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"];
const FREQUENCIES: [&str; 7] = ["SECONDLY", "MINUTELY", "HOURLY", "DAILY", "WEEKLY", "MONTHLY", "YEARLY"];

fn has_value(name: &str, value: &str) -> bool {
    let each = |good: &dyn Fn(&str) -> bool| value.split(',').all(good);
    let within = |least: i64, most: i64| each(&|item| item.parse().is_ok_and(|n: i64| (least..=most).contains(&n)));
    // Some count from the end, and none is 0.
    let around = |most: i64| within(-most, most) && each(&|item| item.parse() != Ok(0_i64));
    match name {
        "FREQ" => FREQUENCIES.contains(&value),
        "COUNT" | "INTERVAL" => value.parse::<u32>().is_ok_and(|count| count > 0),
        "UNTIL" => is_until(value),
        "WKST" => DAYS.contains(&value),
        "BYDAY" => each(&is_day),
        "BYSECOND" => within(0, 60),
        "BYMINUTE" => within(0, 59),
        "BYHOUR" => within(0, 23),
        "BYMONTH" => within(1, 12),
        "BYMONTHDAY" => around(31),
        "BYYEARDAY" | "BYSETPOS" => around(366),
        "BYWEEKNO" => around(53),
        _ => false,
    }
}

/// `MO`, `2MO`, `-1FR`.
fn is_day(item: &str) -> bool {
    let Some((count, day)) = item.len().checked_sub(2).and_then(|at| item.split_at_checked(at)) else { return false };
    let counted = count.is_empty() || count.parse().is_ok_and(|n: i64| n != 0 && (-53..=53).contains(&n));
    DAYS.contains(&day) && counted
}

/// `20261224` or `20261224T170000Z`.
fn is_until(value: &str) -> bool {
    let (day, time) = value.split_once('T').unwrap_or((value, "000000"));
    let digits = |text: &str, count: usize| text.len() == count && text.bytes().all(|c| c.is_ascii_digit());
    digits(day, 8) && digits(time.strip_suffix('Z').unwrap_or(time), 6)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(form: Form, good: &[&str], bad: &[&str]) {
        for text in good {
            assert!(form.fits(text), "{form:?}: {text}");
        }
        for text in bad {
            assert!(!form.fits(text), "{form:?}: {text}");
        }
    }

    #[test]
    fn each_form_takes_its_own_and_nothing_else() {
        let times = ["2025-07-01T10:00:00Z", "2025-07-01T10:00:00.5+02:00"];
        judged(Form::DateTime, &times, &["", "tomorrow", "2025-07-01", "2025-07-01 10:00:00Z", "2025-07-01T10:00:00"]);
        let long = format!("{}@example.com", "x".repeat(65));
        let addresses = ["ann@example.com", "a.b+c@mail.example.co", "jürgen@bücher.example", "o'neil@example.com"];
        let others = [
            "",
            "ann",
            "ann@",
            "@example.com",
            "ann@localhost",
            "ann@@example.com",
            "a b@example.com",
            "ann@-x.com",
            ".ann@example.com",
            "ann@example..com",
            "Ann <ann@example.com>",
            "ann@example.com,bob@example.com",
            "ann@example.com\r\nBcc: eve@example.com",
            long.as_str(),
        ];
        judged(Form::Address, &addresses, &others);
        judged(Form::HexColor, &["#ff5733", "#ABCDEF"], &["", "ff5733", "#fff", "#ff573g", "red"]);
        let zones = ["UTC", "America/New_York", "America/Argentina/Buenos_Aires", "Etc/GMT+5", "Japan"];
        judged(
            Form::TimeZone,
            &zones,
            &["", "/", "Mars/Phobos", "new york", "america/new_york", "America/", "+02:00", "A/B/C/D"],
        );
        judged(Form::Rows, &["[]", "[{\"a\":1}]"], &["", "{}", "[1]", "[{\"a\":1},[]]", "[{]"]);
    }

    #[test]
    fn recurrences_are_rules_of_ical_without_their_name() {
        let good = [
            "FREQ=WEEKLY;BYDAY=MO,WE,FR",
            "FREQ=YEARLY",
            "FREQ=MONTHLY;BYDAY=-1FR;COUNT=5",
            "FREQ=DAILY;UNTIL=20261224",
            "FREQ=DAILY;INTERVAL=2;UNTIL=20261224T170000Z",
            "FREQ=MONTHLY;BYMONTHDAY=-1;WKST=SU",
        ];
        let bad = [
            "",
            "weekly",
            "RRULE:FREQ=DAILY",
            "BYDAY=MO",
            "FREQ=OFTEN",
            "FREQ=DAILY;FREQ=DAILY",
            "FREQ=DAILY;COUNT=0",
            "FREQ=DAILY;COUNT=2;UNTIL=20261224",
            "FREQ=WEEKLY;BYDAY=MONDAY",
            "FREQ=DAILY;BYHOUR=24",
            "FREQ=DAILY;X=1",
            "FREQ=DAILY;UNTIL=soon",
            "FREQ=DAILY;",
            "FREQ=MONTHLY;BYMONTHDAY=0",
        ];
        judged(Form::Recurrence, &good, &bad);
    }
}
