//! What the bridge said to each line of the contract, and the workspace in which it was said.

use std::process::Output;

use agent_bridge_sim::agentunited::{Options, Sim};
use agent_bridge_sim::serve::Serving;
use serde_json::{Value, json};

use crate::bridge::{Agent, Daemon, Home};

/// Everything short, `call` on, and the longest request of a relay outlived.
pub const CONFIG: &str = r#"
[call]
enabled = true
[join]
request = "45s"
[lines]
first_wait = "100ms"
longest_wait = "500ms"
[lines.pace]
fast = "200ms"
fast_for = "10m"
slow = "500ms"
others = "500ms"
[outbox]
first_wait = "100ms"
"#;

/// Lines that were provoked and how the bridge reacted.
#[derive(Default)]
pub struct Ledger {
    /// The simulators that served them.
    pub sims: Vec<Sim>,
    /// Lines whose reaction was right.
    pub rows: Vec<&'static str>,
    /// Lines whose reaction was not.
    pub failures: Vec<String>,
}

impl Ledger {
    /// Of a scenario that did not come to its end.
    pub fn broken(why: &str) -> Self {
        Self { failures: vec![format!("a scenario broke off: {why}")], ..Self::default() }
    }

    /// One row of the table: the line, how it was provoked, what the bridge said, and what that must hold.
    pub fn row(&mut self, line: &'static str, how: &str, said: &str, wanted: &str) {
        if said.contains(wanted) {
            self.rows.push(line);
        } else {
            self.failures.push(format!("{line} ({how}): wanted `{wanted}` in: {said}"));
        }
    }
}

/// A workspace that somebody may join, with the bridge that does.
pub struct Stage {
    pub sim: Sim,
    pub home: Home,
    pub serving: Serving,
    _daemon: Daemon,
}

impl Stage {
    /// A simulator with these options and a daemon that has not joined it.
    pub async fn empty(ledger: &mut Ledger, options: Options, config: &str) -> Self {
        let sim = Sim::new(options);
        let serving = sim.serve(0).await.expect("a free port");
        let home = Home::new(config);
        let daemon = home.start().await;
        ledger.sims.push(sim.clone());
        Self { sim, home, serving, _daemon: daemon }
    }

    /// The same, joined as `acme` by an invite.
    pub async fn joined(ledger: &mut Ledger, options: Options) -> Self {
        let stage = Self::empty(ledger, options, CONFIG).await;
        let said = stage.join(&stage.sim.invite(None), "acme", &[]).await;
        assert!(said.contains("joined `acme`"), "{said}\n{}", stage.home.log());
        stage
    }

    /// Runs `join`; what it said, on either output.
    pub async fn join(&self, link: &str, name: &str, more: &[&str]) -> String {
        said(&self.home.cli(&[&["join", "agentunited", link, "--as", name], more].concat()).await)
    }

    /// A file with a secret, as `--secret NAME=@FILE` wants it.
    pub fn secret(&self, name: &str, value: &str) -> String {
        let path = self.home.path(&format!("{name}.secret"));
        std::fs::write(&path, value).expect("the secret is written");
        format!("{name}=@{}", path.display())
    }

    /// An agent that reads the feed.
    pub async fn agent(&self) -> Agent {
        let mut agent = self.home.agent().await;
        agent.call("subscribe", json!({ "consumer": "main", "per_lane": 0 })).await.expect("it is the reader");
        agent
    }

    /// Calls a method of the agent's socket; the answer as text, whatever it is.
    pub async fn ask(&self, method: &str, params: Value) -> String {
        match self.home.agent().await.call(method, params).await {
            Ok(value) | Err(value) => value.to_string(),
        }
    }

    /// An action in `acme`, and its receipt as text.
    pub async fn act(&self, verb: &str, args: Value) -> String {
        self.ask("act", json!({ "workspace": "acme", "verb": verb, "args": args, "wait": "50s" })).await
    }

    /// The free request in `acme`, and its answer as text.
    pub async fn free(&self, method: &str, path: &str, body: Option<Value>) -> String {
        let mut params = json!({ "workspace": "acme", "method": method, "path": path });
        params.as_object_mut().expect("an object").extend(body.map(|body| ("body".to_owned(), body)));
        self.ask("call", params).await
    }

    /// The one agent that joined.
    pub fn me(&self) -> String {
        self.sim.members().pop().expect("somebody joined")
    }
}

/// Both outputs of a command.
pub fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}
