//! How a conversation is held, where the platform's requests differ by that.

use super::Session;
use crate::adapter::Remembered;
use crate::event::ConversationKind;
use crate::store::StoreError;

impl Session {
    /// How a conversation is held, as the list of rooms says that it is of; `None` where no list says it.
    pub fn kind_of(&self, conversation: &str) -> Result<Option<ConversationKind>, StoreError> {
        let Some(history) = &self.manifest().receive.history else { return Ok(None) };
        let record = self.record();
        let remembered = self.0.means.store.cursor(&record.name, Remembered::ROW)?;
        Ok(history.kind_of(conversation, &record.facts, &Remembered::read(remembered.as_deref())))
    }
}
