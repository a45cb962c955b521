//! The simulated office on a real port, and the folders of a bridge beside it.

use agent_bridge::event::WorkspaceName;
use agent_bridge::store::{Options as StoreOptions, Store};
use agent_bridge_sim::office::{Options, Sim};
use agent_bridge_sim::serve::Serving;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use crate::bridge::{Agent, Daemon, Home, until};
use crate::house::QUICK;

/// Where an invite code is redeemed.
pub const JOIN: &str = "POST /api/agents/join";
/// Where everything is said and done.
pub const CHAT: &str = "POST /api/offices/{colonyId}/xmtp";

/// The office, and a bridge that joins it as `den`.
pub struct Den {
    pub sim: Sim,
    pub home: Home,
    serving: Serving,
    daemon: Option<Daemon>,
}

impl Den {
    /// An office, and a bridge that has not joined and does not run.
    pub async fn new(options: Options) -> Self {
        Self::on(Sim::new(options)).await
    }

    /// One more bridge beside this office.
    pub async fn joining(sim: Sim) -> Self {
        Self::on(sim).await
    }

    async fn on(sim: Sim) -> Self {
        let serving = sim.serve(0).await.expect("a free port");
        Self { sim, home: Home::new(QUICK), serving, daemon: None }
    }

    /// The command by which `jared` joins with this code.
    pub fn wants(&self, code: &str) -> Vec<String> {
        let url = self.serving.url();
        let words = ["join", "office", &url, "--as", "den", "--code", code, "--agent-name", "jared"];
        words.map(str::to_owned).to_vec()
    }

    /// Runs that command, with more behind it: whether it went well, and all that it said.
    pub async fn join(&self, code: &str, more: &[&str]) -> (bool, String) {
        let wants = self.wants(code);
        let args: Vec<&str> = wants.iter().map(String::as_str).chain(more.iter().copied()).collect();
        let output = self.home.cli(&args).await;
        let said = [output.stdout, output.stderr].map(|part| String::from_utf8_lossy(&part).into_owned()).concat();
        (output.status.success(), said)
    }

    /// The same where it must go well.
    pub async fn joined(&self) -> String {
        let (well, said) = self.join(&self.sim.invite(), &[]).await;
        assert!(well, "{said}");
        said
    }

    /// Runs the command with `kill -9` there: whether it came to that.
    pub async fn join_dies_at(&self, code: &str, point: &str) -> bool {
        use std::os::unix::process::ExitStatusExt as _;

        let wants = self.wants(code);
        let args: Vec<&str> = wants.iter().map(String::as_str).collect();
        let output = self.home.command(&args).env("AGENT_BRIDGE_KILL_AT", point).output();
        output.await.expect("it starts").status.signal() == Some(9)
    }

    /// Puts this into the manifest in place of that.
    pub fn mend(&self, that: &str, this: &str) {
        let manifest = include_str!("../../adapters/office.yaml");
        assert!(manifest.contains(that), "{that}");
        let folder = self.home.path("adapters");
        std::fs::create_dir_all(&folder).expect("a folder");
        std::fs::write(folder.join("office.yaml"), manifest.replace(that, this)).expect("it is written");
        self.home.configure(&format!("adapters_dir = '{}'\n{QUICK}", folder.display()));
    }

    pub async fn start(&mut self) {
        self.daemon = Some(self.home.start().await);
    }

    /// SIGTERM; it must end well.
    pub async fn stop(&mut self) {
        assert_eq!(self.daemon.take().expect("it runs").stop().await, Some(0), "{}", self.home.log());
    }

    /// `kill -9`, and a new start.
    pub async fn kill(&mut self) {
        self.daemon.take().expect("it runs").kill().await;
        self.start().await;
    }

    pub async fn status(&self) -> Value {
        let shown = self.home.ok(&["status", "den", "--json"]).await;
        serde_json::from_str::<Value>(&shown).expect("JSON")["workspaces"][0].clone()
    }

    pub async fn is_live(&self) {
        until(|| async { (self.status().await["live"] == true).then_some(()) }, || self.home.log()).await;
    }

    pub async fn agent(&self) -> Agent {
        let mut agent = self.home.agent().await;
        agent.call("subscribe", json!({ "consumer": "main" })).await.expect("it reads");
        agent
    }

    /// Asks for an action and waits for its receipt.
    pub async fn act(&self, agent: &mut Agent, verb: &str, args: Value) -> Value {
        let act = json!({ "workspace": "den", "verb": verb, "args": args });
        let accepted = agent.call("act", act).await.expect("it is accepted");
        agent.call("receipt", json!({ "id": accepted["id"], "wait": "50s" })).await.expect("a receipt")
    }

    /// What a bridge that does not run has sealed.
    pub fn secret(&self, name: &str) -> Option<String> {
        self.store().secret("den", name).expect("it can be read").map(|secret| secret.expose_secret().to_owned())
    }

    /// What it knows of its workspace.
    pub fn facts(&self) -> Value {
        let record = self.store().workspace(&WorkspaceName::new("den").expect("a name")).expect("it can be read");
        json!(record.expect("a workspace").facts)
    }

    fn store(&self) -> Store {
        let options = StoreOptions { ballast: 0, ..StoreOptions::default() };
        Store::open(&self.home.path("state/bridge.redb"), options).expect("the store opens")
    }

    pub async fn end(mut self) {
        if let Some(daemon) = self.daemon.take() {
            assert_eq!(daemon.stop().await, Some(0), "{}", self.home.log());
        }
        self.serving.stop().await;
    }
}
