//! A workspace joined while the daemon runs: its events reach the agent, and what the agent asks is accepted.

use agent_bridge_sim::agentunited::burst_text;
use agent_bridge_sim::agentunited::{Options, Sim};
use agent_bridge_sim::serve::Serving;
use serde_json::{Value, json};

use crate::running::{Agent, Home};

/// A simulated platform on loopback, served by a runtime of its own.
struct Platform {
    sim: Sim,
    runtime: tokio::runtime::Runtime,
    _serving: Serving,
}

impl Platform {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let sim = Sim::new(Options::default());
        let serving = runtime.block_on(sim.serve(0)).unwrap();
        Self { sim, runtime, _serving: serving }
    }

    fn says(&self, room: &str, text: &str) {
        let person = self.sim.person("Ada");
        let _inside = self.runtime.enter();
        self.sim.say(&person, room, text);
    }
}

/// The next delivery of a message; what else happens is acked and passed over.
fn next_message(agent: &mut Agent) -> Value {
    loop {
        let line = agent.hears().expect("an event");
        if line["method"] == "event" && line["params"]["event"]["type"] == "message.created" {
            return line["params"].clone();
        }
        if let Some(seq) = line["params"]["delivery"]["seq"].as_u64() {
            agent.sends(format!("{{\"method\":\"ack\",\"params\":{{\"seq\":{seq}}}}}\n").as_bytes());
        }
    }
}

/// Reads until the answer to this id.
fn answer(agent: &mut Agent, id: u64) -> Value {
    loop {
        let line = agent.hears().expect("an answer");
        if line["id"] == id {
            return line;
        }
    }
}

