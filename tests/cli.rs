//! The binary as an operator meets it: one clear line and the right exit code for everything that can be wrong.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails, and says where")]

mod running;

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use agent_bridge::store::{Batch, Change, DeadLetter, Options as StoreOptions, Store};
use agent_bridge_sim::agentunited::{Options, Sim};
use running::{Home, stderr};
use serde_json::Value;

/// Code and words of a command that must fail, with exactly one line on stderr.
fn fails(home: &Home, args: &[&str]) -> (i32, String) {
    let output = home.does(args);
    let words = stderr(&output);
    assert_eq!(words.trim_end().lines().count(), 1, "{args:?}: {words}");
    (output.status.code().unwrap(), words)
}

#[test]
fn a_bad_config_names_file_line_and_key() {
    let cases = [
        ("[store]\nbudget = 1\n", "config.toml:2: `store.budget`: unknown field"),
        ("stop_time = 5\n", "config.toml:1: `stop_time`: invalid type"),
        ("[[consumer]]\nname = \"a\"\n[[consumer]]\nname = \"a\"\n", "two consumers are called `a`"),
        ("[log]\nformat = \"loud\"\n", "config.toml:2: `log.format`: unknown variant"),
    ];
    for (config, words) in cases {
        let home = Home::with_config(config);
        for command in ["run", "check"] {
            let (code, said) = fails(&home, &[command]);
            assert_eq!(code, 78, "{said}");
            assert!(said.contains(words), "{said}");
        }
        assert!(!home.path("state").exists(), "nothing was made");
    }
    let home = Home::new();
    let (code, said) = fails(&home, &["--config", "/nowhere/config.toml", "check"]);
    assert!(code == 66 && said.contains("/nowhere/config.toml"), "{said}");
}

#[test]
fn a_bad_manifest_names_file_line_and_key() {
    let home = Home::new();
    std::fs::create_dir(home.path("adapters")).unwrap();
    std::fs::write(home.path("adapters/x.yaml"), "platform: x\ntitel: X\n").unwrap();
    let config = format!("adapters_dir = \"{}\"\n", home.path("adapters").display());
    std::fs::write(home.path("config.toml"), config).unwrap();
    let (code, said) = fails(&home, &["check"]);
    assert!(code == 78 && said.contains("x.yaml:") && said.contains("titel"), "{said}");
}

#[test]
fn wrong_arguments_are_usage_errors() {
    let home = Home::new();
    for args in [&["fly"][..], &["join"], &["run", "--nonsense"], &["consumer"], &["receipt"]] {
        assert_eq!(home.does(args).status.code(), Some(64), "{args:?}");
    }
    for args in [
        &["join", "nowhere", "https://x", "--as", "acme"][..],
        &["join", "agentunited", "https://x", "--as", "No Name"],
        &["leave", "acme"],
    ] {
        assert_eq!(fails(&home, args).0, 64, "{args:?}");
    }
}

#[test]
fn a_secret_is_never_an_argument_and_never_repeated() {
    let home = Home::new();
    let join = ["join", "agentunited", "https://x.example", "--as", "acme"];
    for more in [["--secret", "password=CANARY"], ["--set", "password=CANARY"]] {
        let (code, said) = fails(&home, &[&join[..], &more[..]].concat());
        assert_eq!(code, 64);
        assert!(said.contains("password=@FILE") && !said.contains("CANARY"), "{said}");
    }
    let (code, said) = fails(&home, &[&join[..], &["--secret", "password"]].concat());
    assert!(code == 64 && said.contains("no terminal"), "{said}");
    assert_eq!(fails(&home, &[&join[..], &["--secret", "password=@/nowhere"]].concat()).0, 66);
    assert!(!home.path("state").exists(), "nothing was made");
}

#[test]
fn without_a_daemon_each_command_says_what_it_needs() {
    let home = Home::new();
    for args in [&["tail"][..], &["send", "acme", "hi"], &["act", "acme", "send", "text=hi"]] {
        let (code, said) = fails(&home, args);
        assert!(code == 69 && said.contains("agent-bridge run"), "{args:?}: {said}");
    }
    for args in [&["status"][..], &["dead", "list", "main"], &["leave", "acme", "--yes"]] {
        let (code, said) = fails(&home, args);
        assert!(code == 66 && said.contains("there is no store"), "{args:?}: {said}");
    }
    assert!(!home.path("state").exists(), "looking makes nothing");
    let (code, said) = fails(&home, &["--socket", "/nowhere.sock", "status"]);
    assert!(code == 69 && said.contains("/nowhere.sock"), "{said}");
}

