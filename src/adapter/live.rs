//! How a document is edited live, as a manifest tells it: Yjs 13 over the `y-websocket` protocol.

use serde::{Deserialize, Deserializer};

use super::call::{Call, calling, needed};
use super::plain::read_table;
use super::template::Template;

/// How one is edited live.
#[derive(Clone, Debug)]
pub struct Live {
    /// Asks for a new token before every connect: it takes `token`, `slug` and `server`. The websocket is opened at
    /// `{server}/{slug}?token={token}`.
    pub call: Call,
    /// What others see as the agent's name.
    pub name: Template,
    /// Shared types that hold plain text, by name, where the platform says which it uses.
    pub text: Vec<String>,
    /// The same of those that hold rich text (an `XmlFragment`). Without either: whichever of the usual ones is there.
    pub rich: Vec<String>,
}

calling!(RawLive {
    name: Option<Template>,
    text: Vec<String>,
    rich: Vec<String>,
});

impl<'de> Deserialize<'de> for Live {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read_table(deserializer, |mut raw: RawLive| {
            let name = raw.name.take().ok_or("`name` is what others see: add it")?;
            let call = raw.call().and_then(needed)?;
            match ["token", "slug", "server"].into_iter().find(|taken| !call.take.has(taken)) {
                Some(missing) => Err(format!("`take` has no `{missing}`: say where it stands in the answer")),
                None => Ok(Self { call, name, text: raw.text, rich: raw.rich }),
            }
        })
    }
}
