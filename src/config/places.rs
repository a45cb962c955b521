//! Where things are: state, sockets, config, the vault key.

use std::env;
use std::path::{Path, PathBuf};

/// Where systemd or a packager puts sockets when nothing else is said.
pub const SYSTEM_RUNTIME: &str = "/run/agent-bridge";
const NAME: &str = "agent-bridge";

/// The longest path of a Unix socket that the system takes, without its closing zero (`sun_path`, unix(7)).
pub const SOCKET_PATH: usize = 107;

/// The directories one bridge works in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Places {
    /// The store and its key.
    pub state: PathBuf,
    /// The sockets.
    pub runtime: PathBuf,
}

/// A place that cannot be found.
#[derive(Debug, thiserror::Error)]
pub enum PlaceError {
    /// Nothing says where state goes.
    #[error("nothing says where the store goes: give --state DIR, or set HOME or XDG_STATE_HOME")]
    NoState,
    /// A socket path over the system's limit.
    #[error("the socket path {path} has {length} bytes, the system takes {SOCKET_PATH}: give a shorter --runtime DIR")]
    TooLong {
        /// The path.
        path: String,
        /// Its length in bytes.
        length: usize,
    },
}

impl Places {
    /// Looks at the flags, then at the environment.
    pub fn find(state: Option<&Path>, runtime: Option<&Path>) -> Result<Self, PlaceError> {
        let state = state.map(Path::to_owned).or_else(default_state).ok_or(PlaceError::NoState)?;
        let runtime = runtime.map_or_else(default_runtime, Path::to_owned);
        Ok(Self { state, runtime })
    }

    /// The store's file.
    pub fn store(&self) -> PathBuf {
        self.state.join("bridge.redb")
    }

    /// The agent's socket.
    pub fn agent_socket(&self) -> Result<PathBuf, PlaceError> {
        socket(self.runtime.join("agent.sock"))
    }

    /// The command line's socket.
    pub fn control_socket(&self) -> Result<PathBuf, PlaceError> {
        socket(self.runtime.join("control.sock"))
    }
}

fn socket(path: PathBuf) -> Result<PathBuf, PlaceError> {
    let length = path.as_os_str().len();
    if length > SOCKET_PATH {
        return Err(PlaceError::TooLong { path: path.display().to_string(), length });
    }
    Ok(path)
}

/// An absolute directory from the environment; systemd joins several with `:`, of which the first counts.
fn directory(variable: &str) -> Option<PathBuf> {
    let value = env::var_os(variable)?;
    let first =
        value.to_str().map_or_else(|| PathBuf::from(&value), |text| text.split(':').next().unwrap_or("").into());
    first.is_absolute().then_some(first)
}

fn default_state() -> Option<PathBuf> {
    directory("STATE_DIRECTORY")
        .or_else(|| directory("XDG_STATE_HOME").map(|home| home.join(NAME)))
        .or_else(|| directory("HOME").map(|home| home.join(".local/state").join(NAME)))
}

fn default_runtime() -> PathBuf {
    directory("RUNTIME_DIRECTORY")
        .or_else(|| directory("XDG_RUNTIME_DIR").map(|home| home.join(NAME)))
        .unwrap_or_else(|| SYSTEM_RUNTIME.into())
}

/// Where the command line looks for a daemon, in order.
pub fn control_sockets(runtime: Option<&Path>) -> Vec<PathBuf> {
    if let Some(runtime) = runtime {
        return vec![runtime.join("control.sock")];
    }
    let mut found: Vec<PathBuf> = [
        directory("RUNTIME_DIRECTORY"),
        directory("XDG_RUNTIME_DIR").map(|home| home.join(NAME)),
        Some(SYSTEM_RUNTIME.into()),
    ]
    .into_iter()
    .flatten()
    .map(|directory| directory.join("control.sock"))
    .collect();
    found.dedup();
    found
}

/// The config file: the one given (which must be there), else the first that is there.
pub fn config_file(given: Option<&Path>) -> Option<PathBuf> {
    if let Some(given) = given {
        return Some(given.to_owned());
    }
    let home = directory("XDG_CONFIG_HOME").or_else(|| directory("HOME").map(|home| home.join(".config")));
    let candidates =
        [home.map(|home| home.join(NAME).join("config.toml")), Some("/etc/agent-bridge/config.toml".into())];
    candidates.into_iter().flatten().find(|path| path.exists())
}

/// The vault key as a systemd credential, if there is one.
pub fn credential() -> Option<PathBuf> {
    directory("CREDENTIALS_DIRECTORY").map(|directory| directory.join("vault-key")).filter(|path| path.exists())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_win_and_a_long_socket_path_is_refused_with_its_length() {
        let places = Places::find(Some(Path::new("/s")), Some(Path::new("/r"))).unwrap();
        assert_eq!(places.store(), Path::new("/s/bridge.redb"));
        assert_eq!(places.agent_socket().unwrap(), Path::new("/r/agent.sock"));
        let deep = PathBuf::from(format!("/{}", "d".repeat(97)));
        let places = Places::find(Some(&deep), Some(&deep)).unwrap();
        let word = places.agent_socket().unwrap_err().to_string();
        assert!(word.contains("109 bytes") && word.contains("107"), "{word}");
    }
}
