//! What a template may name: nine closed roots, and the values under them. Never prints a secret.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

/// The first part of a reference `{root.name}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Root {
    /// What the operator was asked (`ask.settings`).
    Settings,
    /// What joining and signing in taught.
    Facts,
    /// What is sealed (`ask.secrets`); only in sessions and joining.
    Secrets,
    /// What the session holds now: `token`; `base`.
    Session,
    /// The arguments of an action.
    Action,
    /// The room whose history is read.
    Room,
    /// Where in a history the next page begins, and how long it may be.
    Page,
    /// The arguments of a question (`asks`).
    Ask,
    /// Where the platform can reach the bridge: `url`; only in joining, and missing where nothing listens.
    Ingress,
    /// Where a line stands: `cursor`.
    Line,
    /// A file that is about to be uploaded: `name`, `size`, `md5`, `type`.
    File,
}

impl Root {
    /// Every root, in the order of the documentation.
    pub const ALL: [Self; 11] = [
        Self::Settings,
        Self::Facts,
        Self::Secrets,
        Self::Session,
        Self::Action,
        Self::Room,
        Self::Page,
        Self::Ask,
        Self::Ingress,
        Self::Line,
        Self::File,
    ];

    /// The word in a template.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Settings => "settings",
            Self::Facts => "facts",
            Self::Secrets => "secrets",
            Self::Session => "session",
            Self::Action => "action",
            Self::Room => "room",
            Self::Page => "page",
            Self::Ask => "ask",
            Self::Ingress => "ingress",
            Self::Line => "line",
            Self::File => "file",
        }
    }

    /// Reads the word; `None` for a stranger.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|root| root.as_str() == word)
    }
}

#[derive(Clone)]
enum Held {
    Plain(Value),
    Sealed(SecretString),
}

/// The values that one rendering may use.
#[derive(Clone, Default)]
pub struct Scope(Vec<(Root, String, Held)>);

impl Scope {
    /// Nothing to name yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a value; a later one of the same name replaces it. `null` counts as missing.
    #[must_use]
    pub fn with(mut self, root: Root, name: &str, value: impl Into<Value>) -> Self {
        self.put(root, name, Held::Plain(value.into()));
        self
    }

    /// Adds a secret, which is exposed by rendering and by nothing else.
    #[must_use]
    pub fn with_secret(mut self, root: Root, name: &str, secret: SecretString) -> Self {
        self.put(root, name, Held::Sealed(secret));
        self
    }

    /// Adds all of these under one root.
    #[must_use]
    pub fn with_all<K: AsRef<str>, V: Into<Value>>(self, root: Root, values: impl IntoIterator<Item = (K, V)>) -> Self {
        values.into_iter().fold(self, |scope, (name, value)| scope.with(root, name.as_ref(), value))
    }

    /// Adds everything the other scope holds, which wins.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        for (root, name, held) in other.0 {
            self.put(root, &name, held);
        }
        self
    }

    /// Whether a value stands under this name and is not `null`.
    pub fn has(&self, root: Root, name: &str) -> bool {
        self.held(root, name).is_some()
    }

    /// The conversation, or document, that a call is about.
    pub fn conversation(&self) -> Option<String> {
        let places = [(Root::Action, "conversation"), (Root::Ask, "conversation"), (Root::Room, "id")];
        places.iter().find_map(|(root, name)| self.value(*root, name)?.as_str().map(str::to_owned))
    }

    /// The value as JSON, with its type; `None` where it is missing or `null`.
    pub(super) fn value(&self, root: Root, name: &str) -> Option<Value> {
        self.held(root, name).map(|held| match held {
            Held::Plain(value) => value.clone(),
            Held::Sealed(secret) => Value::String(secret.expose_secret().to_owned()),
        })
    }

    fn put(&mut self, root: Root, name: &str, held: Held) {
        self.0.retain(|(other, key, _)| (*other, key.as_str()) != (root, name));
        self.0.push((root, name.to_owned(), held));
    }

    fn held(&self, root: Root, name: &str) -> Option<&Held> {
        let found = self.0.iter().find(|(other, key, _)| (*other, key.as_str()) == (root, name));
        found.map(|(_, _, held)| held).filter(|held| !matches!(held, Held::Plain(Value::Null)))
    }
}

impl fmt::Debug for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(root, name, _)| format!("{}.{name}", root.as_str()))).finish()
    }
}
