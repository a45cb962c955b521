//! Answers without end, deep JSON, compressed bombs, swelling manifests: refused within bounds, and the bridge lives on.

use std::time::Duration;

use agent_bridge_sim::agentunited::Options;
use serde_json::{Value, json};

use super::doors::resident;
use super::front::{Foul, Front};
use super::peer::{post, status};
use super::platform::{self, Platform};
use crate::bridge::{Home, until};
use crate::house::{House, QUICK};

const DEEP: usize = 100_000;

fn deep() -> String {
    "[".repeat(DEEP) + &"]".repeat(DEEP)
}

/// Every way in which an answer can be too much, too slow or cut short.
fn fouls() -> Vec<(&'static str, Foul)> {
    let ok = b"HTTP/1.1 200 OK\r\n".to_vec();
    let head = |rest: &str| [&ok[..], rest.as_bytes()].concat();
    let pause = Duration::from_millis(50);
    vec![
        ("100 MB, as announced", Foul::Endless(head("content-length: 104857600\r\n\r\n"), vec![b' '; 8_192])),
        ("a body without end", Foul::Endless(head("connection: close\r\n\r\n"), vec![b' '; 8_192])),
        ("chunks without end", Foul::Endless(head("transfer-encoding: chunked\r\n\r\n"), chunk())),
        ("one chunk of absurd size", Foul::Hang(head("transfer-encoding: chunked\r\n\r\nffffffffffffffff\r\n["))),
        ("headers without end", Foul::Endless(ok.clone(), b"x: y\r\n".to_vec())),
        ("a header without end", Foul::Endless(head("x: "), vec![b'y'; 8_192])),
        ("headers that drip", Foul::Drip(ok.clone(), b"x: y\r\n".to_vec(), pause)),
        ("a body that drips", Foul::Drip(head("content-length: 100000\r\n\r\n["), b" ".to_vec(), pause)),
        ("half a body", Foul::Bytes(head("content-length: 100\r\n\r\n{\"channels\": ["))),
        ("a length that is none", Foul::Bytes(head("content-length: 99999999999999999999\r\n\r\n{}"))),
        ("two lengths", Foul::Bytes(head("content-length: 2\r\ncontent-length: 3\r\n\r\n{}"))),
        ("no HTTP", Foul::Endless(Vec::new(), vec![0xff; 8_192])),
        ("silence", Foul::Hang(Vec::new())),
        ("deep JSON", Foul::whole("200 OK", "content-type: application/json\r\n", &deep())),
        ("a compressed bomb", Foul::Bytes(bomb())),
    ]
}

fn chunk() -> Vec<u8> {
    format!("2000\r\n{}\r\n", " ".repeat(0x2000)).into_bytes()
}

/// A gzip of a gigabyte of blanks, as its header promises: whoever inflated it would get as far as its first block.
fn bomb() -> Vec<u8> {
    let blocks = [&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3][..], &[0xed; 1_000]].concat();
    let head = "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-encoding: gzip\r\n";
    [head.as_bytes(), format!("content-length: {}\r\n\r\n", blocks.len()).as_bytes(), &blocks].concat()
}

const BOUNDS: &str = "[network]\nrequest = \"1s\"\nbody = \"256KiB\"\n[join]\nrequest = \"1s\"\nwhole = \"5s\"\n";

#[tokio::test]
async fn attack_no_answer_of_a_platform_hangs_swells_or_kills_a_join() {
    let house = House::empty(Options::default(), &format!("{QUICK}{BOUNDS}")).await;
    let front = Front::of(&house.url()).await;
    house.sim.set_url(&front.origin);
    let before = resident(&house.home).await;
    for (what, foul) in fouls() {
        front.rule(move |_| Some(foul.clone()));
        let output = house.home.cli(&["join", "agentunited", &house.sim.invite(None), "--as", "acme"]).await;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code().is_some_and(|code| code > 0), "{what}: {said}");
        assert!(said.lines().count() <= 3 && said.len() < 1_000, "{what}: {said}");
    }
    let after = resident(&house.home).await;
    assert!(after < before + 24 * 1024, "{before} kB before, {after} kB after");
    front.clear();
    house.join().await;
    house.listens().await;
}

