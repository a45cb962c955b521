//! One message of a history, as a walk must know it.

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::adapter::History;
use crate::line::walk::{Seen, UNREAD};
use crate::normalise::{self, Mapping};

/// What the walk must know of a message. One that the manifest cannot read goes by its content, and is told as
/// `platform.other`.
pub(super) fn seen(item: &Value, history: &History, room: &str, mapping: &Mapping) -> Seen {
    // As the feed gets it: the hash of a text with a secret in it would be no revision that the store knows.
    let mut item = item.clone();
    mapping.scrubber().scrub_value(&mut item);
    let text = item.to_string();
    let size = text.len();
    let Ok(object) = normalise::object(&item, mapping, &history.event, Some(room)) else {
        let hash = Sha256::digest(text).iter().take(8).fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
        return Seen { id: format!("{UNREAD}{hash}"), revision: hash, digest: None, at: None, size };
    };
    let at = object.time.as_deref().and_then(|time| time.parse::<jiff::Timestamp>().ok());
    let at = at.and_then(|at| u64::try_from(at.as_millisecond()).ok());
    Seen { id: object.id, revision: object.revision, digest: Some(object.hash), at, size }
}

/// Whether an item can be read as a message: that it has an id, and something that was said.
pub(super) fn is_message(item: &Value, history: &History, room: &str, mapping: &Mapping) -> bool {
    let object = normalise::object(item, mapping, &history.event, Some(room));
    object.is_ok_and(|it| it.text.is_some() || it.html.is_some() || !it.attachments.is_empty())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;
    use crate::adapter::Manifests;
    use crate::event::{Identity, Type, WorkspaceName};
    use crate::store::{Seat, WorkspaceRecord};

    #[test]
    fn p2_a_message_with_a_secret_in_it_has_the_revision_that_the_feed_knows() {
        let manifest = Manifests::load(None).unwrap().get("agentunited").unwrap();
        let record = WorkspaceRecord {
            name: WorkspaceName::new("acme").unwrap(),
            platform: manifest.platform.clone(),
            settings: BTreeMap::new(),
            facts: BTreeMap::new(),
            session: "member".into(),
            seat: Seat::SignedIn,
            joined_at: 0,
        };
        let history = manifest.receive.history.clone().unwrap();
        let mapping = Mapping::new(manifest, &record, ["CANARY-CANARY".to_owned().into()]);
        let item = json!({ "id": "m1", "channel_id": "c1", "text": "psst: CANARY-CANARY" });
        let told = normalise::from_history(&item, Type::MessageCreated, "c1", &mapping, "2026-03-22T18:00:00Z");
        let seen = seen(&item, &history, "c1", &mapping);
        assert_eq!(told.identity, Identity::Object { object: seen.id, revision: seen.revision });
    }
}
