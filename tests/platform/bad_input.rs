//! The list "Bad input" of what a bridge must bear: one clear line, a non-zero exit, nothing half-written.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use agent_bridge_sim::agentunited::{Fault, Options, Sim};
use serde_json::json;

use crate::bridge::{Home, until};
use crate::scripted::{Answer, ScriptedServer};

/// A command that must fail: its code and the one line it said, notes aside.
async fn fails(home: &Home, args: &[&str]) -> (i32, String) {
    let output = home.cli(args).await;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let lines: Vec<&str> = said.lines().filter(|line| !line.starts_with("note: ")).collect();
    assert_eq!(lines.len(), 1, "{args:?}: {said}");
    assert!(lines[0].starts_with("error: "), "{args:?}: {said}");
    (output.status.code().expect("it was not killed"), lines[0].to_owned())
}

fn empty(home: &Home) -> bool {
    fs::read_dir(home.path("state")).expect("it stands").count() == 0
}

#[tokio::test]
async fn a_config_that_cannot_be_is_refused_with_file_line_and_key() {
    let cases = [
        ("[store]\nbudget = 1\n", "config.toml:2: `store.budget`: unknown field"),
        ("stop_time = 5\n", "config.toml:1: `stop_time`: invalid type"),
        ("[[consumer]]\nname = \"a\"\n[[consumer]]\nname = \"a\"\n", "two consumers are called `a`"),
        ("[store\n", "config.toml:1"),
    ];
    for (config, wanted) in cases {
        let home = Home::new(config);
        for command in ["run", "check"] {
            let (code, said) = fails(&home, &[command]).await;
            assert!(code == 78 && said.contains(wanted), "{code}: {said}");
        }
        assert!(empty(&home), "nothing was made");
    }
}

#[tokio::test]
async fn an_invite_that_cannot_be_used_leaves_no_workspace() {
    let sim = Sim::new(Options::default());
    let serving = sim.serve(0).await.expect("a free port");
    let stranger = Sim::new(Options::default());
    let elsewhere = stranger.serve(0).await.expect("a free port");
    let home = Home::new("");
    let used = sim.invite(None);
    home.ok(&["join", "agentunited", &used, "--as", "first"]).await;
    let wrong_host = sim.invite(None).replace(&serving.url(), &elsewhere.url());
    sim.reconfigure(|options| options.invite_lifetime = std::time::Duration::ZERO);
    let expired = sim.invite(None);
    let url = serving.url();
    fs::write(home.path("pw"), "short").expect("the file is written");
    let short = format!("password=@{}", home.path("pw").display());
    let cases: [(&str, &[&str], &str); 7] = [
        (&format!("{url}/invite"), &[], "token"),
        (&format!("{url}/invite?token="), &[], "token"),
        (&wrong_host, &[], "check both the host and the token"),
        (&expired, &[], "ask the workspace owner"),
        (&used, &[], "already been used"),
        (&url, &["--email", "a@b.test", "--secret", &short], "at least 12"),
        ("ftp://somewhere.example", &[], "http"),
    ];
    for (link, more, wanted) in cases {
        let (code, said) = fails(&home, &[&["join", "agentunited", link, "--as", "acme"], more].concat()).await;
        assert!(code != 0 && said.contains(wanted), "{link}: {code}: {said}");
        assert!(!said.contains("inv_"), "no token is repeated: {said}");
    }
    let status: serde_json::Value = serde_json::from_str(&home.ok(&["status", "--json"]).await).expect("JSON");
    let names: Vec<_> = status["workspaces"].as_array().expect("a list").iter().map(|it| &it["name"]).collect();
    assert_eq!(names, ["first"], "nothing half-joined stands there");
}

