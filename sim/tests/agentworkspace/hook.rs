//! The webhook of a mention.

use std::time::Duration;

use agent_bridge_sim::agentworkspace::{Fault, HookFault, Notify, Options, Signing, Turn};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::support::{House, Receiver, Served, fields, house};

fn receiving(options: Options) -> (House, Receiver) {
    let (house, receiver) = (house(options), Receiver::default());
    house.sim.set_webhook(&house.agent, Some("http://127.0.0.1:9/hooks/aw"));
    house.sim.hooks_into(receiver.router());
    tokio::spawn(house.sim.deliver_hooks());
    (house, receiver)
}

impl House {
    fn mention(&self) -> String {
        self.sim.mention("Pierre", &self.draft, "Atlas", "@Atlas can you add budget estimates?")
    }

    async fn delivered(&self, count: usize) {
        self.sim.wait_for(|world| world.deliveries().count() >= count).await;
    }
}

fn hex(secret: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("a key");
    mac.update(body);
    mac.finalize().into_bytes().iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

pub async fn letters(served: &mut Served) {
    let (house, receiver) = receiving(Options::default());
    house.sim.mention("Pierre", &house.draft, "Hermes", "@Hermes?");
    house.sim.agent("Hermes");
    house.sim.mention("Pierre", &house.draft, "Hermes", "@Hermes? no URL");
    let mention = house.mention();
    house.delivered(1).await;
    let (headers, body) = receiver.letters().remove(0);
    let letter: Value = serde_json::from_slice(&body).expect("JSON");
    let named = ["authorName", "context", "docTitle", "documentId", "endpoints", "mentionId", "shareToken"];
    assert_eq!(fields(&letter), named);
    assert_eq!((&letter["mentionId"], &letter["shareToken"]), (&json!(mention), &json!(house.token)));
    assert_eq!(letter["endpoints"]["draftToken"], json!(format!("/api/share/{}/draft-token", house.token)));
    assert_eq!(
        headers["x-webhook-signature"].to_str().ok(),
        Some(hex(&house.sim.webhook_secret(&house.agent), &body).as_str())
    );

    house.sim.hook_fault(HookFault::Lose);
    house.mention();
    house.sim.hook_fault(HookFault::WrongSignature);
    house.sim.hook_fault(HookFault::NoSignature);
    house.sim.arm_hook(Turn { after: 0, count: Some(1), fault: HookFault::Duplicate { times: 2 } });
    for _ in 0..3 {
        house.mention();
    }
    house.delivered(6).await;
    let signed = |it: &(axum::http::HeaderMap, axum::body::Bytes)| it.0.get("x-webhook-signature").cloned();
    let letters: Vec<_> = receiver.letters().iter().map(signed).collect();
    assert_eq!((letters.len(), letters.iter().filter(|it| it.is_none()).count()), (6, 1));
    assert!(house.sim.replay_hook(&mention) && !house.sim.replay_hook("no-such"));
    house.delivered(7).await;
    assert_eq!(house.sim.look(agent_bridge_sim::agentworkspace::World::faults_left), 0);
    house.close(served);
}

pub async fn options(served: &mut Served) {
    let retries = vec![Duration::from_secs(1), Duration::from_secs(5)];
    let (house, receiver) = receiving(Options {
        signing: Signing::Prefixed,
        notify: Notify::WhenTyped,
        hook_retries: retries,
        ..Options::default()
    });
    receiver.answers(&[500, 500]);
    let typed = house.sim.type_mention("Pierre", &house.draft, "Atlas", "@Atlas …");
    house.delivered(3).await;
    let statuses: Vec<_> = house.sim.deliveries().into_iter().map(|it| it.status).collect();
    assert_eq!(statuses, [Some(500), Some(500), Some(200)]);
    assert!(house.sim.send_mention(&typed));
    house.delivered(4).await;
    house.sim.reconfigure(|options| options.signing = Signing::Base64);
    assert!(house.sim.replay_hook(&typed));
    house.delivered(5).await;
    let letters = receiver.letters();
    let signature = |at: usize| letters[at].0["x-webhook-signature"].to_str().expect("text").to_owned();
    assert!(signature(0).starts_with("sha256=") && signature(4).len() == 44);
    house.close(served);
}

#[tokio::test(start_paused = true)]
async fn a_mention_is_posted_and_signed() {
    letters(&mut Served::new()).await;
}

#[tokio::test(start_paused = true)]
async fn it_may_come_early_and_again() {
    options(&mut Served::new()).await;
}

#[tokio::test(start_paused = true)]
async fn a_webhook_may_be_late_or_no_json_or_half() {
    let (house, receiver) = receiving(Options::default());
    let began = tokio::time::Instant::now();
    house.sim.hook_fault(HookFault::Delay { millis: 90_000 });
    house.mention();
    house.delivered(1).await;
    assert_eq!(began.elapsed().as_secs(), 90);
    house.sim.hook_fault(HookFault::NotJson);
    house.mention();
    house.delivered(2).await;
    let (headers, body) = receiver.letters().remove(1);
    assert!(serde_json::from_slice::<Value>(&body).is_err());
    let right = hex(&house.sim.webhook_secret(&house.agent), &body);
    assert_eq!(headers["x-webhook-signature"].to_str().ok(), Some(right.as_str()), "rightly signed all the same");
    house.sim.hook_fault(HookFault::HalfBody);
    house.mention();
    house.delivered(3).await;
    let last = house.sim.deliveries().pop().expect("a delivery");
    assert_eq!((last.status, last.fault, receiver.letters().len()), (Some(400), Some(HookFault::HalfBody), 2));
}

#[tokio::test]
async fn faults_of_requests_strike_by_route() {
    let house = house(Options::default());
    house.sim.fault("POST /api/share/{token}/presence", Fault::StoredThen500);
    let said = house.shared("POST", "/presence", json!({"name": "Atlas", "status": "acting"})).await;
    assert_eq!((said.0, house.sim.look(|world| world.presences().count())), (500, 1));
    house.sim.fault("GET /docs", Fault::TooMany { retry_after: "7".into() });
    assert_eq!(house.get("/docs").await.0, 429);
    let entry = house.sim.log().pop().expect("an entry");
    assert_eq!((entry.route.as_str(), entry.faults), ("/docs", vec!["too_many"]));
    let logged = serde_json::to_string(&house.sim.log()).expect("JSON");
    assert!(!logged.contains(&house.token), "no share token is logged: {logged}");
}
