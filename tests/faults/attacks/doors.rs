//! Big, slow and endless requests, and readers that stop reading, at the HTTP doors; a flood of a line at the socket.

use std::time::Duration;

use agent_bridge_sim::agentunited::Options;
use serde_json::{Value, json};

use tokio::io::AsyncReadExt;

use super::peer::{Peer, address, get, post, status};
use crate::bridge::{Home, until};
use crate::house::{House, QUICK};

const TOKEN: &str = "0123456789abcdef0123456789abcdef";

/// Bounds that a test can wait for, on both doors.
fn short(home: &Home) -> String {
    let (listen, token) = (address(), home.path("token"));
    std::fs::write(&token, TOKEN).expect("the token is written");
    let token = token.display();
    home.configure(&format!(
        "[http]\nlisten = \"{listen}\"\ntoken_file = \"{token}\"\nhead = \"2s\"\nreceive = \"1s\"\nhead_bytes = \"8KiB\"\n\
         body = \"4KiB\"\n"
    ));
    listen
}

/// Both doors.
const DOORS: [bool; 2] = [true, false];

async fn at(control: bool, home: &Home, listen: &str) -> Peer {
    if control { Peer::control(home).await } else { Peer::tcp(listen).await }
}

fn head(rest: &str) -> String {
    format!("POST /v1/ping HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n{rest}")
}

#[tokio::test]
async fn attack_a_silent_peer_and_a_head_that_drips_are_cut_off() {
    let home = Home::new("");
    let listen = short(&home);
    let _daemon = home.start().await;
    for door in DOORS {
        let mut silent = at(door, &home, &listen).await;
        assert_eq!(silent.hears().await, "", "nothing was asked");
    }
    for door in DOORS {
        let mut slow = at(door, &home, &listen).await;
        slow.sends(head("").as_bytes()).await;
        let heard = slow.goes_on_with(b"x: y\r\n").await;
        assert!(matches!(status(&heard), 0 | 408 | 431), "{heard}");
    }
    // A connection that has had its answer is no place to wait either.
    for door in DOORS {
        let mut idle = at(door, &home, &listen).await;
        idle.sends(head("\r\n").as_bytes()).await;
        assert_eq!(status(&idle.hears().await), 200);
    }
    assert_eq!(status(&get(&home, "/v1/ping").await), 200);
}

#[tokio::test]
async fn attack_a_flood_of_headers_is_refused() {
    let home = Home::new("");
    let listen = short(&home);
    let _daemon = home.start().await;
    let long = format!("x: {}\r\n\r\n", "y".repeat(9_000));
    let many = "x: y\r\n".repeat(101) + "\r\n";
    for flood in [long, many] {
        for door in DOORS {
            let mut peer = at(door, &home, &listen).await;
            peer.sends(head(&flood).as_bytes()).await;
            assert_eq!(status(&peer.hears().await), 431);
        }
    }
    for door in DOORS {
        let mut endless = at(door, &home, &listen).await;
        endless.sends(head("x: ").as_bytes()).await;
        let heard = endless.goes_on_with(&[b'y'; 4_096]).await;
        assert!(matches!(status(&heard), 0 | 431), "{heard}");
    }
}

#[tokio::test]
async fn attack_a_big_a_slow_and_an_endless_body_are_given_up() {
    let home = Home::new("");
    let listen = short(&home);
    let _daemon = home.start().await;
    let json = "Content-Type: application/json\r\n";
    for door in DOORS {
        let mut slow = at(door, &home, &listen).await;
        slow.sends(head(&format!("{json}Content-Length: 100\r\n\r\n{{")).as_bytes()).await;
        let heard = slow.hears().await;
        assert!(status(&heard) == 408 && heard.contains("too_slow"), "{heard}");
    }
    for door in DOORS {
        let mut big = at(door, &home, &listen).await;
        big.sends(head(&format!("{json}Content-Length: 104857600\r\n\r\n")).as_bytes()).await;
        let heard = big.goes_on_with(&[b' '; 4_096]).await;
        assert!(matches!(status(&heard), 0 | 413), "{heard}");
    }
    for door in DOORS {
        let mut endless = at(door, &home, &listen).await;
        endless.sends(head(&format!("{json}Transfer-Encoding: chunked\r\n\r\n")).as_bytes()).await;
        let heard = endless.goes_on_with(format!("400\r\n{}\r\n", " ".repeat(1_024)).as_bytes()).await;
        assert!(matches!(status(&heard), 0 | 413), "{heard}");
    }
    assert_eq!(status(&post(&home, "/v1/ping", "{}").await), 200);
}

