//! When an appointment begins. Pure.
//!
//! A rule is expanded over the clock on the wall, and only then are its times looked up in the zone: an appointment at nine
//! stays at nine through a change of daylight saving time. (The crate's own zones skip and double hours there.) A time
//! that the clock jumps over is taken as if it had not jumped, one that it shows twice is the first (RFC 5545, 3.3.5).

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use rrule::RRuleSet;

/// Occurrences of one appointment in a day and the time asked for: what begins more often is no appointment.
const OFTEN: usize = 300;
/// Occurrences of one rule that are counted out from its beginning.
const STEPS: usize = 20_000;
/// So much of a zone's name is shown, in characters.
const SHOWN: usize = 60;
/// The longest rule. Bytes.
const RULE: usize = 1_000;

/// An appointment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Appointment {
    /// When it begins the first time, by the clock on the wall.
    pub start: DateTime,
    /// How it recurs.
    pub rule: Option<String>,
    /// Where that clock hangs.
    pub zone: TimeZone,
    /// What its zone is called, where that is no name of the IANA database and it would have counted.
    pub unknown_zone: Option<String>,
}

/// Why an appointment is not followed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Strange {
    /// It has no start, or none that is a time.
    #[error("its start is no ISO 8601 time")]
    Start,
    /// Its rule is none.
    #[error("its rule cannot be read: {0}")]
    Rule(String),
    /// It would never end.
    #[error("it begins more than {OFTEN} times a day, or has begun more than {STEPS} times")]
    TooOften,
}

impl Appointment {
    /// Reads one. A zone that nobody knows counts as none, which is UTC, and is said to be unknown. One of a whole day begins with its day in its
    /// zone: of a start at midnight as it is written the date counts, else the date that the zone's calendar shows.
    pub fn read(start: &str, rule: Option<&str>, zone: Option<&str>, whole_day: bool) -> Result<Self, Strange> {
        let named = zone.map(str::trim).filter(|zone| !zone.is_empty());
        let zone = named.and_then(|zone| TimeZone::get(zone).ok());
        let unknown = named.filter(|_| zone.is_none());
        let zone = zone.unwrap_or(TimeZone::UTC);
        let written: Option<DateTime> = start.trim_end_matches('Z').parse().ok();
        let shown = match start.parse::<Timestamp>() {
            Ok(at) => zone.to_datetime(at),
            Err(_) => written.ok_or(Strange::Start)?,
        };
        let midnight = |at: &DateTime| at.time() == jiff::civil::Time::midnight();
        let day = written.filter(midnight).unwrap_or(shown).date().to_datetime(jiff::civil::Time::midnight());
        let rule = rule.map(str::trim).filter(|rule| !rule.is_empty()).map(str::to_owned);
        // A time with an offset that comes once is the same everywhere.
        let counts = rule.is_some() || whole_day || start.parse::<Timestamp>().is_err();
        let unknown_zone = unknown.filter(|_| counts).map(|zone| zone.chars().take(SHOWN).collect());
        Ok(Self { start: if whole_day { day } else { shown }, rule, zone, unknown_zone })
    }

    /// Every time at which it begins from `from` to `to`, both included, in order.
    pub fn between(&self, from: Timestamp, to: Timestamp) -> Result<Vec<Timestamp>, Strange> {
        let day = Span::new().hours(24);
        // How often it begins is judged over a whole day, whatever is asked for: the same one is always too much.
        let since = to.checked_sub(day).map_or(from, |day_ago| day_ago.min(from));
        let walls = match &self.rule {
            None => vec![self.start],
            // A zone is less than a day from UTC.
            Some(rule) => self.expand(rule, self.wall(since, -day), self.wall(to, day))?,
        };
        let instant = |wall: DateTime| self.zone.to_ambiguous_timestamp(wall).compatible().ok();
        let mut times: Vec<Timestamp> =
            walls.into_iter().filter_map(instant).filter(|at| (since..=to).contains(at)).collect();
        times.sort_unstable();
        times.dedup();
        if times.len() > OFTEN {
            return Err(Strange::TooOften);
        }
        times.retain(|at| *at >= from);
        Ok(times)
    }

    fn wall(&self, at: Timestamp, by: Span) -> DateTime {
        let wall = self.zone.to_datetime(at);
        wall.checked_add(by).unwrap_or(wall)
    }

