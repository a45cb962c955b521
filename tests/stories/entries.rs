//! Joining where a person lets the agent in: every no says what to do, and nothing that was given is lost on the way.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails, and says where")]

use std::process::{Output, Stdio};
use std::time::Duration;

use agent_bridge_sim::serve::Serving;
use agent_bridge_sim::speakeasy::{Approval, Armed, Fault, Options, Sim, World};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Child;

use crate::bridge::{Home, PATIENCE, until};
use crate::house::QUICK;
use crate::lounge::{OWNER, hospitable, ingress};

const EXCHANGE: &str = "POST /agent_sessions/exchange";
const ME: &str = "GET /agent/me";

/// The platform on a real port, and a bridge that nobody has let in.
struct Porch {
    sim: Sim,
    home: Home,
    serving: Serving,
}

impl Porch {
    async fn new(options: Options, more: &str) -> Self {
        let sim = Sim::new(options);
        let serving = sim.serve(0).await.unwrap();
        sim.person(OWNER, "Olivia");
        sim.enable_discovery(OWNER);
        let home = Home::new("");
        std::fs::create_dir(home.path("adapters")).unwrap();
        let manifest = include_str!("../../adapters/speakeasy.yaml");
        assert!(manifest.contains("for: exchange_code, every: 5s"));
        let quick = manifest.replace("for: exchange_code, every: 5s", "for: exchange_code, every: 1s");
        std::fs::write(home.path("adapters/speakeasy.yaml"), quick).unwrap();
        let porch = Self { sim, home, serving };
        porch.configure(more);
        porch
    }

    fn configure(&self, more: &str) {
        let lines = QUICK.replace("[lines]", "[lines]\nevery = \"200ms\"");
        let adapters = self.home.path("adapters").display().to_string();
        self.home.configure(&format!("adapters_dir = \"{adapters}\"\n{lines}\n{more}"));
    }

    fn args<'a>(url: &'a str, handle: &'a str) -> [&'a str; 7] {
        ["join", "speakeasy", url, "--as", "lounge", "--handle", handle]
    }

    async fn join(&self, handle: &str) -> Output {
        self.home.cli(&Self::args(&self.serving.url(), handle)).await
    }

    fn spawn(&self) -> Child {
        let url = self.serving.url();
        let mut command = self.home.command(&Self::args(&url, OWNER));
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    async fn status(&self) -> Value {
        let shown = self.home.ok(&["status", "--json"]).await;
        serde_json::from_str::<Value>(&shown).unwrap()["workspaces"][0].clone()
    }

    async fn becomes(&self, seat: &str) {
        until(|| async { (self.status().await["seat"] == seat).then_some(()) }, || self.home.log()).await;
    }

    async fn is_live(&self) {
        until(|| async { (self.status().await["live"] == true).then_some(()) }, || self.home.log()).await;
    }

    fn count(&self, what: &str) -> usize {
        self.sim.log().iter().filter(|entry| format!("{} {}", entry.method, entry.route) == what).count()
    }

    async fn seen(&self, what: &str, times: usize) {
        let count = |world: &World| {
            world.log().filter(|entry| format!("{} {}", entry.method, entry.route) == what).count() >= times
        };
        let waited = tokio::time::timeout(PATIENCE, self.sim.wait_for(count)).await;
        assert!(waited.is_ok(), "never {times} × {what}: {}", self.home.log());
    }

    fn request(&self) -> u64 {
        self.sim.look(|world| world.pending().map(|request| request.id)).expect("a request waits")
    }
}

fn failed(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success(), "{said}");
    said
}

