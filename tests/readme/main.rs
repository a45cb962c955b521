//! The commands of README.md do what README.md says: extracted from it and run, wherever that can be done.

#[path = "../support/bridge.rs"]
#[allow(dead_code, reason = "each test binary uses its part")]
mod bridge;
mod documents;
mod seats;

use std::process::Stdio;

use agent_bridge_sim::agentunited::{Options, Sim};
use agent_bridge_sim::serve::Serving;
use bridge::{Home, until};
use serde_json::json;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

const README: &str = include_str!("../../README.md");

/// Language and text of every fenced block, in order.
fn blocks() -> Vec<(&'static str, &'static str)> {
    let fences = README.split("```").skip(1).step_by(2);
    fences.filter_map(|block| block.split_once('\n')).collect()
}

/// The one block that holds these words.
fn block(words: &str) -> &'static str {
    let found: Vec<_> = blocks().into_iter().filter(|(_, text)| text.contains(words)).collect();
    assert_eq!(found.len(), 1, "one block with `{words}`");
    found[0].1
}

/// Whether a tool is there; under CI it must be.
fn has(tool: &str) -> bool {
    let found = std::process::Command::new(tool).arg("--version").output().is_ok_and(|output| output.status.success());
    if !found {
        assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "{tool} is not installed");
        println!("skipped: {tool} is not installed");
    }
    found
}

/// A platform, and a home.
async fn scene() -> (Sim, Serving, Home) {
    let sim = Sim::new(Options::documented());
    let serving = sim.serve(0).await.expect("a free port");
    (sim, serving, linked())
}

/// A home with the binary under the name that the README uses.
fn linked() -> Home {
    let home = Home::new("");
    // The README's socket is where `$XDG_RUNTIME_DIR` says.
    std::fs::create_dir_all(home.path("bin")).expect("a folder");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_agent-bridge"), home.path("bin/agent-bridge")).expect("a link");
    std::os::unix::fs::symlink(home.path("run"), home.path("run/agent-bridge")).expect("a link");
    home
}

/// Runs a script by `sh -e` with the home's environment; its standard output.
async fn sh(home: &Home, script: &str) -> String {
    let of = home.command(&[]);
    let path = format!("{}:{}", home.path("bin").display(), std::env::var("PATH").unwrap_or_default());
    let mut shell = Command::new("sh");
    let environment = of.as_std().get_envs().filter_map(|(key, value)| Some((key, value?)));
    shell.env_clear().envs(environment).env("PATH", path).args(["-e", "-c", script]).kill_on_drop(true);
    let run = shell.stdin(Stdio::null()).output();
    let output = tokio::time::timeout(bridge::PATIENCE, run).await.expect("it ends").expect("it starts");
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{script}\n{out}\n{err}\n{}", home.log());
    out.into_owned()
}

#[test]
fn the_first_two_blocks_are_the_demo_and_the_tests() {
    let blocks = blocks();
    assert_eq!(&blocks[..2], [("sh", "cargo run --release -- demo\n"), ("sh", "cargo test --workspace\n")]);
    let intro = README.split("```").next().expect("an introduction");
    assert!(
        intro.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).count() <= 5,
        "five lines: {intro}"
    );
}

#[tokio::test]
async fn joining_watching_and_sending_work_as_written() {
    let (sim, _serving, home) = scene().await;
    let _daemon = home.start().await;
    let script = block("agent-bridge run &");
    assert!(script.contains("agent-bridge tail\n"));
    let script = script
        .replace("agent-bridge run &\n", "")
        .replace("https://their-workspace.example/invite?token=inv_…", &sim.invite(None))
        .replace("agent-bridge tail\n", "agent-bridge tail --once --from start\n");
    let said = sh(&home, &script).await;
    assert!(said.contains("joined `acme`") && said.contains("confirmed"), "{said}");
    let sent = sim.messages_by_agent();
    assert_eq!(sent.iter().map(|message| message.text.as_str()).collect::<Vec<_>>(), ["Hello from the bridge"]);
    let named = sim.look(|world| format!("{world:?}").contains("My Agent"));
    assert!(named, "the display name of --set reached the platform");
}

