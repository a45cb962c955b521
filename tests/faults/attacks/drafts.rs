//! What a document server, or somebody who edits there, sends to make the bridge fall over: it costs that document one
//! connection at most. The other documents and the mentions go on, and the memory stays bounded.

use std::time::Duration;

use agent_bridge_sim::agentworkspace::{DocumentId, LiveFault, Shape};
use futures_util::StreamExt;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio_tungstenite::tungstenite::Message;

use crate::bridge::{Agent, until};
use crate::lib0::{number, numbers};
use crate::studio::Studio;

const ROME: &str = "Rome is the majority of it.";
/// What all of it may cost: less than one document that has all that its bounds allow, or one bomb that is unpacked.
const MEMORY: u64 = 160 << 20;

/// A message of this kind with these bytes in it.
fn message(kind: &[u64], bytes: &[u8]) -> Vec<u8> {
    let mut frame = numbers(kind);
    number(&mut frame, bytes.len() as u64);
    frame.extend_from_slice(bytes);
    frame
}

/// Updates that are none, or that mean ill: what each is called, and its bytes.
fn updates() -> Vec<(&'static str, Vec<u8>)> {
    let most = (1 << 53) - 1;
    let value = |bomb: &[u8]| [&numbers(&[1, 1, 5, 0, 8, 1, 1, 65, 1])[..], bomb].concat();
    let mut nested = numbers(&[1, 50_000, 5, 0]);
    for at in 0..50_000_u64 {
        let parent = if at == 0 { numbers(&[7, 1, 1, 65, 3, 1, 65]) } else { numbers(&[7, 0, 5, at - 1, 3, 1, 65]) };
        nested.extend(parent);
    }
    nested.push(0);
    vec![
        ("no update", vec![0xff; 40]),
        ("nothing", Vec::new()),
        ("clients without end", numbers(&[most])),
        ("blocks without end", numbers(&[1, u64::from(u32::MAX), 5, 0])),
        ("deletions without end", numbers(&[0, 1, 5, 400_000_000])),
        ("a list of four thousand million", value(&[&[117][..], &numbers(&[u64::from(u32::MAX)])].concat())),
        ("lists in lists", value(&[[117, 1].repeat(100_000), vec![126, 0]].concat())),
        ("nodes in nodes", nested),
        (
            "deleted text of two thousand million letters",
            numbers(&[1, 2, 5, 0, 1, 1, 1, 65, 0x7fff_ffff, 1, 1, 1, 65, 5, 0]),
        ),
        ("blocks that build on each other", vec![2, 1, 5, 0, 0x84, 6, 0, 1, 65, 1, 6, 0, 0x84, 5, 0, 1, 65, 0]),
        ("an update over the bound", vec![0; (4 << 20) + 1]),
    ]
}

/// All that a peer may say in one go.
fn bombs() -> Vec<(&'static str, LiveFault)> {
    let say = |bytes| LiveFault::Say { bytes };
    let mut all: Vec<_> = updates().into_iter().map(|(name, update)| (name, say(message(&[0, 2], &update)))).collect();
    let swollen = format!("{{\"x\":\"{}\"}}", "y".repeat(1 << 20));
    let presence = |count: u64, said: &str| {
        let mut states = numbers(&[count]);
        for client in 0..count {
            states.extend(numbers(&[client + 1, 1]));
            number(&mut states, said.len() as u64);
            states.extend_from_slice(said.as_bytes());
        }
        message(&[1], &states)
    };
    all.extend([
        ("a vector without end", say(message(&[0, 0], &numbers(&[(1 << 53) - 1])))),
        ("a frame over the bound", say(vec![0; (8 << 20) + 1])),
        ("messages without end in one frame", say(message(&[0, 2], &[0, 0]).repeat(5_000))),
        ("twenty thousand peers", say(presence(20_000, "{}"))),
        ("a peer that says a megabyte", say(presence(1, &swollen))),
        ("a length that runs over", say(numbers(&[0, 2, (1 << 53) - 1]))),
        ("a text where bytes are meant", LiveFault::SayText { text: "hello".repeat(1_000) }),
    ]);
    all
}

/// A second document of the workspace.
async fn another(studio: &Studio) -> DocumentId {
    let other = studio.sim.draft(&studio.agent, "Budget", Shape::Text("content".into()), "Numbers.");
    let link = studio.sim.share_link(&studio.sim.share(&other));
    studio.home.ok(&["document", "add", "plans", &link]).await;
    other
}

/// The receipt of a text that is put in at the end of a document.
async fn append(agent: &mut Agent, document: &DocumentId, text: &str) -> Value {
    let act = json!({ "workspace": "plans", "verb": "document.edit", "wait": "60s",
        "args": { "conversation": document.as_str(), "op": "append", "text": text } });
    agent.call("act", act).await.expect("it is taken")
}

/// The other document is edited, and a mention in it is told: nothing of the trouble is theirs.
async fn the_others_go_on(studio: &Studio, agent: &mut Agent, other: &DocumentId, word: &str) {
    let receipt = append(agent, other, word).await;
    assert_eq!(receipt["state"], "confirmed", "the other one is well: {receipt:#}\n{}", studio.home.log());
    assert_eq!(studio.sim.seen(other).matches(word).count(), 1);
    let mention = studio.sim.mention("Anna", other, "Atlas", &format!("@Atlas {word}"));
    let told = agent.delivery_of("mention.created").await;
    assert_eq!(told.event["data"]["message"]["id"], json!(mention), "{:#}", told.event);
    agent.call("ack", json!({ "seq": told.seq })).await.expect("it is acked");
}

