//! `config.toml`, parsed once, strangers refused: an error names file, line, key and what is expected.

mod bounds;
pub mod consumer;
pub mod guarded;
pub mod measure;
pub mod places;
mod refused;
pub mod sections;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use consumer::Consumer;
pub use measure::{Size, Span};
pub use places::Places;
pub use refused::ConfigError;

use crate::adapter::Manifests;
use crate::event::WorkspaceName;
use crate::ingress::Hooks;
use crate::session::Means;
use crate::workspace::Context;
use refused::locate;

/// Everything an operator can set. The default of each key stands in `config.example.toml`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Manifests that replace or add to the embedded ones.
    pub adapters_dir: Option<PathBuf>,
    /// The key that seals secrets; `None`: a systemd credential `vault-key`, else `vault.key` beside the store.
    pub vault_key_file: Option<PathBuf>,
    /// How long a stop may take before the rest is cut off.
    pub stop_time: Span,
    /// The store.
    pub store: sections::Store,
    /// How long events stay.
    pub retention: sections::Retention,
    /// The agent's socket.
    pub socket: sections::Socket,
    /// HTTP.
    pub http: sections::Http,
    /// Platforms' webhooks.
    pub ingress: sections::Ingress,
    /// How events reach consumers.
    pub deliver: sections::Deliver,
    /// Requests to platforms.
    pub network: sections::Network,
    /// Signing in.
    pub session: sections::Session,
    /// Joining.
    pub join: sections::Join,
    /// How events come in.
    pub lines: sections::Lines,
    /// How actions go out.
    pub outbox: sections::Outbox,
    /// Logs.
    pub log: sections::Log,
    /// The verb `call`.
    pub call: sections::Call,
    /// The durable readers of the feed; where none is named: a socket called `main`.
    pub consumer: Vec<Consumer>,
    /// Settings of single workspaces.
    pub workspace: BTreeMap<String, sections::Workspace>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            adapters_dir: None,
            vault_key_file: None,
            stop_time: Span::secs(20),
            store: sections::Store::default(),
            retention: sections::Retention::default(),
            socket: sections::Socket::default(),
            http: sections::Http::default(),
            ingress: sections::Ingress::default(),
            deliver: sections::Deliver::default(),
            network: sections::Network::default(),
            session: sections::Session::default(),
            join: sections::Join::default(),
            lines: sections::Lines::default(),
            outbox: sections::Outbox::default(),
            log: sections::Log::default(),
            call: sections::Call::default(),
            consumer: vec![Consumer::main()],
            workspace: BTreeMap::new(),
        }
    }
}

