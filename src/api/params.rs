//! The parameters of every call, on both doors: unknown keys and wrong types are refused by name.

mod agent;
mod ask;
mod operator;
mod plain;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

pub use agent::*;
pub use ask::*;
pub use operator::*;
pub use plain::{Private, Wait};

use crate::event::WorkspaceName;

/// `ping`, `version`, `workspaces`, `consumers`: nothing.
#[derive(Clone, Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

/// `call`: any other request on the workspace's platform, signed in as the workspace.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Call {
    /// Where.
    #[schema(value_type = String)]
    pub workspace: WorkspaceName,
    /// `GET`, `POST`, `PUT`, `PATCH` or `DELETE`.
    pub method: String,
    /// A path under the workspace's own base, with its query: `/channels?limit=5`.
    pub path: String,
    /// A JSON body.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    pub body: Option<Value>,
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_wait_is_a_text_or_milliseconds() {
        let wait = |text: &str| serde_json::from_str::<Wait>(text).map(|wait| wait.0);
        assert_eq!(wait("\"30s\"").unwrap(), Duration::from_secs(30));
        assert_eq!(wait("1500").unwrap(), Duration::from_millis(1_500));
        for bad in ["-1", "1.5", "true", "\"soon\"", "99999999999999999"] {
            assert!(wait(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn strangers_and_wrong_types_are_named() {
        let word = |text: &str| serde_json::from_str::<Ack>(text).unwrap_err().to_string();
        assert!(word(r#"{"sequence":1}"#).contains("unknown field `sequence`"));
        assert!(word(r#"{"seq":"1"}"#).contains("expected u64"));
        let history: History = serde_json::from_str(r#"{"workspace":"a","conversation":"7","limit":"20"}"#).unwrap();
        assert_eq!(history.limit, Some(20));
    }
}
