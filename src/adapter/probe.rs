//! How a platform is told from others, as a manifest says it: a get that needs nothing, and how only it answers.

use serde::{Deserialize, Deserializer};

use super::call::{Call, calling, needed};
use super::outcome::Sign;
use super::plain::{OneOrMany, read_table};

/// A get without any credential, and what this platform answers to it.
#[derive(Clone, Debug)]
pub struct Probe {
    /// The request; it names nothing but its path.
    pub call: Call,
    /// The answer.
    pub sign: Sign,
}

calling!(RawProbe { status: Option<u16>, says: OneOrMany<String>, });

impl<'de> Deserialize<'de> for Probe {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read_table(deserializer, Self::of)
    }
}

impl Probe {
    fn of(mut raw: RawProbe) -> Result<Self, String> {
        let call = raw.call().and_then(needed)?;
        // Whoever is asked has not been chosen yet: nothing is told, and nothing changed.
        if call.method != http::Method::GET || !call.references().is_empty() || call.under.is_some() {
            return Err("a probe is a get that names nothing: leave references, `json` and `as` out".to_owned());
        }
        let status = raw.status.ok_or_else(|| super::plain::missing("status"))?;
        Ok(Self { call, sign: Sign { status, says: raw.says } })
    }
}
