//! Everybody at the document: the server, the bridge with its agent, two people, and the ways between them.

use std::collections::VecDeque;
use std::time::Duration;

use agent_bridge_sim::agentworkspace::{DocumentId, Options, Shape, Sim};
use agent_bridge_sim::serve::Serving;
use serde_json::{Value, json};

use super::runs::{Wish, words};
use crate::bridge::{Agent, Daemon, Home, PATIENCE};
use crate::node::{Client, Server};
use crate::wire::Wire;

/// The agent's way is the first.
pub const AGENT: usize = 0;
/// How many people there are.
pub const PEOPLE: usize = 2;
/// Edits of the agent that are under way at once: one is carried out, the others wait behind it.
const OPEN: usize = 6;

/// Waits that a test can wait for, and an agent that may change what others wrote.
const CONFIG: &str = r#"
[store]
ballast = "0B"
[lines]
first_wait = "50ms"
longest_wait = "300ms"
spread = "1ms"
[outbox]
first_wait = "50ms"
longest_wait = "300ms"
[workspace.plans]
direct_edits = true
"#;

/// A way, and the step at which it is whole again.
struct Way {
    wire: Wire,
    due: Option<usize>,
}

/// Everybody.
pub struct Meeting {
    /// The real server; down while it is stopped.
    pub server: Server,
    ways: Vec<Way>,
    people: Vec<Client>,
    sim: Sim,
    serving: Serving,
    home: Home,
    daemon: Daemon,
    agent: Agent,
    draft: DocumentId,
    /// Edits whose receipt was not looked at yet: their ids, and the run of one that need not be made.
    open: VecDeque<(Value, Option<String>)>,
    /// The runs of those that were not made.
    pub missed: Vec<String>,
    made: usize,
    cuts: usize,
}

impl Meeting {
    /// An empty document in which each has its own way to the server.
    pub async fn new(kind: &str) -> Self {
        let server = Server::start().await;
        let mut ways = Vec::new();
        for _ in 0..=PEOPLE {
            ways.push(Way { wire: Wire::to(server.port()).await, due: None });
        }
        // The platform hands out tokens; the document itself is not edited there.
        let server_url = Some(format!("http://{}", ways[AGENT].wire.address()));
        let sim = Sim::new(Options { server_url, ..Options::default() });
        let serving = sim.serve(0).await.expect("a free port");
        let draft = sim.draft(&sim.agent("Atlas"), "Together", Shape::Text("content".into()), "");
        let slug = sim.look(|world| world.document(&draft).expect("it stands").slug.clone());
        let person = |way: &Way| Client::run("editor.mjs", &[&format!("ws://{}", way.wire.address()), &slug, kind]);
        let people = ways[1..].iter().map(person).collect();
        let home = Home::new(CONFIG);
        let daemon = home.start().await;
        let link = sim.share_link(&sim.share(&draft));
        home.ok(&["join", "agentworkspace", &link, "--as", "plans", "--set", "display_name=Atlas"]).await;
        let agent = home.agent().await;
        let (open, missed, made, cuts) = (VecDeque::new(), Vec::new(), 0, 0);
        Self { server, ways, people, sim, serving, home, daemon, agent, draft, open, missed, made, cuts }
    }

    /// One of the people does something.
    pub async fn person(&mut self, which: usize, command: Value) {
        self.people[which].does(command).await;
    }

    /// The agent asks for an edit.
    pub async fn agent(&mut self, wish: Wish) {
        let mut args = wish.args;
        args["conversation"] = self.draft.as_str().into();
        let act = json!({ "workspace": "plans", "verb": "document.edit", "args": args });
        let accepted = self.agent.call("act", act).await.expect("it is accepted");
        self.open.push_back((accepted["id"].clone(), wish.unsure));
    }

    /// Whether the agent may ask for another edit; where one can come to its end it waits for that.
    pub async fn has_room(&mut self) -> bool {
        if self.open.len() >= OPEN && self.ways[AGENT].due.is_none() && self.server.runs() {
            self.settle().await;
        }
        self.open.len() < OPEN
    }

