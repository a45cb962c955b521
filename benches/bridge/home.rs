//! The daemon under measurement: its folders, its life, the joins.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use serde_json::{Value, json};

use super::plain_http;
use super::platform::Platform;

/// Longer than any start takes; reached only when something is broken.
const PATIENCE: Duration = Duration::from_mins(2);
/// The platform's own rhythm (a stream renewed every 12 s, unstreamed rooms polled every 2 to 15 s, an event log every
/// minute beside its cable) is no part of what is measured, and the bridge says little.
const CONFIG: &str = r#"
[log]
level = "warn"
[lines]
cut = "1d"
spread = "2s"
every = "1h"
beside = "1h"
overlap = "1h"
[lines.pace]
fast = "1h"
fast_for = "1h"
slow = "1h"
others = "1h"
"#;

/// Folders of one bridge. The store is on the disk of the build folder, sockets where paths are short.
pub struct Home {
    state: tempfile::TempDir,
    run: tempfile::TempDir,
    config: String,
}

impl Home {
    /// Fresh folders; `config` is added to what every scenario has.
    pub fn new(config: &str) -> anyhow::Result<Self> {
        let home = Self {
            state: tempfile::Builder::new().prefix("bridge-bench-").tempdir_in(env!("CARGO_TARGET_TMPDIR"))?,
            run: tempfile::Builder::new().prefix("ab-").tempdir()?,
            config: format!("{CONFIG}{config}"),
        };
        std::fs::write(home.state.path().join("config.toml"), &home.config)?;
        Ok(home)
    }

    /// The store's file.
    pub fn store(&self) -> PathBuf {
        self.state.path().join("bridge.redb")
    }

    /// Puts a manifest where the daemon looks first.
    pub fn manifest(&self, platform: &str, yaml: &str) -> anyhow::Result<()> {
        let folder = self.state.path().join("adapters");
        std::fs::create_dir_all(&folder)?;
        std::fs::write(folder.join(format!("{platform}.yaml")), yaml)?;
        let config = format!("adapters_dir = {:?}\n{}", folder.display().to_string(), self.config);
        Ok(std::fs::write(self.state.path().join("config.toml"), config)?)
    }

    /// The agent's socket.
    pub fn agent_socket(&self) -> PathBuf {
        self.run.path().join("agent.sock")
    }

    fn control_socket(&self) -> PathBuf {
        self.run.path().join("control.sock")
    }

    /// Starts the daemon without waiting for anything.
    pub fn spawn(&self) -> anyhow::Result<Daemon> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_agent-bridge"));
        command.args(["--state".as_ref(), self.state.path(), "--runtime".as_ref(), self.run.path()]);
        command.args(["--config".as_ref(), self.state.path().join("config.toml").as_path()]).arg("run");
        command.env_remove("NOTIFY_SOCKET").stdin(Stdio::null()).stdout(Stdio::null());
        Ok(Daemon { child: command.spawn().context("the daemon")?, control: self.control_socket() })
    }

    /// Starts the daemon and waits until it is ready.
    pub fn start(&self) -> anyhow::Result<Daemon> {
        let mut daemon = self.spawn()?;
        let begun = Instant::now();
        while !plain_http::ready(&daemon.control) {
            if let Some(status) = daemon.child.try_wait()? {
                bail!("the daemon ended at once: {status}");
            }
            ensure!(begun.elapsed() < PATIENCE, "the daemon was not ready in time");
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(daemon)
    }
}

/// A running daemon; killed when dropped.
pub struct Daemon {
    child: Child,
    control: PathBuf,
}

impl Daemon {
    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Says a verb on `control.sock`.
    pub fn call(&self, verb: &str, params: &Value) -> anyhow::Result<Value> {
        plain_http::control(&self.control, &format!("/v1/{verb}"), params)
    }

    /// Joins the platform under `name`, and waits until its line is live.
    pub fn join(&self, platform: &Platform, name: &str) -> anyhow::Result<()> {
        self.join_told(&invited(platform.address(), name)?)
    }

    /// Joins as this says, and waits until its line is live.
    pub fn join_told(&self, joined: &Value) -> anyhow::Result<()> {
        join_as(&self.control, joined)?;
        self.live(1)
    }

    /// Joins many workspaces (`w0` …), some at a time.
    pub fn join_many(&self, platform: &Platform, count: usize) -> anyhow::Result<()> {
        self.join_all(count, |index| invited(platform.address(), &format!("w{index}")))
    }

    /// Joins many workspaces, some at a time, each as this says.
    pub fn join_all(&self, count: usize, told: impl Fn(usize) -> anyhow::Result<Value> + Sync) -> anyhow::Result<()> {
        const AT_ONCE: usize = 16;
        std::thread::scope(|scope| {
            let told = &told;
            let join = move |index| join_as(&self.control, &told(index)?);
            let hands: Vec<_> = (0..AT_ONCE)
                .map(|hand| scope.spawn(move || (hand..count).step_by(AT_ONCE).try_for_each(join)))
                .collect();
            hands.into_iter().try_for_each(|hand| hand.join().expect("no hand panics"))
        })?;
        self.live(count)
    }

    /// Waits until `count` workspaces are live.
    pub fn live(&self, count: usize) -> anyhow::Result<()> {
        let begun = Instant::now();
        // First connects are spread over more time where there are many. Their list is large: what it took stands in
        // the daemon's memory for long, between what it keeps, so it is asked for seldom.
        let count_of = u32::try_from(count)?;
        let patience = PATIENCE + Duration::from_millis(50) * count_of;
        let pause = Duration::from_millis(20).max(Duration::from_millis(5) * count_of);
        loop {
            let answer = self.call("workspaces", &json!({}))?;
            let text = answer.to_string();
            let live = text.matches("\"live\":true").count();
            if live >= count {
                return Ok(());
            }
            ensure!(
                begun.elapsed() < patience,
                "{live} of {count} workspaces are live; {}",
                &text[..text.len().min(900)]
            );
            std::thread::sleep(pause);
        }
    }

    /// `kill -9`.
    pub fn kill(mut self) -> anyhow::Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// SIGTERM; must end in good order.
    pub fn stop(mut self) -> anyhow::Result<()> {
        let pid = rustix::process::Pid::from_raw(self.child.id().cast_signed()).context("a pid")?;
        rustix::process::kill_process(pid, rustix::process::Signal::TERM)?;
        let status = self.child.wait()?;
        ensure!(status.success(), "the daemon ended with {status}");
        Ok(())
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // After `stop` or `kill` it is gone already.
        let _gone = self.child.kill();
        let _gone = self.child.wait();
    }
}

/// What `join` is told with a new invitation.
fn invited(platform: &str, name: &str) -> anyhow::Result<Value> {
    let link = plain_http::post(platform, "/_sim/invite", &json!({}))?["link"].take();
    Ok(json!({ "platform": "agentunited", "name": name, "link": link }))
}

fn join_as(control: &Path, joined: &Value) -> anyhow::Result<()> {
    plain_http::control(control, "/v1/join", joined).with_context(|| format!("joining {}", joined["name"])).map(drop)
}
