//! Every storing verb of the platform that takes keys for some: killed by SIGKILL before and after its request and asked
//! for again under the agent's own key, and with its reply lost, it has one effect there (P5, P6).

use agent_bridge::failpoint::Point;
use agent_bridge_sim::speakeasy::{CableFault, Fault, Options, Sim, Topic, Turn, World};
use serde_json::{Value, json};

use crate::bridge::Daemon;
use crate::lounge::{Lounge, OWNER, hospitable};
use crate::matrix;

/// Nothing is asked in between.
const SELDOM: &str = "every = \"10m\"\nbeside = \"10m\"\noverlap = \"10m\"";
/// More requests than lie between a start and the end of any action here.
const MOST: usize = 16;
/// Walks at most.
const ROUNDS: usize = 3;

/// The states in which a receipt stays.
const SETTLED: [&str; 3] = ["confirmed", "failed", "unknown"];

/// One way of acting.
#[derive(Clone, Copy, Debug)]
struct Deed {
    verb: &'static str,
    /// The route of its request.
    route: &'static str,
    /// Has everything ready, and says with what it is asked for: the word is of this time alone.
    args: fn(&Lounge, &str) -> Value,
    /// How often that stands on the platform.
    there: fn(&Lounge, &str) -> usize,
}

const SEND: Deed = Deed {
    verb: "send",
    route: "POST /agent/topics/{topic_id}/chats",
    args: |lounge, word| json!({ "conversation": lounge.topic.to_string(), "text": format!("**{word}** & more") }),
    there: |lounge, word| chats(lounge, &format!("{word} & more")),
};
const FILE: Deed = Deed {
    args: |lounge, word| {
        let files = json!([{ "name": "a.txt", "content": "aGVsbG8=" }]);
        json!({ "conversation": lounge.topic.to_string(), "text": format!("_{word}_"), "files": files })
    },
    there: |lounge, word| {
        let written = format!("_{word}_");
        lounge.sim.chats_by_agents().iter().filter(|it| it.plain == written && it.attachments.len() == 1).count()
    },
    ..SEND
};
const EDIT: Deed = Deed {
    verb: "edit",
    route: "PATCH /agent/topics/{topic_id}/chats/{id}",
    args: |lounge, word| {
        let chat = lounge.sim.say(&me(lounge), lounge.topic, "a draft");
        json!({ "conversation": lounge.topic.to_string(), "message": chat.to_string(), "text": word })
    },
    there: chats,
};
const DELETE: Deed = Deed {
    verb: "delete",
    route: "DELETE /agent/topics/{topic_id}/chats/{id}",
    args: |lounge, word| {
        let chat = lounge.sim.say(&me(lounge), lounge.topic, word);
        json!({ "conversation": lounge.topic.to_string(), "message": chat.to_string() })
    },
    // What is gone has no text any more; what is left says it.
    there: |lounge, word| 1 - chats(lounge, word),
};
const TOPIC: Deed = Deed {
    verb: "topic.create",
    route: "POST /agent/topics",
    args: |_, word| json!({ "title": word, "people": [OWNER] }),
    there: |lounge, word| topics(lounge, |topic| topic.subject == word),
};
const THREAD: Deed = Deed {
    args: |lounge, word| {
        let source = lounge.sim.say(OWNER, lounge.topic, word).to_string();
        json!({ "title": word, "parent": lounge.topic.to_string(), "spawned_from": source })
    },
    there: |lounge, word| topics(lounge, |topic| topic.subject == word && topic.parent == Some(lounge.topic)),
    ..TOPIC
};
const DIRECT: Deed = Deed {
    verb: "direct.open",
    route: "POST /agent/direct_chats",
    args: |lounge, word| json!({ "person": lounge.sim.person("bob@example.com", "Bob"), "text": word }),
    there: chats,
};
const PERSON: Deed = Deed {
    verb: "participant.add",
    route: "POST /agent/topics/{topic_id}/participants",
    args: |lounge, word| {
        let person = lounge.sim.person(&format!("{word}@example.com"), word);
        json!({ "conversation": lounge.topic.to_string(), "person": person })
    },
    there: |lounge, word| {
        let handle = format!("{word}@example.com");
        let people = |world: &World| world.topic(lounge.topic).expect("it is there").participants.clone();
        lounge.sim.look(people).iter().filter(|it| it.handle == handle).count()
    },
};
const RENAME: Deed = Deed {
    verb: "rename",
    route: "PATCH /agent/me",
    args: |_, word| json!({ "name": word }),
    there: |lounge, word| {
        let me = me(lounge);
        usize::from(lounge.sim.look(|world| world.appears(&me) == Some(word)))
    },
};
const ALL: [Deed; 9] = [SEND, FILE, EDIT, DELETE, TOPIC, THREAD, DIRECT, PERSON, RENAME];

