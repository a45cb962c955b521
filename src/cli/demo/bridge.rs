//! A temporary bridge: this very program in a folder of its own, and commands to it.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, ensure};
use tokio::io::AsyncWriteExt;
use tokio::process::{Child, Command};

/// How long the bridge may take to be ready, and to stop.
pub const READY: Duration = Duration::from_secs(30);
/// Pauses between two looks.
pub const LOOK: Duration = Duration::from_millis(50);

/// A bridge that runs.
pub struct Bridge {
    // Dropped first: what runs in a folder ends before the folder goes.
    child: Child,
    folder: Folder,
}

/// Removed with all that is in it, also where the demo does not come to its end.
struct Folder(PathBuf);

impl Bridge {
    /// Starts one with this config and waits until it is ready.
    pub async fn start(config: &str) -> anyhow::Result<Self> {
        let folder = Folder::new(config)?;
        let mut run = folder.command()?;
        // In a process group of its own: a Ctrl-C is the demo's, which then stops its bridges in good order.
        run.arg("run").stdin(Stdio::null()).stdout(Stdio::null()).process_group(0).kill_on_drop(true);
        let child = run.spawn().context("the bridge does not start")?;
        let mut bridge = Self { child, folder };
        bridge.ready().await?;
        Ok(bridge)
    }

    /// The agent's socket.
    pub fn socket(&self) -> PathBuf {
        self.folder.0.join("run/agent.sock")
    }

    /// A command of the command line to this bridge: what it prints. It fails with what the command says.
    pub async fn ask(&self, args: &[&str]) -> anyhow::Result<String> {
        self.ask_given(args, "").await
    }

    /// The same with this on its standard input.
    pub async fn ask_given(&self, args: &[&str], input: &str) -> anyhow::Result<String> {
        let mut command = self.folder.command()?;
        command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn()?;
        if let Some(mut stdin) = child.stdin.take() {
            // One that reads nothing may have ended already.
            let _unread = stdin.write_all(input.as_bytes()).await;
        }
        let output = child.wait_with_output().await?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "`agent-bridge {}` failed: {}", args.join(" "), said.trim());
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Tells it to stop and waits until it has.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        if let Some(pid) = self.child.id().and_then(|id| rustix::process::Pid::from_raw(id.cast_signed())) {
            // It may have ended by itself already.
            let _gone = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        }
        tokio::time::timeout(READY, self.child.wait()).await.context("the bridge did not stop in time")??;
        Ok(())
    }

    async fn ready(&mut self) -> anyhow::Result<()> {
        let socket = self.folder.0.join("run/control.sock");
        let wait = async {
            loop {
                if let Some(status) = self.child.try_wait()? {
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
}

impl Folder {
    /// A folder of our own below the system's temporary one; short, for a socket's path must be.
    fn new(config: &str) -> anyhow::Result<Self> {
        let mut chance = [0_u8; 8];
        getrandom::fill(&mut chance).context("the system's random source")?;
        let path = std::env::temp_dir().join(format!("agent-bridge-demo-{:016x}", u64::from_be_bytes(chance)));
        std::fs::create_dir(&path).with_context(|| format!("cannot make {}", path.display()))?;
        let folder = Self(path);
        for name in ["state", "run"] {
            std::fs::create_dir(folder.0.join(name)).context("cannot make a folder")?;
        }
        std::fs::write(folder.0.join("config.toml"), config).context("cannot write the config")?;
        Ok(folder)
    }

    /// This very program, with the folder as its places.
    fn command(&self) -> anyhow::Result<Command> {
        let mut command = Command::new(std::env::current_exe().context("where this program is")?);
        for (flag, place) in [("--state", "state"), ("--runtime", "run"), ("--config", "config.toml")] {
            command.arg(flag).arg(self.0.join(place));
        }
        command.env_remove("NOTIFY_SOCKET");
        Ok(command)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What cannot be removed is in the system's temporary folder, which is emptied by others.
        let _left = std::fs::remove_dir_all(&self.0);
    }
}

async fn is_ready(socket: &Path) -> bool {
    use tokio::io::AsyncReadExt;
    let Ok(mut stream) = tokio::net::UnixStream::connect(socket).await else { return false };
    let asked = stream.write_all(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await;
    let mut answer = [0; 12];
    asked.is_ok() && stream.read_exact(&mut answer).await.is_ok() && answer.ends_with(b" 200")
}