#[tokio::test]
async fn joining_with_an_account_or_a_key_works_as_written() {
    let (sim, serving, home) = scene().await;
    let _daemon = home.start().await;
    let key = sim.api_key(&sim.primary());
    std::fs::write(home.path("key.txt"), key).expect("the key is written");
    let script = block("--secret api_key=@key.txt");
    assert!(script.contains("--email agent@their-workspace.example\n"));
    let url = serving.url();
    let by_key = script.lines().find(|line| line.contains("key.txt")).expect("a line");
    let by_key = by_key.replace("https://their-workspace.example", &url);
    let said = sh(&home, &format!("cd {}\n{by_key}", home.path("").display())).await;
    assert!(said.contains("joined `acme`"), "{said}");
    sh(&home, "agent-bridge leave acme --yes").await;
    // The prompt needs a terminal; the password of the other line comes from standard input instead.
    let invite = sim.invite(Some("agent@their-workspace.example"));
    let first = format!(
        "echo 'a password of its own' | agent-bridge join agentunited '{invite}' --as other --secret password=-"
    );
    sh(&home, &first).await;
    let by_mail = script.lines().find(|line| line.contains("--email")).expect("a line");
    let by_mail = by_mail.replace("https://their-workspace.example", &url).replace("--as acme", "--as mail");
    let said = sh(&home, &format!("echo 'a password of its own' | {by_mail} --secret password=-")).await;
    assert!(said.contains("joined `mail`"), "{said}");
}

#[tokio::test]
async fn the_simulated_platform_prints_a_link_that_can_be_joined() {
    assert_eq!(block("agent-bridge sim\n"), "agent-bridge sim\n");
    let home = Home::new("");
    let mut child = home.command(&["sim"]).stdout(Stdio::piped()).spawn().expect("it starts");
    let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
    let _daemon = home.start().await;
    let mut agent = home.agent().await;
    agent.call("subscribe", json!({ "consumer": "main" })).await.expect("it is the reader");
    let line = loop {
        let line = lines.next_line().await.expect("it writes").expect("a line with the command");
        if line.contains("agent-bridge join") {
            break line;
        }
    };
    let words: Vec<_> = line.split_whitespace().skip(1).map(|word| word.trim_matches('\'')).collect();
    home.ok(&words).await;
    let delivery = agent.delivery_of("message.created").await;
    assert_eq!(delivery.event["data"]["author"]["kind"], "human", "somebody there talks by themselves");
}

#[tokio::test]
async fn the_platform_where_somebody_lets_the_agent_in_works_as_written() {
    let (_sim, _serving, home) = scene().await;
    let serve = block("agent-bridge sim speakeasy");
    let port = serve.trim_end().rsplit(' ').next().expect("a port");
    let words: Vec<_> = serve.split_whitespace().skip(1).map(|word| if word == port { "0" } else { word }).collect();
    let mut child = home.command(&words).stdout(Stdio::piped()).spawn().expect("it starts");
    let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
    let first = lines.next_line().await.expect("it writes").expect("a line");
    let url = first.split_whitespace().find(|word| word.starts_with("http://")).expect("its address").to_owned();
    let _daemon = home.start().await;
    let script = block("agent-bridge join speakeasy http://127.0.0.1");
    assert!(script.contains(&format!("http://127.0.0.1:{port} ")) && script.contains("agent-bridge tail\n"));
    let script = script
        .replace(&format!("http://127.0.0.1:{port}"), &url)
        .replace("agent-bridge tail\n", "agent-bridge tail --once --from start\n");
    let said = sh(&home, &script).await;
    assert!(said.contains("joined `parlour`") && said.contains("confirmed"), "{said}");
    let (_, state) = bridge::http::get(&url, "/_sim/state").await;
    let chats = state["chats"].as_array().expect("a list");
    let sent = chats.iter().find(|chat| chat["plain"] == "Hello, all").unwrap_or_else(|| panic!("{chats:?}"));
    assert_eq!(sent["attachments"].as_array().map(Vec::len), Some(1), "{sent}");
}

#[tokio::test]
async fn the_blocks_of_config_are_taken() {
    let config: String =
        blocks().into_iter().filter(|(language, _)| *language == "toml").map(|(_, text)| text).collect();
    assert!(config.contains("[ingress]") && config.contains("[workspace.lounge]"), "{config}");
    Home::new(&config).ok(&["check"]).await;
}

#[test]
fn the_demos_trips_are_those_that_it_reports() {
    let shown: Vec<_> =
        block("answered by act_").lines().filter_map(|line| line.split_once(": ")).map(|(trip, _)| trip).collect();
    let (shown, seats) = shown.split_at(shown.len() - 2);
    assert_eq!(seats, ["thinkwork (invite)", "paperclip (invite)"]);
    let trips = [
        "agentunited (documented)",
        "agentunited (observed)",
        "speakeasy (cable)",
        "speakeasy (poll)",
        "agentworkspace (poll)",
        "speakeasy (webhook)",
        "agentworkspace (webhook)",
        "office (group)",
        "office (direct)",
    ];
    assert_eq!(shown, trips, "as tests/platform/nonce.rs has them");
}

