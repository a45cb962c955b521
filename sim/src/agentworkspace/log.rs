//! What this platform alone notes of a request; never a key or a share token.

use serde::Serialize;

use super::record::AgentId;

/// What this platform alone notes of a request.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Facts {
    /// The agent that asked with its key.
    pub agent: Option<AgentId>,
}

/// One request and its outcome.
pub type Entry = crate::log::Entry<Facts>;
/// What a handler tells the log.
pub(crate) type Noted = crate::log::Noted<Facts>;
