//! A real `y-websocket` server and real Yjs clients (`package.json` pins the versions). Row 40 of the fault matrix: the
//! server restarts empty.

use agent_bridge::document::{Edit, Place};
use serde_json::json;

use crate::chance::Chance;
use crate::node::{Agent, Client, Server, here};

fn append(text: &str) -> Edit {
    Edit::Append(text.to_owned())
}

fn after(quote: &str, text: &str) -> Edit {
    Edit::Insert { at: Place::After(quote.to_owned()), text: text.to_owned() }
}

#[tokio::test]
async fn a_person_and_the_agent_edit_one_text() {
    if !here() {
        return;
    }
    let server = Server::start().await;
    let mut pierre = Client::start(&server, "text", "Pierre");
    pierre.does(json!({ "insert": [0, "Trip to 🇮🇹 Italy"] })).await;
    let mut agent = Agent::new(7);
    agent.dial(&server).await;
    agent.reads("Trip to 🇮🇹 Italy").await;
    agent.edits(&after("🇮🇹", " and 🇫🇷")).await;
    pierre.sees_text("Trip to 🇮🇹 and 🇫🇷 Italy").await;
    agent.edits(&append("Budget: 100 €")).await;
    pierre.sees_text("Trip to 🇮🇹 and 🇫🇷 Italy\n\nBudget: 100 €").await;
    pierre.does(json!({ "insert": [0, "# "] })).await;
    agent.reads("# Trip to 🇮🇹 and 🇫🇷 Italy\n\nBudget: 100 €").await;
    let authors: Vec<u64> = agent.document.read().expect("it reads").blocks[0].spans.iter().map(|s| s.author).collect();
    assert_eq!(authors.iter().filter(|author| **author == 7).count(), 2, "{authors:?}");
}

#[tokio::test]
async fn each_sees_that_the_other_is_there_and_that_it_leaves() {
    if !here() {
        return;
    }
    let server = Server::start().await;
    let mut pierre = Client::start(&server, "text", "Pierre");
    let mut agent = Agent::new(7);
    agent.dial(&server).await;
    pierre.sees("Atlas", |seen| seen["names"] == json!(["Atlas", "Pierre"])).await;
    agent.until("Pierre", |agent| agent.awareness.peers().any(|peer| peer.state["user"]["name"] == "Pierre")).await;
    agent.lost();
    pierre.sees("nobody else", |seen| seen["names"] == json!(["Pierre"])).await;
    agent.dial(&server).await;
    pierre.sees("Atlas again", |seen| seen["names"] == json!(["Atlas", "Pierre"])).await;
}

#[tokio::test]
async fn what_the_agent_writes_as_markdown_is_nodes_for_the_editor() {
    if !here() {
        return;
    }
    let server = Server::start().await;
    let mut pierre = Client::start(&server, "fragment", "Pierre");
    pierre.does(json!({ "paragraph": "Hello." })).await;
    let mut agent = Agent::new(7);
    agent.dial(&server).await;
    agent.reads("Hello.").await;
    agent.edits(&append("## Plan\n\n- **one**\n- two")).await;
    agent.edits(&after("Hello", ", world")).await;
    let seen =
        pierre.sees("all", |seen| seen["text"].as_str().is_some_and(|text| text.contains("Hello, world."))).await;
    let item = |text: &str| format!("<listitem><paragraph>{text}</paragraph></listitem>");
    let list = format!("<bulletlist>{}{}</bulletlist>", item("<bold>one</bold>"), item("two"));
    let wanted = format!("<paragraph>Hello, world.</paragraph><heading level=\"2\">Plan</heading>{list}");
    assert_eq!(seen["text"], wanted);
    assert_eq!(seen["levels"], json!([2]), "a number, not a text");
}

#[tokio::test]
async fn a_server_that_restarts_empty_gets_everything_back_with_what_was_written_meanwhile() {
    if !here() {
        return;
    }
    let mut server = Server::start().await;
    let mut pierre = Client::start(&server, "text", "Pierre");
    pierre.does(json!({ "insert": [0, "Before."] })).await;
    let mut agent = Agent::new(7);
    agent.dial(&server).await;
    agent.reads("Before.").await;
    server.stop().await;
    agent.lost();
    agent.edits(&append("The agent, apart.")).await;
    pierre.does(json!({ "insert": [0, "Pierre, apart. "] })).await;
    server.start_again().await;
    agent.dial(&server).await;
    let whole = "Pierre, apart. Before.\n\nThe agent, apart.";
    agent.reads(whole).await;
    pierre.sees_text(whole).await;
    // Somebody who comes new finds all of it.
    Client::start(&server, "text", "Ada").sees_text(whole).await;
}

/// The agent and two real clients at random, through lost connections and a server that forgets: all end equal.
#[tokio::test]
async fn three_that_edit_at_random_end_equal() {
    if !here() {
        return;
    }
    let mut server = Server::start().await;
    let mut people = [Client::start(&server, "text", "Ada"), Client::start(&server, "text", "Ben")];
    people[0].does(json!({ "insert": [0, "Start."] })).await;
    let mut agent = Agent::new(7);
    agent.dial(&server).await;
    agent.reads("Start.").await;
    let (mut chance, mut own) = (Chance::told(40), Vec::new());
    for step in 0..300 {
        match chance.below(8) {
            0..3 => {
                let text = format!("<agent {step}>");
                agent.edits(&append(&text)).await;
                own.push(text);
            }
            3 => people[chance.below(2)].does(json!({ "insert": [0, "*"] })).await,
            _ => people[chance.below(2)].does(json!({ "insert": [chance.below(9), format!("p{step} 🙂")] })).await,
        }
        if step % 60 == 30 {
            agent.lost();
        } else if step % 60 == 45 {
            agent.dial(&server).await;
        }
        if step == 160 {
            agent.lost();
            server.stop().await;
            server.start_again().await;
            agent.dial(&server).await;
        }
    }
    for (at, person) in people.iter_mut().enumerate() {
        person.does(json!({ "insert": [0, format!("last of {at}; ")] })).await;
    }
    agent
        .until("both last words", |agent| ["0", "1"].iter().all(|at| agent.text().contains(&format!("last of {at}; "))))
        .await;
    agent.edits(&append("The end.")).await;
    let whole = agent.text();
    for person in &mut people {
        person.sees_text(&whole).await;
    }
    assert!(own.iter().all(|text| whole.contains(text.as_str())), "an edit of the agent is lost: {whole}");
}