#[test]
fn the_store_alone_is_worked_on_without_a_daemon() {
    let home = Home::new();
    home.says(&["consumer", "add", "helper", "--types", "message.*", "--ack-wait", "90s"]);
    let list: Value = serde_json::from_str(&home.says(&["consumer", "list", "--json"])).unwrap();
    assert_eq!(list["consumers"][0]["only"]["types"][0], "message.*");
    assert_eq!(list["consumers"][0]["ack_wait"], "90s");
    home.says(&["consumer", "set", "helper", "--all", "--per-lane", "0"]);
    home.says(&["consumer", "disable", "helper"]);
    let list: Value = serde_json::from_str(&home.says(&["consumer", "list", "--json"])).unwrap();
    assert_eq!(
        (&list["consumers"][0]["per_lane"], &list["consumers"][0]["only"]["types"]),
        (&0.into(), &Value::Array(vec![]))
    );
    assert_eq!(list["consumers"][0]["disabled"], "by the operator");
    let (code, said) = fails(&home, &["consumer", "set", "helpr", "--per-lane", "1"]);
    assert!(code == 66 && said.contains("helpr"), "{said}");
    assert_eq!(fails(&home, &["dead", "retry", "helper", "7"]).0, 66);
    home.says(&["consumer", "remove", "helper"]);
    assert_eq!(home.says(&["consumer", "list"]), "");
}

#[test]
fn one_daemon_a_store_and_commands_find_it() {
    let home = Home::new();
    let mut daemon = home.run();
    let status: Value = serde_json::from_str(&home.says(&["status", "--json"])).unwrap();
    assert_eq!(status["daemon"], true);
    assert_eq!(status["consumers"][0]["name"], "main");
    let elsewhere = home.path("elsewhere");
    let (code, said) = fails(&home, &["--runtime", elsewhere.to_str().unwrap(), "status"]);
    assert!(code == 75 && said.contains("in use"), "{said}");
    let second = fails(
        &home,
        &["--state", home.path("other").to_str().unwrap(), "--runtime", elsewhere.to_str().unwrap(), "status"],
    );
    assert_eq!(second.0, 66, "another state is another bridge: {}", second.1);
    let output = home.command(&["run"]).output().unwrap();
    assert_eq!(output.status.code(), Some(75), "{}", stderr(&output));
    daemon.signal("HUP");
    daemon.signal("INT");
    assert_eq!(daemon.ends(), Some(0));
    let status: Value = serde_json::from_str(&home.says(&["status", "--json"])).unwrap();
    assert_eq!(status["daemon"], false);
}

#[test]
fn a_socket_path_over_the_limit_is_refused_before_anything_is_made() {
    let home = Home::new();
    let long = home.path(&"d".repeat(100));
    let args = ["--runtime", long.to_str().unwrap(), "run"];
    let (code, said) = fails(&home, &args);
    assert!(code == 78 && said.contains("107") && said.contains("--runtime"), "{said}");
    assert!(!home.path("state").exists() && !long.exists());
}

#[test]
fn a_place_for_the_sockets_that_cannot_be_made_says_how_to_name_another() {
    let home = Home::new();
    std::fs::write(home.path("file"), "").unwrap();
    let (_, said) = fails(&home, &["--runtime", home.path("file/run").to_str().unwrap(), "run"]);
    assert!(said.contains("--runtime DIR") && said.contains("XDG_RUNTIME_DIR"), "{said}");
}

#[test]
fn what_lies_where_a_socket_should_be_is_not_taken_away() {
    let home = Home::new();
    std::fs::create_dir(home.path("run")).unwrap();
    std::fs::write(home.path("run/agent.sock"), "mine").unwrap();
    let output = home.does(&["run"]);
    assert_eq!(output.status.code(), Some(73), "{}", stderr(&output));
    assert_eq!(std::fs::read_to_string(home.path("run/agent.sock")).unwrap(), "mine");
}

