//! What the feed knows of places: the ids by which replies name messages, where those are other than the messages' own.

use serde::Deserialize;

use super::Store;
use super::fault::StoreError;
use super::tables::{self, feed_event};
use crate::event::{Type, WorkspaceName};

/// As much of an event as says which message stands where.
#[derive(Deserialize)]
struct Told {
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    message: Message,
}

#[derive(Deserialize)]
struct Message {
    id: String,
    place: Option<String>,
}

/// A message, and the place where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed {
    /// The message's id.
    pub message: String,
    /// The id by which replies name it.
    pub place: String,
}

impl Store {
    /// Which message stands where in a workspace (in one conversation of it, where one is named), the newest first, as
    /// the newest `within` events of the feed tell it. Stops behind the first for which `enough` says so.
    pub fn places(
        &self,
        workspace: &WorkspaceName,
        conversation: Option<&str>,
        within: usize,
        mut enough: impl FnMut(&Placed) -> bool,
    ) -> Result<Vec<Placed>, StoreError> {
        self.shared.look(|tx| {
            let mut found = Vec::new();
            for entry in tx.open_table(tables::FEED)?.range(1..)?.rev().take(within) {
                let (seq, row) = entry?;
                let event = feed_event(seq.value(), row.value())?;
                let head = &event.head;
                let there = head.workspace == *workspace && conversation.is_none_or(|id| head.conversation == id);
                if !there || !matches!(head.kind, Type::MessageCreated | Type::MessageUpdated) {
                    continue;
                }
                let told = serde_json::from_slice::<Told>(&event.bytes).ok();
                let placed = told.and_then(|told| {
                    let Message { id: message, place } = told.data.message;
                    Some(Placed { message, place: place? })
                });
                if let Some(placed) = placed {
                    let last = enough(&placed);
                    found.push(placed);
                    if last {
                        break;
                    }
                }
            }
            Ok(found)
        })
    }
}
