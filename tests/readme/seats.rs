//! The blocks about an office, and about invites that lead to a key.

use agent_bridge_sim::office::Receiver;
use agent_bridge_sim::thinkwork::Fault;
use agent_bridge_sim::{run_office, run_thinkwork};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout};

use crate::bridge::{Home, http, until};
use crate::{Stdio, block, linked, sh};

/// Conversations are read often: a test should not wait for the pace of the real one.
const PACE: &str = "[lines.pace]\nfast = \"150ms\"\nfast_for = \"5s\"\nslow = \"300ms\"\nothers = \"500ms\"\n";

/// A simulator as the README starts it, but on a free port: its origin by the README, and what it prints.
struct Served {
    _child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    shown: String,
    /// Where it really is.
    url: String,
}

impl Served {
    async fn start(home: &Home, command: &str) -> Self {
        let serve = block(command);
        let port = serve.trim_end().rsplit(' ').next().expect("a port");
        let words: Vec<_> =
            serve.split_whitespace().skip(1).map(|word| if word == port { "0" } else { word }).collect();
        let mut child = home.command(&words).stdout(Stdio::piped()).spawn().expect("it starts");
        let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
        let first = lines.next_line().await.expect("it writes").expect("a line");
        let url = first.split_whitespace().find(|word| word.starts_with("http://")).expect("its address").to_owned();
        Self { _child: child, lines, shown: format!("http://127.0.0.1:{port}"), url }
    }

    /// The word behind these in what it prints.
    async fn names(&mut self, behind: &str) -> String {
        loop {
            let line = self.lines.next_line().await.expect("it writes").expect("a line with the command");
            if let Some((_, rest)) = line.split_once(behind) {
                return rest.split([' ', '\'']).next().unwrap_or_default().to_owned();
            }
        }
    }
}

#[tokio::test]
async fn the_office_where_somebody_talks_works_as_written() {
    let home = linked();
    home.configure(PACE);
    let mut served = Served::start(&home, "agent-bridge sim office --port").await;
    let code = served.names("--code ").await;
    let _daemon = home.start().await;
    let script = block("--as den --code ABCD1234 --agent-name jared\nagent-bridge tail\n");
    assert!(script.starts_with(&format!("agent-bridge join {} ", served.shown)), "no platform is named: {script}");
    let script = script
        .replace(&served.shown, &served.url)
        .replace("ABCD1234", &code)
        .replace("agent-bridge tail\n", "agent-bridge tail --once --from start\n");
    let said = sh(&home, &script).await;
    assert!(said.contains("joined `den`"), "{said}");
    assert_eq!(said.matches(" confirmed").count(), 2, "{said}");
    let (_, state) = http::get(&served.url, "/_sim/state").await;
    let sent = state["messages"].as_array().expect("a list").iter().filter(|it| it["by_key"] == true);
    let sent: Vec<_> = sent.map(|it| (it["body"].as_str().expect("a text"), it["to"].clone())).collect();
    let group = state["offices"][0]["group"].clone();
    let wanted = [("Good morning, all", json!({ "group": group })), ("Only you", json!({ "direct": "user" }))];
    assert_eq!(sent, wanted);
}

#[tokio::test]
async fn the_invite_that_an_admin_approves_works_as_written() {
    let home = linked();
    let mut served = Served::start(&home, "agent-bridge sim thinkwork --port").await;
    let link = served.names("agent-bridge join thinkwork '").await;
    let _daemon = home.start().await;
    let script = block("agent-bridge status tenant\n");
    let shown = format!("{}/invite/mf_invite_…", served.shown);
    assert!(script.contains(&shown) && link.starts_with(&format!("{}/invite/mf_invite_", served.url)), "{link}");
    let said = sh(&home, &script.replace(&shown, &link)).await;
    assert!(said.contains("joined `tenant`: registered there") && said.contains("no work channel"), "{said}");
}

#[tokio::test]
async fn an_office_is_joined_by_a_code_as_written() {
    let (sim, serving) = run_office(agent_bridge_sim::office::Options::default(), 0).await.expect("a port");
    let home = linked();
    home.configure(PACE);
    let _daemon = home.start().await;
    let script = block("agent-bridge join office https://office.example");
    let script = script.replace("https://office.example", &serving.url()).replace("ABCD1234", &sim.invite());
    let said = sh(&home, &script).await;
    assert!(said.contains("joined `den`"), "{said}");
    let sent: Vec<_> = sim.sent().into_iter().map(|it| (it.from, it.to, it.body)).collect();
    let [group, user] = [Receiver::Group(sim.group()), Receiver::Direct("user".to_owned())];
    let jared = || "jared".to_owned();
    assert_eq!(sent, [(jared(), group, "Good morning".to_owned()), (jared(), user, "Only you".to_owned())]);
}

#[tokio::test]
async fn an_invite_is_joined_as_written() {
    let (sim, serving) = run_thinkwork(agent_bridge_sim::thinkwork::Options::default(), 0).await.expect("a port");
    let home = linked();
    let _daemon = home.start().await;
    let script = block("https://api.thinkwork.example/invite/mf_invite_…");
    let link = sim.invite("Atlas").link;
    // It is approved before the first claim: the next one comes a minute later.
    sim.fault("POST /api/invites/{token}/accept", Fault::DelayReply { millis: 500 });
    let script = script.replace("https://api.thinkwork.example/invite/mf_invite_…", &link);
    let approves = async {
        sim.approving(std::time::Duration::ZERO).await;
        String::new()
    };
    let said = tokio::select! {
        said = sh(&home, &script) => said,
        said = approves => said,
    };
    assert!(said.contains("joined `tenant`: registered there"), "{said}");
    let registered = || async {
        let status: Value = serde_json::from_str(&home.ok(&["status", "tenant", "--json"]).await).expect("JSON");
        (status["workspaces"][0]["seat"] == "registered").then_some(())
    };
    until(registered, || home.log()).await;
    serving.stop().await;
}