#[tokio::test]
async fn a_store_that_cannot_be_used_is_left_as_it_is() {
    let home = Home::new("");
    let daemon = home.start().await;
    let (code, said) = fails(&home, &["run"]).await;
    assert!(code == 75 && said.contains("in use"), "{code}: {said}");
    daemon.stop().await;

    let store = home.path("state/bridge.redb");
    let whole = fs::read(&store).expect("the store stands");
    for (what, bytes) in [("truncated", &whole[..whole.len() / 2]), ("cut to a few bytes", &whole[..100])] {
        fs::write(&store, bytes).expect("it is written");
        for command in ["run", "status"] {
            let (code, said) = fails(&home, &[command]).await;
            assert!(code == 65 && said.contains("bridge.redb"), "{what}: {code}: {said}");
            assert_eq!(fs::read(&store).expect("it stands"), bytes, "{what}: {command} left it alone");
        }
    }
    fs::write(&store, &whole).expect("it is written");
    assert_eq!(home.start().await.stop().await, Some(0), "put back, it runs again");
}

#[tokio::test]
async fn a_store_of_a_newer_version_is_refused_by_name() {
    let home = Home::new("");
    home.start().await.stop().await;
    let store = home.path("state/bridge.redb");
    {
        let meta = redb::TableDefinition::<&str, &[u8]>::new("meta");
        let database = redb::Database::open(&store).expect("it opens");
        let write = database.begin_write().expect("it writes");
        write.open_table(meta).expect("the table").insert("schema", 999_u32.to_le_bytes().as_slice()).expect("a row");
        write.commit().expect("it commits");
    }
    let (code, said) = fails(&home, &["run"]).await;
    assert!(code == 65 && said.contains("999") && said.contains("newer"), "{code}: {said}");
}

#[tokio::test]
async fn a_state_directory_that_may_not_be_used_is_said() {
    let home = Home::new("");
    // A file where the directory should be: nobody, not even root, can make a store there.
    fs::remove_dir(home.path("state")).expect("it is empty");
    fs::write(home.path("state"), "mine").expect("it is written");
    let (code, said) = fails(&home, &["run"]).await;
    assert!(code != 0 && said.contains("state"), "{code}: {said}");
    assert_eq!(fs::read_to_string(home.path("state")).expect("it stands"), "mine");
}