#[tokio::test]
async fn the_ten_lines_of_python_answer_a_message() {
    if !has("python3") {
        return;
    }
    let (language, agent) =
        blocks().into_iter().find(|(language, _)| language.starts_with("python")).expect("an agent");
    assert_eq!(language, "python agent.py");
    let (sim, _serving, home) = scene().await;
    let _daemon = home.start().await;
    home.ok(&["join", "agentunited", &sim.invite(None), "--as", "acme"]).await;
    std::fs::write(home.path("agent.py"), agent).expect("the agent is written");
    let mut python = Command::new("python3");
    python.arg(home.path("agent.py")).env("AGENT_BRIDGE_SOCKET", home.path("run/agent.sock")).kill_on_drop(true);
    let _python = python.stdin(Stdio::null()).spawn().expect("it starts");
    let connected = || async {
        let status: serde_json::Value = serde_json::from_str(&home.ok(&["status", "--json"]).await).expect("JSON");
        (status["consumers"][0]["status"]["connected"] == true).then_some(())
    };
    until(connected, || home.log()).await;
    let room = sim.dm(&sim.person("Pierre"), &sim.members()[0]);
    sim.say(&sim.person("Pierre"), &room, "hello");
    let answered = sim.wait_for(|world| world.messages_by_agent().iter().any(|it| it.text == "You said: hello"));
    tokio::time::timeout(bridge::PATIENCE, answered).await.unwrap_or_else(|_| panic!("no answer: {}", home.log()));
}

#[tokio::test]
async fn a_webhook_is_added_as_written() {
    let (_sim, _serving, home) = scene().await;
    let _daemon = home.start().await;
    sh(&home, block("agent-bridge consumer add hook")).await;
    let list: serde_json::Value = serde_json::from_str(&home.ok(&["consumer", "list", "--json"]).await).expect("JSON");
    let hook = list["consumers"].as_array().expect("a list").iter().find(|it| it["name"] == "hook").expect("it stands");
    assert_eq!(hook["webhook"]["url"], "http://127.0.0.1:9000/events", "{hook}");
}

#[tokio::test]
async fn curl_asks_and_acts_on_the_control_socket_as_written() {
    if !has("curl") {
        return;
    }
    let (sim, _serving, home) = scene().await;
    let _daemon = home.start().await;
    home.ok(&["join", "agentunited", &sim.invite(None), "--as", "acme"]).await;
    let said = sh(&home, block("curl --unix-socket")).await;
    assert!(said.contains("\"acme\""), "{said}");
    let acted = sim.wait_for(|world| world.messages_by_agent().iter().any(|it| it.text == "hi"));
    tokio::time::timeout(bridge::PATIENCE, acted).await.unwrap_or_else(|_| panic!("not sent: {said} {}", home.log()));
}

#[tokio::test]
async fn the_installation_is_a_script_and_installs_what_stands_here() {
    let script = block("systemctl enable");
    let checked = Command::new("sh").args(["-n", "-c", script]).output().await.expect("sh starts");
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
    let unit = include_str!("../../systemd/agent-bridge.service");
    for file in ["config.example.toml", "systemd/agent-bridge.service"] {
        assert!(script.contains(file) && std::path::Path::new(file).exists(), "{file}");
    }
    let key = unit.lines().find_map(|line| line.strip_prefix("LoadCredential=vault-key:")).expect("a vault key");
    assert!(script.contains(key), "the script makes {key}");
    let user = unit.lines().find_map(|line| line.strip_prefix("User=")).expect("a user");
    assert!(script.lines().any(|line| line.contains("useradd") && line.ends_with(user)), "the script makes {user}");
    let binary = unit.lines().find_map(|line| line.strip_prefix("ExecStart=")).expect("a command");
    assert!(binary.starts_with("/usr/bin/agent-bridge ") && script.contains("target/release/agent-bridge /usr/bin/"));
}

#[tokio::test]
async fn config_state_and_sockets_are_where_the_table_says() {
    for place in ["`$STATE_DIRECTORY`", "`$XDG_STATE_HOME/agent-bridge`", "`~/.local/state/agent-bridge`"] {
        assert!(README.contains(place), "{place}");
    }
    let home = Home::new("");
    let cases: [(&[(&str, &str)], &str); 3] = [
        (&[("STATE_DIRECTORY", "one"), ("XDG_STATE_HOME", "two")], "one"),
        (&[("XDG_STATE_HOME", "two")], "two/agent-bridge"),
        (&[], ".local/state/agent-bridge"),
    ];
    for (variables, wanted) in cases {
        let mut command = home.command(&["check", "--json"]);
        command.env_remove("STATE_DIRECTORY").env_remove("XDG_STATE_HOME").env_remove("RUNTIME_DIRECTORY");
        command.envs(variables.iter().map(|(key, folder)| (key, home.path(folder))));
        let output = command.output().await.expect("it starts");
        let found: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
        assert_eq!(found["store"], json!(home.path(wanted).join("bridge.redb")), "{found}");
        assert_eq!(found["sockets"][0], json!(home.path("run/agent-bridge/agent.sock")), "{found}");
        assert_eq!(found["config"], json!(home.path("config.toml")), "{found}");
    }
}
