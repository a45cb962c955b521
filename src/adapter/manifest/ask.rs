//! What an operator is asked for: settings, secrets, and what a link given to `join` holds.

use serde::Deserialize;
use serde_json::Value;

use crate::adapter::generate::{Derived, Generate};
use crate::adapter::plain::{OneOrMany, Table};
use crate::adapter::probe::Probe;

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