#[tokio::test]
async fn a_state_directory_without_permission_is_said() {
    let home = Home::new("");
    fs::set_permissions(home.path("state"), fs::Permissions::from_mode(0o000)).expect("its mode is set");
    let root = fs::read_dir(home.path("state")).is_ok();
    let mut command = home.command(&["run"]);
    let binary = home.path("agent-bridge");
    if root {
        // Root may do anything: somebody else has to try, from a place that he may read.
        fs::set_permissions(home.path(""), fs::Permissions::from_mode(0o755)).expect("its mode is set");
        fs::copy(env!("CARGO_BIN_EXE_agent-bridge"), &binary).expect("it is copied");
        let by_name = tokio::process::Command::new(&binary);
        let old = std::mem::replace(&mut command, by_name);
        let environment = old.as_std().get_envs().filter_map(|(key, value)| Some((key, value?)));
        command.env_clear().envs(environment).arg("run").uid(65534).gid(65534).kill_on_drop(true);
    }
    let output = command.output().await.expect("it starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(77), "{said}");
    assert!(said.trim_end().lines().count() == 1 && said.contains("state"), "{said}");
    fs::set_permissions(home.path("state"), fs::Permissions::from_mode(0o700)).expect("its mode is set");
    assert!(empty(&home), "nothing was made");
}

#[tokio::test]
async fn a_socket_path_over_the_limit_is_refused_before_anything_is_made() {
    let home = Home::new("");
    let long = home.path(&"d".repeat(100));
    let (code, said) = fails(&home, &["--runtime", long.to_str().expect("text"), "run"]).await;
    assert!(code == 78 && said.contains("107") && said.contains("--runtime"), "{code}: {said}");
    assert!(empty(&home) && !long.exists());
}

#[tokio::test]
async fn each_bad_line_on_the_socket_is_refused_by_name_and_the_connection_lives() {
    let home = Home::new("[socket]\nline = \"4KiB\"\n");
    let _daemon = home.start().await;
    let mut agent = home.agent().await;
    let long = format!(r#"{{"id":1,"method":"{}"}}"#, "x".repeat(9_000));
    let cases = [
        ("hello", "not_json"),
        (long.as_str(), "line_too_long"),
        (r#"{"id":1,"method":"pong"}"#, "unknown_method"),
        (r#"{"id":1,"method":"subscribe","params":{"consumer":7}}"#, "bad_params"),
        (r#"{"id":1,"method":"subscribe","params":{"consumer":"mian"}}"#, "no_such_consumer"),
    ];
    for (line, kind) in cases {
        agent.write_line(line).await;
        let answer = agent.read().await.expect("the connection stays");
        assert_eq!(answer["error"]["data"]["kind"], kind, "{answer}");
        assert!(answer["error"]["message"].as_str().is_some_and(|message| message.len() > 10), "{answer}");
    }
    assert!(agent.call("ping", json!({})).await.is_ok());
}

#[tokio::test]
async fn a_platform_that_answers_nonsense_is_told_apart_and_nothing_is_joined() {
    let page = "<!doctype html><title>Welcome</title>";
    let half = b"HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n{\"email\":".to_vec();
    let huge = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 104857600\r\n\r\n".to_vec();
    let cases = [
        ("HTML", Answer::whole("200 OK", "content-type: text/html\r\n", page), "not"),
        ("500", Answer::whole("500 Internal Server Error", "", "{}"), "try again later"),
        ("half a body", Answer::Bytes(half), "run the same command again"),
        ("100 MB", Answer::Endless(huge), "is the URL right?"),
        ("nothing", Answer::Bytes(Vec::new()), "run the same command again"),
        ("silence", Answer::Hang(Vec::new()), "run the same command again"),
    ];
    for (what, answer, wanted) in cases {
        let server = ScriptedServer::start(move |_| answer.clone()).await;
        let home = Home::new("[join]\nrequest = \"2s\"\n");
        let link = format!("{}/invite?token=inv_x", server.origin);
        let (code, said) = fails(&home, &["join", "agentunited", &link, "--as", "acme"]).await;
        assert!(code != 0 && said.contains(wanted) && said.contains("127.0.0.1"), "{what}: {code}: {said}");
        assert_eq!(server.seen().iter().filter(|request| request.starts_with("POST")).count(), 0, "{what}");
        let status: serde_json::Value = serde_json::from_str(&home.ok(&["status", "--json"]).await).expect("JSON");
        assert_eq!(status["workspaces"], json!([]), "{what}: nothing half-joined stands there");
    }
}

#[tokio::test]
async fn a_platform_that_turns_to_nonsense_loses_no_message() {
    let sim = Sim::new(Options::documented());
    let _serving = sim.serve(0).await.expect("a free port");
    let home = Home::new("[lines]\nfirst_wait = \"50ms\"\nlongest_wait = \"200ms\"\n[join]\nrequest = \"2s\"\n");
    let _daemon = home.start().await;
    home.ok(&["join", "agentunited", &sim.invite(None), "--as", "acme"]).await;
    let mut agent = home.agent().await;
    agent.call("subscribe", json!({ "consumer": "main" })).await.expect("it is the reader");
    let (pierre, me) = (sim.person("Pierre"), sim.members().pop().expect("somebody joined"));
    let room = sim.dm(&pierre, &me);
    let nonsense = [
        Fault::Html,
        Fault::Status { status: 500 },
        Fault::TruncatedJson,
        Fault::HalfBody,
        Fault::Huge { bytes: 100 << 20 },
        Fault::ReplyLost,
    ];
    for fault in nonsense {
        until(|| async { (sim.stream_count() > 0).then_some(()) }, || home.log()).await;
        for route in ["GET /channels", "GET /channels/{id}/messages"] {
            sim.fault(route, fault.clone());
        }
        // The simulator halves whole bodies only, and a stream never is one.
        if !matches!(fault, Fault::TruncatedJson | Fault::HalfBody) {
            sim.fault("GET /events/stream", fault.clone());
        }
        let text = format!("despite {}", fault.kind());
        sim.cut_streams();
        sim.say(&pierre, &room, &text);
        let delivery = agent.delivery_of("message.created").await;
        assert_eq!(delivery.text(), text);
        agent.call("ack", json!({ "seq": delivery.seq })).await.expect("it is acked");
        sim.clear_faults();
    }
}
