//! The agent's own desk: documents, calendar and e-mail by its key, written by verbs and read through every door.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails, and says where")]

use agent_bridge_sim::agentworkspace::{DocumentType, Entry, Fault};
use serde_json::{Value, json};

use crate::bench::Desk;
use crate::bridge::until;

fn ids(told: &Value, key: &str) -> Vec<String> {
    told["items"].as_array().unwrap().iter().map(|item| item[key].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn documents_events_and_mail_are_made_changed_and_taken_away() {
    let mut desk = Desk::new().await;
    let made = desk.done("document.create", json!({ "title": "Plan", "content": "# One" })).await;
    desk.done("document.update", json!({ "document": made[0], "content": "# Two" })).await;
    assert_eq!(desk.sim.content(&made[0]), "# Two");
    desk.done("document.delete", json!({ "document": made[0] })).await;
    assert!(desk.sim.look(|world| world.document(&made[0]).is_none()));

    let standup = json!({ "title": "Standup", "start": "2026-07-01T10:00:00+02:00", "end": "2026-07-01T10:30:00+02:00",
        "rrule": "FREQ=WEEKLY;BYDAY=MO", "timezone": "Europe/Berlin", "color": "#ff5733", "all_day": false,
        "description": "daily", "location": "here" });
    let made = desk.done("event.create", standup).await;
    desk.done("event.update", json!({ "event": made[0], "title": "Stand-up", "all_day": true })).await;
    let told = desk.ask("event", &[("event", &made[0])]).await;
    assert_eq!((&told["item"]["title"], &told["item"]["allDay"]), (&json!("Stand-up"), &json!(true)), "{told:#}");
    assert_eq!(told["item"]["start"], "2026-07-01T08:00:00Z");
    desk.done("event.delete", json!({ "event": made[0] })).await;
    assert!(desk.sim.look(|world| world.events().all(|event| event.id != made[0])));

    let mail = json!({ "to": ["ann@example.com"], "cc": ["bob@example.com"], "bcc": ["eve@example.com"],
        "subject": "Budget", "text": "It is 7.", "html": "<p>It is 7.</p>" });
    let sent = desk.done("email.send", mail).await;
    let thread = desk.sim.write_mail(&desk.me, "ann@example.com", "Lunch", "At noon?", None);
    let reply = desk.done("email.reply", json!({ "thread": thread, "text": "Yes, gladly." })).await;
    let other = json!({ "thread": thread, "html": "<p>Come, too</p>", "to": ["bob@example.com"] });
    desk.done("email.reply", other).await;
    desk.done("email.read", json!({ "thread": thread })).await;
    let mails = desk.sim.sent_mails(&desk.me);
    let [first, second, third] = &mails[..] else { panic!("{mails:#?}") };
    assert_eq!(
        (first.to.as_slice(), first.cc.as_slice()),
        (&["ann@example.com".into()][..], &["bob@example.com".into()][..])
    );
    assert_eq!((first.bcc.len(), first.html.as_deref(), &first.id), (1, Some("<p>It is 7.</p>"), &sent[1]));
    assert_eq!(
        (second.text.as_str(), &second.id, second.to[0].as_str()),
        ("Yes, gladly.", &reply[0], "ann@example.com")
    );
    assert_eq!(third.to, ["bob@example.com"]);
    assert!(desk.sim.look(|world| world.threads().flat_map(|thread| &thread.mails).all(|mail| !mail.unread)));
    desk.end().await;
}

#[tokio::test]
async fn what_the_document_forbids_never_leaves_and_every_wrong_field_is_named() {
    let mut desk = Desk::new().await;
    let wrong = json!({ "title": "", "start": "tomorrow", "end": "2026-07-01", "all_day": "no", "rrule": "daily",
        "timezone": "mars", "color": "red", "location": "x".repeat(501), "description": "y".repeat(5_001) });
    let (kind, message) = desk.refused("event.create", wrong).await;
    assert_eq!(kind, "bad_args", "{message}");
    let fields = ["title", "start", "end", "all_day", "rrule", "timezone", "color", "location", "description"];
    for field in fields {
        assert!(message.contains(&format!("`{field}`")), "{field}: {message}");
    }
    assert!(message.contains("1 to 500") && message.contains("ISO 8601") && message.contains("#ff5733"), "{message}");
    // 250 of these are 500 UTF-16 units.
    desk.done("document.create", json!({ "title": "😀".repeat(250) })).await;
    let cases = [
        ("document.create", json!({ "title": "😀".repeat(251) }), "too_long", "502 characters"),
        ("document.create", json!({ "content": "x" }), "bad_args", "needs `title`"),
        (
            "document.create",
            json!({ "title": "T", "type": "poem" }),
            "bad_args",
            "one of markdown, sheet, slide, draft",
        ),
        ("document.create", json!({ "title": "T", "content": "x".repeat(100_001) }), "too_long", "at most 100000"),
        ("document.create", json!({ "title": "T", "type": "sheet", "content": "[1]" }), "bad_args", "array of objects"),
        ("document.create", json!({ "title": "T", "type": "sheet", "content": "# T" }), "bad_args", "array of objects"),
        ("document.update", json!({ "document": "d" }), "bad_args", "needs one of title, content"),
        ("email.send", json!({ "to": ["ann"], "subject": "S" }), "bad_args", "`to` is `ann`"),
        ("email.send", json!({ "to": [], "subject": "S" }), "bad_args", "`to`"),
        ("email.send", json!({ "to": ["ann@example.com"], "cc": ["@"], "subject": "" }), "bad_args", "`subject` has 0"),
        ("email.reply", json!({ "thread": "th" }), "bad_args", "needs one of text, html"),
        ("suggest", json!({ "conversation": "d", "search": "", "text": "x" }), "bad_args", "`search` has 0"),
    ];
    for (verb, args, kind, word) in cases {
        let (refused, message) = desk.refused(verb, args).await;
        assert_eq!(refused, kind, "{verb}: {message}");
        assert!(message.contains(word), "{verb}: {message}");
    }
    assert_eq!(desk.writes().len(), 1, "nothing else left");
    let question = json!({ "workspace": "atlas", "what": "emails", "limit": 101 });
    let refused = desk.agent.call("desk", question).await.expect_err("it is too many");
    assert!(refused.to_string().contains("1 to 100"), "{refused}");
    desk.end().await;
}

#[tokio::test]
async fn what_the_platform_refuses_comes_back_field_by_field_and_says_what_it_may_mean() {
    let mut desk = Desk::new().await;
    let sheet = desk.sim.document(&desk.me, "Rows", DocumentType::Sheet, "[]");
    // The bridge cannot see what it is: the platform has the word.
    desk.sim.fault("GET /docs/{id}", Fault::Status { status: 500 });
    let (kind, message) = desk.failed("document.update", json!({ "document": sheet, "content": "no rows" })).await;
    assert_eq!(kind, "bad_args");
    assert!(message.contains("content: "), "the field is named: {message}");
    let other = desk.sim.agent("Other");
    let theirs = desk.sim.document(&other, "Theirs", DocumentType::Markdown, "");
    let (kind, message) = desk.failed("document.delete", json!({ "document": theirs })).await;
    assert_eq!(kind, "not_found");
    assert!(message.contains("not there, or not yours"), "{message}");
    assert!(desk.sim.look(|world| world.document(&theirs).is_some()));

    let plain = desk.sim.agent("Plain");
    let key = desk.home.path("plain");
    std::fs::write(&key, desk.sim.api_key(&plain)).unwrap();
    let (url, secret) = (desk.url.clone(), format!("api_key=@{}", key.display()));
    desk.home.ok(&["join", "agentworkspace", &url, "--as", "plain", "--secret", &secret]).await;
    let args = json!({ "to": ["ann@example.com"], "subject": "S", "text": "T" });
    let act = json!({ "workspace": "plain", "verb": "email.send", "args": args, "wait": "45s" });
    let receipt = desk.agent.call("act", act).await.unwrap();
    assert_eq!((&receipt["state"], &receipt["kind"]), (&json!("failed"), &json!("email_off")), "{receipt:#}");
    assert!(receipt["message"].as_str().unwrap().contains("e-mail is not enabled"), "{receipt:#}");
    let asked = desk.agent.call("desk", json!({ "workspace": "plain", "what": "emails" })).await.unwrap_err();
    assert!(asked.to_string().contains("e-mail is not enabled"), "{asked}");
    desk.end().await;
}

#[tokio::test]
async fn a_key_that_was_regenerated_needs_somebody_and_says_who_does_what() {
    let mut desk = Desk::new().await;
    desk.sim.regenerate_key(&desk.me);
    let refused = desk.agent.call("desk", json!({ "workspace": "atlas", "what": "documents" })).await.unwrap_err();
    assert!(refused.to_string().contains("agent-bridge join agentworkspace"), "{refused}");
    let shown = desk.home.ok(&["status", "atlas", "--json"]).await;
    let shown: Value = serde_json::from_str(&shown).unwrap();
    assert!(shown.to_string().contains("needs_action"), "{shown:#}");
    let before = desk.writes().len();
    let act = json!({ "workspace": "atlas", "verb": "document.create", "args": { "title": "Later" } });
    let accepted = desk.agent.call("act", act).await.expect("it waits");
    assert_eq!(desk.writes().len(), before, "nothing is sent by a key that is not good");
    // The command that the seat names, with the new key: what waited goes out.
    let key = desk.home.path("key");
    std::fs::write(&key, desk.sim.api_key(&desk.me)).unwrap();
    let (url, secret) = (desk.url.clone(), format!("api_key=@{}", key.display()));
    desk.home.ok(&["join", "agentworkspace", &url, "--as", "atlas", "--secret", &secret]).await;
    let receipt = desk.agent.call("receipt", json!({ "id": accepted["id"], "wait": "45s" })).await.unwrap();
    assert_eq!(receipt["state"], "confirmed", "{receipt:#}\n{}", desk.home.log());
    desk.end().await;
}

#[tokio::test]
async fn the_desk_is_read_alike_through_every_door() {
    let mut desk = Desk::new().await;
    let (me, sim) = (desk.me.clone(), desk.sim.clone());
    let made: Vec<_> = (0..3).map(|n| sim.document(&me, &format!("D{n}"), DocumentType::Markdown, "text")).collect();
    assert_eq!(ids(&desk.ask("documents", &[]).await, "id"), made);
    assert_eq!(ids(&desk.ask("documents", &[("limit", "1"), ("offset", "1")]).await, "id"), made[1..2]);
    assert_eq!(desk.ask("document", &[("document", &made[2])]).await["item"]["content"], "text");
    for day in ["01", "02", "03"] {
        let (start, end) = (format!("2030-01-{day}T10:00:00Z"), format!("2030-01-{day}T11:00:00Z"));
        desk.done("event.create", json!({ "title": day, "start": start, "end": end })).await;
    }
    let between = [("start_after", "2030-01-02T00:00:00Z"), ("start_before", "2030-01-03T00:00:00Z")];
    assert_eq!(ids(&desk.ask("events", &between).await, "title"), ["02"]);
    let thread = sim.write_mail(&me, "ann@example.com", "Lunch", "At noon?", None);
    desk.done("email.send", json!({ "to": ["bob@example.com"], "subject": "Tea" })).await;
    assert_eq!(ids(&desk.ask("emails", &[("labels", "received")]).await, "thread_id"), std::slice::from_ref(&thread));
    assert_eq!(ids(&desk.ask("emails", &[("limit", "100")]).await, "thread_id").len(), 2);
    let told = desk.ask("email", &[("thread", &thread)]).await;
    assert_eq!(told["item"]["messages"][0]["text"], "At noon?");
    let skill = desk.ask("skill", &[]).await;
    assert!(skill["item"].as_str().unwrap().contains("atlas@"), "its own: {skill:#}");
    for (params, word) in [
        (json!({ "workspace": "atlas", "what": "event" }), "needs `event`"),
        (json!({ "workspace": "atlas", "what": "skill", "limit": 1 }), "takes no `limit`"),
        (json!({ "workspace": "atlas", "what": "events", "start_after": "soon" }), "ISO 8601"),
    ] {
        let refused = desk.agent.call("desk", params).await.expect_err("it cannot be asked");
        assert!(refused.to_string().contains(word), "{refused}");
    }
    desk.end().await;
}

#[tokio::test]
async fn who_has_only_a_share_link_has_no_desk_but_may_read_the_public_skill() {
    let mut desk = Desk::new().await;
    let draft = desk.sim.document(&desk.me, "Shared", DocumentType::Markdown, "text");
    let link = desk.sim.share_link(&desk.sim.share(&draft));
    desk.home.ok(&["join", "agentworkspace", &link, "--as", "guest"]).await;
    let act = json!({ "workspace": "guest", "verb": "document.create", "args": { "title": "Mine" } });
    let refused = desk.agent.call("act", act).await.expect_err("it has no key");
    assert!(refused.to_string().contains("lacks") && refused.to_string().contains("run the join again"), "{refused}");
    let asked = desk.agent.call("desk", json!({ "workspace": "guest", "what": "documents" })).await.unwrap_err();
    assert!(asked.to_string().contains("lacks"), "{asked}");
    let skill = desk.agent.call("desk", json!({ "workspace": "guest", "what": "skill" })).await.unwrap();
    assert!(!skill["item"].as_str().unwrap().contains("atlas@"), "the public one: {skill:#}");
    desk.end().await;
}

/// What makes something on the desk, its route, and how often what has this word stands there.
type Deed = (&'static str, &'static str, fn(&Desk, &str) -> Value, fn(&Desk, &str) -> usize);

fn mails(desk: &Desk, is: impl Fn(&str, &str) -> bool) -> usize {
    desk.sim.sent_mails(&desk.me).iter().filter(|mail| is(&mail.subject, &mail.text)).count()
}

const DEEDS: [Deed; 4] = [
    (
        "email.send",
        "POST /email",
        |_, word| json!({ "to": ["ann@example.com"], "subject": word, "text": "It is 7." }),
        |desk, word| mails(desk, |subject, _| subject == word),
    ),
    (
        "email.reply",
        "POST /email/{thread_id}/reply",
        |desk, word| {
            let thread = desk.sim.write_mail(&desk.me, "ann@example.com", "Lunch", "At noon?", None);
            json!({ "thread": thread, "text": format!("yes, gladly, {word}") })
        },
        |desk, word| mails(desk, |_, text| text.ends_with(word)),
    ),
    (
        "document.create",
        "POST /docs",
        |_, word| json!({ "title": word, "content": "text" }),
        |desk, word| desk.sim.look(|world| world.documents().filter(|it| it.title == word).count()),
    ),
    (
        "event.create",
        "POST /events",
        |_, word| json!({ "title": word, "start": "2030-01-01T10:00:00+02:00", "end": "2030-01-01T11:00:00+02:00" }),
        |desk, word| desk.sim.look(|world| world.events().filter(|it| it.title == word).count()),
    ),
];

#[tokio::test]
async fn p6_what_is_made_on_the_desk_and_lost_its_reply_stands_there_once() {
    let mut desk = Desk::new().await;
    // The same words have been said before: that is not it.
    desk.done("email.send", json!({ "to": ["ann@example.com"], "subject": "emailsend0", "text": "Before." })).await;
    for (verb, route, args, there) in DEEDS {
        for (n, fault) in [Fault::ReplyLost, Fault::StoredThen500, Fault::HalfBody].into_iter().enumerate() {
            let word = format!("{}{n}", verb.replace('.', ""));
            let asked = args(&desk, &word);
            let before = there(&desk, &word);
            desk.sim.fault(route, fault.clone());
            let ids = desk.done(verb, asked).await;
            assert!(!ids.is_empty(), "{verb} {fault:?}: it is known by its id");
            assert_eq!(there(&desk, &word), before + 1, "{verb} {fault:?}");
        }
    }
    desk.end().await;
}

#[tokio::test]
async fn p6_what_is_changed_or_taken_away_and_lost_its_reply_is_done() {
    let mut desk = Desk::new().await;
    let thread = desk.sim.write_mail(&desk.me, "ann@example.com", "Lunch", "At noon?", None);
    let document = desk.sim.document(&desk.me, "Plan", DocumentType::Markdown, "");
    let times = json!({ "title": "T", "start": "2030-01-01T10:00:00Z", "end": "2030-01-01T11:00:00Z" });
    let event = desk.done("event.create", times).await.remove(0);
    let steps = [
        ("document.update", "PUT /docs/{id}", json!({ "document": document, "content": "new" })),
        ("document.delete", "DELETE /docs/{id}", json!({ "document": document })),
        ("event.update", "PUT /events/{id}", json!({ "event": event, "title": "U" })),
        ("event.delete", "DELETE /events/{id}", json!({ "event": event })),
        ("email.read", "POST /email/{thread_id}/read", json!({ "thread": thread })),
    ];
    for (verb, route, args) in steps {
        desk.sim.fault(route, Fault::ReplyLost);
        desk.done(verb, args).await;
    }
    // Nothing was lost here: what is not there is not done.
    assert_eq!(desk.failed("document.delete", json!({ "document": document })).await.0, "not_found");
    desk.end().await;
}

#[tokio::test]
async fn p6_what_stands_on_a_later_page_of_a_list_is_found() {
    let mut desk = Desk::new().await;
    for n in 0..150 {
        desk.sim.document(&desk.me, &format!("D{}", n % 3), DocumentType::Markdown, "");
    }
    desk.sim.fault("POST /docs", Fault::ReplyLost);
    // The platform lists the oldest first, and has fifty of this title already.
    let ids = desk.done("document.create", json!({ "title": "D1" })).await;
    let there: Vec<String> =
        desk.sim.look(|world| world.documents().filter(|it| it.title == "D1").map(|it| it.id.clone()).collect());
    assert_eq!((there.len(), there.last()), (51, ids.first()));
    desk.end().await;
}

#[tokio::test]
async fn p6_mails_of_one_subject_are_not_taken_for_each_other() {
    let mut desk = Desk::new().await;
    let mail = |text: &str| json!({ "to": ["ann@example.com"], "subject": "Budget", "text": text });
    // Nothing of the first leaves, and somebody else's mail of this subject comes up meanwhile.
    for (n, fault) in [Fault::RequestLost, Fault::ReplyLost, Fault::HalfBody].into_iter().enumerate() {
        let asked = desk.sim.log().len();
        desk.sim.fault("POST /email", fault.clone());
        let text = format!("It is {n}, as we said.");
        let act = json!({ "workspace": "atlas", "verb": "email.send", "args": mail(&text) });
        let accepted = desk.agent.call("act", act).await.unwrap();
        let gone = || async {
            let sent = |entry: &Entry| (entry.method.as_str(), entry.path.as_str()) == ("POST", "/api/v1/email");
            desk.sim.log()[asked..].iter().any(sent).then_some(())
        };
        until(gone, || desk.home.log()).await;
        desk.sim.send_by_hand(&desk.me, "bob@example.com", "Budget", &text).unwrap();
        desk.sim.send_by_hand(&desk.me, "ann@example.com", "budget ", "Dinner on Sunday, at the lake?").unwrap();
        let receipt = desk.agent.call("receipt", json!({ "id": accepted["id"], "wait": "45s" })).await.unwrap();
        assert_eq!(receipt["state"], "confirmed", "{fault:?}: {receipt:#}\n{}", desk.home.log());
        let mails = desk.sim.sent_mails(&desk.me);
        let its: Vec<_> = mails.iter().filter(|it| it.to == ["ann@example.com"] && it.text == text).collect();
        assert_eq!(its.len(), 1, "{fault:?}: {mails:#?}");
        assert_eq!(receipt["remote_ids"][1], json!(its[0].id), "{fault:?}: {receipt:#}");
    }
    desk.end().await;
}

#[tokio::test]
async fn p6_a_mail_is_sent_once_through_a_lost_reply_and_a_crash_in_the_middle_of_it() {
    for point in ["http.request.before", "http.request.after", "store.commit.before", "store.commit.after"] {
        let mut killed = 0;
        let Desk { sim, me, home, agent, url, serving, daemon } = Desk::new().await;
        drop(agent);
        daemon.kill().await;
        for time in 1..=12 {
            let word = format!("mail {time}");
            let args = json!({ "to": ["ann@example.com"], "subject": word, "text": "It is 7." });
            let act = json!({ "workspace": "atlas", "verb": "email.send", "args": args, "key": word, "wait": "45s" });
            // Whatever the crash leaves, the reply to the first request is lost.
            sim.clear_faults();
            sim.fault("POST /email", Fault::ReplyLost);
            let cut = format!("{point}@{time}");
            let mut daemon = home.spawn(&[("AGENT_BRIDGE_KILL_AT", &cut)]);
            // What others send with the same words in its subject is not it, whenever they do.
            sim.send_by_hand(&me, "bob@example.com", &word, "It is 7.").unwrap();
            let mut first = None;
            if home.is_ready(&mut daemon).await
                && let Some(mut agent) = home.try_agent().await
            {
                first = agent.try_call("act", act.clone()).await;
            }
            if first.is_some() && !daemon.has_ended() {
                daemon.kill().await;
                break;
            }
            daemon.ended().await;
            killed += 1;
            sim.send_by_hand(&me, "eve@example.com", &word, "It is 8.").unwrap();
            let daemon = home.start().await;
            let receipt = home.agent().await.call("act", act).await.expect("nobody kills this one");
            assert_eq!(receipt["state"], "confirmed", "{cut}: {receipt:#}\n{}", home.log());
            let mails = sim.sent_mails(&me);
            let sent: Vec<_> = mails.iter().filter(|it| it.subject == word && it.to == ["ann@example.com"]).collect();
            assert_eq!(sent.len(), 1, "{cut}: {receipt:#}");
            assert_eq!(receipt["remote_ids"][1], json!(sent[0].id), "{cut}: {receipt:#}");
            daemon.kill().await;
        }
        assert!(killed > 1, "{point}: {killed} kills");
        drop(url);
        serving.stop().await;
    }
}
