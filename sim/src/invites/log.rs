//! What these platforms alone note of a request; never a token, a claim secret or a key.

use serde::Serialize;

use super::record::{AgentId, RequestId};

/// What these platforms alone note of a request.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Facts {
    /// The agent that asked with its key.
    pub agent: Option<AgentId>,
    /// The join request that was made or asked for.
    pub request: Option<RequestId>,
}

/// One request and its outcome.
pub type Entry = crate::log::Entry<Facts>;
/// What a handler tells the log.
pub(crate) type Noted = crate::log::Noted<Facts>;
