//! Documents, and how they are edited live, as a manifest tells it: Yjs 13 over the `y-websocket` protocol.

use serde::{Deserialize, Deserializer};

use super::call::{Call, calling, needed};
use super::plain::read_table;
use super::template::Template;

/// Documents that are opened one by one, each with a secret of its own.
#[derive(Clone, Debug)]
pub struct Documents {
    /// Reads one, by its token: it takes `id`, and may take `title` and `type`. Its session is a `share_token`.
    pub open: Call,
    /// How one is edited live; none: it cannot be.
    pub live: Option<Live>,
    /// How the agent's own are edited live; none: they cannot be, or it has none.
    pub own: Option<Own>,
}

calling!(RawDocuments {
    live: Option<Live>,
    own: Option<Own>,
});

impl<'de> Deserialize<'de> for Documents {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read_table(deserializer, |mut raw: RawDocuments| {
            let (live, own) = (raw.live.take(), raw.own.take());
            raw.call().and_then(needed).map(|open| Self { open, live, own })
        })
    }
}

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
    /// The types of documents that can be edited so, in the platform's words; none: whatever it has.
    pub types: Vec<String>,
    /// The verb that changes a document of another type.
    pub instead: Option<String>,
}

calling!(RawLive {
    name: Option<Template>,
    text: Vec<String>,
    rich: Vec<String>,
    types: Vec<String>,
    instead: Option<String>,
});

impl<'de> Deserialize<'de> for Live {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read_table(deserializer, |mut raw: RawLive| {
            let name = raw.name.take().ok_or("`name` is what others see: add it")?;
            let call = raw.call().and_then(needed).and_then(asking)?;
            Ok(Self { call, name, text: raw.text, rich: raw.rich, types: raw.types, instead: raw.instead })
        })
    }
}

impl Live {
    /// Whether a document of this type can be edited so; of one whose type nobody knows the platform has the last word.
    pub fn takes(&self, kind: Option<&str>) -> bool {
        kind.is_none_or(|kind| self.types.is_empty() || self.types.iter().any(|known| known == kind))
    }
}

/// Documents that are the agent's own: the workspace's session opens them, and nobody has to add them.
#[derive(Clone, Debug)]
pub struct Own {
    /// Reads the one that `{room.id}` names: it may take `title` and `type`.
    pub open: Call,
    /// Asks for a token, as [`Live::call`] does.
    pub token: Call,
    /// The verb that changes one that is not edited live.
    pub instead: Option<String>,
}

calling!(RawOwn {
    token: Option<Asking>,
    instead: Option<String>,
});

calling!(RawAsking {});

/// A call that asks for a token.
struct Asking(Call);

impl<'de> Deserialize<'de> for Asking {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read_table(deserializer, |mut raw: RawAsking| raw.call().and_then(needed).and_then(asking).map(Self))
    }
}

impl<'de> Deserialize<'de> for Own {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read_table(deserializer, |mut raw: RawOwn| {
            let Asking(token) = raw.token.take().ok_or("`token` asks for what the websocket is opened with: add it")?;
            let open = raw.call().and_then(needed)?;
            Ok(Self { open, token, instead: raw.instead })
        })
    }
}

fn asking(call: Call) -> Result<Call, String> {
    match ["token", "slug", "server"].into_iter().find(|taken| !call.take.has(taken)) {
        Some(missing) => Err(format!("`take` has no `{missing}`: say where it stands in the answer")),
        None => Ok(call),
    }
}
