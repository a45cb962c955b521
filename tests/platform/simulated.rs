//! `agent-bridge sim speakeasy`, and others, in a process of its own, as somebody without an account meets it.

use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout};

use crate::bridge::{Home, PATIENCE, http, until};

/// The simulator as a child process; killed when dropped.
struct Sim {
    _child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    keyboard: ChildStdin,
}

impl Sim {
    fn start(home: &Home, more: &[&str]) -> Self {
        Self::of("speakeasy", home, more)
    }

    fn of(platform: &str, home: &Home, more: &[&str]) -> Self {
        let mut command = home.command(&[&["sim", platform], more].concat());
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it starts");
        let lines = BufReader::new(child.stdout.take().expect("its output")).lines();
        Self { lines, keyboard: child.stdin.take().expect("its input"), _child: child }
    }

    /// Its next line with these words.
    async fn says(&mut self, words: &str) -> String {
        loop {
            let line = tokio::time::timeout(PATIENCE, self.lines.next_line()).await.expect("a line in time");
            let line = line.expect("it writes").unwrap_or_else(|| panic!("it ended before it said `{words}`"));
            if line.contains(words) {
                return line;
            }
        }
    }

    /// The command that it names to join it.
    async fn join(&mut self) -> Vec<String> {
        let line = self.says("agent-bridge join").await;
        line.split_whitespace().skip(1).map(|word| word.trim_matches('\'').to_owned()).collect()
    }
}

async fn seat(home: &Home) -> Value {
    let status: Value = serde_json::from_str(&home.ok(&["status", "--json"]).await).expect("JSON");
    status["workspaces"][0]["seat"].clone()
}

fn words(command: &[String]) -> Vec<&str> {
    command.iter().map(String::as_str).collect()
}

#[tokio::test]
async fn the_command_that_it_names_joins_it_and_somebody_talks_there() {
    let home = Home::new("");
    let mut sim = Sim::start(&home, &[]);
    let _daemon = home.start().await;
    let mut agent = home.agent().await;
    agent.call("subscribe", json!({ "consumer": "main" })).await.expect("it is the reader");
    let join = sim.join().await;
    let said = home.ok(&words(&join)).await;
    assert!(said.contains("joined `lounge`"), "{said}");
    let asked = agent.delivery_of("message.created").await;
    assert_eq!(asked.event["data"]["author"]["id"], "pierre@speakeasy.example");
    agent.call("reply", json!({ "seq": asked.seq, "text": "Yes" })).await.expect("it is taken");
    let heard = loop {
        let delivery = agent.delivery_of("message.created").await;
        agent.call("ack", json!({ "seq": delivery.seq })).await.expect("it is acked");
        if delivery.text().starts_with("Understood") {
            break delivery;
        }
    };
    assert_eq!(heard.event["data"]["conversation"]["id"], asked.event["data"]["conversation"]["id"]);
}

#[tokio::test]
async fn somebody_at_its_terminal_lets_the_agent_in_though_join_and_daemon_went_away() {
    let home = Home::new("");
    let mut sim = Sim::start(&home, &["--approve", "by-hand"]);
    let daemon = home.start().await;
    let join = sim.join().await;
    let mut joining = home.command(&words(&join)).stderr(Stdio::piped()).spawn().expect("it starts");
    let mut notes = BufReader::new(joining.stderr.take().expect("its notes")).lines();
    let note = notes.next_line().await.expect("it writes").expect("a line");
    assert!(note.contains("Ctrl-C is fine: the daemon goes on"), "{note}");
    sim.says("`Agent` asks to be let in").await;
    let pid = Pid::from_raw(joining.id().expect("it runs").cast_signed()).expect("a process");
    kill_process(pid, Signal::INT).expect("it runs");
    let ended = tokio::time::timeout(PATIENCE, joining.wait()).await.expect("it ends").expect("a status");
    assert!(!ended.success(), "it did not wait for the end");

    daemon.stop().await;
    let _daemon = home.start().await;
    assert_eq!(seat(&home).await, "joining");
    sim.keyboard.write_all(b"what?\ny\n").await.expect("it reads");
    sim.says("let in").await;
    until(|| async { (seat(&home).await == "signed_in").then_some(()) }, || home.log()).await;
}

#[tokio::test]
async fn who_is_declined_is_told_what_to_do() {
    let home = Home::new("");
    let mut sim = Sim::start(&home, &["--approve", "denied"]);
    let _daemon = home.start().await;
    let join = sim.join().await;
    let output = home.cli(&words(&join)).await;
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(65) && said.contains("declined: ask them"), "{said}");
}