impl Config {
    /// Reads the file, if there is one; else the defaults.
    pub fn load(path: Option<&Path>) -> Result<Self, ConfigError> {
        let Some(path) = path else { return Ok(Self::default()) };
        guarded::file(path)?;
        let shown = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Read { path: shown.clone(), source })?;
        Self::parse(&text, &shown)
    }

    /// Reads the text of the file called `path`.
    pub fn parse(text: &str, path: &str) -> Result<Self, ConfigError> {
        let config: Self = toml::from_str(text).map_err(|error| locate(text, path, &error))?;
        config.check().map_err(|what| ConfigError::Contradiction { path: path.to_owned(), what })?;
        Ok(config)
    }

    /// What workspaces run with.
    pub fn context(&self, means: Means, manifests: Arc<Manifests>, hooks: Hooks) -> Context {
        let backfill = self.workspace.iter().map(|(name, workspace)| (name.clone(), workspace.backfill.into()));
        let policy = self.workspace.iter().map(|(name, workspace)| (name.clone(), workspace.policy()));
        let strict = self.workspace.iter().filter(|(_, workspace)| !workspace.adopt_documents);
        let rules = self.workspace.iter().map(|(name, workspace)| (name.clone(), workspace.rules()));
        Context {
            means,
            manifests,
            timing: self.lines.timing(),
            outbox: self.outbox.limits(),
            backfill: Arc::new(backfill.collect()),
            policy: Arc::new(policy.collect()),
            strict: Arc::new(strict.map(|(name, _)| name.clone()).collect()),
            rules: Arc::new(rules.collect()),
            hooks,
        }
    }

    /// Workspaces in which what the agent has handled is not marked as done.
    pub fn unmarked(&self) -> BTreeSet<String> {
        let unmarked = self.workspace.iter().filter(|(_, workspace)| !workspace.mark_done);
        unmarked.map(|(name, _)| name.clone()).collect()
    }

    fn check(&self) -> Result<(), String> {
        bounds::check(self)?;
        self.check_consumers()?;
        self.ingress.check()?;
        for name in self.workspace.keys() {
            WorkspaceName::new(name).map_err(|error| format!("`workspace.{name}`: {error}"))?;
        }
        match (&self.http.listen, &self.http.token_file) {
            (Some(address), _) if !address.ip().is_loopback() => {
                Err(format!("`http.listen`: {address} is no loopback address: use 127.0.0.1 or [::1]"))
            }
            (Some(_), None) => Err("`http.listen` needs `http.token_file`: a file with the bearer token".into()),
            _ => Ok(()),
        }
    }

    fn check_consumers(&self) -> Result<(), String> {
        let mut seen = BTreeSet::new();
        for consumer in &self.consumer {
            WorkspaceName::new(&consumer.name).map_err(|_| {
                format!("`consumer.name`: `{}` is no name: use 1–64 of a–z, 0–9, `.`, `_`, `-`", consumer.name)
            })?;
            if !seen.insert(&consumer.name) {
                return Err(format!(
                    "`consumer.name`: two consumers are called `{}`: rename or remove one",
                    consumer.name
                ));
            }
            if consumer.max_in_flight == 0 || consumer.max_attempts == 0 {
                return Err(format!(
                    "consumer `{}`: `max_in_flight` and `max_attempts` must be at least 1",
                    consumer.name
                ));
            }
        }
        Ok(())
    }

    /// The files with secrets that it names.
    pub fn secret_files(&self) -> impl Iterator<Item = &Path> {
        let hooks = self.consumer.iter().filter_map(|consumer| consumer.webhook.as_ref());
        let hooks = hooks.flat_map(|hook| [&hook.secret_file, &hook.secret_file_old]);
        [&self.vault_key_file, &self.http.token_file].into_iter().chain(hooks).flatten().map(PathBuf::as_path)
    }

    /// How the store is opened.
    pub fn store_options(&self) -> crate::store::Options {
        crate::store::Options {
            cache: self.store.cache.bytes(),
            disk_budget: self.store.disk_budget.0,
            ballast: self.store.ballast.0,
            recent: self.store.recent.bytes(),
            clock: crate::clock::Clock::system(),
            vault_key: self.vault_key_file.clone().or_else(places::credential),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> String {
        let word = Config::parse(text, "c.toml").unwrap_err().to_string();
        assert!(!word.contains('\n'), "one line: {word}");
        word
    }

    #[test]
    fn an_error_names_file_line_key_and_what_is_expected() {
        let cases = [
            ("[store]\ndisk_bugdet = \"1GiB\"\n", "c.toml:2: `store.disk_bugdet`: unknown field", "disk_budget"),
            ("[retention]\nkeep = 7\n", "c.toml:2: `retention.keep`: invalid type: integer `7`", "string"),
            ("[retention]\n\nkeep = \"7 days\"\n", "c.toml:3: `retention.keep`: `7 days` is no duration", "\"7d\""),
            ("stop_time = \n", "c.toml:1: `stop_time`: ", ""),
            ("[[consumer]]\nname = \"a\"\nfrom = true\n", "c.toml:3: `consumer.from`: invalid type", "RFC 3339"),
            (
                "[[consumer]]\nname = \"a\"\n[[consumer]]\nname = \"a\"\n",
                "c.toml: `consumer.name`: two consumers",
                "`a`",
            ),
            ("[http]\nlisten = \"0.0.0.0:80\"\n", "c.toml: `http.listen`: 0.0.0.0:80 is no loopback", "127.0.0.1"),
            ("[http]\nlisten = \"127.0.0.1:80\"\n", "c.toml: `http.listen` needs `http.token_file`", "token"),
            ("[ingress]\nlisten = \"127.0.0.1:80\"\n", "c.toml: `ingress.listen` needs `ingress.public_url`", "https"),
            (
                "[ingress]\npublic_url = \"https://b.example\"\n",
                "c.toml: `ingress.public_url` needs `ingress.listen`",
                "port",
            ),
            ("[ingress]\npublic_url = \"http://b.example\"\n", "c.toml:2: `ingress.public_url`: plain http", "https"),
            ("[workspace.Acme]\n", "c.toml: `workspace.Acme`: `Acme` is no workspace name", "a–z"),
        ];
        for (text, start, also) in cases {
            let word = refusal(text);
            assert!(word.starts_with(start) && word.contains(also), "{text:?} gave {word}");
        }
    }

    #[test]
    fn without_a_file_there_is_one_socket_consumer_called_main() {
        let config = Config::load(None).unwrap();
        assert_eq!(config.consumer.len(), 1);
        assert_eq!((config.consumer[0].name.as_str(), &config.consumer[0].webhook), ("main", &None));
        assert_eq!(Config::parse("", "c.toml").unwrap(), config);
    }

    #[test]
    fn the_example_shows_every_key_with_its_default() {
        let example = include_str!("../config.example.toml");
        // A setting is commented out without a space (`#key = …`), prose and optional keys with one.
        let bare = |line: &str| line.strip_prefix('#').filter(|rest| !rest.starts_with([' ', '#'])).map(str::to_owned);
        let set: String = example.lines().filter_map(bare).map(|line| line + "\n").collect();
        let shown: toml::Table = toml::from_str(&set).unwrap();
        let defaults = toml::Table::try_from(Config::default()).unwrap();
        // No workspace is set by default; the example shows one.
        let mut shown_defaults = defaults.clone();
        let workspace = toml::Table::try_from(sections::Workspace::default()).unwrap();
        shown_defaults
            .insert("workspace".into(), toml::Table::from_iter([("acme".to_owned(), workspace.into())]).into());
        assert_eq!(shown, shown_defaults);
        Config::parse(&set, "config.example.toml").unwrap();
        Config::parse(example, "config.example.toml").unwrap();
    }
}
