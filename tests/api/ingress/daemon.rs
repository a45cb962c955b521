//! The listener of the real daemon, and what `check` says of it.

use std::io::{Read, Write};
use std::net::TcpStream;

use agent_bridge::ingress::CALLBACK_URL;
use agent_bridge::store::{Batch, Change, Options, Seat, Store};
use serde_json::Value;

use super::gate::{WRONG, record, status};
use crate::running::{Home, PATIENCE};

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A workspace whose platform was told this URL.
fn joined(home: &Home, callback: &str) {
    std::fs::create_dir_all(home.path("state")).unwrap();
    let options = Options { ballast: 0, ..Options::default() };
    let mut acme = record("acme", "agentunited", Seat::SignedOut);
    acme.facts.insert(CALLBACK_URL.into(), callback.into());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let store = Store::open(&home.path("state").join("bridge.redb"), options).unwrap();
        store.commit(Batch::new().with(Change::Workspace(Box::new(acme)))).await.unwrap();
        store.close().await.unwrap();
    });
}

#[test]
fn the_daemon_listens_where_it_is_told_and_takes_nothing_unsigned() {
    let port = free_port();
    let home = Home::with_config(&format!(
        "[ingress]\nlisten = \"127.0.0.1:{port}\"\npublic_url = \"http://127.0.0.1:{port}\"\n"
    ));
    let mut daemon = home.run();
    let delivers = |path: &str| {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let request = format!("POST {path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{{}}");
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        status(&answer)
    };
    assert_eq!((delivers(&format!("/hooks/acme/{WRONG}")), delivers("/v1/ping")), (401, 401));
    let metrics = daemon.get("/metrics").unwrap().1;
    assert!(metrics.contains("agent_bridge_ingress_deliveries_total{answer=\"unknown\"} 2"), "{metrics}");
    daemon.signal("TERM");
    assert_eq!(daemon.ends(), Some(0), "{}", daemon.log());
}

#[test]
fn an_address_that_is_taken_is_named_with_its_key() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let home =
        Home::with_config(&format!("[ingress]\nlisten = \"{address}\"\npublic_url = \"https://bridge.example\"\n"));
    let output = home.does(&["run"]);
    let said = crate::running::stderr(&output);
    assert!(!output.status.success() && said.contains(&format!("{address} ([ingress] listen)")), "{said}");
}

#[test]
fn check_names_workspaces_whose_platform_was_told_another_url() {
    let config = "[ingress]\nlisten = \"127.0.0.1:8585\"\npublic_url = \"https://new.example\"\n";
    let check = |home: &Home| -> Value { serde_json::from_str(&home.says(&["check", "--json"])).unwrap() };

    let home = Home::with_config(config);
    joined(&home, "https://old.example/hooks/acme");
    let warning = check(&home)["warnings"][0].as_str().unwrap().to_owned();
    for word in ["`acme`", "https://old.example", "https://new.example", "leave and join"] {
        assert!(warning.contains(word), "{warning}");
    }
    assert!(home.says(&["check"]).contains("leave and join"));

    let home = Home::with_config(config);
    joined(&home, "https://new.example/hooks/acme");
    let found = check(&home);
    assert_eq!((&found["ingress"], &found["workspaces"][0]), (&"127.0.0.1:8585".into(), &"acme".into()));
    assert_eq!(found["warnings"], Value::Null);

    let home = Home::new();
    joined(&home, "https://old.example/hooks/acme");
    assert!(check(&home)["warnings"][0].as_str().unwrap().contains("is not set"));
}
