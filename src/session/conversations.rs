//! What a workspace knows of its conversations: how they are held, and where it is said what nobody addresses.

use serde_json::Value;

use super::{Error, Session};
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

    /// Keeps the conversation to which everything goes that names none, if joining did not tell it.
    pub async fn keep_main(&self, fact: &str, conversation: &str) -> Result<(), StoreError> {
        if self.record().facts.get(fact).is_some_and(|told| *told != Value::Null) {
            return Ok(());
        }
        match self.learn(fact, conversation).await {
            Err(Error::Store(error)) => Err(error),
            // A workspace that was left has no line for long.
            Err(_) | Ok(()) => Ok(()),
        }
    }
}
