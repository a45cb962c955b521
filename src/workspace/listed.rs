//! Deliveries that carry no event: they name an item of a list, which is read. A document that the workspace does not
//! have is added first, for whoever mentions the agent there shares it by that.

use secrecy::SecretString;
use serde_json::Value;
use tokio::sync::oneshot;

use crate::adapter::About;
use crate::line::poll::feed::{Inlet, Item};
use crate::session::{Document, Session};

/// The way of a delivery to the line.
#[derive(Clone)]
pub(super) struct Way {
    pub inlet: Inlet,
    /// Where what waits is read by lists; none: a delivery has its event.
    pub listed: Option<Listed>,
}

/// How deliveries name items of lists.
#[derive(Clone)]
pub(super) struct Listed {
    pub session: Session,
    pub about: About,
    /// Whether a document that the workspace does not have is added.
    pub adopts: bool,
}

impl Way {
    /// Asks for a read; who waits for its end hears of it. `None`: it cannot be asked for now. Of a delivery that names an
    /// item nothing else is used, its links least of all.
    pub async fn hint(&self, event: &Value) -> Option<oneshot::Receiver<()>> {
        let Some(listed) = &self.listed else { return self.inlet.hint(Some(event.to_string())).ok() };
        let item = listed.item(event)?;
        if listed.has(&item.list, event).await { self.inlet.hint_item(item).ok() } else { None }
    }
}

impl Listed {
    fn item(&self, event: &Value) -> Option<Item> {
        Some(Item { list: self.about.conversation.text(event)?, object: self.about.object.text(event)? })
    }

    /// Whether the workspace has the document, or has it now. Where not, nobody can read its list, and the platform is
    /// told to come again.
    async fn has(&self, document: &str, event: &Value) -> bool {
        let record = self.session.record();
        let is_known = Document::all(&record).iter().any(|known| known.id == document);
        if is_known || self.session.manifest().share().is_none() {
            return true;
        }
        let Some(token) = self.about.token.text(event).map(SecretString::from) else { return false };
        if !self.adopts {
            tracing::info!(workspace = %record.name, %document, "mentioned in a document that is not to be added");
            return false;
        }
        if let Err(why) = self.session.adopt_document(document, token).await {
            tracing::warn!(workspace = %record.name, %document, %why, "mentioned in a document that cannot be added");
            return false;
        }
        tracing::info!(workspace = %record.name, %document, "a document was added: the agent is mentioned there");
        true
    }
}