async fn reader(studio: &Studio) -> Agent {
    let mut agent = studio.home.agent().await;
    agent.call("subscribe", json!({ "consumer": "main" })).await.expect("it reads");
    agent
}

#[tokio::test]
async fn attack_updates_that_are_none_cost_nothing_but_themselves() {
    let studio = Studio::often(ROME).await;
    let (mut agent, other) = (reader(&studio).await, another(&studio).await);
    let receipt = append(&mut agent, &studio.draft, "First.").await;
    assert_eq!(receipt["state"], "confirmed", "{receipt:#}");
    let before = studio.memory();
    let mut most = before;
    for (n, (name, bomb)) in bombs().into_iter().enumerate() {
        // Both are open, and only one of them hears it: the other one is opened again behind it.
        studio.sim.live_fault(bomb);
        let word = format!("Behind bomb {n}.");
        let mut receipt = append(&mut agent, &studio.draft, &word).await;
        if receipt["state"] == "failed" {
            // It struck in the middle of the edit: that says so, and is not made.
            assert_eq!(receipt["kind"], "document_failed", "{name}: {receipt:#}");
            assert!(!studio.seen().contains(&word), "{name}: {}", studio.seen());
            receipt = append(&mut agent, &studio.draft, &word).await;
        }
        assert_eq!(receipt["state"], "confirmed", "{name}: {receipt:#}\n{}", studio.home.log());
        let seen = studio.seen();
        assert_eq!(seen.matches(&word).count(), 1, "{name}: {seen}");
        assert!(seen.starts_with(ROME), "{name}: {seen}");
        most = most.max(studio.memory());
    }
    the_others_go_on(&studio, &mut agent, &other, "and then").await;
    most = most.max(studio.memory());
    assert!(most < before + MEMORY, "it grew from {before} to {most} bytes");
    assert_eq!(studio.sim.content(&studio.draft), studio.seen(), "they converge");
    drop(agent);
    studio.end().await;
}

#[tokio::test]
async fn attack_a_document_over_the_cap_fails_alone_and_the_others_go_on() {
    let studio = Studio::often(ROME).await;
    let (mut agent, other) = (reader(&studio).await, another(&studio).await);
    // The bound of an update, which the whole of a document is when it is opened, is 4 MiB.
    for _ in 0..6 {
        assert!(studio.sim.appends(&studio.draft, &"ten bytes!".repeat(100_000)));
    }
    let whole = studio.seen().len();
    let receipt = append(&mut agent, &other, "First.").await;
    assert_eq!(receipt["state"], "confirmed", "{receipt:#}");
    let before = studio.memory();
    for n in 0..3 {
        let receipt = append(&mut agent, &studio.draft, "One more.").await;
        assert_eq!((&receipt["state"], &receipt["kind"]), (&json!("failed"), &json!("document_failed")), "{receipt:#}");
        let message = receipt["message"].as_str().expect("a text");
        assert!(message.contains("over the bound of 4194304"), "it says which bound: {message}");
        the_others_go_on(&studio, &mut agent, &other, &format!("Number {n}.")).await;
    }
    let after = studio.memory();
    assert!(after < before + MEMORY, "it grew from {before} to {after} bytes");
    assert_eq!(studio.seen().len(), whole, "nothing was done to it");
    drop(agent);
    studio.end().await;
}

/// Takes connections and lets every frame drip: a byte now and then of one that was announced as a megabyte.
async fn drips() -> (String, tokio::task::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let server = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let Ok(mut socket) = tokio_tungstenite::accept_async(stream).await else { return };
                // Its first word shows that it is a document server.
                let Some(Ok(Message::Binary(_))) = socket.next().await else { return };
                let stream = socket.get_mut();
                // An unmasked binary frame, its length in eight bytes (RFC 6455, 5.2).
                let head = [&[0x82, 127][..], &(1_u64 << 20).to_be_bytes(), &[0, 1]].concat();
                let mut pause = tokio::time::interval(Duration::from_millis(50));
                let mut alive = stream.write_all(&head).await.is_ok();
                while alive {
                    pause.tick().await;
                    alive = stream.write_all(&[0]).await.is_ok();
                }
            });
        }
    });
    (url, server)
}

#[tokio::test]
async fn attack_a_document_server_that_drips_is_given_up_and_the_edit_goes_to_the_next() {
    let studio = Studio::often(ROME).await;
    let (mut agent, other) = (reader(&studio).await, another(&studio).await);
    let receipt = append(&mut agent, &other, "First.").await;
    assert_eq!(receipt["state"], "confirmed", "{receipt:#}");
    let (slow, server) = drips().await;
    let real = studio.url();
    studio.sim.set_url(&slow);
    let begun = studio.begin(&mut agent, json!({ "op": "append", "text": "In the end." })).await.expect("it is taken");
    let given_up = async || studio.home.log().contains("the document is not connected").then_some(());
    the_others_go_on(&studio, &mut agent, &other, "meanwhile").await;
    until(given_up, || studio.home.log()).await;
    studio.sim.set_url(&real);
    let receipt = agent.call("receipt", json!({ "id": begun["id"], "wait": "60s" })).await.expect("a receipt");
    assert_eq!(receipt["state"], "confirmed", "{receipt:#}\n{}", studio.home.log());
    assert_eq!(studio.seen().matches("In the end.").count(), 1, "{}", studio.seen());
    server.abort();
    drop(agent);
    studio.end().await;
}