    /// The oldest edit comes to its end: it is made, unless it is about words that are gone.
    async fn settle(&mut self) {
        let Some((id, unsure)) = self.open.pop_front() else { return };
        let receipt = self.agent.call("receipt", json!({ "id": id, "wait": "60s" })).await.expect("a receipt");
        let gone = ["quote_missing", "quote_not_unique"].iter().any(|kind| receipt["kind"] == *kind);
        match unsure {
            Some(run) if receipt["state"] == "failed" && gone => self.missed.push(run),
            _ => {
                let state = (&receipt["state"], &receipt["went"]);
                assert_eq!(state, (&json!("confirmed"), &json!("edited")), "{receipt}: {}", self.home.log());
                self.made += 1;
            }
        }
    }

    /// Every edit that the agent asked for comes to its end.
    pub async fn all_is_made(&mut self) {
        self.ways[AGENT].mend();
        while !self.open.is_empty() {
            self.settle().await;
        }
    }

    /// What the bridge reads live; `None` while it is not connected.
    async fn read(&mut self) -> Option<String> {
        let ask = json!({ "workspace": "plans", "document": self.draft.as_str() });
        let read = self.agent.call("document", ask).await.expect("it is read");
        (read["item"]["live"] == true).then(|| read["item"]["content"].as_str().expect("a text").to_owned())
    }

    /// Words that people wrote and the agent could quote.
    pub async fn words_of_people(&mut self) -> Vec<String> {
        self.read().await.map(|text| words(&text)).unwrap_or_default()
    }

    /// Cuts a way until this step, once so many more bytes have passed.
    pub fn cut(&mut self, way: usize, after: usize, until: usize) {
        self.ways[way].wire.cut(after);
        self.ways[way].due = Some(until);
        self.cuts += 1;
    }

    /// Mends the ways whose time has come.
    pub fn mend_what_is_due(&mut self, step: usize) {
        for way in self.ways.iter_mut().filter(|way| way.due.is_some_and(|due| step >= due)) {
            way.mend();
        }
    }

    /// Mends every way.
    pub fn mend(&mut self) {
        self.ways.iter_mut().for_each(Way::mend);
    }

    /// Waits until all people see this.
    pub async fn reaches_everybody(&mut self, text: &str) {
        self.looked_for(&[text], false).await;
    }

    /// Waits until everybody, the bridge too, has the same with these last words in it; then somebody new has it, too.
    pub async fn same_everywhere(&mut self, last: &[&str]) -> String {
        let text = self.looked_for(last, true).await;
        println!("{} edits of the agent, {} cuts, {} connects of the bridge", self.made, self.cuts, self.connects());
        assert!(self.made > 0 && self.cuts > 0 && self.connects() > 2, "all of it was tried");
        text
    }

    /// How often the bridge got a token: each connect takes a new one.
    fn connects(&self) -> usize {
        self.sim.look(|world| world.log().filter(|entry| entry.route.ends_with("/draft-token")).count())
    }

    async fn looked_for(&mut self, words: &[&str], bridge: bool) -> String {
        let begun = std::time::Instant::now();
        let mut looks = tokio::time::interval(Duration::from_millis(50));
        loop {
            looks.tick().await;
            let mut seen = Vec::new();
            for person in &mut self.people {
                seen.push(person.looks().await);
            }
            let read = if bridge { self.read().await } else { seen[0]["text"].as_str().map(str::to_owned) };
            let same = seen.iter().all(|it| *it == seen[0] && it["connected"] == true);
            match read {
                Some(text) if same && seen[0]["text"] == text && words.iter().all(|it| text.contains(it)) => {
                    return text;
                }
                read => assert!(begun.elapsed() < PATIENCE, "{seen:#?}\n{read:#?}\n{}", self.home.log()),
            }
        }
    }

    /// Ends everything in good order.
    pub async fn end(self) {
        assert_eq!(self.daemon.stop().await, Some(0), "{}", self.home.log());
        self.serving.stop().await;
    }
}

impl Way {
    fn mend(&mut self) {
        self.wire.mend();
        self.due = None;
    }
}
