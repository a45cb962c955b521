//! One `[[consumer]]` of the config, and what the store makes of it.

use std::path::PathBuf;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::measure::Span;
use crate::consumer::{self, Only};

/// A durable reader of the feed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Consumer {
    /// Its name: the rule of a workspace's name.
    pub name: String,
    /// Where it begins when it is created; later changes do not move it.
    pub from: Start,
    /// How many events may be out at once.
    pub max_in_flight: u32,
    /// How many of one lane may be out at once; 0 for no limit but `max_in_flight`.
    pub per_lane: u32,
    /// How long a lease lasts.
    pub ack_wait: Span,
    /// Attempts before an event goes to the dead letters.
    pub max_attempts: u32,
    /// What it wants.
    pub only: Only,
    /// How it is reached, if not by the socket.
    pub webhook: Option<Webhook>,
}

/// A consumer that is called instead of calling.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Webhook {
    /// `http`, `https`, or `unix:/path` (`unix:/path:/route`).
    pub url: String,
    /// How long one delivery may take.
    #[serde(default = "delivery")]
    pub timeout: Span,
    /// A file that holds the signing secret (Standard Webhooks: `whsec_` and base64).
    #[serde(default)]
    pub secret_file: Option<PathBuf>,
    /// A file that holds the secret before that one, while it is being replaced.
    #[serde(default)]
    pub secret_file_old: Option<PathBuf>,
}

const fn delivery() -> Span {
    Span::secs(30)
}

impl Default for Consumer {
    fn default() -> Self {
        let stored = consumer::Consumer::default();
        Self {
            name: String::new(),
            from: Start(stored.from),
            max_in_flight: stored.max_in_flight,
            per_lane: stored.per_lane,
            ack_wait: Span::millis(stored.ack_wait_ms),
            max_attempts: stored.max_attempts,
            only: Only::default(),
            webhook: None,
        }
    }
}

impl Consumer {
    /// The consumer of a bridge that has no config: a socket called `main`.
    pub fn main() -> Self {
        Self { name: "main".into(), ..Self::default() }
    }

    /// As the store keeps it.
    pub fn stored(&self) -> consumer::Consumer {
        consumer::Consumer {
            name: self.name.clone(),
            from_config: true,
            from: self.from.0.clone(),
            only: self.only.clone(),
            max_in_flight: self.max_in_flight,
            per_lane: self.per_lane,
            ack_wait_ms: self.ack_wait.as_millis(),
            max_attempts: self.max_attempts,
            webhook: self
                .webhook
                .as_ref()
                .map(|webhook| consumer::Webhook { url: webhook.url.clone(), timeout_ms: webhook.timeout.as_millis() }),
            disabled: None,
        }
    }
}

/// Where a consumer begins: `"now"`, `"start"`, a sequence, or an RFC 3339 time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Start(pub consumer::From);

/// A text that is no place in the feed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no place in the feed: write now, start, a sequence, or a time as in 2026-03-22T18:00:00Z")]
pub struct BadStart(String);

impl std::str::FromStr for Start {
    type Err = BadStart;

    fn from_str(text: &str) -> Result<Self, BadStart> {
        let bad = || BadStart(text.chars().take(40).collect());
        Ok(Self(match text {
            "now" => consumer::From::Now,
            "start" => consumer::From::Start,
            number if number.bytes().all(|b| b.is_ascii_digit()) => {
                consumer::From::Seq(number.parse().map_err(|_| bad())?)
            }
            time => {
                let at: jiff::Timestamp = time.parse().map_err(|_| bad())?;
                consumer::From::Time(u64::try_from(at.as_millisecond()).map_err(|_| bad())?)
            }
        }))
    }
}

impl std::fmt::Display for Start {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.0 {
            consumer::From::Now => f.write_str("now"),
            consumer::From::Start => f.write_str("start"),
            consumer::From::Seq(seq) => write!(f, "{seq}"),
            consumer::From::Time(at) => f.write_str(&crate::clock::rfc3339(*at)),
        }
    }
}

impl Serialize for Start {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Start {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Place;
        impl serde::de::Visitor<'_> for Place {
            type Value = Start;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("\"now\", \"start\", a sequence, or an RFC 3339 time")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Start, E> {
                text.parse().map_err(E::custom)
            }

            fn visit_u64<E: serde::de::Error>(self, seq: u64) -> Result<Start, E> {
                Ok(Start(consumer::From::Seq(seq)))
            }

            fn visit_i64<E: serde::de::Error>(self, seq: i64) -> Result<Start, E> {
                u64::try_from(seq).map(|seq| Start(consumer::From::Seq(seq))).map_err(E::custom)
            }
        }
        deserializer.deserialize_any(Place).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_start_reads_back_as_it_prints() {
        for text in ["now", "start", "42", "2026-03-22T18:00:00.000Z"] {
            assert_eq!(text.parse::<Start>().unwrap().to_string(), text);
        }
        assert!("yesterday".parse::<Start>().unwrap_err().to_string().contains("now, start"));
    }
}
