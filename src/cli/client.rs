//! Does a verb where the bridge is: over `control.sock` while a daemon runs, else on the store alone, under its lock.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde_json::value::RawValue;
use serde_json::{Value, json};
use tokio::net::UnixStream;
use tokio_util::task::TaskTracker;

use super::Global;
use super::exit::{self, Fault};
use crate::adapter::Manifests;
use crate::api::readers::AtRest;
use crate::api::{Bridge, Caller, Parts, Verb};
use crate::clock::Clock;
use crate::config::places;
use crate::daemon::accept::ByManifest;
use crate::daemon::approvals::Approvals;
use crate::daemon::seats::Seats;
use crate::ingress::Hooks;
use crate::session::Means;
use crate::store::Store;

/// An answer of the daemon may take as long as the longest `wait`, and a little more.
const ANSWER: Duration = Duration::from_secs(330);
/// A daemon that accepts but does not answer its first request in this time is stuck.
const GREETING: Duration = Duration::from_secs(10);

/// Where the bridge is.
pub enum Client {
    /// A daemon answers on this socket.
    Daemon(Remote),
    /// No daemon runs; the store is open, and locked, as long as this lives.
    AtRest(Local),
}

/// A daemon.
pub struct Remote {
    http: reqwest::Client,
    path: PathBuf,
}

/// A store without a daemon.
pub struct Local {
    bridge: Bridge,
    store: Store,
}

/// What a command may do where no daemon runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Without {
    /// It works on a store that is there.
    Store,
    /// It makes the store if need be.
    NewStore,
}

impl Client {
    /// Looks for a daemon, then at the store.
    pub async fn find(global: &Global, without: Without) -> Result<Self, Fault> {
        if let Some(remote) = Remote::find(global).await? {
            return Ok(Self::Daemon(remote));
        }
        Local::open(global, without).map(Self::AtRest)
    }

    /// Does one verb.
    pub async fn ask(&self, verb: Verb, params: &Value) -> Result<Value, Fault> {
        match self {
            Self::Daemon(remote) => remote.ask(verb, params).await,
            Self::AtRest(local) => local.ask(verb, params).await,
        }
    }

    /// Commits what is left, where the store was opened here.
    pub async fn close(self) -> Result<(), Fault> {
        if let Self::AtRest(local) = self {
            local.store.close().await?;
        }
        Ok(())
    }
}

impl Remote {
    /// The daemon, for what nothing else can do.
    pub async fn needed(global: &Global) -> Result<Self, Fault> {
        let none = || Fault::new(exit::UNAVAILABLE, "no daemon runs here: start `agent-bridge run` first");
        Self::find(global).await?.ok_or_else(none)
    }

    async fn find(global: &Global) -> Result<Option<Self>, Fault> {
        let paths = match &global.socket {
            Some(path) => vec![path.clone()],
            None => places::control_sockets(global.runtime.as_deref()),
        };
        for path in paths {
            if let Some(remote) = Self::connect(global, path).await? {
                return Ok(Some(remote));
            }
        }
        Ok(None)
    }

    async fn connect(global: &Global, path: PathBuf) -> Result<Option<Self>, Fault> {
        match UnixStream::connect(&path).await {
            Ok(_) => {
                let remote = Self::at(path)?;
                Ok(remote.serves(global).await?.then_some(remote))
            }
            // A state directory was named: its lock says whether somebody else works on it.
            Err(error) if error.kind() == ErrorKind::PermissionDenied && global.state.is_some() => Ok(None),
            Err(error) if error.kind() == ErrorKind::PermissionDenied => Err(barred(&path)),
            Err(_) if global.socket.is_some() => {
                let word = format!("no daemon answers on {} (--socket): is it running?", path.display());
                Err(Fault::new(exit::UNAVAILABLE, word))
            }
            Err(_) => Ok(None),
        }
    }

    fn at(path: PathBuf) -> Result<Self, Fault> {
        // An error means that a provider is installed already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder().unix_socket(path.clone()).no_proxy().build();
        let http = http.map_err(|error| Fault::new(exit::SOFTWARE, format!("cannot set up the client: {error}")))?;
        Ok(Self { http, path })
    }

    /// Whether this daemon works on the store that was asked for.
    async fn serves(&self, global: &Global) -> Result<bool, Fault> {
        let Some(state) = &global.state else { return Ok(true) };
        let stuck = || Fault::new(exit::TEMPORARY, format!("the daemon on {} does not answer", self.path.display()));
        let none = json!({});
        let version = tokio::time::timeout(GREETING, self.ask(Verb::Version, &none)).await.map_err(|_| stuck())??;
        let theirs = version.get("state").and_then(Value::as_str).map(Path::new);
        let same = |theirs: &Path| theirs == state || theirs.canonicalize().ok() == state.canonicalize().ok();
        Ok(theirs.is_some_and(same))
    }

