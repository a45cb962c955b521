//! What a person or an agent reads when the platform, or the bridge before it, says no to an action.

use agent_bridge_sim::speakeasy::{Armed, Fault, TopicId};

use crate::lounge::{Lounge, OWNER};

const CHATS: &str = "POST /agent/topics/{topic_id}/chats";

/// `agent-bridge act lounge …`: its exit code, and what it says.
async fn act(lounge: &Lounge, args: &[&str]) -> (Option<i32>, String) {
    let output = lounge.home.cli(&[&["act", "lounge"], args].concat()).await;
    (output.status.code(), String::from_utf8_lossy(&output.stderr).trim().to_owned())
}

async fn is_told(lounge: &Lounge, args: &[&str], words: &[&str]) {
    let (code, said) = act(lounge, args).await;
    assert!(code == Some(65) && words.iter().all(|word| said.contains(word)), "{args:?}: {code:?} {said}");
    assert_eq!(said.lines().count(), 1, "{said}");
}

fn in_topic(topic: TopicId) -> String {
    format!("conversation={topic}")
}

#[tokio::test]
async fn what_the_platform_refuses_says_who_says_what_and_what_to_look_at() {
    let lounge = Lounge::new("every = \"10m\"", "").await;
    let sim = &lounge.sim;
    let agent = sim.agent(sim.newest_grant().expect("a grant"));
    let (here, private) = (in_topic(lounge.topic), in_topic(sim.topic("Not for agents", &[OWNER])));
    let direct = in_topic(sim.direct_topic(OWNER, &agent));
    sim.person("bob@example.com", "Bob");
    sim.stranger("eve@example.com", "Eve");
    let question = sim.say(OWNER, lounge.topic, "hers");
    let elsewhere = sim.say(OWNER, sim.topic("Other", &[OWNER, &agent]), "elsewhere");
    sim.child_topic(question, "A child");
    let (message, reply) = (format!("message={question}"), format!("reply_to={elsewhere}"));
    let (parent, source) = (format!("parent={}", lounge.topic), format!("spawned_from={question}"));
    let outside = format!("spawned_from={elsewhere}");
    let (not_allowed, gone) = ("not allowed here: the agent must be in the topic", "there is no such topic or message");

    // What the platform would refuse with 400 is known before, from what it shows.
    is_told(&lounge, &["topic.create", "title=x", &parent, &outside], &["there is no `", "nothing was sent"]).await;
    is_told(&lounge, &["topic.create", "title=x", &parent, &source], &["already, and can have one: use that"]).await;
    // 400, in the platform's words, where it shows nothing.
    sim.fault("GET /agent/topics/{topic_id}/chats/{id}", Fault::Status { status: 403 });
    is_told(&lounge, &["topic.create", "title=x", &parent, &outside], &["is not in the parent topic (400)"]).await;
    sim.fault("GET /agent/topics/{topic_id}/chats/{id}", Fault::Status { status: 403 });
    is_told(&lounge, &["topic.create", "title=x", &parent, &source], &["already has a child topic (400)"]).await;
    // 403
    is_told(&lounge, &["send", &private, "text=x"], &[not_allowed]).await;
    for verb in [&["edit", &here, &message, "text=x"][..], &["delete", &here, &message]] {
        is_told(&lounge, verb, &[not_allowed, "its own messages only"]).await;
    }
    is_told(&lounge, &["participant.add", &here, "person=eve@example.com"], &["people of its topics only"]).await;
    is_told(&lounge, &["participant.add", &direct, "person=bob@example.com"], &["(a direct chat stays private)"]).await;
    is_told(&lounge, &["direct.open", "person=eve@example.com", "text=x"], &[not_allowed]).await;
    // 404
    is_told(&lounge, &["send", "conversation=999", "text=x"], &[gone, "(topic not found)"]).await;
    is_told(&lounge, &["edit", &here, "message=999", "text=x"], &[gone, "(chat not found)"]).await;
    is_told(&lounge, &["delete", &here, "message=999"], &[gone, "(chat not found)"]).await;
    // 409, 422, and one that nobody knows.
    for (status, words) in [(409, "another request under this action's key"), (422, "(422)"), (418, "(418)")] {
        sim.fault(CHATS, Fault::Status { status });
        is_told(&lounge, &["send", &here, &format!("text={status}")], &[words]).await;
    }
    // What is answered must stand in the same topic: the bridge looks before it sends anything.
    for reply in ["reply_to=999", &reply] {
        is_told(&lounge, &["send", &here, "text=x", reply], &["no message `", "nothing was sent"]).await;
    }
    assert!(sim.chats_by_agents().is_empty());
    lounge.end().await;
}

#[tokio::test]
async fn what_the_bridge_refuses_never_reaches_the_platform() {
    let lounge = Lounge::new("every = \"10m\"", "").await;
    let here = in_topic(lounge.topic);
    let parent = format!("parent={}", lounge.topic);
    let asked = |method: &str| lounge.sim.log().iter().filter(|entry| entry.method == method).count();
    let before = (asked("POST"), asked("PATCH"));
    for (args, words) in [
        (&["send", &here][..], "needs one of `text` and `html`"),
        (&["send", &here, "text=x", "html=y"], "give one of them"),
        // A threaded create with half its pair.
        (&["topic.create", "title=x", &parent], "`parent` and `spawned_from` go together: give both, or neither"),
        (
            &["topic.create", "title=x", "spawned_from=7"],
            "`parent` and `spawned_from` go together: give both, or neither",
        ),
        (&["topic.create", "title= "], "`title` is blank"),
        (&["direct.open", "person=a@x", "text= "], "`text` is blank"),
        (&["direct.open", "text=x"], "`direct.open` needs `person`"),
        (&["rename", "name= "], "`name` is blank"),
        (&["typing", &here, "state=maybe"], "which is not true or false"),
        (&["typing", &here, "state=true"], "give true or false itself, as in state:=true"),
        (&["nonsense"], "Speakeasy has no `nonsense`; it has send"),
    ] {
        is_told(&lounge, args, &[words]).await;
    }
    assert_eq!((asked("POST"), asked("PATCH")), before, "nothing was asked for");
    lounge.end().await;
}

#[tokio::test]
async fn what_has_to_wait_says_for_what() {
    let lounge = Lounge::new("every = \"10m\"", "").await;
    let here = in_topic(lounge.topic);
    lounge.sim.fault(CHATS, Fault::TooMany { retry_after: "2000".into() });
    let (code, said) = act(&lounge, &["send", &here, "text=429", "--wait", "2s"]).await;
    assert_eq!(code, Some(0), "it is kept, and goes on: {said}");
    assert!(said.contains("not settled yet: the platform asks for patience (429); next try 20"), "{said}");
    assert!(said.contains("`agent-bridge receipt act_"), "{said}");
    lounge.end().await;

    // 401 whatever the token: a person must act, and the action waits for that.
    let lounge = Lounge::new("every = \"10m\"", "").await;
    let here = in_topic(lounge.topic);
    let never = Fault::Status { status: 401 };
    lounge.sim.arm(Armed { route: "POST /agent_sessions/refresh".into(), after: 0, count: u32::MAX, fault: never });
    lounge.sim.expire_access(lounge.sim.newest_grant().expect("a grant"));
    let (code, said) = act(&lounge, &["send", &here, "text=401", "--wait", "5s"]).await;
    assert!(code == Some(0) && said.contains("agent-bridge join speakeasy"), "{code:?} {said}");
    lounge.end().await;
}