#[test]
fn a_workspace_joined_while_the_daemon_runs_goes_live_without_a_restart() {
    let platform = Platform::new();
    let room = platform.sim.channel("general");
    let home = Home::new();
    let daemon = home.run();
    let mut agent = daemon.agent();
    agent.asks(r#"{"id":1,"method":"subscribe","params":{"consumer":"main"}}"#);

    let joined = home.says(&["join", "agentunited", &platform.sim.invite(None), "--as", "acme", "--json"]);
    let joined: Value = serde_json::from_str(&joined).unwrap();
    assert_eq!((&joined["name"], &joined["seat"]), (&json!("acme"), &json!("signed_in")));
    assert!(!joined.to_string().contains("password"), "{joined}");

    // The agent is in every channel; what is said from now on reaches it.
    loop {
        let line = agent.hears().expect("an event");
        if line["params"]["event"]["type"] == "workspace.connected" {
            break;
        }
    }
    platform.says(&room, "a nonce");
    let delivered = next_message(&mut agent);
    assert_eq!(delivered["event"]["data"]["message"]["text"], "a nonce");
    assert_eq!(delivered["delivery"]["attempt"], 1);

    let seq = &delivered["delivery"]["seq"];
    agent.sends(
        format!("{{\"id\":7,\"method\":\"reply\",\"params\":{{\"seq\":{seq},\"text\":\"heard\"}}}}\n").as_bytes(),
    );
    let first = answer(&mut agent, 7);
    let action = &first["result"]["actions"][0];
    assert_eq!((&action["verb"], &action["answers"]), (&json!("send"), seq), "{first}");
    // A second ack commits nothing and returns the first one's receipts (P5).
    agent.sends(format!("{{\"id\":8,\"method\":\"ack\",\"params\":{{\"seq\":{seq}}}}}\n").as_bytes());
    assert_eq!(answer(&mut agent, 8)["result"]["actions"][0]["id"], action["id"]);

    let asked = daemon.post("/v1/conversations", r#"{"workspace":"acme"}"#);
    assert!(asked.0 == 200 && asked.1["items"].to_string().contains("general"), "{asked:?}");
    let tail = home.says(&["tail", "--from", "start", "--once", "--types", "message.*"]);
    assert!(tail.contains("a nonce"), "{tail}");
    let status: Value = serde_json::from_str(&home.says(&["status", "acme", "--json"])).unwrap();
    assert_eq!(status["workspaces"][0]["live"], true, "{status}");

    assert_eq!(home.does(&["join", "agentunited", &platform.sim.invite(None), "--as", "acme"]).status.code(), Some(65));
    home.says(&["leave", "acme", "--yes"]);
    assert_eq!(home.does(&["status", "acme"]).status.code(), Some(66));
}

#[test]
fn p4_a_stop_of_the_bridge_is_nobodys_failed_attempt() {
    let platform = Platform::new();
    let room = platform.sim.channel("general");
    let home = Home::new();
    let mut daemon = home.run();
    home.says(&["join", "agentunited", &platform.sim.invite(None), "--as", "acme"]);
    let subscribe = r#"{"id":1,"method":"subscribe","params":{"consumer":"main"}}"#;
    let mut agent = daemon.agent();
    agent.asks(subscribe);
    platform.says(&room, "still thinking about this one");
    let first = next_message(&mut agent);
    daemon.signal("TERM");
    let told = std::iter::from_fn(|| agent.hears()).find(|line| line["method"] == "closed").expect("a word");
    assert_eq!(told["params"]["kind"], "stopping");
    assert_eq!(daemon.ends(), Some(0), "{}", daemon.log());

    let daemon = home.run();
    let mut agent = daemon.agent();
    agent.asks(subscribe);
    let again = next_message(&mut agent);
    assert_eq!((&again["event"]["id"], &again["delivery"]["attempt"]), (&first["event"]["id"], &json!(1)));
}

#[test]
fn p11_at_the_disk_budget_intake_pauses_and_says_so_while_acks_go_on_and_make_room() {
    const MESSAGES: usize = 40;
    let platform = Platform::new();
    let room = platform.sim.channel("general");
    let home = Home::with_config("[store]\ndisk_budget = \"200KiB\"\n[retention]\nkeep = \"1s\"\nevery = \"1s\"\n");
    let daemon = home.run();
    home.says(&["join", "agentunited", &platform.sim.invite(None), "--as", "acme"]);
    for number in 0..MESSAGES {
        platform.says(&room, &format!("{number} {}", burst_text(0, 0, 9_000)));
    }
    let status = || -> Value { serde_json::from_str(&daemon.get("/v1/status").unwrap().1).unwrap() };
    let begun = std::time::Instant::now();
    let full = |status: &Value| {
        let trouble = status["workspaces"][0]["trouble"].as_str().unwrap_or_default();
        status["store"]["health"] == "full" && trouble.contains("disk budget")
    };
    while !full(&status()) {
        assert!(begun.elapsed() < crate::running::PATIENCE, "{}", status());
        std::thread::yield_now();
    }
    let table = home.says(&["status"]);
    assert!(table.contains("store full") && table.contains("disk budget"), "{table}");

    let mut agent = daemon.agent();
    agent.asks(r#"{"id":1,"method":"subscribe","params":{"consumer":"main"}}"#);
    for number in 0..MESSAGES {
        let told = next_message(&mut agent);
        let text = told["event"]["data"]["message"]["text"].as_str().unwrap();
        assert!(text.starts_with(&format!("{number} ")), "{number}: {}", &text[..9]);
        let seq = &told["delivery"]["seq"];
        agent.sends(format!("{{\"method\":\"ack\",\"params\":{{\"seq\":{seq}}}}}\n").as_bytes());
    }
}

#[test]
fn a_join_without_a_daemon_is_there_when_one_starts() {
    let platform = Platform::new();
    let home = Home::new();
    home.says(&["join", "agentunited", &platform.sim.invite(None), "--as", "acme"]);
    let again = home.does(&["join", "agentunited", &platform.sim.invite(None), "--as", "acme"]);
    assert_eq!(again.status.code(), Some(65));
    let _daemon = home.run();
    let status: Value = serde_json::from_str(&home.says(&["status", "acme", "--json"])).unwrap();
    assert_eq!(status["workspaces"][0]["name"], "acme");
}

#[test]
fn an_invite_that_cannot_be_used_says_why() {
    let platform = Platform::new();
    let home = Home::new();
    let url = platform.sim.invite(None);
    let origin = url.split("/invite").next().unwrap();
    for (link, words) in [
        (format!("{origin}/invite?token=unknown"), "unknown"),
        (format!("{origin}/invite"), "token"),
        (origin.to_owned(), "api key"),
    ] {
        let output = home.does(&["join", "agentunited", &link, "--as", "acme"]);
        let said = crate::running::stderr(&output);
        assert_eq!(output.status.code(), Some(65), "{said}");
        assert!(said.contains(words), "{link}: {said}");
    }
}
