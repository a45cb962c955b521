//! Rules and what they mean, through changes of daylight saving time, and rules that mean ill.

use super::*;

const BERLIN: &str = "Europe/Berlin";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn between(start: &str, rule: &str, zone: &str, whole_day: bool, from: &str, to: &str) -> Result<Vec<String>, Strange> {
    let appointment = Appointment::read(start, Some(rule), Some(zone), whole_day)?;
    Ok(appointment.between(at(from), at(to))?.into_iter().map(|at| at.to_string()).collect())
}

#[test]
fn rules_are_expanded_by_the_clock_on_the_wall() {
    for (start, rule, zone, from, to, want) in [
        // Once, and both ends belong to the span.
        ("2026-03-14T09:00:00Z", "", "", "2026-03-14T09:00:00Z", "2026-03-14T09:00:00Z", &["2026-03-14T09:00:00Z"][..]),
        ("2026-03-14T09:00:00Z", "", "", "2026-03-14T09:00:01Z", "2027-03-14T09:00:00Z", &[]),
        ("2026-03-14T09:00:00", "", BERLIN, "2026-03-14T00:00:00Z", "2026-03-15T00:00:00Z", &["2026-03-14T08:00:00Z"]),
        // The clock goes forward on 29 March: nine stays nine.
        (
            "2026-03-02T08:00:00Z",
            "FREQ=DAILY",
            BERLIN,
            "2026-03-28T00:00:00Z",
            "2026-03-30T12:00:00Z",
            &["2026-03-28T08:00:00Z", "2026-03-29T07:00:00Z", "2026-03-30T07:00:00Z"],
        ),
        // And back on 25 October.
        (
            "2026-10-01T07:00:00Z",
            "RRULE:FREQ=WEEKLY;BYDAY=SA,SU,MO",
            BERLIN,
            "2026-10-24T00:00:00Z",
            "2026-10-26T12:00:00Z",
            &["2026-10-24T07:00:00Z", "2026-10-25T08:00:00Z", "2026-10-26T08:00:00Z"],
        ),
        // 2:30 does not exist on 29 March: as if the clock had not jumped. On 25 October it is there twice: the first.
        (
            "2026-03-27T01:30:00Z",
            "FREQ=DAILY",
            BERLIN,
            "2026-03-28T00:00:00Z",
            "2026-03-30T12:00:00Z",
            &["2026-03-28T01:30:00Z", "2026-03-29T01:30:00Z", "2026-03-30T00:30:00Z"],
        ),
        (
            "2026-10-23T00:30:00Z",
            "FREQ=DAILY",
            BERLIN,
            "2026-10-24T00:00:00Z",
            "2026-10-26T12:00:00Z",
            &["2026-10-24T00:30:00Z", "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"],
        ),
        // The end of a rule: a time in UTC, a date, a number.
        (
            "2026-03-02T08:00:00Z",
            "FREQ=DAILY;UNTIL=20260330T070000Z",
            BERLIN,
            "2026-03-29T12:00:00Z",
            "2026-04-02T12:00:00Z",
            &["2026-03-30T07:00:00Z"],
        ),
        (
            "2026-03-02T08:00:00Z",
            "FREQ=DAILY;UNTIL=20260330",
            BERLIN,
            "2026-03-29T12:00:00Z",
            "2026-04-02T12:00:00Z",
            &["2026-03-30T07:00:00Z"],
        ),
        (
            "2026-03-02T08:00:00Z",
            "FREQ=DAILY;COUNT=29",
            BERLIN,
            "2026-03-29T12:00:00Z",
            "2026-04-02T12:00:00Z",
            &["2026-03-30T07:00:00Z"],
        ),
        // What has recurred for long keeps its step.
        (
            "2001-01-01T00:00:00Z",
            "FREQ=HOURLY;INTERVAL=7",
            "UTC",
            "2026-03-14T00:00:00Z",
            "2026-03-14T12:00:00Z",
            &["2026-03-14T06:00:00Z"],
        ),
        (
            "2001-01-01T09:00:00Z",
            "FREQ=WEEKLY;INTERVAL=2",
            "UTC",
            "2026-03-01T00:00:00Z",
            "2026-03-31T12:00:00Z",
            &["2026-03-09T09:00:00Z", "2026-03-23T09:00:00Z"],
        ),
        (
            "2024-02-29T09:00:00Z",
            "FREQ=YEARLY",
            "Nowhere/Known",
            "2025-01-01T00:00:00Z",
            "2030-01-01T00:00:00Z",
            &["2028-02-29T09:00:00Z"],
        ),
    ] {
        let told = between(start, rule, zone, false, from, to);
        assert_eq!(
            told.as_deref(),
            Ok(&want.iter().map(|&it| it.to_owned()).collect::<Vec<_>>()[..]),
            "{start} {rule}"
        );
    }
}

