//! Mail and a calendar beside documents: what a key opens, through the real binary.

use agent_bridge_sim::agentworkspace::{Options, Sim};
use serde_json::{Value, json};

use crate::bridge::{Home, until};
use crate::house::{QUICK, ack};

fn now() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
    u64::try_from(since.as_millis()).expect("not so late")
}

#[tokio::test]
async fn a_mail_that_comes_and_an_appointment_that_is_near_reach_the_agent_once_through_kill_9() {
    let sim = Sim::new(Options::default());
    let serving = sim.serve(0).await.expect("a free port");
    let atlas = sim.agent("Atlas");
    assert!(sim.enable_email(&atlas, "atlas"));
    let home = Home::new(&QUICK.replace("[lines]", "[lines]\nevery = \"200ms\"\nbeside = \"200ms\""));
    let key = home.path("key");
    std::fs::write(&key, sim.api_key(&atlas)).expect("the key is written");
    let secret = format!("api_key=@{}", key.display());
    let daemon = home.start().await;
    home.ok(&["join", "agentworkspace", &serving.url(), "--as", "desk", "--secret", &secret]).await;
    let mut agent = home.agent().await;
    agent.call("subscribe", json!({ "consumer": "main" })).await.expect("it reads");

    let thread = sim.write_mail(&atlas, "ann@x.example", "Lunch?", "Today at noon", None);
    let mail = agent.delivery_of("email.received").await;
    let data = &mail.event["data"];
    assert_eq!((&data["conversation"]["id"], &data["conversation"]["title"]), (&json!(thread), &json!("Lunch?")));
    assert_eq!((&data["message"]["text"], &data["author"]["id"]), (&json!("Today at noon"), &json!("ann@x.example")));
    ack(&mut agent, &mail).await;

    daemon.kill().await;
    let soon = sim.appoint(&atlas, "Lunch", now() + 300_000, None);
    sim.write_mail(&atlas, "ann@x.example", "Lunch?", "Or at one", Some(&thread));
    let daemon = home.start().await;
    let mut agent = home.agent().await;
    agent.call("subscribe", json!({ "consumer": "main" })).await.expect("it reads");
    let (mut mails, mut appointments): (Vec<Value>, Vec<Value>) = (Vec::new(), Vec::new());
    while mails.is_empty() || appointments.is_empty() {
        let delivery = agent.delivery().await;
        ack(&mut agent, &delivery).await;
        match delivery.event["type"].as_str() {
            Some("email.received") => mails.push(delivery.event["data"]["message"]["text"].clone()),
            Some("calendar.starting") => appointments.push(delivery.event["data"].clone()),
            _ => {}
        }
    }
    assert_eq!(mails, ["Or at one"]);
    assert_eq!(
        (appointments.len(), &appointments[0]["object"], &appointments[0]["title"]),
        (1, &json!(soon), &json!("Lunch"))
    );

    let status = || async {
        let shown = home.ok(&["status", "desk", "--json"]).await;
        let lines = serde_json::from_str::<Value>(&shown).expect("JSON")["workspaces"][0]["lines"].clone();
        let live = |name: &str| {
            let line = lines.as_array().into_iter().flatten().find(|line| line["line"] == name);
            line.is_some_and(|line| line["phase"] == "live")
        };
        (live("threads") && live("calendar")).then_some(())
    };
    until(status, || home.log()).await;
    assert_eq!(daemon.stop().await, Some(0), "{}", home.log());
}