fn me(lounge: &Lounge) -> String {
    lounge.sim.agent(lounge.sim.newest_grant().expect("a grant"))
}

fn chats(lounge: &Lounge, text: &str) -> usize {
    lounge.sim.chats_by_agents().iter().filter(|chat| chat.plain == text).count()
}

fn topics(lounge: &Lounge, is: impl Fn(&Topic) -> bool) -> usize {
    lounge.sim.look(|world| world.topics().filter(|topic| is(topic)).count())
}

/// A platform without a cable that takes keys, or does not.
async fn lounge(keys: bool) -> Lounge {
    let lacking = if keys { Vec::new() } else { vec!["chat_idempotency"] };
    // What a kill in mid-refresh does is another story.
    let sim = Sim::new(Options { lacking, rotation: false, ..hospitable() });
    sim.arm_cable(Turn { after: 0, count: None, fault: CableFault::Refuse { status: 404 } });
    Lounge::of(sim, SELDOM, "").await
}

fn act(deed: &Deed, args: &Value, word: &str) -> Value {
    json!({ "workspace": "lounge", "verb": deed.verb, "args": args, "key": word, "wait": "45s" })
}

/// Asks for it under the agent's key; `None` where the daemon has gone.
async fn wish(lounge: &Lounge, daemon: &mut Daemon, act: Value) -> Option<Value> {
    if !lounge.home.is_ready(daemon).await {
        return None;
    }
    let receipt = lounge.home.try_agent().await?.try_call("act", act).await?;
    Some(receipt.expect("it is taken"))
}

/// Kills the daemon at each of these points that lies on the way of this action, and asks again.
async fn walk(keys: bool, deed: Deed, points: &[Point]) {
    let mut lounge = lounge(keys).await;
    lounge.stop().await;
    let (mut killed, mut before) = (0, 0);
    // Which request is the action's own differs from start to start: a walk that has missed it is gone again.
    for round in 0..ROUNDS {
        if killed > before && before > 0 {
            break;
        }
        (killed, before) = around(&mut lounge, deed, points, round).await;
    }
    assert!(killed > before && before > 0, "{killed} kills, {before} of them before it stood there");
}

/// One walk: how often the daemon was killed, and how often of these before it stood there.
async fn around(lounge: &mut Lounge, deed: Deed, points: &[Point], round: usize) -> (usize, usize) {
    let (mut killed, mut before) = (0, 0);
    for (n, point) in points.iter().enumerate() {
        for time in 1..=MOST {
            let word = format!("{}{round}y{n}x{time}", deed.verb.replace('.', ""));
            let asked = act(&deed, &(deed.args)(lounge, &word), &word);
            let cut = format!("{}@{time}", point.name());
            let mut daemon = lounge.home.spawn(&[("AGENT_BRIDGE_KILL_AT", &cut)]);
            let first = wish(lounge, &mut daemon, asked.clone()).await;
            if first.is_some() && !daemon.has_ended() {
                daemon.kill().await;
                break;
            }
            daemon.ended().await;
            before += usize::from((deed.there)(lounge, &word) == 0);
            killed += 1;
            let mut daemon = lounge.home.start().await;
            let mut receipt = wish(lounge, &mut daemon, asked.clone()).await.expect("nobody kills this one");
            if !SETTLED.iter().any(|state| receipt["state"] == *state) {
                // On a busy machine the two reads and a resend take longer than one wait.
                receipt = wish(lounge, &mut daemon, asked).await.expect("nor this one");
            }
            assert_eq!(receipt["state"], "confirmed", "{cut}: {receipt:#}\n{}", lounge.home.log());
            assert_eq!((deed.there)(lounge, &word), 1, "{cut}: {receipt:#}");
            daemon.kill().await;
        }
    }
    (killed, before)
}

const REQUESTS: [Point; 2] = [Point::HttpRequestBefore, Point::HttpRequestAfter];
const COMMITS: [Point; 2] = [Point::StoreCommitBefore, Point::StoreCommitAfter];