#[tokio::test]
async fn a_door_that_is_shut_says_what_to_do_and_nothing_stays_behind() {
    let porch = Porch::new(Options::default(), "").await;
    let said = failed(&porch.join("nobody@example.com").await);
    assert!(said.contains("nobody there has this handle: check it, and whether this is the right server"), "{said}");
    porch.sim.person("shy@example.com", "Shy");
    let said = failed(&porch.join("shy@example.com").await);
    assert!(said.contains("ask the person to enable it") && said.contains("run the same command again"), "{said}");
    // What nobody foresaw is said in the platform's own words.
    porch.sim.fault("POST /agent_connect/requests", Fault::Status { status: 422 });
    let said = failed(&porch.join(OWNER).await);
    assert!(said.contains("answered 422") && said.contains("(it says: injected fault)"), "{said}");
    assert!(porch.home.ok(&["status", "--json"]).await.contains("\"workspaces\":[]") || porch.status().await.is_null());
    porch.serving.stop().await;
}

#[tokio::test]
async fn a_no_and_a_silence_say_what_to_do_and_the_command_asks_again() {
    let denied = Options { approval: Approval::Denied, ..Options::default() };
    let late = Options { request_lifetime: Duration::from_secs(2), ..Options::default() };
    let cases = [
        (denied, "", "the person has declined: ask them, and run the same command again", "join.rejected"),
        (late, "", "the request has expired without an answer: run the same command again", "join.expired"),
        (
            Options { expires_at: false, ..Options::default() },
            "[join]\nwait = \"1s\"",
            "in the time that `join.wait` gives: ask the person, and run the same command again",
            "join.expired",
        ),
    ];
    for (options, more, words, kind) in cases {
        let porch = Porch::new(options, more).await;
        let daemon = porch.home.start().await;
        let said = failed(&porch.join(OWNER).await);
        let command = format!("agent-bridge join speakeasy {} --as lounge", porch.serving.url());
        assert!(said.contains(words) && said.contains("the same command again"), "{said}");
        let seat = porch.status().await;
        assert!(seat["seat"] == "needs_action" && seat["command"] == command.as_str(), "{seat:#}");
        let mut agent = porch.home.agent().await;
        agent.call("subscribe", json!({ "consumer": "main" })).await.unwrap();
        assert_eq!(agent.delivery_of(kind).await.event["data"]["command"], command.as_str());
        // The handle is remembered, and the next answer is yes.
        porch.configure("");
        daemon.stop().await;
        let daemon = porch.home.start().await;
        porch.sim.reconfigure(|options| {
            (options.approval, options.request_lifetime) = (Approval::AtOnce, Duration::from_mins(9));
        });
        let words: Vec<&str> = command.split(' ').skip(1).collect();
        porch.home.ok(&words).await;
        porch.is_live().await;
        daemon.stop().await;
        porch.serving.stop().await;
    }
}

#[tokio::test]
async fn whoever_watches_may_go_and_the_wait_shows_the_end_that_the_platform_gives() {
    let porch = Porch::new(Options::default(), "").await;
    let daemon = porch.home.start().await;
    let mut watching = porch.spawn();
    // On a busy machine the daemon has asked twice before whoever watches has said a word.
    let mut notes = BufReader::new(watching.stderr.take().unwrap()).lines();
    let note = tokio::time::timeout(PATIENCE, notes.next_line()).await.unwrap().unwrap().unwrap();
    assert!(note.contains("Ctrl-C is fine: the daemon goes on"), "{note}");
    porch.seen("GET /agent_connect/requests/{id}", 2).await;
    let pid = watching.id().and_then(|id| rustix::process::Pid::from_raw(id.cast_signed())).unwrap();
    // Not INT, which is ignored where the tests themselves run in the background.
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    let gone = tokio::time::timeout(PATIENCE, watching.wait()).await.unwrap().unwrap();
    assert!(!gone.success(), "it did not wait for the end");
    let shown = porch.home.ok(&["status", "lounge"]).await;
    assert!(shown.contains("waits for approval, which ends in"), "{shown}");
    daemon.kill().await;
    let daemon = porch.home.start().await;
    porch.sim.approve(porch.request());
    porch.becomes("signed_in").await;
    porch.is_live().await;
    assert_eq!((porch.count("POST /agent_connect/requests"), porch.count(EXCHANGE)), (1, 1));
    daemon.stop().await;
    porch.serving.stop().await;
}

