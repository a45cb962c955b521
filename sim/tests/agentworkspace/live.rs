//! Drafts edited live, with another implementation of the protocol at the near end.

use std::time::Duration;

use agent_bridge_sim::agentworkspace::{Denial, LiveFault, Memory, Options, Shape};
use serde_json::json;
use yrs::{GetString as _, Text as _, Transact as _, XmlElementPrelim, XmlFragment as _, XmlTextPrelim};

use crate::{
    editor::{Editor, Ended, content},
    support::{House, Served, clocked, house},
};

impl House {
    pub async fn editor(&self) -> Editor {
        let mut editor = Editor::dial(self, &self.draft_token().await).await.expect("a line");
        editor.sync().await.expect("a whole document");
        editor
    }

    pub async fn draft_token(&self) -> String {
        let (_, body) = self.shared("POST", "/draft-token", json!({"name": "Atlas"})).await;
        body["token"].as_str().expect("a token").to_owned()
    }

    pub async fn reads(&self, text: &str) {
        self.sim.wait_for(|world| world.content(&self.draft).as_deref() == Some(text)).await;
    }
}

pub async fn plain(served: &mut Served) {
    let house = house(Options::default());
    let mut agent = house.editor().await;
    assert_eq!(agent.text(), "Rome is the majority of it.");
    // Offsets are UTF-16 code units: the flag takes four of them.
    assert!(house.sim.types(&house.draft, 0, "🇮🇹 "));
    agent.until(|it| it.text() == "🇮🇹 Rome is the majority of it.").await.expect("the person's edit");
    agent.edit(|doc| content(doc).insert(&mut doc.transact_mut(), 9, ", Italy,")).await;
    house.reads("🇮🇹 Rome, Italy, is the majority of it.").await;
    assert_eq!(house.sim.seen(&house.draft), house.sim.content(&house.draft));
    assert!(house.sim.deletes(&house.draft, 0, 5));
    agent.until(|it| it.text() == "Rome, Italy, is the majority of it.").await.expect("the deletion");
    house.own("PUT", &format!("/docs/{}", house.draft), json!({"content": "Rome, Italy, is most of it."})).await;
    agent.until(|it| it.text() == "Rome, Italy, is most of it.").await.expect("the PUT");
    // Both at once: neither is lost, and both see the same.
    house.sim.goes_offline(&house.draft);
    assert!(house.sim.types(&house.draft, 0, "Ah, "));
    agent.edit(|doc| content(doc).insert(&mut doc.transact_mut(), 27, " Truly.")).await;
    house.reads("Rome, Italy, is most of it. Truly.").await;
    house.sim.comes_back(&house.draft);
    house.reads("Ah, Rome, Italy, is most of it. Truly.").await;
    agent.until(|it| it.text() == "Ah, Rome, Italy, is most of it. Truly.").await.expect("both edits");
    let line = house.sim.lines().pop().expect("a line");
    assert_eq!((line.name.as_str(), line.open, line.updates), ("Atlas", true, 2));
    agent.say(&[0, 2, 3, 0xff, 0xff, 0xff]).await;
    agent.say(&[9, 9]).await;
    agent.say(&[0]).await;
    agent.edit(|doc| content(doc).push(&mut doc.transact_mut(), "!")).await;
    house.reads("Ah, Rome, Italy, is most of it. Truly.!").await;
    house.close(served);
}

pub async fn rich(served: &mut Served) {
    let mut house = house(Options::default());
    house.draft = house.sim.draft(&house.agent, "Rich", Shape::Xml("prosemirror".into()), "One 🦀\n\nTwo");
    house.token = house.sim.share(&house.draft);
    let mut agent = house.editor().await;
    let shown = |it: &Editor| {
        let root = it.doc.get_or_insert_xml_fragment("prosemirror");
        root.get_string(&it.doc.transact())
    };
    assert_eq!(shown(&agent), "<paragraph>One 🦀</paragraph><paragraph>Two</paragraph>");
    assert!(house.sim.types(&house.draft, 11, "!") && house.sim.types(&house.draft, 6, "s"));
    agent.until(|it| shown(it).ends_with("Two!</paragraph>") && shown(it).contains("🦀s")).await.expect("both");
    agent
        .edit(|doc| {
            let root = doc.get_or_insert_xml_fragment("prosemirror");
            let element = XmlElementPrelim::new("paragraph", [XmlTextPrelim::new("Three").into()]);
            root.push_back(&mut doc.transact_mut(), element);
        })
        .await;
    house.reads("One 🦀s\n\nTwo!\n\nThree").await;
    assert!(house.sim.deletes(&house.draft, 9, 3));
    house.reads("One 🦀s\n\n!\n\nThree").await;
    house.sim.mention("Pierre", &house.draft, "Atlas", "@Atlas more");
    house.reads("One 🦀s\n\n!\n\nThree\n\n@Atlas more").await;
    house.close(served);
}