#[tokio::test]
async fn a_script_drives_it_without_a_terminal() {
    let home = Home::new("");
    let options = ["--json", "--silent", "--approve", "by-hand", "--no-cable", "--handle", "ann@people.test"];
    let mut sim = Sim::start(&home, &options);
    let said: Value = serde_json::from_str(&sim.says("url").await).expect("JSON");
    let url = said["url"].as_str().expect("a text").to_owned();
    assert_eq!(said, json!({ "url": url, "handle": "ann@people.test" }));
    drop(sim.keyboard);
    let _daemon = home.start().await;
    let args = ["join", "speakeasy", &url, "--as", "lounge", "--handle", "ann@people.test"];
    let approve =
        until(|| async { (http::post(&url, "/_sim/approve", &json!({})).await.0 == 200).then_some(()) }, || home.log());
    let (joined, ()) = tokio::join!(home.ok(&args), approve);
    assert!(joined.contains("joined `lounge`"), "{joined}");
    let dialled = || async {
        let (_, push) = http::get(&url, "/_sim/push").await;
        push["dials"].as_u64().is_some_and(|dials| dials > 0).then_some(push)
    };
    let push = until(dialled, || home.log()).await;
    assert_eq!(push["cables"], json!([]), "the cable is refused");
    let (_, state) = http::get(&url, "/_sim/state").await;
    assert_eq!(state["topics"], json!([]), "nobody talks by themselves");
}

#[tokio::test]
async fn the_command_that_an_office_names_joins_it_and_somebody_talks_there() {
    let home = Home::new("[lines.pace]\nfast = \"150ms\"\nfast_for = \"5s\"\nslow = \"300ms\"\nothers = \"500ms\"\n");
    let mut sim = Sim::of("office", &home, &[]);
    let _daemon = home.start().await;
    let mut agent = home.agent().await;
    agent.call("subscribe", json!({ "consumer": "main" })).await.expect("it is the reader");
    let join = sim.join().await;
    let said = home.ok(&words(&join)).await;
    assert!(said.contains("joined `den`"), "{said}");
    let asked = agent.delivery_of("message.created").await;
    let conversation = &asked.event["data"]["conversation"];
    assert_eq!((&conversation["id"], &conversation["kind"]), (&json!("user"), &json!("direct")));
    assert_eq!(asked.event["data"]["author"]["id"], "user");
}

#[tokio::test]
async fn the_command_that_a_platform_of_invites_names_leads_to_a_registered_seat() {
    for platform in ["thinkwork", "paperclip"] {
        let home = Home::new("");
        let mut sim = Sim::of(platform, &home, &[]);
        let _daemon = home.start().await;
        let join = sim.join().await;
        let said = home.ok(&words(&join)).await;
        assert!(said.contains(&format!("joined `{platform}`: registered there")), "{said}");
        assert_eq!(seat(&home).await, "registered");
    }
}

#[tokio::test]
async fn an_admin_who_is_asked_by_hand_approves_nothing_by_itself() {
    let home = Home::new("");
    let mut sim = Sim::of("thinkwork", &home, &["--approve", "by-hand", "--name", "Echo", "--json"]);
    let said: Value = serde_json::from_str(&sim.says("{").await).expect("JSON");
    let [url, invite] = ["url", "invite"].map(|key| said[key].as_str().expect("a text").to_owned());
    let _daemon = home.start().await;
    let _joining = home.command(&["join", "thinkwork", &invite, "--as", "seat"]).kill_on_drop(true).spawn();
    // A claim that came in vain: who approves by itself would have done so before it.
    let claimed = || async {
        let (_, state) = http::get(&url, "/_sim/state").await;
        (state["calls"]["claim"] == 1).then_some(state)
    };
    let state = until(claimed, || home.log()).await;
    assert_eq!(
        (&state["requests"][0]["status"], &state["requests"][0]["agent_name"]),
        (&json!("pending"), &json!("Echo"))
    );
    assert_eq!(seat(&home).await, "joining");
    let (status, _) = http::post(&url, "/_sim/approve", &json!({})).await;
    assert_eq!(status, 200);
    let (_, state) = http::get(&url, "/_sim/state").await;
    assert_eq!(state["requests"][0]["status"], "approved");
}

#[test]
fn the_help_shows_what_to_type() {
    let help = |args: &[&str]| {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_agent-bridge")).args(args).output();
        String::from_utf8(output.expect("it starts").stdout).expect("a text")
    };
    for platform in ["speakeasy", "agentworkspace", "office", "thinkwork"] {
        assert!(help(&["sim", "--help"]).contains(&format!("agent-bridge sim {platform} ")), "{platform}");
    }
    assert!(help(&["sim", "office", "--help"]).contains("agent-bridge sim office --json --silent"));
    assert!(help(&["sim", "speakeasy", "--help"]).contains("agent-bridge sim speakeasy --approve by-hand"));
}