#[tokio::test]
async fn a_platform_that_tells_nothing_but_its_code_is_waited_for_without_a_countdown() {
    let porch = Porch::new(Options::documented(), "").await;
    let daemon = porch.home.start().await;
    let mut watching = porch.spawn();
    porch.seen("GET /agent_connect/requests/{id}", 2).await;
    let shown = porch.home.ok(&["status", "lounge"]).await;
    assert!(shown.contains("waits for approval") && !shown.contains("ends in"), "{shown}");
    porch.sim.approve(porch.request());
    let joined = tokio::time::timeout(PATIENCE, watching.wait()).await.unwrap().unwrap();
    assert!(joined.success(), "{}", porch.home.log());
    porch.is_live().await;
    assert_eq!((porch.count("POST /agent_connect/requests"), porch.count(EXCHANGE)), (1, 1));
    daemon.stop().await;
    porch.serving.stop().await;
}

#[tokio::test]
async fn the_end_that_the_platform_gives_counts_more_than_the_operators_patience() {
    let porch = Porch::new(Options::default(), "[join]\nwait = \"1s\"").await;
    let daemon = porch.home.start().await;
    let waiting = porch.spawn();
    porch.seen("GET /agent_connect/requests/{id}", 4).await;
    porch.sim.approve(porch.request());
    let joined = tokio::time::timeout(PATIENCE, waiting.wait_with_output()).await.unwrap().unwrap();
    assert!(joined.status.success(), "{joined:?}");
    daemon.stop().await;
    porch.serving.stop().await;
}

#[tokio::test]
async fn p7_a_lost_exchange_is_tried_once_more_and_a_code_that_was_taken_says_how_to_ask_anew() {
    // Never arrived: the second is as good.
    let porch = Porch::new(hospitable(), "").await;
    let daemon = porch.home.start().await;
    porch.sim.fault(EXCHANGE, Fault::RequestLost);
    porch.home.ok(&Porch::args(&porch.serving.url(), OWNER)).await;
    assert_eq!(porch.count(EXCHANGE), 2);
    porch.home.ok(&["leave", "lounge", "--yes"]).await;

    // Taken, and the answer lost: the second is refused.
    porch.sim.fault(EXCHANGE, Fault::ReplyLost);
    let said = failed(&porch.join(OWNER).await);
    let words = "the approval was not accepted: run the same command again to ask anew";
    assert!(said.contains(words), "{said}");
    assert_eq!(porch.count(EXCHANGE), 4, "twice and no third time");
    porch.home.ok(&["join", "speakeasy", "--as", "lounge"]).await;
    porch.is_live().await;
    daemon.stop().await;
    porch.serving.stop().await;
}

#[tokio::test]
async fn p7_a_crash_between_the_exchange_and_its_commit_counts_as_a_lost_answer() {
    let porch = Porch::new(hospitable(), "").await;
    let daemon = porch.home.start().await;
    porch.sim.fault(EXCHANGE, Fault::NeverAnswers { applied: true });
    let watching = porch.spawn();
    porch.seen(EXCHANGE, 1).await;
    daemon.kill().await;
    drop(watching);
    let daemon = porch.home.start().await;
    porch.becomes("needs_action").await;
    assert_eq!(porch.count(EXCHANGE), 2);
    let seat = porch.status().await;
    assert!(seat["reason"].as_str().unwrap().contains("run the same command again to ask anew"), "{seat:#}");
    let command = seat["command"].as_str().unwrap();
    porch.home.ok(&command.split(' ').skip(1).collect::<Vec<_>>()).await;
    porch.is_live().await;
    assert!(!porch.home.log().contains("xc_"), "no code is printed");
    daemon.stop().await;
    porch.serving.stop().await;
}