#[test]
fn a_state_directory_without_permission_is_said() {
    let home = Home::new();
    std::fs::create_dir(home.path("state")).unwrap();
    std::fs::set_permissions(home.path("state"), std::fs::Permissions::from_mode(0o000)).unwrap();
    if std::fs::read_dir(home.path("state")).is_ok() {
        // Root may read everything: somebody else has to try, from where he may read the binary.
        return as_nobody(&home);
    }
    assert_eq!(fails(&home, &["status"]).0, 77);
}

/// The same as an unprivileged user, through `setpriv` (util-linux).
fn as_nobody(home: &Home) {
    std::fs::set_permissions(home.path(""), std::fs::Permissions::from_mode(0o755)).unwrap();
    let binary = home.path("agent-bridge");
    std::fs::copy(assert_cmd::cargo::cargo_bin!("agent-bridge"), &binary).unwrap();
    let output = Command::new("setpriv")
        .args(["--reuid=65534", "--regid=65534", "--clear-groups", "--"])
        .arg(&binary)
        .env_clear()
        .env("HOME", home.path(""))
        .args(["--runtime", "/nowhere", "--state"])
        .arg(home.path("state"))
        .arg("status")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(77), "{}", stderr(&output));
    assert!(stderr(&output).contains("state"), "{}", stderr(&output));
}

#[test]
fn a_store_that_cannot_be_read_is_left_as_it_is() {
    let home = Home::new();
    std::fs::create_dir(home.path("state")).unwrap();
    let file = home.path("state/bridge.redb");
    std::fs::write(&file, b"this is no store").unwrap();
    let output = home.does(&["run"]);
    assert_eq!(output.status.code(), Some(65), "{}", stderr(&output));
    assert_eq!(std::fs::read(&file).unwrap(), b"this is no store");
}

#[test]
fn help_completions_and_manual_come_out() {
    let home = Home::new();
    assert!(home.says(&["--help"]).contains("Examples:"));
    assert!(home.says(&["join", "--help"]).contains("name=@FILE"));
    for shell in ["bash", "zsh", "fish"] {
        assert!(home.says(&["completions", shell]).contains("agent-bridge"));
    }
    assert!(home.says(&["man"]).contains(".TH agent-bridge"));
    let pages = home.path("man1");
    home.says(&["man", "--out", pages.to_str().unwrap()]);
    assert!(pages.join("agent-bridge-join.1").exists());
}

#[test]
fn check_says_what_would_run() {
    let home = Home::with_config("[[consumer]]\nname = \"agent\"\n");
    let found: Value = serde_json::from_str(&home.says(&["check", "--json"])).unwrap();
    assert_eq!(found["consumers"][0], "agent");
    assert!(found["platforms"].as_array().unwrap().contains(&"agentunited".into()));
    assert!(!home.path("state").exists(), "looking makes nothing");
}

#[test]
fn the_unit_is_one_that_systemd_takes_and_is_well_shut() {
    if Command::new("systemd-analyze").arg("--version").output().is_err() {
        assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "systemd-analyze is not installed");
        println!("skipped: systemd-analyze is not installed");
        return;
    }
    let home = Home::new();
    let unit = home.path("agent-bridge.service");
    let text = include_str!("../systemd/agent-bridge.service");
    assert!(!text.lines().any(|line| line.starts_with("PrivateUsers")), "it would break SO_PEERCRED");
    let binary = assert_cmd::cargo::cargo_bin!("agent-bridge");
    std::fs::write(&unit, text.replace("/usr/bin/agent-bridge", binary.to_str().unwrap())).unwrap();
    let analyze = |args: &[&str]| Command::new("systemd-analyze").args(args).arg(&unit).output().unwrap();
    let verified = analyze(&["verify", "--man=no"]);
    assert!(verified.status.success() && stderr(&verified).is_empty(), "{}", stderr(&verified));
    let shut = analyze(&["security", "--offline=true", "--threshold=15", "--no-pager"]);
    assert!(shut.status.success(), "{}", String::from_utf8_lossy(&shut.stdout));
}

