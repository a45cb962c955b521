//! Durations and sizes as people write them: `5s`, `2m`, `7d`; `64KiB`, `4MiB`.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A duration written as a whole number and a unit: `ms`, `s`, `m`, `h` or `d`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span(pub Duration);

/// A number of bytes written as a whole number and a unit: `B`, `KiB`, `MiB` or `GiB`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Size(pub u64);

/// A text that is no duration or no size; says what is expected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadMeasure {
    /// No duration.
    #[error(
        "`{0}` is no duration: write a whole number and ms, s, m, h or d, as in \"5s\" or \"7d\" (at most ten years)"
    )]
    Span(String),
    /// No size.
    #[error("`{0}` is no size: write a whole number and B, KiB, MiB or GiB, as in \"4MiB\"")]
    Size(String),
}

/// Ten years: what is added to now never overflows.
const LONGEST: u64 = 3_652 * 86_400_000;

/// Units with their factor (milliseconds; bytes), the largest first.
const SPANS: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];
const SIZES: [(&str, u64); 4] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];

impl Span {
    /// Whole milliseconds.
    pub const fn millis(ms: u64) -> Self {
        Self(Duration::from_millis(ms))
    }

    /// Whole seconds.
    pub const fn secs(s: u64) -> Self {
        Self(Duration::from_secs(s))
    }

    /// Whole milliseconds, saturating.
    pub fn as_millis(self) -> u64 {
        crate::clock::millis(self.0)
    }

    /// Reads `5s`.
    pub fn parse(text: &str) -> Result<Self, BadMeasure> {
        let millis = measure(text, &SPANS).filter(|millis| *millis <= LONGEST);
        millis.map(Self::millis).ok_or_else(|| BadMeasure::Span(shown(text)))
    }
}

impl Size {
    /// The size as a length in memory, saturating.
    pub fn bytes(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }

    /// Reads `4MiB`.
    pub fn parse(text: &str) -> Result<Self, BadMeasure> {
        measure(text, &SIZES).map(Self).ok_or_else(|| BadMeasure::Size(shown(text)))
    }
}

fn measure(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at(digits);
    let factor = units.iter().find(|(name, _)| *name == unit)?.1;
    number.parse::<u64>().ok()?.checked_mul(factor)
}

fn shown(text: &str) -> String {
    text.chars().take(40).collect()
}

/// The largest unit that leaves a whole number.
fn spell(value: u64, units: &[(&str, u64)], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let fits = |factor: u64| value.is_multiple_of(factor) && (value > 0 || factor == 1);
    let (name, factor) = units.iter().find(|(_, factor)| fits(*factor)).unwrap_or(&units[units.len() - 1]);
    write!(f, "{}{name}", value / factor)
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        spell(self.as_millis(), &SPANS, f)
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        spell(self.0, &SIZES, f)
    }
}

impl std::str::FromStr for Span {
    type Err = BadMeasure;

    fn from_str(text: &str) -> Result<Self, BadMeasure> {
        Self::parse(text)
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Serialize for Size {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_and_sizes_read_back_as_they_print() {
        for text in ["0ms", "5s", "90s", "2m", "36h", "7d", "250ms"] {
            let shown = Span::parse(text).unwrap().to_string();
            assert_eq!(Span::parse(&shown), Span::parse(text), "{text} → {shown}");
        }
        assert_eq!(Span::secs(120).to_string(), "2m");
        for text in ["0B", "1000B", "64KiB", "4MiB", "10GiB"] {
            assert_eq!(Size::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_no_measure_is_refused_with_an_example() {
        for bad in ["", "5", "s", "5 s", "-1s", "1.5h", "5S", "99999999999999999999d", "200000000000d"] {
            assert!(Span::parse(bad).unwrap_err().to_string().contains("\"5s\""), "{bad}");
        }
        for bad in ["4", "4MB", "MiB", "4mib", "99999999999GiB"] {
            assert!(Size::parse(bad).unwrap_err().to_string().contains("\"4MiB\""), "{bad}");
        }
    }
}
