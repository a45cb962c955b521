//! Simulated platforms, a temporary bridge, and the joins between them.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use agent_bridge_sim::agentunited::{Armed, Fault, Options, Sim};
use agent_bridge_sim::run_agentunited;
use agent_bridge_sim::serve::Serving;
use anyhow::{Context, ensure};
use tokio::process::{Child, Command};

/// How long the bridge may take to be ready.
const READY: Duration = Duration::from_secs(30);
/// Pauses between two looks.
const LOOK: Duration = Duration::from_millis(50);

/// One simulated platform and the workspace that was joined there.
pub struct Place {
    /// The platform's name.
    pub platform: &'static str,
    /// Which of its dialects it speaks; the workspace's name, too.
    pub dialect: &'static str,
    /// The platform.
    pub sim: Sim,
    /// Where people and the agent meet.
    pub room: String,
    serving: Serving,
}

/// A bridge in a temporary folder, and the platforms it has joined.
pub struct Stage {
    /// The platforms.
    pub places: Vec<Place>,
    folder: PathBuf,
    bridge: Child,
}

impl Stage {
    /// Starts everything and joins every platform through its HTTP flow, with the real commands.
    pub async fn set(mut progress: impl FnMut(&str)) -> anyhow::Result<Self> {
        let folder = folder()?;
        let mut places = Vec::new();
        for (dialect, options) in [("documented", Options::documented()), ("observed", Options::default())] {
            let (sim, serving) = run_agentunited(options, 0).await.context("a simulated platform cannot listen")?;
            sim.person("Pierre");
            let room = sim.channel("general");
            progress(&format!("agentunited ({dialect}) is at {}", serving.url()));
            places.push(Place { platform: "agentunited", dialect, sim, room, serving });
        }
        let mut stage = Self { places, bridge: start(&folder)?, folder };
        stage.ready().await?;
        progress("the bridge is ready");
        for place in &stage.places {
            stage.join(place).await?;
            progress(&format!("joined {} ({}) by its invite link", place.platform, place.dialect));
        }
        Ok(stage)
    }

    /// The agent's socket.
    pub fn socket(&self) -> PathBuf {
        self.folder.join("run/agent.sock")
    }

    /// From now on the platforms lose every message that is posted, and its reply.
    pub fn lose_replies(&self) {
        for place in &self.places {
            let route = "POST /channels/{id}/messages".to_owned();
            place.sim.arm(Armed { route, after: 0, count: u32::MAX, fault: Fault::RequestLost });
        }
    }

    /// Stops everything and removes the folder.
    pub async fn strike(mut self) -> anyhow::Result<()> {
        if let Some(pid) = self.bridge.id().and_then(|id| rustix::process::Pid::from_raw(id.cast_signed())) {
            // It may have ended by the same Ctrl-C already.
            let _gone = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        }
        let ended = tokio::time::timeout(READY, self.bridge.wait()).await;
        for place in self.places {
            place.serving.stop().await;
        }
        tokio::fs::remove_dir_all(&self.folder).await.context("the temporary folder cannot be removed")?;
        ended.context("the bridge did not stop in time")??;
        Ok(())
    }

    async fn ready(&mut self) -> anyhow::Result<()> {
        let socket = self.folder.join("run/control.sock");
        let wait = async {
            loop {
                if let Some(status) = self.bridge.try_wait()? {
                    anyhow::bail!("the bridge ended at once ({status}); it said why above");
                }
                if is_ready(&socket).await {
                    return Ok(());
                }
                tokio::time::sleep(LOOK).await;
            }
        };
        tokio::time::timeout(READY, wait).await.context("the bridge was not ready in time")?
    }

    async fn join(&self, place: &Place) -> anyhow::Result<()> {
        let link = place.sim.invite(None);
        let args = ["join", place.platform, &link, "--as", place.dialect];
        let output = command(&self.folder)?.args(args).stdin(Stdio::null()).output().await?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "joining {} ({}) failed: {said}", place.platform, place.dialect);
        // A line is open once the platform says so; what is said before counts as history from before the first connect.
        let open = place.sim.wait_for(|world| world.stream_count() > 0);
        tokio::time::timeout(READY, open).await.context("the workspace did not connect in time")
    }
}

/// A folder of our own below the system's temporary one; short, for a socket's path must be.
fn folder() -> anyhow::Result<PathBuf> {
    let mut chance = [0_u8; 8];
    getrandom::fill(&mut chance).context("the system's random source")?;
    let folder = std::env::temp_dir().join(format!("agent-bridge-demo-{:016x}", u64::from_be_bytes(chance)));
    std::fs::create_dir(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    for name in ["state", "run"] {
        std::fs::create_dir(folder.join(name)).context("cannot make a folder")?;
    }
    std::fs::write(folder.join("config.toml"), "[log]\nlevel = \"warn\"\n").context("cannot write the config")?;
    Ok(folder)
}

fn start(folder: &std::path::Path) -> anyhow::Result<Child> {
    let mut run = command(folder)?;
    run.arg("run").stdin(Stdio::null()).stdout(Stdio::null()).kill_on_drop(true);
    run.spawn().context("the bridge does not start")
}

/// This very program, with the temporary folder as its places.
fn command(folder: &std::path::Path) -> anyhow::Result<Command> {
    let mut command = Command::new(std::env::current_exe().context("where this program is")?);
    for (flag, place) in [("--state", "state"), ("--runtime", "run"), ("--config", "config.toml")] {
        command.arg(flag).arg(folder.join(place));
    }
    command.env_remove("NOTIFY_SOCKET");
    Ok(command)
}

async fn is_ready(socket: &std::path::Path) -> bool {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let Ok(mut stream) = tokio::net::UnixStream::connect(socket).await else { return false };
    let asked = stream.write_all(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await;
    let mut answer = [0; 12];
    asked.is_ok() && stream.read_exact(&mut answer).await.is_ok() && answer.ends_with(b" 200")
}