    /// Does one verb.
    pub async fn ask(&self, verb: Verb, params: &Value) -> Result<Value, Fault> {
        let request = self.http.post(format!("http://localhost/v1/{}", verb.word())).timeout(ANSWER);
        let request = request.header("content-type", "application/json").body(params.to_string());
        let answer = request.send().await.map_err(|error| self.lost(&error))?;
        let good = answer.status().is_success();
        let bytes = answer.bytes().await.map_err(|error| self.lost(&error))?;
        let value: Value = serde_json::from_slice(&bytes)
            .map_err(|_| Fault::new(exit::SOFTWARE, format!("{} does not speak this API", self.path.display())))?;
        if good { Ok(value) } else { Err(refusal(&value)) }
    }

    /// The feed from `query` on; chunks as they come.
    pub async fn feed(&self, query: &[(&str, String)]) -> Result<reqwest::Response, Fault> {
        let mut url = url::Url::parse("http://localhost/v1/feed").expect("a constant URL");
        url.query_pairs_mut().extend_pairs(query);
        let answer = self.http.get(url).send().await.map_err(|error| self.lost(&error))?;
        if answer.status().is_success() {
            return Ok(answer);
        }
        let bytes = answer.bytes().await.map_err(|error| self.lost(&error))?;
        Err(refusal(&serde_json::from_slice(&bytes).unwrap_or_default()))
    }

    fn lost(&self, error: &reqwest::Error) -> Fault {
        let why = if error.is_timeout() { "took too long" } else { "was lost" };
        let word = format!("the answer of the daemon on {} {why}: look at its log", self.path.display());
        Fault::new(exit::TEMPORARY, word)
    }
}

fn refusal(answer: &Value) -> Fault {
    let text = |pointer: &str| answer.pointer(pointer).and_then(Value::as_str).unwrap_or("refused");
    Fault::new(exit::code_of(text("/error/kind")), text("/error/message"))
}

fn barred(path: &Path) -> Fault {
    let word = format!(
        "a daemon's socket is at {} and this user may not open it: run as its user, or name another store by --state",
        path.display()
    );
    Fault::new(exit::NO_PERMISSION, word)
}

impl Local {
    fn open(global: &Global, without: Without) -> Result<Self, Fault> {
        let (config, places) = (global.load_config()?, global.places()?);
        let path = places.store();
        if without == Without::Store && !path.try_exists().map_err(|error| unreadable(&path, &error))? {
            let shown = path.display();
            let word = format!("there is no store at {shown} and no daemon runs: `agent-bridge join` makes one");
            return Err(Fault::new(exit::NO_INPUT, word));
        }
        let manifests = Arc::new(Manifests::load(config.adapters_dir.as_deref())?);
        let network = crate::http::Reqwest::within(config.network.limits())
            .map_err(|error| Fault::new(exit::UNAVAILABLE, error))?;
        let store = Store::open(&path, config.store_options())?;
        let clock = Clock::system();
        let means = Means {
            store: store.clone(),
            network: Arc::new(network),
            clock: clock.clone(),
            tasks: TaskTracker::new(),
            waits: config.session.waits(),
        };
        let actions = Arc::new(ByManifest::new(store.clone(), manifests.clone(), config.unmarked()));
        let context = config.context(means, manifests, Hooks::default());
        let bridge = Bridge::new(Parts {
            store: store.clone(),
            clock,
            readers: Arc::new(AtRest(store.clone())),
            actions,
            workspaces: Arc::new(Seats::new(context, None, Approvals::default(), &config)),
            call: false,
            wait: config.http.wait.0,
            state: places.state.display().to_string(),
        });
        Ok(Self { bridge, store })
    }

    async fn ask(&self, verb: Verb, params: &Value) -> Result<Value, Fault> {
        let raw: Box<RawValue> = serde_json::value::to_raw_value(params)
            .map_err(|error| Fault::new(exit::SOFTWARE, format!("cannot write the parameters: {error}")))?;
        Ok(self.bridge.begin(&Caller::default(), verb, &raw).await?.finish().await?)
    }
}

fn unreadable(path: &Path, error: &std::io::Error) -> Fault {
    let code = if error.kind() == ErrorKind::PermissionDenied { exit::NO_PERMISSION } else { exit::IO };
    Fault::new(code, format!("cannot look for the store {}: {error}", path.display()))
}
