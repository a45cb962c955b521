//! What lists of conversations have told, kept across restarts.

use std::collections::BTreeMap;

use super::call::Call;

/// What lists that are read seldom have told last, across restarts.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Remembered(BTreeMap<String, Told>);

/// What one list has told.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Told {
    /// When, in milliseconds since 1970.
    pub at: u64,
    /// The rooms, each with its title.
    pub rooms: Vec<(String, Option<String>)>,
}

impl Remembered {
    /// The line under whose cursor it is kept.
    pub const ROW: &'static str = "rooms";

    /// Reads it back; nothing where it is none.
    pub fn read(row: Option<&str>) -> Self {
        row.and_then(|row| serde_json::from_str(row).ok()).unwrap_or_default()
    }

    /// As it is kept.
    pub fn row(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// What this list has told last.
    pub fn told(&self, list: &Call) -> Option<&Told> {
        self.0.get(list.path.source())
    }

    /// A list has told this.
    pub fn note(&mut self, list: &Call, told: Told) {
        self.0.insert(list.path.source().to_owned(), told);
    }

    pub(super) fn has(&self, list: &Call, room: &str) -> bool {
        self.told(list).is_some_and(|told| told.rooms.iter().any(|(id, _)| id == room))
    }
}
