//! The nouns of one platform. `adapters/README.md` is the reference of every key.

mod ask;
mod session;

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::act::{Action, Question};
use super::call::{Call, calling};
use super::events::EventSpec;
use super::join::Join;
use super::live::Documents;
use super::outcome::{Issues, Rule};
use super::plain::{Span, Table, read_table};
use super::pointer::Pointer;
use super::push::{Push, Webhook};
use super::receive::{LineFlavour, Receive};
use super::scope::Root;
use super::template::Template;

pub use ask::{Ask, Link, Secret, Setting, SettingKind};
pub use session::{Expires, Session, SessionFlavour};

/// One platform.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Its name: `a-z 0-9 -`, as the file is called.
    pub platform: String,
    /// Its name for people.
    pub title: String,
    /// What the operator is asked for.
    pub ask: Ask,
    /// Where it is.
    pub http: Http,
    /// The ways of being signed in.
    pub sessions: Table<Session>,
    /// The ways of joining.
    pub join: Join,
    /// What the agent itself is called there.
    #[serde(default)]
    pub me: Me,
    /// Documents that are opened one by one, each with a secret of its own.
    pub documents: Option<Documents>,
    /// How events arrive; where the platform has no work channel, its flavour is `None`.
    #[serde(default)]
    pub receive: Receive,
    /// That it has none, and how a seat is looked after there.
    pub registered: Option<Registered>,
    /// What they mean, by the platform's name for them.
    #[serde(default)]
    pub events: Table<EventSpec>,
    /// What the agent can do, by verb.
    #[serde(default)]
    pub actions: Table<Action>,
    /// What the agent can ask.
    #[serde(default)]
    pub asks: Table<Question>,
    /// What answers mean, whichever call they answer.
    #[serde(default)]
    pub outcomes: Vec<Rule>,
    /// Where an answer that refuses says it field by field.
    pub issues: Option<Issues>,
    /// Words for people, by the name of an outcome: what is wrong and what to do.
    #[serde(default)]
    pub tell: Table<String>,
    /// Fields of a frame's body that become `[sealed]`.
    #[serde(default)]
    pub sensitive: Vec<Pointer>,
}

/// Where a name that `take` finds is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// `token`: the session's own, with its expiry.
    Session,
    /// `ask.secrets` lists it: sealed.
    Secret,
    /// `ask.settings` lists it.
    Setting,
    /// Any other name.
    Fact,
}

impl Manifest {
    /// The session by which documents are opened, and the secret that each has of its own.
    pub fn share(&self) -> Option<(&Session, &str)> {
        let session = self.sessions.get(self.documents.as_ref()?.open.under.as_deref()?)?;
        Some((session, session.share_secret()?))
    }

    /// Whether a step of joining tells the platform where to deliver.
    pub fn tells_where_to_deliver(&self) -> bool {
        let steps = self.join.ways.iter().flat_map(|(_, way)| &way.steps).flat_map(|step| &step.dialects);
        steps.flat_map(|dialect| dialect.call.references()).any(|it| it.root == Root::Ingress)
    }

    /// The platform's webhook where no step of joining tells the platform its URL: a person does.
    pub fn pasted_webhook(&self) -> Option<&Webhook> {
        if self.tells_where_to_deliver() {
            return None;
        }
        self.receive.push.iter().find_map(|push| match push {
            Push::Webhook(hook) => Some(hook),
            Push::ActionCable(_) | Push::Attendance(_) => None,
        })
    }

    /// Verbs and questions under a document's own path are about that document: which one, an argument says.
    pub(super) fn place_in_documents(&mut self) {
        let Self { sessions, actions, asks, .. } = self;
        let is_share = |name: &str| sessions.get(name).is_some_and(|it| it.flavour == SessionFlavour::ShareToken);
        let calls = actions.values_mut().map(|it| &mut it.call).chain(asks.values_mut().map(|it| &mut it.call));
        for call in calls {
            call.in_document = call.under.as_deref().is_some_and(is_share);
        }
    }

    /// Where a taken name is kept.
    pub fn keeps(&self, name: &str) -> Keep {
        match name {
            "token" => Keep::Session,
            _ if self.ask.secrets.has(name) => Keep::Secret,
            _ if self.ask.settings.has(name) => Keep::Setting,
            _ => Keep::Fact,
        }
    }

    /// Whether a workspace with these facts has a capability. Where the platform tells of none, it has all.
    pub fn grants(&self, facts: &BTreeMap<String, Value>, needs: Option<&str>) -> bool {
        let table = self.me.capabilities.as_ref().and_then(|fact| facts.get(fact)).and_then(Value::as_object);
        let (Some(table), Some(capability)) = (table, needs) else { return true };
        table.get(capability) == Some(&Value::Bool(true))
    }

    /// Whether the agent can hear of anything there; else a joined workspace is `registered` and no more.
    pub fn has_line(&self) -> bool {
        self.receive.flavour != LineFlavour::None
    }

    /// Why there is nothing to read yet, where the platform has told that there is not.
    pub fn unready(&self, facts: &BTreeMap<String, Value>) -> Option<&str> {
        let told = self.receive.ready.as_ref().is_some_and(|fact| facts.get(fact) == Some(&Value::Bool(false)));
        told.then(|| self.words("not_ready").unwrap_or("there is nothing to read there yet"))
    }

    /// Words for people about an outcome.
    pub fn words(&self, outcome: &str) -> Option<&str> {
        self.tell.get(outcome).map(String::as_str)
    }
}

/// Where the platform is.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Http {
    /// What every path stands behind. Its origin is the only one that gets the workspace's secrets.
    pub base: Template,
}

/// How a seat without a work channel is looked after.
#[derive(Clone, Debug)]
pub struct Registered {
    /// A get that the platform answers with 401 once the credential was revoked; none: nothing there tells it.
    pub call: Option<Call>,
    /// How often. Default 1 h.
    pub every: Option<Span>,
}

calling!(RawRegistered {
    every: Option<Span>,
});

impl<'de> Deserialize<'de> for Registered {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read_table(deserializer, |mut raw: RawRegistered| {
            let every = raw.every.take();
            raw.call().map(|call| Self { call, every })
        })
    }
}

/// What the agent itself is called there.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Me {
    /// Facts that hold an id of its own: an author with one of them is the agent.
    #[serde(default)]
    pub ids: Vec<String>,
    /// Facts or settings that hold a login name nobody else has, compared with `author.login`.
    #[serde(default)]
    pub logins: Vec<String>,
    /// Facts or settings that hold a handle or display name, by which others mention it.
    #[serde(default)]
    pub names: Vec<String>,
    /// The fact that holds a table of what the grant allows, by name: `true` or not at all.
    pub capabilities: Option<String>,
}