#[tokio::test]
async fn attack_connections_held_open_give_way_to_others() {
    let home = Home::new("[http]\nconnections = 2\nhead = \"2s\"\n");
    let _daemon = home.start().await;
    let mut held = Vec::new();
    for _ in 0..8 {
        let mut peer = Peer::control(&home).await;
        peer.sends(b"GET /v1/").await;
        held.push(peer);
    }
    assert_eq!(status(&get(&home, "/v1/ping").await), 200, "those before it had their time");
}

#[tokio::test]
async fn attack_watchers_that_stop_reading_are_cut_off_and_cost_little() {
    const WATCHERS: usize = 16;
    let config = format!("{QUICK}[http]\nstuck = \"2s\"\nrequests = {WATCHERS}\n[deliver]\nwindow_bytes = \"1MiB\"\n");
    let mut house = House::with(Options::default(), &config).await;
    let mut agent = house.agent().await;
    for _ in 0..300 {
        house.say(&"x".repeat(9_000));
    }
    house.hears_all(&mut agent).await;
    let before = resident(&house.home).await;
    let mut deaf = Vec::new();
    for _ in 0..WATCHERS {
        let mut peer = Peer::control(&house.home).await;
        peer.sends(b"GET /v1/feed?from=start HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
        // Its first byte says that it has its place.
        peer.0.read_exact(&mut [0]).await.expect("an answer");
        deaf.push(peer);
    }
    // Each of them has 3 MB to come, and they take every place for requests until they are cut off.
    let most = std::cell::Cell::new(0);
    let pings = || async {
        most.set(resident(&house.home).await.max(most.get()));
        (status(&get(&house.home, "/v1/ping").await) == 200).then_some(())
    };
    until(pings, || "deaf watchers keep their places".into()).await;
    assert!(most.get() < before + 24 * 1024, "{before} kB before, {} kB with deaf watchers", most.get());
    drop(deaf);
    house.is_sound(&mut agent, 0).await;
}

/// The daemon's memory in kB (proc_pid_status(5)).
pub async fn resident(home: &Home) -> u64 {
    let stream = tokio::net::UnixStream::connect(home.path("run/control.sock")).await.expect("it listens");
    let pid = stream.peer_cred().expect("a peer").pid().expect("a pid");
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a size");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

#[tokio::test]
async fn attack_an_endless_line_at_the_agents_socket_costs_one_line() {
    let home = Home::new("[socket]\nline = \"64KiB\"\n");
    let _daemon = home.start().await;
    let mut agent = home.agent().await;
    let before = resident(&home).await;
    for _ in 0..256 {
        agent.write(&"x".repeat(256 << 10)).await;
    }
    let told = agent.read().await.expect("a word");
    assert_eq!(told["error"]["data"]["kind"], "line_too_long", "{told}");
    let after = resident(&home).await;
    assert!(after < before + 16 * 1024, "{before} kB before, {after} kB after 64 MiB without an end");
    agent.write("\n").await;
    assert_eq!(agent.call("ping", json!({})).await, Ok(Value::Object(serde_json::Map::new())));
}

#[tokio::test]
async fn attack_slow_doors_do_not_hold_a_stop_up() {
    let home = Home::new("[http]\ndrain = \"1s\"\n");
    let daemon = home.start().await;
    let mut half = Peer::control(&home).await;
    half.sends(b"POST /v1/ping HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{").await;
    let begun = std::time::Instant::now();
    assert_eq!(daemon.stop().await, Some(0), "{}", home.log());
    assert!(begun.elapsed() < Duration::from_secs(20), "within the drain and not the body's half a minute");
}