#[tokio::test]
async fn attack_no_answer_of_a_platform_hangs_swells_or_kills_a_workspace() {
    let small = "[lines]\nsilence = \"2s\"\nheld_bytes = \"64KiB\"\nframe = \"64KiB\"\nframe_line = \"64KiB\"\n";
    let config = format!("{}{BOUNDS}", QUICK.replace("[lines]\n", small));
    let mut house = House::empty(Options::default(), &config).await;
    let front = Front::of(&house.url()).await;
    house.sim.set_url(&front.origin);
    house.join().await;
    house.listens().await;
    let mut agent = house.agent().await;
    house.say("before");
    house.hears_all(&mut agent).await;
    let before = resident(&house.home).await;
    // Once in place of the stream, once in place of what is read beside it.
    for part in ["/events/stream", "/channels"] {
        for (what, foul) in fouls() {
            front.rule(move |line| line.contains(part).then(|| foul.clone()));
            house.sim.cut_streams();
            let struck = std::cell::RefCell::new(0);
            let twice = || async {
                *struck.borrow_mut() += front.struck().len();
                (*struck.borrow() > 1).then_some(())
            };
            until(twice, || format!("{what} for {part}: {}", house.home.log())).await;
        }
    }
    let after = resident(&house.home).await;
    assert!(after < before + 32 * 1024, "{before} kB before, {after} kB after");
    front.clear();
    house.is_sound(&mut agent, 0).await;
}

#[tokio::test]
async fn attack_deep_json_is_refused_at_every_door() {
    let home = Home::new("");
    let _daemon = home.start().await;
    let mut agent = home.agent().await;
    for line in [
        deep(),
        format!("{{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ack\",\"params\":{}}}", deep()),
        format!("{{\"jsonrpc\":\"2.0\",\"id\":{},\"method\":\"ping\"}}", deep()),
        format!(
            "{{\"id\":1,\"method\":\"act\",\"params\":{{\"workspace\":\"a\",\"verb\":\"send\",\"args\":{{\"x\":{}}}}}}}",
            deep()
        ),
    ] {
        agent.write_line(&line).await;
        let told = agent.read().await.expect("a word");
        assert!(told["error"]["data"]["kind"].is_string(), "{}", &line[..60]);
    }
    for body in [deep(), format!("{{\"seq\":{}}}", deep()), format!("{{\"a\":{}", "{\"a\":".repeat(DEEP))] {
        let answer = post(&home, "/v1/ack", &body).await;
        assert_eq!(status(&answer), 400, "{answer}");
    }
    assert_eq!(agent.call("ping", json!({})).await, Ok(Value::Object(serde_json::Map::new())));
}

#[tokio::test]
async fn attack_deep_json_in_a_stream_is_its_own_frames_failure() {
    let (good, fine) = (platform::message("m1", "ch1", &json!({})), platform::message("m2", "ch1", &json!({})));
    let platform = Platform::of(Vec::new(), vec![json!({ "id": "ch1", "name": "general" })]).await;
    let frame = |data: &str| format!("event: message.created\ndata: {data}\n\n").into_bytes();
    let nested = format!("{{\"type\":\"message.created\",\"id\":\"x\",\"channel_id\":\"ch1\",\"text\":{}}}", deep());
    platform.turns(vec![[frame(&good.to_string()), frame(&nested), frame(&fine.to_string())].concat()]);
    let home = Home::new(QUICK);
    let _daemon = home.start().await;
    platform.join(&home).await;
    let mut agent = home.agent().await;
    agent.call("subscribe", json!({ "consumer": "main" })).await.expect("a reader");
    for id in ["m1", "m2"] {
        let told = agent.delivery_of("message.created").await;
        assert_eq!(told.event["data"]["message"]["id"], id);
        agent.call("ack", json!({ "seq": told.seq })).await.expect("it is acked");
    }
}

#[tokio::test]
async fn attack_deep_and_swelling_files_are_refused() {
    let lol: String = (1..30)
        .fold(String::new(), |lol, n| lol + &format!("l{n}: &l{n} [{}]\n", vec![format!("*l{}", n - 1); 9].join(",")));
    for (what, manifest) in [
        ("deep lists", format!("platform: {}\n", deep())),
        ("deep maps", format!("platform: {}\n", "{a: ".repeat(DEEP))),
        ("aliases of aliases", format!("l0: &l0 lol\n{lol}platform: *l29\n")),
    ] {
        let home = Home::new("");
        let folder = home.path("adapters");
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(folder.join("evil.yaml"), manifest).unwrap();
        home.configure(&format!("adapters_dir = \"{}\"\n", folder.display()));
        let output = home.cli(&["check"]).await;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(78), "{what}: {said}");
        assert!(said.contains("evil.yaml") && said.len() < 2_000, "{what}: {said}");
    }
    let home = Home::new(&format!("[store]\ncache = {}\n", deep()));
    let output = home.cli(&["check"]).await;
    assert_eq!(output.status.code(), Some(78), "{}", String::from_utf8_lossy(&output.stderr));
}