pub async fn who_is_here(served: &mut Served) {
    let house = house(Options::default());
    house.sim.arrives(&house.draft, "Pierre");
    let mut agent = house.editor().await;
    agent.until(|it| it.states.values().any(|it| it.contains("Pierre"))).await.expect("the person");
    agent.announce(1, r#"{"user":{"name":"Atlas"}}"#).await;
    house.sim.wait_for(|world| world.awake(&house.draft).len() == 2).await;
    house.sim.leaves(&house.draft);
    agent.until(|it| it.states.values().any(|it| it == "null")).await.expect("the farewell");
    agent.states.clear();
    agent.query_awareness().await;
    agent.until(|it| it.states.len() == 1).await.expect("the answer");
    tokio::time::advance(Duration::from_secs(29)).await;
    agent.announce(2, r#"{"user":{"name":"Atlas"}}"#).await;
    agent.until(|it| it.own_clock() == Some(2)).await.expect("the echo");
    tokio::time::advance(Duration::from_secs(29)).await;
    assert_eq!(house.sim.look(|world| world.awake(&house.draft).len()), 1, "said again in time");
    agent.until(|it| it.own_clock() == Some(3)).await.expect("a farewell after 30 s of silence");
    assert_eq!(house.sim.look(|world| world.awake(&house.draft).len()), 0);
    agent.announce(4, "{}").await;
    house.sim.wait_for(|world| world.awake(&house.draft).len() == 1).await;
    drop(agent);
    house.sim.wait_for(|world| world.awake(&house.draft).is_empty()).await;
    let line = house.sim.lines().pop().expect("a line");
    assert_eq!((line.open, line.said.len()), (false, 3));
    house.close(served);
}

/// The reason of a denial, and the code of the close after it.
async fn denial(house: &House, token: &str) -> (String, u16) {
    let mut editor = Editor::dial(house, token).await.expect("an upgrade");
    editor.denied().await
}

pub async fn tokens(served: &mut Served) {
    let (options, hands) = clocked();
    let house = house(options);
    assert_eq!(house.ask("GET", "/collab/doc", None, "").await.0, 426);
    assert_eq!(denial(&house, "guess").await, ("invalid token".into(), 1008));
    let token = house.draft_token().await;
    hands.turn(60);
    assert_eq!(denial(&house, &token).await, ("token expired".into(), 1008));
    let other = house.sim.draft(&house.agent, "Other", Shape::Text("content".into()), "");
    let (_, body) = house.own("POST", &format!("/docs/{other}/draft-token"), json!({})).await;
    let token = body["token"].as_str().expect("a token");
    assert_eq!(denial(&house, token).await, ("invalid token for this document".into(), 1008));
    house.sim.live_fault(LiveFault::Deny { reason: "read only".into() });
    assert_eq!(denial(&house, &house.draft_token().await).await, ("read only".into(), 1008));
    house.sim.live_fault(LiveFault::Refuse { status: 503 });
    assert_eq!(Editor::dial(&house, &house.draft_token().await).await.err(), Some(503));
    house.sim.reconfigure(|options| options.denial = Denial::Status);
    assert_eq!(Editor::dial(&house, "guess").await.err(), Some(401));
    let mut agent = house.editor().await;
    house.sim.live_fault(LiveFault::Expire);
    assert_eq!(agent.denied().await, ("token expired".into(), 1008));
    house.sim.reconfigure(|options| options.line_ends_with_token = true);
    let mut agent = house.editor().await;
    assert_eq!(agent.denied().await, ("token expired".into(), 1008), "after its minute");
    let logged = serde_json::to_string(&house.sim.log()).expect("JSON");
    assert!(!logged.contains(token), "no draft token is logged");
    house.close(served);
}

pub async fn restarts(served: &mut Served) {
    let house = house(Options::default());
    let mut agent = house.editor().await;
    house.sim.restart(Memory::Kept);
    assert_eq!(agent.until(|_| false).await, Err(Ended::Dropped));
    let mut agent = agent.again(&house).await;
    agent.sync().await.expect("all of it");
    assert_eq!(house.sim.content(&house.draft), "Rome is the majority of it.");
    house.sim.restart(Memory::Empty);
    assert_eq!(house.sim.content(&house.draft), "");
    let mut agent = agent.again(&house).await;
    agent.sync().await.expect("nothing, and the server asks for ours");
    house.reads("Rome is the majority of it.").await;
    house.sim.comes_back(&house.draft);
    assert_eq!(house.sim.content(&house.draft), "Rome is the majority of it.", "the browser's copy is the same");
    house.sim.restart(Memory::Reseeded);
    let mut agent = agent.again(&house).await;
    agent.sync().await.expect("a copy of a copy");
    house.sim.wait_for(|world| world.content(&house.draft).is_some_and(|it| it.matches("Rome").count() == 2)).await;
    house.close(served);
}

pub async fn silence(served: &mut Served) {
    let house = house(Options { idle: Some(Duration::from_secs(40)), ..Options::default() });
    let mut agent = house.editor().await;
    assert_eq!(agent.until(|_| false).await, Err(Ended::Closed(1000)));
    house.close(served);
}

#[tokio::test(start_paused = true)]
async fn a_plain_draft_is_edited_by_both() {
    plain(&mut Served::new()).await;
}

#[tokio::test(start_paused = true)]
async fn a_rich_draft_is_edited_by_both() {
    rich(&mut Served::new()).await;
}

#[tokio::test(start_paused = true)]
async fn they_see_who_is_here() {
    who_is_here(&mut Served::new()).await;
}

#[tokio::test(start_paused = true)]
async fn a_draft_token_opens_one_draft_for_a_while() {
    tokens(&mut Served::new()).await;
}

#[tokio::test(start_paused = true)]
async fn a_server_may_forget() {
    restarts(&mut Served::new()).await;
}

#[tokio::test(start_paused = true)]
async fn a_silent_client_may_be_sent_away() {
    silence(&mut Served::new()).await;
}