#[test]
fn shortened_waits_between_attempts_take_effect() {
    let config =
        "[deliver]\nfirst_wait = \"1ms\"\nlongest_wait = \"2ms\"\n[[consumer]]\nname = \"main\"\nmax_attempts = 99\n";
    let home = Home::with_config(config);
    let daemon = home.run();
    let mut agent = daemon.agent();
    agent.asks(r#"{"id":1,"method":"subscribe","params":{"consumer":"main"}}"#);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let sim = Sim::new(Options::default());
    let _serving = runtime.block_on(sim.serve(0)).unwrap();
    home.says(&["join", "agentunited", &sim.invite(None), "--as", "acme"]);
    // By default the ninth attempt comes after more than four minutes.
    let mut seq = None;
    for attempt in 1..10 {
        let delivery = loop {
            let line = agent.hears().expect("an event in time");
            let delivery = line["params"]["delivery"].clone();
            if *seq.get_or_insert_with(|| delivery["seq"].clone()) == delivery["seq"] {
                break delivery;
            }
        };
        assert_eq!(delivery["attempt"], attempt);
        agent.sends(format!("{{\"method\":\"nack\",\"params\":{{\"seq\":{}}}}}\n", delivery["seq"]).as_bytes());
    }
}

#[test]
fn a_shortened_request_time_takes_effect() {
    let home = Home::with_config("[network]\nrequest = \"150ms\"\n");
    // A platform that takes connections and says nothing.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let invite = format!("http://{}/invite?token=inv_1", silent.local_addr().unwrap());
    let output = home.does(&["join", "agentunited", &invite, "--as", "acme"]);
    let said = stderr(&output);
    assert!(!output.status.success() && said.contains("no whole answer within 150ms"), "{said}");
}

#[test]
fn a_bound_that_stops_everything_is_refused_by_its_key() {
    let cases = [
        ("[network]\ncalls = 0\n", "`network.calls` is zero"),
        (
            "[deliver]\nlongest_wait = \"500ms\"\n",
            "`deliver.longest_wait` is 500ms, less than `deliver.first_wait` (1s)",
        ),
    ];
    for (config, words) in cases {
        let (code, said) = fails(&Home::with_config(config), &["check"]);
        assert!(code == 78 && said.contains(words), "{said}");
    }
}

/// Letters of a store that no daemon works on, more than one page of them.
async fn with_letters(home: &Home, count: u64) {
    let store = Store::open(&home.path("state/bridge.redb"), StoreOptions::default()).unwrap();
    let letter = |seq| {
        let event = r#"{"type":"message.created","workspace":"acme"}"#.to_owned();
        let letter = DeadLetter { at: seq, reason: "no".into(), attempts: 3, failures: Vec::new(), event };
        Change::Dead { consumer: "helper".into(), seq, letter: Some(Box::new(letter)) }
    };
    store.commit((1..=count).map(letter).fold(Batch::new(), Batch::with)).await.unwrap();
    store.close().await.unwrap();
}

#[tokio::test]
async fn dead_letters_beyond_one_page_are_listed_shown_retried_and_dropped() {
    let home = Home::new();
    home.says(&["consumer", "add", "helper"]);
    with_letters(&home, 2_300).await;
    let count = || home.says(&["dead", "list", "helper"]).lines().count();
    assert_eq!(count(), 2_300);
    let shown: Value = serde_json::from_str(&home.says(&["dead", "show", "helper", "2222"])).unwrap();
    assert_eq!((&shown["seq"], &shown["attempts"]), (&2_222.into(), &3.into()));
    assert_eq!(home.says(&["dead", "retry", "helper", "1500", "2298-9999"]).lines().count(), 4);
    home.says(&["dead", "drop", "helper", "5", "2290-2300"]);
    assert_eq!(count(), 2_288);
    for (args, code) in [
        (&["dead", "show", "helper", "5"][..], 66),
        (&["dead", "drop", "helper", "5"], 66),
        (&["dead", "retry", "helper", "2290-2300"], 66),
        (&["dead", "list", "nobody"], 66),
        (&["dead", "retry", "nobody", "--all"], 66),
        (&["dead", "drop", "helper", "9-3"], 64),
        (&["dead", "drop", "helper"], 64),
        (&["dead", "drop", "helper", "--all", "7"], 64),
    ] {
        assert_eq!(home.does(args).status.code(), Some(code), "{args:?}");
    }
}
