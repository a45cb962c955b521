//! What an agent reads from its platform: the same through the socket, over HTTP and at the command line.

use std::collections::BTreeSet;

use agent_bridge_sim::speakeasy::{ChatId, Options, Sim};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

use crate::bridge::{Agent, PATIENCE};
use crate::lounge::{Lounge, OWNER, hospitable};

/// As the platform counts: a page of a history has 100 entries.
const PAGE: usize = 100;

/// `GET /v1/…` on `control.sock`, parameters in the query.
async fn get(lounge: &Lounge, path: &str) -> Value {
    let mut stream = UnixStream::connect(lounge.home.path("run/control.sock")).await.expect("it listens");
    let request = format!("GET /v1/{path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("it reads");
    let mut answer = String::new();
    tokio::time::timeout(PATIENCE, stream.read_to_string(&mut answer)).await.expect("in time").expect("an answer");
    serde_json::from_str(answer.split_once("\r\n\r\n").expect("a body").1).expect("JSON")
}

/// `agent-bridge ask lounge …`.
async fn cli(lounge: &Lounge, args: &[&str]) -> Value {
    let shown = lounge.home.ok(&[&["ask", "lounge"], args].concat()).await;
    serde_json::from_str(&shown).expect("JSON")
}

/// The same question through each door; the one answer.
async fn ask(lounge: &Lounge, agent: &mut Agent, verb: &str, given: &[(&str, &str)]) -> Value {
    let mut params = json!({ "workspace": "lounge" });
    let mut query = format!("{verb}?workspace=lounge");
    let mut words = vec![verb.to_owned()];
    for (key, value) in given {
        params[key] = json!(value);
        query.extend(["&", key, "=", value]);
        words.extend([format!("--{key}"), (*value).to_owned()]);
    }
    let told = agent.call(verb, params).await.expect("an answer");
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    assert_eq!(cli(lounge, &words).await, told, "{words:?}");
    assert_eq!(get(lounge, &query).await, told, "{query}");
    told
}

fn ids(told: &Value) -> Vec<u64> {
    let id = |item: &Value| item["id"].as_u64().or_else(|| item["id"].as_str()?.parse().ok()).expect("an id");
    told["items"].as_array().expect("items").iter().map(id).collect()
}

#[tokio::test]
async fn a_history_is_one_list_newest_first_and_is_paged_by_its_raw_cursor() {
    for options in [hospitable(), Options { ids_as_strings: true, cursor_until_empty: true, ..hospitable() }] {
        let until_empty = options.cursor_until_empty;
        let lounge = Lounge::of(Sim::new(options), "every = \"10m\"", "").await;
        let (sim, topic) = (&lounge.sim, lounge.topic);
        let mut said: Vec<ChatId> = (0..150).map(|n| sim.say(OWNER, topic, &n.to_string())).collect();
        let reply = sim.reply(OWNER, said[0], "to the first").expect("it is there");
        said.push(reply);
        assert!(sim.edit(said[149], "better so") && sim.delete(said[148]));
        let file = sim.say_with_file(OWNER, topic, "with a file", "brief.txt", "brief".into());
        said.push(file);
        said.reverse();
        let (mut agent, of) = (lounge.agent().await, topic.to_string());

        let mut told: Vec<Value> = Vec::new();
        let mut before: Option<String> = None;
        let mut pages = 0;
        loop {
            let mut given = vec![("conversation", of.as_str())];
            given.extend(before.as_deref().map(|before| ("before", before)));
            let page = ask(&lounge, &mut agent, "history", &given).await;
            told.extend(page["items"].as_array().expect("items").clone());
            pages += 1;
            before = page["next"].as_str().map(str::to_owned);
            if before.is_none() {
                assert_eq!(page["next"], Value::Null, "the end is told");
                break;
            }
            let last = &told.last().expect("an item")["timeline"]["id"];
            let last = last.as_str().map_or_else(|| last.to_string(), str::to_owned);
            assert_eq!(before, Some(last), "the raw cursor is the oldest entry's id");
            assert!(pages < 5, "it ends");
        }
        assert_eq!(pages, if until_empty { 3 } else { 2 });
        assert_eq!(ids(&json!({ "items": told })), said, "newest first, each once, over {PAGE} and more");
        let place =
            |at: usize| told[at]["timeline"]["id"].to_string().trim_matches('"').parse::<u64>().expect("a place");
        assert!((1..told.len()).all(|at| place(at) < place(at - 1)), "places fall");
        assert_eq!(told[0]["attachments"][0]["filename"], "brief.txt");
        let first = &told[told.len() - 1]["timeline"]["id"];
        assert_eq!(&told[1]["timeline"]["reply_timeline_id"], first, "a reply names its entry");
        assert!(told[2]["timeline"]["edited_at"].is_string() && told[3]["deleted"] == true, "{:#}", told[2]);

        let one = (("conversation", of.as_str()), ("message", reply.to_string()));
        let message = ask(&lounge, &mut agent, "message", &[one.0, (one.1.0, &one.1.1)]).await;
        assert_eq!(message, json!({ "item": told[1] }), "the same message, with its place");
        lounge.end().await;
    }
}

#[tokio::test]
async fn topics_people_files_and_the_agent_itself_are_read_through_every_door() {
    let lounge = Lounge::new("every = \"10m\"", "").await;
    let (sim, of) = (&lounge.sim, lounge.topic.to_string());
    let own = sim.agent(sim.newest_grant().expect("a grant"));
    let spawn = sim.say(OWNER, lounge.topic, "let us go on elsewhere");
    let child = sim.child_topic(spawn, "Elsewhere").expect("a child");
    sim.say_with_file(OWNER, lounge.topic, "one", "one.txt", "1".into());
    sim.say_with_file(OWNER, lounge.topic, "two", "two.txt", "22".into());
    let mut agent = lounge.agent().await;
    let here = [("conversation", of.as_str())];

    assert_eq!(ids(&ask(&lounge, &mut agent, "conversations", &[]).await), [lounge.topic, child]);
    let topic = ask(&lounge, &mut agent, "conversation", &[("conversation", &child.to_string())]).await;
    let hangs = (&topic["item"]["parent_topic_id"], &topic["item"]["spawned_from_chat_id"]);
    assert_eq!(hangs, (&json!(lounge.topic), &json!(spawn)), "{topic:#}");
    let files = ask(&lounge, &mut agent, "files", &here).await;
    let names: Vec<_> = files["items"].as_array().expect("a list").iter().map(|file| &file["filename"]).collect();
    assert_eq!(names, ["one.txt", "two.txt"]);
    let nobody_sees = ask(&lounge, &mut agent, "files", &[("conversation", &child.to_string())]).await;
    assert_eq!(nobody_sees, json!({ "items": [] }));

    let handles = |told: &Value| -> BTreeSet<String> {
        let handle = |it: &Value| it["handle"].as_str().expect("a handle").to_owned();
        told["items"].as_array().expect("a list").iter().map(handle).collect()
    };
    let everybody = BTreeSet::from([OWNER.to_owned(), own.clone()]);
    assert!(handles(&ask(&lounge, &mut agent, "people", &[]).await).contains(OWNER));
    let members = ask(&lounge, &mut agent, "people", &here).await;
    assert_eq!(handles(&members), everybody);
    let owner =
        members["items"].as_array().expect("a list").iter().find(|it| it["handle"] == OWNER).expect("she is in it");
    assert_eq!(owner["contact"]["name"], "Olivia", "with the name that others see");
    let me = ask(&lounge, &mut agent, "me", &[]).await;
    assert_eq!(
        (&me["item"]["agent_handle"], &me["item"]["capabilities"]["topic_history"]),
        (&json!(own), &json!(true))
    );
    lounge.end().await;
}

#[tokio::test]
async fn what_cannot_be_read_says_what_the_platform_says_and_what_is_missing() {
    let lounge = Lounge::new("every = \"10m\"", "").await;
    let of = lounge.topic.to_string();
    let private = lounge.sim.topic("Not for agents", &[OWNER]).to_string();
    for (args, words) in [
        (&["history", "--conversation", "999"][..], "topic not found"),
        (&["history", "--conversation", &private], "forbidden"),
        (&["history", "--conversation", &of, "--before", "no cursor"], "invalid cursor"),
        (&["message", "--conversation", &of, "--message", "999"], "chat not found"),
        (&["message"], "`message` needs --conversation and --message"),
        (&["files"], "`files` needs --conversation"),
        (&["me", "--conversation", &of], "unknown field `conversation`"),
        (&["document", "--document", "d"], "Speakeasy has no `document`"),
    ] {
        let output = lounge.home.cli(&[&["ask", "lounge"], args].concat()).await;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains(words), "{args:?}: {said}");
    }
    lounge.end().await;
}
