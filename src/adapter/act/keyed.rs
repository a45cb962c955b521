//! The header by which a platform knows a repetition: a name, or a table of the name and what it needs.

use std::fmt;
use std::str::FromStr;

use http::HeaderName;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};

use crate::adapter::plain::read_text;

/// The header that takes an idempotency key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Idempotency {
    /// Its name.
    pub header: HeaderName,
    /// Without this capability the platform takes no key.
    pub needs: Option<String>,
}

/// The same, written out.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    header: Name,
    needs: Option<String>,
}

struct Name(HeaderName);

impl FromStr for Name {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.parse().map(Self).map_err(|_| format!("`{text}` is no header name (RFC 9110)"))
    }
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read_text(deserializer, "a header's name")
    }
}

impl<'de> Deserialize<'de> for Idempotency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Idempotency;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a header's name, or a table of `header` and `needs`")
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Idempotency, E> {
                let Name(header) = text.parse().map_err(E::custom)?;
                Ok(Idempotency { header, needs: None })
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Idempotency, A::Error> {
                let Raw { header: Name(header), needs } = Raw::deserialize(MapAccessDeserializer::new(map))?;
                Ok(Idempotency { header, needs })
            }
        }
        deserializer.deserialize_any(Either)
    }
}
