//! What a server must not be able to do: blow up memory, loop, or have a credential carried elsewhere or printed.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

use super::bench::{CANARY, Ear, Platform, patient};
use crate::overheard::Overheard;

#[tokio::test]
async fn a_message_over_the_cap_ends_the_cable_and_is_polled_for_and_the_waits_grow() {
    let mut platform = Platform::start().await;
    let mut timing = patient();
    timing.frame.event = 10_000;
    (timing.first_wait, timing.longest_wait) = (Duration::from_millis(1), Duration::from_hours(1));
    let mut ear = Ear::with(&platform, timing).await;
    let mut waits = Vec::new();
    for parts in [1, 3, 1, 3, 1, 3] {
        let (mut peer, identifier) = platform.live().await;
        ear.is_welcomed().await;
        peer.tell(&identifier, json!("x".repeat(9_000))).await;
        ear.frame().await;
        oversized(&mut peer, parts).await;
        let why = ear.gap().await;
        assert!(why.contains("over 10000 bytes"), "{why}");
        waits.push(ear.down().await.1);
    }
    // Each lies between its step and twice that: six of them have grown past the first, whatever the chance.
    assert!(waits[5] > waits[0].max(Duration::from_millis(8)), "{waits:?}");
}

/// More than the cap, in one frame or in several of which none is.
async fn oversized(peer: &mut super::bench::Peer, parts: usize) {
    use tokio_tungstenite::tungstenite::protocol::frame::Frame;
    use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
    for part in 0..parts {
        let code = if part == 0 { Data::Text } else { Data::Continue };
        let size = 12_000 / parts;
        let frame = Frame::message(vec![b'x'; size], OpCode::Data(code), part + 1 == parts);
        peer.send(Message::Frame(frame)).await;
    }
}

#[tokio::test]
async fn a_redirect_is_never_followed_for_the_token_is_in_the_url() {
    let mut elsewhere = Platform::start().await;
    for status in ["301 M", "302 F", "303 S", "307 T", "308 P"] {
        for same_origin in [true, false] {
            let mut platform = Platform::start().await;
            let mut ear = Ear::on(&platform).await;
            let to = if same_origin { &platform.origin } else { &elsewhere.origin };
            let location = format!("location: {to}/cable?agent_access_token=x\r\n");
            platform.knock().await.answer(status, &location).await;
            let (why, wait) = ear.down().await;
            assert!(why.contains(&status[..3]) && wait > Duration::from_mins(30), "{why}");
            assert!(platform.is_quiet() && elsewhere.is_quiet());
        }
    }
}

#[tokio::test]
async fn the_token_is_never_printed_not_even_when_the_server_says_it() {
    let log = Overheard::listen();
    let mut platform = Platform::start().await;
    let mut ear = Ear::on(&platform).await;
    let mut said = String::new();
    platform.knock().await.answer("500 Internal Server Error", "").await;
    write!(said, "{:?}", ear.hears().await).unwrap();
    let knock = platform.knock().await;
    let token = knock.token().to_owned();
    drop(knock);
    write!(said, "{:?}", ear.hears().await).unwrap();
    let (mut peer, identifier) = platform.live().await;
    ear.is_welcomed().await;
    peer.tell(&identifier, json!({ "error": { "code": token } })).await;
    write!(said, "{:?}", ear.hears().await).unwrap();
    peer.send(Message::text(format!("{token} is no JSON"))).await;
    peer.disconnect(&format!("because of {token}"), true).await;
    write!(said, "{:?}", ear.hears().await).unwrap();
    platform.knock().await.answer("401 Unauthorized", "").await;
    platform.knock().await.open_as(&format!("sec-websocket-protocol: {CANARY}-1\r\n")).await;
    write!(said, "{:?} {:?}", ear.hears().await, *ear.status.borrow()).unwrap();
    let logged = log.text();
    assert!(logged.contains("the cable is down") && logged.contains("this is said once"), "{logged}");
    assert!(said.contains("[sealed]") && said.contains("Stopped"), "{said}");
    for text in [logged, said] {
        assert!(!text.contains(CANARY), "{text}");
    }
}
