//! What parameters are made of.

use std::time::Duration;

use secrecy::SecretString;
use serde::{Deserialize, Deserializer};

use crate::config::Span;

/// A duration: a text as in `"30s"`, or whole milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wait(pub Duration);

impl<'de> Deserialize<'de> for Wait {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reads;
        impl serde::de::Visitor<'_> for Reads {
            type Value = Wait;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a duration as in \"30s\", or whole milliseconds")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Wait, E> {
                Span::parse(text).map(|span| Wait(span.0)).map_err(E::custom)
            }

            fn visit_u64<E: serde::de::Error>(self, millis: u64) -> Result<Wait, E> {
                self.visit_str(&format!("{millis}ms"))
            }
        }
        deserializer.deserialize_any(Reads)
    }
}

/// A secret in a call: read, never shown.
#[derive(Clone, Debug)]
pub struct Private(pub SecretString);

impl<'de> Deserialize<'de> for Private {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // The parser's own word would quote what was given.
        let text =
            String::deserialize(deserializer).map_err(|_| serde::de::Error::custom("a secret must be a text"))?;
        Ok(Self(text.into()))
    }
}

/// A number that may also come as text, as it does in a URL.
pub(super) fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Either {
        Number(u64),
        Text(String),
    }
    match Option::<Either>::deserialize(deserializer)? {
        None => Ok(None),
        Some(Either::Number(number)) => Ok(Some(number)),
        Some(Either::Text(text)) => {
            text.parse().map(Some).map_err(|_| serde::de::Error::custom(format!("`{text}` is no whole number")))
        }
    }
}
