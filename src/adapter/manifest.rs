//! The nouns of one platform. `adapters/README.md` is the reference of every key.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::act::{Action, Question};
use super::call::{Call, calling, needed};
use super::events::EventSpec;
use super::generate::{Derived, Generate};
use super::join::Join;
use super::live::Documents;
use super::outcome::{Issues, Rule};
use super::path::Path;
use super::plain::{OneOrMany, Span, Table, read_table};
use super::pointer::{Pointer, Pointers};
use super::probe::Probe;
use super::push::{Push, Webhook};
use super::receive::{LineFlavour, Receive};
use super::scope::Root;
use super::template::Template;

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

/// What the operator is asked for.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ask {
    /// Plain values, kept with the workspace.
    #[serde(default)]
    pub settings: Table<Setting>,
    /// Values that are sealed.
    #[serde(default)]
    pub secrets: Table<Secret>,
    /// What a link given to `join` holds.
    pub link: Option<Link>,
    /// How an instance is known where nobody says which platform it is of.
    pub probe: Option<Probe>,
}

/// A plain value.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Setting {
    /// What it must look like.
    pub kind: SettingKind,
    /// May be left out.
    #[serde(default)]
    pub optional: bool,
    /// Taken where nothing is given.
    pub default: Option<String>,
    /// The fact in whose place it stands where it is given.
    pub instead_of: Option<String>,
    /// For the prompt.
    #[serde(default)]
    pub help: String,
}

/// What a setting must look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SettingKind {
    /// `https://host[:port]`, without a path; `http` on loopback only.
    HttpsOrigin,
    /// Any text without control characters.
    Text,
    /// Texts with commas between them; in a JSON body it is a list of them.
    List,
}

impl Setting {
    /// A value as templates see it.
    pub fn value(&self, text: &str) -> Value {
        if self.kind != SettingKind::List {
            return text.into();
        }
        text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(Value::from).collect::<Vec<_>>().into()
    }
}

/// A value that is sealed.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Secret {
    /// May be left out.
    #[serde(default)]
    pub optional: bool,
    /// Used up by joining, so it may stand on the command line.
    #[serde(default)]
    pub one_use: bool,
    /// Comes from the platform: nobody is asked for it.
    #[serde(default)]
    pub taken: bool,
    /// Made by the bridge where none is given.
    pub generate: Option<Generate>,
    /// Facts that follow from it, which anybody may know.
    #[serde(default)]
    pub derive: Table<Derived>,
    /// The fewest characters the platform takes.
    #[serde(default)]
    pub min: u8,
    /// How it begins, any of these.
    #[serde(default)]
    pub prefix: OneOrMany<String>,
    /// For the prompt.
    #[serde(default)]
    pub help: String,
}

/// What a link given to `join` holds: its origin becomes the setting `url`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// The link's path, or the paths it may have; a segment `{name}` is a secret or setting.
    pub path: OneOrMany<String>,
    /// Its query parameters, and the secrets or settings they become.
    #[serde(default)]
    pub query: Table<String>,
}

impl Link {
    /// What the segments of a path become, where it is one of these links: (name, segment).
    pub fn read<'a>(&'a self, path: &'a str) -> Option<Vec<(&'a str, &'a str)>> {
        let segments: Vec<&str> = path.trim_end_matches('/').split('/').collect();
        self.path.all().iter().find_map(|pattern| {
            let parts: Vec<&str> = pattern.trim_end_matches('/').split('/').collect();
            let pairs = || parts.iter().copied().zip(segments.iter().copied());
            let fits =
                |(part, segment): (&str, &str)| part == segment || (named(part).is_some() && !segment.is_empty());
            let same = parts.len() == segments.len() && pairs().all(fits);
            same.then(|| pairs().filter_map(|(part, segment)| Some((named(part)?, segment))).collect())
        })
    }

    /// The secrets and settings that the paths name.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.path.all().iter().flat_map(|pattern| pattern.split('/')).filter_map(named)
    }
}

/// `{name}`.
fn named(part: &str) -> Option<&str> {
    part.strip_prefix('{')?.strip_suffix('}')
}

/// Where the platform is.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Http {
    /// What every path stands behind. Its origin is the only one that gets the workspace's secrets.
    pub base: Template,
}

/// A way of being signed in.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Session {
    /// The mechanism.
    pub flavour: SessionFlavour,
    /// Headers of every request.
    #[serde(default)]
    pub header: Table<Template>,
    /// What every path stands behind, after `http.base`: of a `share_token`, with the secret in it.
    pub path: Option<Path>,
    /// When the token ends.
    pub expires: Option<Expires>,
    /// How to get a token; it takes `token`.
    #[serde(default, deserialize_with = "plain_call")]
    pub login: Option<Call>,
}

/// The mechanism of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionFlavour {
    /// A token that ends (RFC 7519), and a login that gives another.
    Jwt,
    /// A key that does not end.
    ApiKey,
    /// A token, and a refresh token that works once and gives the next of both (RFC 6749, section 6).
    RefreshGrant,
    /// A token for each document, which is part of the path and all the credential there is.
    ShareToken,
}

impl SessionFlavour {
    /// Whether it signs in for a token that ends, and not by what it was given alone.
    pub const fn has_token(self) -> bool {
        matches!(self, Self::Jwt | Self::RefreshGrant)
    }
}

impl Session {
    /// The secret that a `share_token` puts into the path.
    pub fn share_secret(&self) -> Option<&str> {
        let mut secrets = self.path.as_ref()?.references().filter(|it| it.root == Root::Secrets);
        secrets.next().map(|it| it.name.as_str())
    }

    /// The secret that `login` exchanges for a token: of a `refresh_grant` the one that works once.
    pub fn refresh_secret(&self) -> Option<&str> {
        let login = self.login.as_ref().filter(|_| self.flavour == SessionFlavour::RefreshGrant)?;
        let secret = login.references().into_iter().find(|it| it.root == Root::Secrets)?;
        Some(&secret.name)
    }
}

/// When a token ends: as the answer that gave it says, else by its own `exp` or `expires_at` claim, else after a fixed
/// time.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expires {
    /// Where the answer that gave the token says it: RFC 3339, or seconds or milliseconds since 1970.
    #[serde(default)]
    pub at: Pointers,
    /// How long a token lasts that does not say it; `None`: its end is unknown, and only a 401 tells.
    pub r#else: Option<Span>,
    /// How long before its end it is renewed.
    pub renew_before: Span,
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

calling!(RawCall {});

/// Reads a call that has no keys of its own.
fn plain_call<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Call>, D::Error> {
    read_table(deserializer, |mut raw: RawCall| raw.call().and_then(needed).map(Some))
}
