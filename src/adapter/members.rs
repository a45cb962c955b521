//! Who takes part in a conversation, as a manifest tells how to ask for it.

use serde::{Deserialize, Deserializer};

use super::call::{Call, calling, needed};
use super::plain::{missing, read_table};
use super::pointer::{Pointer, Pointers};

/// Who takes part in a conversation, where no list of rooms says how it is held.
#[derive(Clone, Debug)]
pub struct Members {
    /// The request; it names `{room.id}`.
    pub call: Call,
    /// The list, or a table of records keyed by their ids.
    pub items: Pointer,
    /// The id or handle of one of them.
    pub id: Pointers,
    /// A login name, compared with `me.logins`.
    pub login: Pointers,
    /// The capability without which nobody can be asked.
    pub needs: Option<String>,
}

calling!(RawMembers { items: Option<Pointer>, id: Pointers, login: Pointers, needs: Option<String>, });

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read_table(deserializer, Self::of)
    }
}

impl Members {
    fn of(mut raw: RawMembers) -> Result<Self, String> {
        let call = raw.call().and_then(needed)?;
        let items = raw.items.ok_or_else(|| missing("items"))?;
        if raw.id.is_empty() {
            return Err(missing("id"));
        }
        Ok(Self { call, items, id: raw.id, login: raw.login, needs: raw.needs })
    }
}
