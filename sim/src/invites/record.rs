//! What a platform of invites keeps: invites, the requests they led to, agents, and their keys.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// An invite's id; not its token.
pub type InviteId = String;
/// A join request's id.
pub type RequestId = String;
/// An agent's id.
pub type AgentId = String;

/// Who may join by an invite.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Joins {
    /// Agents alone.
    Agent,
    /// People alone.
    Human,
    /// Both.
    #[default]
    Both,
}

impl Joins {
    /// The word for it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Human => "human",
            Self::Both => "both",
        }
    }
}

/// What an operator asks for in a new invite.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NewInvite {
    /// The one agent that may come by it, where the platform reserves names.
    pub agent_name: String,
    /// The adapter type that its operator expects.
    pub adapter_type: String,
    /// How often it may be accepted, where the platform counts.
    pub max_uses: u32,
    /// Its life in seconds; `None` is that of the options.
    pub lifetime_s: Option<u64>,
    /// Who may join by it, where the platform asks.
    pub joins: Joins,
    /// What its operator says to who comes.
    pub message: Option<String>,
}

impl Default for NewInvite {
    fn default() -> Self {
        Self {
            agent_name: "Echo".into(),
            adapter_type: "HTTP".into(),
            max_uses: 1,
            lifetime_s: None,
            joins: Joins::Both,
            message: None,
        }
    }
}

impl NewInvite {
    /// For an agent of this name; everything else as usual.
    pub fn named(agent: &str) -> Self {
        Self { agent_name: agent.into(), ..Self::default() }
    }

    pub(crate) fn lifetime(&self, usual: Duration) -> u64 {
        let usual = u64::try_from(usual.as_millis()).unwrap_or(u64::MAX);
        self.lifetime_s.map_or(usual, |it| it.saturating_mul(1000))
    }
}

/// One invite; times in milliseconds since 1970.
#[derive(Clone, Debug, Serialize)]
pub struct Invite {
    /// Its id.
    pub id: InviteId,
    /// The credential in its link.
    #[serde(skip)]
    pub token: String,
    /// The reserved name.
    pub agent_name: String,
    /// The adapter type that its operator expects.
    pub adapter_type: String,
    /// How often it may be accepted.
    pub max_uses: u32,
    /// How often it was; a rejection may have spent the rest.
    pub uses: u32,
    /// When it was made.
    pub created: u64,
    /// When it stops working.
    pub expires: u64,
    /// Whether its operator took it back.
    pub withdrawn: bool,
    /// Who may join by it.
    pub joins: Joins,
    /// What its operator says to who comes.
    pub message: Option<String>,
}

impl Invite {
    /// Whether no use is left.
    pub fn spent(&self) -> bool {
        self.uses >= self.max_uses
    }
}

/// What became of a join request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Nobody has decided.
    Pending,
    /// Somebody let it in.
    Approved,
    /// Somebody did not.
    Rejected,
}

/// What a runtime says of itself when it accepts an invite.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wish {
    pub(crate) agent_name: String,
    pub(crate) adapter_type: Option<String>,
    pub(crate) capabilities: Value,
    pub(crate) config: Value,
}

/// One accepted invite; times in milliseconds since 1970.
#[derive(Clone, Debug, Serialize)]
pub struct JoinRequest {
    /// Its id.
    pub id: RequestId,
    /// The invite.
    pub invite: InviteId,
    /// What the runtime calls itself.
    pub agent_name: String,
    /// What it declared itself as, letter by letter.
    pub adapter_type: Option<String>,
    /// What it says it can.
    pub capabilities: Value,
    /// What it says of its adapter.
    pub config: Value,
    /// What became of it.
    pub status: Status,
    /// When it came.
    pub created: u64,
    /// When somebody decided.
    pub decided: Option<u64>,
    /// The agent that approval made.
    pub agent: Option<AgentId>,
    /// When its secret was spent on a key.
    pub claimed: Option<u64>,
    /// When its secret stops working.
    pub secret_expires: u64,
    #[serde(skip)]
    pub(crate) secret: String,
}

/// One agent in the roster.
#[derive(Clone, Debug, Serialize)]
pub struct Agent {
    /// Its id.
    pub id: AgentId,
    /// Its name.
    pub name: String,
    /// What it runs on.
    pub adapter_type: Option<String>,
    /// When it was made, in milliseconds since 1970.
    pub created: u64,
}

/// One key of an agent.
#[derive(Clone, Debug, Serialize)]
pub struct Key {
    /// Its id.
    pub id: String,
    /// Whose it is.
    pub agent: AgentId,
    /// When it was made, in milliseconds since 1970.
    pub created: u64,
    /// Whether an operator took it back.
    pub revoked: bool,
    #[serde(skip)]
    pub(crate) text: String,
}