    /// The rule over the clock on the wall: to the crate all of it is UTC.
    fn expand(&self, rule: &str, from: DateTime, to: DateTime) -> Result<Vec<DateTime>, Strange> {
        let rule = Rule::read(rule, &self.zone)?;
        let text = format!("DTSTART:{}Z\nRRULE:{}", ical(rule.forward(self.start, from)), rule.text);
        let set: RRuleSet = text.parse().map_err(|error: rrule::RRuleError| Strange::Rule(error.to_string()))?;
        let mut walls = Vec::new();
        for (step, at) in set.limit().into_iter().enumerate() {
            let at = Timestamp::from_second(at.timestamp()).map_err(|_| Strange::TooOften)?;
            let wall = TimeZone::UTC.to_datetime(at);
            if wall > to {
                break;
            }
            // Two more days than were asked for are expanded: more than these are too many already.
            if step >= STEPS || walls.len() > 4 * OFTEN {
                return Err(Strange::TooOften);
            }
            if wall >= from {
                walls.push(wall);
            }
        }
        Ok(walls)
    }
}

/// A rule as far as it must be known here.
struct Rule {
    text: String,
    /// Seconds from one period to the next, where they are always as many and none of them is counted.
    period: Option<i64>,
}

impl Rule {
    fn read(text: &str, zone: &TimeZone) -> Result<Self, Strange> {
        let text = text.strip_prefix("RRULE:").unwrap_or(text);
        if text.len() > RULE || text.contains(char::is_control) {
            return Err(Strange::Rule(format!("it has more than {RULE} bytes, or control characters")));
        }
        let (mut parts, mut unit, mut interval, mut counted, mut a_day) = (Vec::new(), None, 1_i64, false, 1);
        for part in text.split(';').filter(|part| !part.is_empty()) {
            let (name, value) = part.split_once('=').ok_or_else(|| Strange::Rule(format!("`{part}` is no part")))?;
            let (name, value) = (name.trim().to_ascii_uppercase(), value.trim().to_ascii_uppercase());
            match name.as_str() {
                "FREQ" => unit = seconds(&value),
                "INTERVAL" => interval = value.parse().map_err(|_| Strange::Rule(format!("`{part}` is no number")))?,
                "COUNT" => counted = true,
                "BYHOUR" | "BYMINUTE" | "BYSECOND" => a_day *= value.split(',').count(),
                _ => {}
            }
            let value = if name == "UNTIL" { until(&value, zone)? } else { value };
            parts.push(format!("{name}={value}"));
        }
        // The crate makes all times of a period at once.
        if a_day > OFTEN {
            return Err(Strange::TooOften);
        }
        let period = unit.and_then(|unit: i64| unit.checked_mul(interval)).filter(|period| !counted && *period > 0);
        Ok(Self { text: parts.join(";"), period })
    }

    /// The last start of a period that is well before `from`: nothing is counted out that nobody asks for.
    fn forward(&self, start: DateTime, from: DateTime) -> DateTime {
        let forward = || {
            let (period, apart) = (self.period?, from.duration_since(start).as_secs());
            let periods = (apart / period).checked_sub(1).filter(|periods| *periods > 0)?;
            start.checked_add(jiff::SignedDuration::from_secs(periods.checked_mul(period)?)).ok()
        };
        forward().unwrap_or(start)
    }
}

fn seconds(frequency: &str) -> Option<i64> {
    match frequency {
        "SECONDLY" => Some(1),
        "MINUTELY" => Some(60),
        "HOURLY" => Some(3_600),
        "DAILY" => Some(86_400),
        "WEEKLY" => Some(604_800),
        _ => None,
    }
}

/// The end of a rule by the clock on the wall: a date is the whole of its day, a time in UTC is looked up in the zone.
fn until(value: &str, zone: &TimeZone) -> Result<String, Strange> {
    let bad = || Strange::Rule(format!("UNTIL={value} is no time"));
    let wall = match value.strip_suffix('Z') {
        Some(utc) => {
            let at: DateTime = utc.parse().map_err(|_| bad())?;
            zone.to_datetime(TimeZone::UTC.to_timestamp(at).map_err(|_| bad())?)
        }
        None if value.contains('T') => value.parse().map_err(|_| bad())?,
        None => value.parse::<jiff::civil::Date>().map_err(|_| bad())?.at(23, 59, 59, 0),
    };
    Ok(format!("{}Z", ical(wall)))
}

fn ical(at: DateTime) -> String {
    at.strftime("%Y%m%dT%H%M%S").to_string()
}

#[cfg(test)]
mod tests;
