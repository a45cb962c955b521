//! A platform, or whoever made an invite link, that sends the bridge elsewhere: to another origin, or inside.

use agent_bridge_sim::agentunited::Options;
use serde_json::json;

use super::front::{Foul, Front};
use super::peer::{post, status};
use super::platform::{self, Platform};
use crate::bridge::{Home, until};
use crate::house::{House, QUICK};

const STATUSES: [&str; 5] = ["301 M", "302 F", "303 S", "307 T", "308 P"];

/// A recorder on a port of its own that would take anything.
async fn recorder() -> Front {
    let recorder = Front::of("http://127.0.0.1:1").await;
    recorder.rule(|_| Some(Foul::whole("200 OK", "content-type: application/json\r\n", "{}")));
    recorder
}

fn to(recorder: &Front, status: &str) -> Foul {
    Foul::whole(status, &format!("location: {}/next?t=1\r\n", recorder.origin), "")
}

async fn joined_through_a_front() -> (House, Front) {
    let mut house = House::empty(Options::default(), &format!("{QUICK}[call]\nenabled = true\n")).await;
    let front = Front::of(&house.url()).await;
    house.sim.set_url(&front.origin);
    house.join().await;
    house.listens().await;
    house.say("before");
    (house, front)
}

#[tokio::test]
async fn attack_a_redirect_carries_no_credential_and_no_body_to_another_origin() {
    let recorder = recorder().await;
    let (mut house, front) = joined_through_a_front().await;
    let mut agent = house.agent().await;
    let file = house.home.path("upload.bin");
    std::fs::write(&file, "canary-upload").unwrap();
    for word in STATUSES {
        let foul = to(&recorder, word);
        front.rule(move |_| Some(foul.clone()));
        // The stream dies, and its next dial, the history and the session's login are sent elsewhere.
        house.sim.cut_streams();
        for user in house.sim.members() {
            house.sim.expire_token(&user);
        }
        // So are actions (with a file) and free calls.
        let args = json!({ "conversation": house.room, "text": "canary-text", "files": [{ "path": file }] });
        let act = agent.call("act", json!({ "workspace": "acme", "verb": "send", "args": args })).await;
        let call =
            post(&house.home, "/v1/call", r#"{"workspace":"acme","method":"POST","path":"/x","body":{"a":1}}"#).await;
        assert!(status(&call) >= 400, "{call}");
        let struck = std::cell::RefCell::new(Vec::new());
        let all = || async {
            struck.borrow_mut().extend(front.struck());
            let struck = struck.borrow();
            let has = |what: &str| struck.iter().any(|line| line.contains(what));
            (has("GET ") && has("POST ")).then_some(())
        };
        until(all, || format!("{:?} {:?}\n{}", struck.borrow(), act, house.home.log())).await;
        front.clear();
        house.listens().await;
    }
    assert_eq!(recorder.struck(), Vec::<String>::new(), "nothing ever went to the other origin");
    house.hears_all(&mut agent).await;
    house.say("after");
    house.hears_all(&mut agent).await;
}

#[tokio::test]
async fn attack_a_join_is_not_led_to_another_origin() {
    let recorder = recorder().await;
    let house = House::empty(Options::default(), QUICK).await;
    let front = Front::of(&house.url()).await;
    house.sim.set_url(&front.origin);
    let secret = house.home.path("secret");
    std::fs::write(&secret, "canary-password-0123456789").unwrap();
    let (by_password, by_key) = (format!("password=@{}", secret.display()), format!("api_key=@{}", secret.display()));
    for word in STATUSES {
        let foul = to(&recorder, word);
        front.rule(move |_| Some(foul.clone()));
        let invite = house.sim.invite(None);
        for args in [
            &["join", "agentunited", &invite, "--as", "acme"][..],
            &["join", "agentunited", &front.origin, "--as", "acme", "--email", "a@b.test", "--secret", &by_password],
            &["join", "agentunited", &front.origin, "--as", "acme", "--secret", &by_key],
        ] {
            let output = house.home.cli(args).await;
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(!output.status.success() && !said.contains("canary"), "{args:?}: {said}");
        }
    }
    assert!(front.struck().len() >= STATUSES.len() * 2);
    assert_eq!(recorder.struck(), Vec::<String>::new());
}

#[tokio::test]
async fn attack_an_invite_does_not_aim_where_no_workspace_is() {
    let home = Home::new("");
    let _daemon = home.start().await;
    for (inside, word) in [
        ("https://169.254.169.254", "no address for a workspace"),
        // As a URL reads them, the same address.
        ("https://2852039166", "no address for a workspace"),
        ("https://0xa9.254.0251.0376", "no address for a workspace"),
        ("https://[::ffff:169.254.169.254]", "no address for a workspace"),
        ("https://[fe80::1]", "no address for a workspace"),
        ("https://[fd00:ec2::254]", "no address for a workspace"),
        ("https://0.0.0.0", "no address for a workspace"),
        ("https://[::]", "no address for a workspace"),
        // Plain http is for this machine only.
        ("http://10.0.0.1", "plain http"),
        ("http://[fd00::1]", "plain http"),
        ("http://0.0.0.0", "plain http"),
        ("http://localhost.evil.example", "plain http"),
        ("file:///etc", "no scheme"),
        ("https://me:canary-password@evil.example", "user name or password"),
    ] {
        let link = format!("{inside}/invite?token=canary-token");
        for args in [
            &["join", "agentunited", &link, "--as", "acme"][..],
            &[
                "join",
                "agentunited",
                "https://h.example/invite?token=canary-token",
                "--as",
                "acme",
                "--instance",
                inside,
            ],
        ] {
            let output = home.cli(args).await;
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(!output.status.success() && said.contains(word), "{args:?}: {said}");
            assert!(!said.contains("canary"), "{said}");
        }
    }
    assert!(!home.log().contains("canary"), "{}", home.log());
}

#[tokio::test]
async fn attack_a_url_in_a_message_or_a_page_is_told_and_never_fetched() {
    let recorder = recorder().await;
    let url = format!("{}/inside", recorder.origin);
    let message = platform::message("m1", "ch1", &json!({ "attachment_url": url, "attachment_name": "a.png" }));
    let platform = Platform::of(vec![message.clone()], vec![json!({ "id": "ch1", "name": "general" })]).await;
    // Were a page's own idea of the next page followed, it would lead away, too.
    platform.page(
        json!({ "messages": [message], "has_more": true, "next": url, "next_url": url, "links": { "next": url } }),
    );
    let home = Home::new(QUICK);
    let _daemon = home.start().await;
    platform.join(&home).await;
    let mut agent = home.agent().await;
    agent.call("subscribe", json!({ "consumer": "main" })).await.expect("a reader");
    let told = agent.delivery_of("message.created").await;
    assert!(told.event.to_string().contains(&url), "{}", told.event);
    assert_eq!(recorder.struck(), Vec::<String>::new());
}

#[tokio::test]
async fn attack_a_free_call_stays_under_the_workspaces_own_base() {
    let recorder = recorder().await;
    let (house, front) = joined_through_a_front().await;
    let elsewhere = recorder.origin.trim_start_matches("http://").to_owned();
    for path in [
        format!("//{elsewhere}/x"),
        format!("http://{elsewhere}/x"),
        format!("@{elsewhere}/x"),
        format!(":80@{elsewhere}/x"),
        format!("/\\\\{elsewhere}/x"),
        "/../../_sim/log".into(),
        "/%2e%2e/%2E%2e/_sim/log".into(),
        "/x/..\\..\\..\\_sim/log".into(),
        "/x\r\nHost: evil.example\r\n".into(),
        "x".into(),
        String::new(),
    ] {
        let body = json!({ "workspace": "acme", "method": "GET", "path": path }).to_string();
        let answer = post(&house.home, "/v1/call", &body).await;
        assert_eq!(status(&answer), 400, "{path:?}: {answer}");
    }
    assert_eq!(recorder.struck(), Vec::<String>::new());
    let mut agent = house.home.agent().await;
    let act = json!({ "workspace": "acme", "verb": "send", "args": { "conversation": "../../../x", "text": "t" } });
    agent.call("act", act).await.expect("it is accepted, and goes to a room of that name");
    let asked = || async { front.passed().contains("/api/v1/channels/..%2F..%2F..%2Fx/messages").then_some(()) };
    until(asked, || house.home.log()).await;
    assert!(!front.passed().contains("/../"), "no segment is left");
}