#[tokio::test]
async fn a_platform_that_does_not_introduce_the_agent_lets_it_in_and_does_so_later() {
    let faults = [Fault::Status { status: 404 }, Fault::TooMany { retry_after: "30".into() }];
    for fault in faults {
        let porch = Porch::new(hospitable(), "").await;
        let daemon = porch.home.start().await;
        porch.sim.arm(Armed { route: ME.into(), after: 0, count: u32::MAX, fault: fault.clone() });
        porch.home.ok(&Porch::args(&porch.serving.url(), OWNER)).await;
        porch.is_live().await;
        assert!(porch.count("GET /agent/topics") >= 1, "the session was proved by another question");
        let grant = porch.sim.newest_grant().unwrap();
        let topic = porch.sim.topic("Planning", &[OWNER, &porch.sim.agent(grant)]);
        porch.sim.set_capability(grant, "typing_indicator", false);
        let typing = json!({ "conversation": topic.to_string(), "state": true });
        let act = json!({ "workspace": "lounge", "verb": "typing", "args": typing });
        let mut agent = porch.home.agent().await;
        let receipt = agent.call("act", act.clone()).await.unwrap();
        assert_eq!(
            (&receipt["state"], &receipt["status"]),
            (&json!("failed"), &json!(403)),
            "the platform has the last word"
        );

        porch.sim.clear_faults();
        daemon.stop().await;
        let daemon = porch.home.start().await;
        let kind = || async {
            let mut agent = porch.home.agent().await;
            let refused = agent.call("act", act.clone()).await.err()?;
            (refused["data"]["kind"] == "no_capability").then_some(())
        };
        until(kind, || porch.home.log()).await;
        daemon.stop().await;
        porch.serving.stop().await;
    }
}

#[tokio::test]
async fn what_is_said_while_the_join_is_being_finished_is_told() {
    let porch = Porch::new(hospitable(), "").await;
    let daemon = porch.home.start().await;
    // The grant stands, and the bridge does not know itself yet.
    porch.sim.fault(ME, Fault::DelayReply { millis: 2_500 });
    let joining = porch.spawn();
    let grant = porch.sim.wait_some(|world| world.grants().next().map(|grant| grant.id)).await;
    let topic = porch.sim.topic("Planning", &[OWNER, &porch.sim.agent(grant)]);
    porch.sim.say(OWNER, topic, "welcome");
    let joined = tokio::time::timeout(PATIENCE, joining.wait_with_output()).await.unwrap().unwrap();
    assert!(joined.status.success(), "{joined:?}");
    let mut agent = porch.home.agent().await;
    agent.call("subscribe", json!({ "consumer": "main" })).await.unwrap();
    let told = agent.delivery_of("message.created").await;
    assert_eq!((told.text(), &told.event["data"]["backfill"]), ("welcome", &Value::Null));
    daemon.stop().await;
    porch.serving.stop().await;
}

#[tokio::test]
async fn check_names_a_workspace_whose_platform_delivers_elsewhere() {
    let porch = Porch::new(hospitable(), &ingress()).await;
    let daemon = porch.home.start().await;
    porch.home.ok(&Porch::args(&porch.serving.url(), OWNER)).await;
    porch.is_live().await;
    assert!(!porch.home.ok(&["check"]).await.contains("delivers to"));
    daemon.stop().await;
    for (more, words) in [(ingress(), "`ingress.public_url` is http://"), (String::new(), "is not set")] {
        porch.configure(&more);
        let shown = porch.home.ok(&["check"]).await;
        assert!(shown.contains("the platform of `lounge` delivers to http://") && shown.contains(words), "{shown}");
        assert!(shown.contains("leave and join `lounge` again"), "{shown}");
    }
    // Joined where the platform could not be told a URL, and later it could.
    porch.home.ok(&["leave", "lounge", "--yes"]).await;
    porch.home.ok(&Porch::args(&porch.serving.url(), OWNER)).await;
    assert!(!porch.home.ok(&["check"]).await.contains("was told no URL"));
    porch.configure(&ingress());
    let shown = porch.home.ok(&["check"]).await;
    assert!(shown.contains("the platform of `lounge` was told no URL at the join"), "{shown}");
    assert!(shown.contains("leave and join `lounge` again"), "{shown}");
    porch.serving.stop().await;
}