#[test]
fn a_whole_day_begins_with_its_day_where_its_clock_hangs() {
    for (start, zone, want) in [
        ("2026-03-14T00:00:00Z", "UTC", "2026-03-14T00:00:00Z"),
        ("2026-03-14T00:00:00Z", "America/New_York", "2026-03-14T04:00:00Z"),
        ("2026-03-14T04:00:00Z", "America/New_York", "2026-03-14T04:00:00Z"),
        ("2026-03-13T23:00:00Z", BERLIN, "2026-03-13T23:00:00Z"),
        ("2026-03-14", BERLIN, "2026-03-13T23:00:00Z"),
    ] {
        let told = between(start, "", zone, true, "2026-03-13T00:00:00Z", "2026-03-15T00:00:00Z");
        assert_eq!(told.as_deref(), Ok(&[want.to_owned()][..]), "{start} {zone}");
    }
}

#[test]
fn p10_a_rule_that_means_ill_is_bounded_and_says_so() {
    for (rule, strange) in [
        ("FREQ=SECONDLY", Some(Strange::TooOften)),
        ("FREQ=MINUTELY", Some(Strange::TooOften)),
        ("FREQ=SECONDLY;COUNT=4000000000", Some(Strange::TooOften)),
        ("FREQ=YEARLY;BYHOUR=0,1,2,3,4,5;BYMINUTE=0,1,2,3,4,5,6,7,8,9;BYSECOND=0,1,2,3,4,5", Some(Strange::TooOften)),
        // What never comes is no trouble.
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", None),
        ("FREQ=DAILY;UNTIL=20270101T000000Z;INTERVAL=60000", None),
    ] {
        let told = between("2001-01-01T00:00:00Z", rule, "UTC", false, "2026-03-14T00:00:00Z", "2026-03-14T00:10:00Z");
        assert_eq!(told.as_ref().err(), strange.as_ref(), "{rule}: {told:?}");
    }
    for rule in ["FREQ=NEVER", "DAILY", "FREQ=DAILY;UNTIL=soon", "FREQ=DAILY;INTERVAL=x", "FREQ=DAILY\nEXDATE:2", "X=Y"]
    {
        let told = between("2026-03-14T00:00:00Z", rule, "UTC", false, "2026-03-14T00:00:00Z", "2026-03-15T00:00:00Z");
        assert!(matches!(told, Err(Strange::Rule(_))), "{rule}: {told:?}");
    }
    assert_eq!(Appointment::read("soon", None, None, false), Err(Strange::Start));
}

#[test]
fn a_zone_that_nobody_knows_is_told_where_it_counts() {
    let daily = Some("FREQ=DAILY");
    for (start, rule, zone, whole_day, told) in [
        ("2026-03-14T09:00:00Z", daily, "Mars/Phobos", false, Some("Mars/Phobos")),
        ("2026-03-14T09:00:00Z", None, "Mars/Phobos", true, Some("Mars/Phobos")),
        ("2026-03-14T09:00:00", None, "Mars/Phobos", false, Some("Mars/Phobos")),
        // It begins when it begins.
        ("2026-03-14T09:00:00Z", None, "Mars/Phobos", false, None),
        ("2026-03-14T09:00:00Z", daily, BERLIN, false, None),
        ("2026-03-14T09:00:00Z", daily, " ", false, None),
    ] {
        let appointment = Appointment::read(start, rule, Some(zone), whole_day).unwrap();
        assert_eq!(appointment.unknown_zone.as_deref(), told, "{start} {zone}");
    }
}