#[tokio::test]
async fn p6_a_text_killed_around_its_requests_has_one_effect() {
    walk(true, SEND, &REQUESTS).await;
}

#[tokio::test]
async fn p6_a_text_without_a_key_killed_around_its_requests_has_one_effect() {
    walk(false, SEND, &REQUESTS).await;
}

#[tokio::test]
async fn p6_a_text_without_a_key_killed_around_its_commits_has_one_effect() {
    walk(false, SEND, &COMMITS).await;
}

#[tokio::test]
async fn p6_a_file_killed_around_its_requests_has_one_effect() {
    walk(true, FILE, &REQUESTS).await;
}

#[tokio::test]
async fn p6_a_file_without_a_key_killed_around_its_requests_has_one_effect() {
    walk(false, FILE, &REQUESTS).await;
}

#[tokio::test]
async fn p6_an_edit_killed_around_its_requests_has_one_effect() {
    walk(true, EDIT, &REQUESTS).await;
    walk(false, EDIT, &REQUESTS).await;
}

#[tokio::test]
async fn p6_a_deletion_killed_around_its_requests_has_one_effect() {
    walk(true, DELETE, &REQUESTS).await;
    walk(false, DELETE, &REQUESTS).await;
}

#[tokio::test]
async fn p6_a_topic_killed_around_its_requests_has_one_effect() {
    walk(true, TOPIC, &REQUESTS).await;
}

#[tokio::test]
async fn p6_a_topic_killed_around_its_commits_has_one_effect() {
    walk(true, TOPIC, &COMMITS).await;
}

#[tokio::test]
async fn p6_a_threaded_topic_killed_around_its_requests_has_one_effect() {
    walk(true, THREAD, &REQUESTS).await;
}

#[tokio::test]
async fn p6_a_first_word_to_a_person_killed_around_its_requests_has_one_effect() {
    walk(true, DIRECT, &REQUESTS).await;
}

#[tokio::test]
async fn p6_a_participant_killed_around_their_requests_has_one_effect() {
    walk(true, PERSON, &REQUESTS).await;
}

#[tokio::test]
async fn p6_a_name_killed_around_its_requests_has_one_effect() {
    walk(true, RENAME, &REQUESTS).await;
}

#[tokio::test]
async fn row_33_whatever_was_applied_and_lost_its_reply_stands_there_once_with_keys_and_without() {
    matrix::row(33, async {
        for keys in [true, false] {
            let lounge = lounge(keys).await;
            let mut agent = lounge.agent().await;
            for (n, fault) in [Fault::ReplyLost, Fault::StoredThen500, Fault::HalfBody].into_iter().enumerate() {
                for (m, deed) in ALL.iter().enumerate() {
                    let word = format!("word{n}x{m}");
                    let asked = act(deed, &(deed.args)(&lounge, &word), &word);
                    lounge.sim.fault(deed.route, fault.clone());
                    let receipt = agent.call("act", asked).await.expect("it is taken");
                    let log = || lounge.home.log();
                    assert_eq!(receipt["state"], "confirmed", "{keys} {fault:?} {deed:?}: {receipt:#}\n{}", log());
                    assert_eq!((deed.there)(&lounge, &word), 1, "{keys} {fault:?} {deed:?}");
                    assert_eq!(lounge.sim.look(World::faults_left), 0, "{deed:?}: the fault has happened");
                }
            }
            lounge.end().await;
        }
    })
    .await;
}

#[tokio::test]
async fn row_33_control_without_reading_back_a_topic_stands_there_twice() {
    matrix::row(33, async {
        let mut lounge = lounge(true).await;
        lounge.stop().await;
        let mut daemon = lounge.home.spawn(&[("AGENT_BRIDGE_WITHOUT", "read-back")]);
        let asked = act(&TOPIC, &(TOPIC.args)(&lounge, "once, please"), "k");
        lounge.sim.fault(TOPIC.route, Fault::ReplyLost);
        let receipt = wish(&lounge, &mut daemon, asked).await.expect("it runs");
        assert_eq!(receipt["state"], "confirmed", "{receipt:#}");
        assert_eq!((TOPIC.there)(&lounge, "once, please"), 2, "the double that the defence prevents");
        daemon.stop().await;
    })
    .await;
}
