//! An agent's own address.

use agent_bridge_sim::agentworkspace::Options;
use serde_json::{Value, json};

use crate::support::{Served, clocked, error, fields, house, issues};

pub async fn inbox(served: &mut Served) {
    let (options, hands) = clocked();
    let house = house(options);
    assert_eq!(error(&house.get("/email").await), (403, "Email is not enabled for this agent"));
    assert!(house.sim.enable_email(&house.agent, "atlas"));
    let received = house.sim.write_mail(&house.agent, "ann@example.com", "Hello", "Hey, just wanted to ask", None);
    house.sim.write_mail(&house.agent, "ann@example.com", "Hello", "Are you there?", Some(&received));
    hands.turn(1);
    let wish = json!({"to": ["bob@example.com"], "subject": "Budget", "text": "See below", "bcc": ["c@example.com"]});
    let (status, sent) = house.own("POST", "/email", wish).await;
    assert_eq!((status, fields(&sent)), (200, vec!["message_id", "thread_id"]));
    let (_, body) = house.get("/email").await;
    let listed = body["threads"].as_array().expect("a list");
    assert_eq!(fields(&listed[0]), ["message_count", "preview", "subject", "thread_id", "updated_at"]);
    assert_eq!((&listed[0]["thread_id"], &listed[1]["message_count"]), (&sent["thread_id"], &json!(2)), "newest first");
    let labelled =
        async |labels: &str| house.get(&format!("/email?labels={labels}")).await.1["threads"].as_array().map(Vec::len);
    assert_eq!(
        (labelled("sent").await, labelled("sent,received").await, labelled("x").await),
        (Some(1), Some(2), Some(0))
    );
    assert_eq!(house.get("/email?limit=1&offset=1").await.1["threads"][0]["thread_id"], json!(received));
    let path = format!("/email/{received}");
    let (_, body) = house.get(&path).await;
    let first = &body["thread"]["messages"][0];
    assert_eq!(
        (&first["from"], &first["to"]),
        (&json!({"address": "ann@example.com"}), &json!(["atlas@agentworkspace.dev"]))
    );
    assert_eq!(house.own("POST", &format!("{path}/read"), Value::Null).await, (200, json!({"marked": 2})));
    assert_eq!(house.own("POST", &format!("{path}/read"), Value::Null).await, (200, json!({"marked": 0})));
    assert_eq!(house.own("POST", &format!("{path}/reply"), json!({"text": "Yes"})).await.0, 200);
    let other = json!({"html": "<p>And you</p>", "to": ["dan@example.com"]});
    assert_eq!(house.own("POST", &format!("{path}/reply"), other).await.0, 200);
    let sent: Vec<_> = house.sim.sent_mails(&house.agent).into_iter().map(|it| (it.to, it.subject, it.text)).collect();
    let to = |it: &str| vec![it.to_owned()];
    assert_eq!(sent[0], (to("ann@example.com"), "Re: Hello".into(), "Yes".into()));
    assert_eq!((&sent[1].0, &sent[2].0), (&to("dan@example.com"), &to("bob@example.com")));
    house.close(served);
}

pub async fn refusals(served: &mut Served) {
    let house = house(Options::default());
    let hermes = house.sim.agent("Hermes");
    assert!(house.sim.enable_email(&house.agent, "atlas") && house.sim.enable_email(&hermes, "hermes"));
    assert!(!house.sim.enable_email(&house.sim.agent("Third"), "third"), "two of one account");
    assert_eq!(issues(&house.own("POST", "/email", json!({})).await), ["to", "subject"]);
    let long = "x".repeat(100_001);
    let wrong =
        json!({"to": "bob@example.com", "cc": ["no address"], "bcc": [7], "subject": "", "text": long, "html": long});
    assert_eq!(issues(&house.own("POST", "/email", wrong).await), ["to", "cc", "bcc", "subject", "text", "html"]);
    assert_eq!(issues(&house.get("/email?limit=101").await), ["limit"]);
    assert_eq!(error(&house.get("/email/th_none").await), (404, "Not found"));
    let others = house.sim.write_mail(&hermes, "ann@example.com", "Private", "for Hermes", None);
    assert_eq!(error(&house.get(&format!("/email/{others}")).await), (404, "Not found"));
    let own = house.sim.write_mail(&house.agent, "ann@example.com", "Hello", "hi", None);
    assert_eq!(issues(&house.own("POST", &format!("/email/{own}/reply"), json!({})).await), ["text"]);
    house.close(served);
}

#[tokio::test]
async fn mail_comes_and_goes() {
    inbox(&mut Served::new()).await;
}

#[tokio::test]
async fn mail_is_refused_field_by_field() {
    refusals(&mut Served::new()).await;
}
