//! The blocks about documents that people edit, too.

use agent_bridge_sim::agentworkspace::{DocumentType, MentionStatus};
use agent_bridge_sim::run_agentworkspace;
use serde_json::{Value, json};

use crate::bridge::until;
use crate::{BufReader, Stdio, block, linked, sh};
use tokio::io::AsyncBufReadExt;

/// The ids and links of the README's examples, cut short.
const DOCUMENT: &str = "2ac8f29b-…";

#[tokio::test]
async fn the_platform_where_somebody_mentions_the_agent_works_as_written() {
    let home = linked();
    let serve = block("agent-bridge sim agentworkspace");
    let words: Vec<_> = serve.split_whitespace().skip(1).collect();
    let port = words.iter().position(|word| *word == "--port").map(|at| words[at + 1]).expect("a port");
    let key = home.path("ak.txt").display().to_string();
    let words: Vec<_> = words.into_iter().map(|word| if word == port { "0" } else { word }).collect();
    let words: Vec<_> = words.into_iter().map(|word| if word == "ak.txt" { &*key } else { word }).collect();
    let mut child = home.command(&words).stdout(Stdio::piped()).spawn().expect("it starts");
    let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
    let mut said = Vec::new();
    while !said.iter().any(|line: &String| line.contains("/share/")) {
        said.push(lines.next_line().await.expect("it writes").expect("a line with the share link"));
    }
    let link = said.iter().find_map(|line| line.split('\'').find(|word| word.contains("/share/"))).expect("a link");
    let _daemon = home.start().await;
    let script = block("agent-bridge document list study\n");
    let shown = format!("http://127.0.0.1:{port}/share/…");
    assert!(script.contains(&shown) && script.contains(DOCUMENT) && script.contains("agent-bridge tail\n"));
    let script = script
        .replace(&shown, link)
        .replace(DOCUMENT, "$(agent-bridge document list study | cut -f1)")
        .replace("agent-bridge tail\n", "agent-bridge tail --once --from start\n");
    let said = sh(&home, &script).await;
    assert!(said.contains("joined `study`") && said.contains("Trip to Italy"), "{said}");
    assert_eq!(said.matches(" confirmed").count(), 2, "{said}");
    let url = link.split("/share/").next().expect("an origin").to_owned();
    let stands = async || {
        let (_, state) = crate::bridge::http::get(&url, "/_sim/state").await;
        let content = state["documents"][0]["content"].as_str().unwrap_or_default().to_owned();
        (content.contains("Budget: 500 euros.") && content.contains("About 41% of")).then_some(())
    };
    until(stands, || home.log()).await;
}

#[tokio::test]
async fn documents_are_joined_and_a_mention_is_answered_as_written() {
    let (sim, serving) =
        run_agentworkspace(agent_bridge_sim::agentworkspace::Options::default(), 0).await.expect("a port");
    let atlas = sim.agent("My Agent");
    let drafts = ["Trip to Italy", "Packing"]
        .map(|title| sim.document(&atlas, title, DocumentType::Draft, "The majority of travellers fly to Rome."));
    let home = linked();
    std::fs::write(home.path("ak.txt"), sim.api_key(&atlas)).expect("the key is written");
    let _daemon = home.start().await;
    let script = block("agent-bridge document add plans");
    let mut links = drafts.iter().map(|draft| sim.share_link(&sim.share(draft)));
    let (first, second) = (links.next().expect("a link"), links.next().expect("a link"));
    let script = script
        .replacen("https://agentworkspace.example/share/…", &first, 1)
        .replace("https://agentworkspace.example/share/…", &second)
        .replace("https://agentworkspace.example", &serving.url());
    let said = sh(&home, &format!("cd {}\n{script}", home.path("").display())).await;
    for words in ["joined `plans`", "added `Packing`", "joined `desk`"] {
        assert!(said.contains(words), "{words}: {said}");
    }
    let mut agent = home.agent().await;
    agent.call("subscribe", json!({ "consumer": "main" })).await.expect("it is the reader");
    let mention = sim.mention("Pierre", &drafts[0], "My Agent", "@My Agent can you add a budget?");
    let told = agent.delivery_of("mention.created").await;
    let written = block("\"document.edit\"").replace(DOCUMENT, &drafts[0]);
    assert_eq!(written.trim_end().lines().count(), 1, "one object a line");
    let mut written: Value = serde_json::from_str(&written).expect("JSON");
    assert_eq!(written["method"], "ack");
    written["params"]["seq"] = told.seq.into();
    agent.call("ack", written["params"].take()).await.expect("it is taken");
    let done = || async { (sim.mention_status(&mention) == Some(MentionStatus::Done)).then_some(()) };
    until(done, || home.log()).await;
    assert!(sim.content(&drafts[0]).ends_with("Budget: 500 euros."), "{}", sim.content(&drafts[0]));
    let suggested = sim.look(|world| world.suggestions().map(|it| it.replacement.clone()).collect::<Vec<_>>());
    assert_eq!(suggested, ["About 41% of"], "the mention is done once both are");
}
