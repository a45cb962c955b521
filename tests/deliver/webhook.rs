//! Delivery to an agent that listens: signed, answered, paused, switched off.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use agent_bridge::consumer::{Consumer, Webhook};
use agent_bridge::deliver::{Bounds, PutError, Subscribe};
use agent_bridge::event::WorkspaceName;
use agent_bridge::retry::Waits;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use cloudevents::{AttributesReader, Event};
use secrecy::ExposeSecret;
use tokio::sync::{Notify, Semaphore};

use crate::support::{Bridge, ack_with, named, next, send, soon};

/// What the agent got.
#[derive(Clone)]
struct Got {
    headers: HeaderMap,
    body: Bytes,
}

impl Got {
    fn seq(&self) -> u64 {
        self.header("bridge-seq").parse().unwrap()
    }

    fn attempt(&self) -> u32 {
        self.header("bridge-attempt").parse().unwrap()
    }

    fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }

    fn verify(&self, secret: &str) -> bool {
        // The library looks at the machine's clock; the bridge under test has one of its own.
        let webhook = standardwebhooks::Webhook::new(secret).unwrap();
        let at = self.header("webhook-timestamp").parse().unwrap();
        let expected = webhook.sign(self.header("webhook-id"), at, &self.body).unwrap();
        self.header("webhook-signature").split(' ').any(|signature| signature == expected)
    }
}

type Script = Box<dyn Fn(&Got) -> Response + Send>;

/// An agent behind a webhook. What it answers is scripted, else 204.
#[derive(Clone)]
struct Agent {
    got: Arc<Mutex<VecDeque<Got>>>,
    came: Arc<Notify>,
    script: Arc<Mutex<Script>>,
    /// Conversations named in here wait for a permit.
    gate: Arc<Semaphore>,
}

impl Agent {
    fn new() -> (Self, Router) {
        let script: Script = Box::new(|_| StatusCode::NO_CONTENT.into_response());
        let agent = Self {
            got: Arc::default(),
            came: Arc::default(),
            script: Arc::new(Mutex::new(script)),
            gate: Arc::new(Semaphore::new(0)),
        };
        let router = Router::new().fallback(answer).with_state(agent.clone());
        (agent, router)
    }

    async fn on_tcp() -> (Self, String) {
        let (agent, router) = Self::new();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        (agent, url)
    }

    fn answers(&self, script: impl Fn(&Got) -> Response + Send + 'static) {
        *self.script.lock().unwrap() = Box::new(script);
    }

    async fn gets(&self) -> Got {
        soon(async {
            loop {
                let came = self.came.notified();
                if let Some(got) = self.got.lock().unwrap().pop_front() {
                    return got;
                }
                came.await;
            }
        })
        .await
    }
}

async fn answer(State(agent): State<Agent>, headers: HeaderMap, body: Bytes) -> Response {
    let got = Got { headers, body };
    let answer = (agent.script.lock().unwrap())(&got);
    let hangs = String::from_utf8_lossy(&got.body).contains("\"hangs\"");
    agent.got.lock().unwrap().push_back(got);
    agent.came.notify_waiters();
    agent.came.notify_one();
    if hangs {
        agent.gate.acquire().await.unwrap().forget();
    }
    answer
}

fn hook(url: &str) -> Consumer {
    Consumer { webhook: Some(Webhook { url: url.to_owned(), timeout_ms: 10_000 }), ..named("hook") }
}

/// Makes the consumer; its first secret.
async fn listen(bridge: &Bridge, consumer: Consumer) -> String {
    let consumer = Consumer { from: agent_bridge::consumer::From::Start, ..consumer };
    bridge.consumers.put(consumer).await.unwrap().unwrap().expose_secret().to_owned()
}

#[tokio::test]
async fn an_event_arrives_signed_as_any_cloudevents_and_webhook_library_reads_it() {
    let (bridge, (agent, url)) = (Bridge::new(), Agent::on_tcp().await);
    let secret = listen(&bridge, hook(&url)).await;
    bridge.says("room", "hello").await;
    let got = agent.gets().await;
    let event: Event = serde_json::from_slice(&got.body).unwrap();
    assert_eq!((event.ty(), event.source().as_str()), ("message.created", "/workspaces/acme"));
    assert!(got.header("content-type").starts_with("application/cloudevents+json"));
    assert!(got.verify(&secret) && !got.verify("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"));
    assert!(got.header("webhook-id").starts_with("evt_"));
    assert_eq!((got.header("bridge-consumer"), got.seq(), got.attempt()), ("hook", 1, 1));
    assert!(got.header("bridge-lease-until").starts_with("2026-01-01T00:0"));
    bridge.until("hook", |status| status.mark == 1).await;

    let second = bridge.consumers.rotate_secret("hook").await.unwrap().expose_secret().to_owned();
    bridge.says("room", "again").await;
    let got = agent.gets().await;
    assert!(got.verify(&secret) && got.verify(&second), "both sign during a rotation");
    bridge.consumers.retire_secret("hook").await.unwrap();
    bridge.says("room", "and again").await;
    let got = agent.gets().await;
    assert!(!got.verify(&secret) && got.verify(&second));
}

#[tokio::test]
async fn a_unix_socket_is_a_webhook_too() {
    let bridge = Bridge::new();
    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("agent.sock");
    let (agent, router) = Agent::new();
    let listener = tokio::net::UnixListener::bind(&socket).unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    listen(&bridge, hook(&format!("unix:{}:/route", socket.display()))).await;
    bridge.says("room", "hello").await;
    assert_eq!(agent.gets().await.seq(), 1);
    bridge.until("hook", |status| status.mark == 1).await;
}

#[tokio::test]
async fn p5_a_reply_in_the_answer_commits_with_the_ack_and_a_malformed_one_fails_the_attempt() {
    let (bridge, (agent, url)) = (Bridge::new(), Agent::on_tcp().await);
    agent.answers(|got| match got.attempt() {
        1 => r#"{"reply":"first","actions":[{"verb":"fly"}]}"#.into_response(),
        _ => r#"{"reply":"second","actions":[{"verb":"mark_read"}]}"#.into_response(),
    });
    listen(&bridge, hook(&url)).await;
    bridge.says("room", "hello").await;
    assert_eq!(agent.gets().await.attempt(), 1);
    assert_eq!(agent.gets().await.attempt(), 2);
    bridge.until("hook", |status| status.mark == 1).await;
    let stored = bridge.store.outbox(&WorkspaceName::new("acme").unwrap()).unwrap();
    let mut verbs: Vec<_> = stored.iter().map(|action| (action.verb.as_str(), action.conversation())).collect();
    verbs.sort_unstable();
    assert_eq!(verbs, [("mark_read", ""), ("send", "room")], "of the first answer nothing was committed");
}

#[tokio::test]
async fn what_is_taken_with_a_202_is_settled_later_by_a_call() {
    let (bridge, (agent, url)) = (Bridge::new(), Agent::on_tcp().await);
    agent.answers(|_| StatusCode::ACCEPTED.into_response());
    listen(&bridge, hook(&url)).await;
    bridge.says("room", "hello").await;
    assert_eq!(agent.gets().await.seq(), 1);
    let handle = bridge.consumers.get("hook").unwrap();
    assert_eq!(bridge.until("hook", |_| true).await.in_flight, 1);
    assert_eq!(handle.settle(ack_with(1, vec![send("done")]), None).await.unwrap().actions.len(), 1);
    bridge.until("hook", |status| status.mark == 1).await;
    let refusal = handle.subscribe(Subscribe { take_over: true, ..Subscribe::default() }).await.unwrap_err();
    assert_eq!(refusal.kind(), "consumer_busy");
}

#[tokio::test]
async fn what_is_taken_with_a_202_does_not_hold_up_the_probes_after_an_outage() {
    let (bridge, (agent, url)) = (Bridge::new(), Agent::on_tcp().await);
    agent.answers(|_| StatusCode::ACCEPTED.into_response());
    listen(&bridge, Consumer { ack_wait_ms: 3_600_000, ..hook(&url) }).await;
    bridge.says("a", "to think about for an hour").await;
    assert_eq!(agent.gets().await.seq(), 1);
    agent.answers(|got| match got.seq() {
        2 => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        _ => StatusCode::NO_CONTENT.into_response(),
    });
    bridge.says("b", "not now").await;
    assert_eq!(agent.gets().await.seq(), 2);
    bridge.says("c", "quick").await;
    let mut probed = Vec::new();
    while !probed.contains(&3) {
        probed.push(agent.gets().await.seq());
    }
    assert_eq!(bridge.until("hook", |_| true).await.dead, 0);
}

#[tokio::test]
async fn a_410_switches_the_consumer_off_for_good() {
    let (bridge, (agent, url)) = (Bridge::new(), Agent::on_tcp().await);
    agent.answers(|_| StatusCode::GONE.into_response());
    listen(&bridge, hook(&url)).await;
    bridge.says("room", "hello").await;
    assert_eq!(agent.gets().await.seq(), 1);
    bridge.until("hook", |status| status.disabled.is_some()).await;
    let bridge = bridge.restart().await;
    let status = bridge.until("hook", |_| true).await;
    assert!(status.disabled.unwrap().contains("410") && !status.connected);
    agent.answers(|_| StatusCode::OK.into_response());
    bridge.consumers.switch("hook", None).await.unwrap();
    assert_eq!(
        (agent.gets().await.attempt(), bridge.until("hook", |status| status.mark == 1).await.disabled),
        (1, None)
    );
}

#[tokio::test]
async fn p4_an_outage_pauses_and_counts_no_attempt_and_probes_another_lane() {
    let (bridge, (agent, url)) = (Bridge::new(), Agent::on_tcp().await);
    agent.answers(|_| StatusCode::SERVICE_UNAVAILABLE.into_response());
    bridge.says("a", "1").await;
    bridge.says("b", "2").await;
    listen(&bridge, Consumer { max_in_flight: 1, max_attempts: 1, ..hook(&url) }).await;
    assert_eq!(agent.gets().await.seq(), 1);
    let status = bridge.until("hook", |status| status.paused.is_some()).await;
    assert!(status.paused.unwrap().1.contains("503"));
    let probe = agent.gets().await;
    assert_eq!((probe.seq(), probe.attempt()), (2, 1), "the probe takes another lane");
    agent.answers(|_| StatusCode::NO_CONTENT.into_response());
    let status = bridge.until("hook", |status| status.mark == 2).await;
    assert_eq!((status.dead, status.paused), (0, None));
}

#[tokio::test]
async fn p3_an_event_that_alone_cannot_be_delivered_counts_while_others_succeed() {
    let (bridge, (agent, url)) = (Bridge::new(), Agent::on_tcp().await);
    agent.answers(|got| match got.seq() {
        1 => StatusCode::GATEWAY_TIMEOUT.into_response(),
        _ => StatusCode::NO_CONTENT.into_response(),
    });
    bridge.says("a", "poison").await;
    bridge.says("b", "good").await;
    listen(&bridge, Consumer { max_attempts: 1, ..hook(&url) }).await;
    let letters = bridge.letters("hook", 1).await;
    assert_eq!((letters[0].0, letters[0].1.reason.as_str()), (1, "the webhook answered 504"));
    bridge.until("hook", |status| status.mark == 2).await;
}

#[tokio::test]
async fn p4_each_status_of_an_outage_counts_only_while_others_succeed() {
    for code in [408, 429, 502, 503, 504] {
        let (bridge, (agent, url)) = (Bridge::new(), Agent::on_tcp().await);
        let status = StatusCode::from_u16(code).unwrap();
        agent.answers(move |_| status.into_response());
        bridge.says("a", "poison?").await;
        listen(&bridge, Consumer { max_attempts: 1, ..hook(&url) }).await;
        assert_eq!(agent.gets().await.seq(), 1);
        let paused = bridge.until("hook", |status| status.paused.is_some()).await;
        assert_eq!((paused.dead, paused.lag), (0, 1), "{code} alone is the endpoint's fault");
        agent.answers(move |got| if got.seq() == 1 { status } else { StatusCode::NO_CONTENT }.into_response());
        bridge.says("b", "good").await;
        let letters = bridge.letters("hook", 1).await;
        assert_eq!(letters[0].0, 1);
        assert!(letters[0].1.reason.contains(&code.to_string()), "{code}: {}", letters[0].1.reason);
        bridge.until("hook", |status| status.mark == 2).await;
    }
}

/// Pauses short enough that many probes fall into an hour.
fn probing() -> Bounds {
    let pauses = Waits { first: Duration::from_secs(1), longest: Duration::from_secs(2) };
    Bounds { pauses, ..Bounds::default() }
}

#[tokio::test(start_paused = true)]
async fn p4_a_webhook_that_is_down_for_an_hour_loses_no_attempt_of_any_event() {
    let (bridge, (agent, url)) = (Bridge::with(probing()), Agent::on_tcp().await);
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let closed = format!("http://{}/hook", nobody.local_addr().unwrap());
    drop(nobody);
    agent.answers(|_| StatusCode::SERVICE_UNAVAILABLE.into_response());
    for room in ["a", "b", "c"] {
        bridge.says_all(room, &["first", "second"]).await;
    }
    // One attempt would be the last.
    listen(&bridge, Consumer { max_attempts: 1, ..hook(&url) }).await;
    let unreached = Consumer { max_attempts: 1, name: "unreached".to_owned(), ..hook(&closed) };
    listen(&bridge, unreached).await;
    tokio::time::sleep(Duration::from_hours(1)).await;
    tokio::time::resume();
    for name in ["hook", "unreached"] {
        let status = bridge.until(name, |status| status.paused.is_some()).await;
        assert_eq!((status.dead, status.mark, status.lag), (0, 0, 6), "{name}");
    }
    let probes: Vec<_> = agent.got.lock().unwrap().drain(..).collect();
    assert!(probes.len() > 10 && probes.iter().all(|probe| probe.attempt() == 1), "{} probes", probes.len());

    agent.answers(|_| StatusCode::NO_CONTENT.into_response());
    let back = Consumer { max_attempts: 1, name: "unreached".to_owned(), ..hook(&url) };
    bridge.consumers.put(back).await.unwrap();
    for name in ["hook", "unreached"] {
        let status = bridge.until(name, |status| status.mark == 6).await;
        assert_eq!(status.dead, 0, "{name}");
    }
    assert!(agent.got.lock().unwrap().iter().all(|got| got.attempt() == 1), "each as its first attempt");
}

#[tokio::test(start_paused = true)]
async fn p4_an_agent_that_is_away_for_an_hour_loses_no_attempt_of_any_event() {
    let bridge = Bridge::new();
    let main = bridge.consumer(Consumer { max_attempts: 1, ack_wait_ms: 60_000, ..named("main") }).await;
    bridge.says_all("room", &["1", "2", "3"]).await;
    tokio::time::sleep(Duration::from_hours(1)).await;
    tokio::time::resume();
    let mut reader = main.subscribe(Subscribe { per_lane: Some(0), ..Subscribe::default() }).await.unwrap();
    for seq in 1..=3 {
        assert_eq!(next(&mut reader).await, (seq, 1));
    }
    assert_eq!(bridge.until("main", |_| true).await.dead, 0);
}

#[tokio::test]
async fn other_4xx_and_500_and_redirects_are_attempts_and_no_redirect_is_followed() {
    for (status, word) in [(404, "404"), (500, "500"), (307, "redirects are not followed")] {
        let (bridge, (agent, url)) = (Bridge::new(), Agent::on_tcp().await);
        let (elsewhere, target) = Agent::on_tcp().await;
        let code = StatusCode::from_u16(status).unwrap();
        agent.answers(move |_| (code, [("location", target.clone())]).into_response());
        listen(&bridge, Consumer { max_attempts: 1, ..hook(&url) }).await;
        bridge.says("room", "hello").await;
        assert!(bridge.letters("hook", 1).await[0].1.reason.contains(word));
        assert!(elsewhere.got.lock().unwrap().is_empty());
    }
}

#[tokio::test]
async fn p3_a_hung_delivery_holds_back_its_own_lane_only() {
    let (bridge, (agent, url)) = (Bridge::new(), Agent::on_tcp().await);
    let big = "x".repeat(900 << 10);
    listen(&bridge, hook(&url)).await;
    bridge.says_all("hangs", &[&big, "behind it"]).await;
    assert_eq!(agent.gets().await.seq(), 1);
    for seq in 3..20 {
        assert_eq!(bridge.says("flows", &big).await, seq);
        assert_eq!(agent.gets().await.seq(), seq);
    }
    agent.gate.add_permits(2);
    assert_eq!(agent.gets().await.seq(), 2);
    bridge.until("hook", |status| status.mark == 19).await;
}

#[tokio::test]
async fn an_answer_of_any_size_is_bounded_and_plain_text_is_a_plain_ack() {
    let (bridge, (agent, url)) = (Bridge::new(), Agent::on_tcp().await);
    agent.answers(|got| {
        let body = "y".repeat(3 << 20);
        match got.seq() {
            1 => body.into_response(),
            _ => ([("content-type", "application/json")], body).into_response(),
        }
    });
    listen(&bridge, Consumer { max_attempts: 1, ..hook(&url) }).await;
    bridge.says_all("room", &["1", "2"]).await;
    let letters = bridge.letters("hook", 1).await;
    assert!(letters.len() == 1 && letters[0].0 == 2 && letters[0].1.reason.contains("1 MiB"));
}

#[tokio::test]
async fn a_url_that_is_no_place_to_deliver_to_makes_no_consumer() {
    let bridge = Bridge::new();
    for url in ["ftp://host/", "https://user:pw@host/", "unix:relative.sock", "nonsense"] {
        let refused = bridge.consumers.put(hook(url)).await.unwrap_err();
        assert!(matches!(refused, PutError::Url { .. }) && !refused.to_string().contains("pw"), "{refused}");
    }
    assert!(matches!(bridge.consumers.put(named("Bad Name")).await, Err(PutError::Name(_))));
    let none = Consumer { max_in_flight: 0, ..named("none") };
    assert!(matches!(bridge.consumers.put(none).await, Err(PutError::Limit { .. })));
    assert!(bridge.consumers.handles().is_empty());
}

#[tokio::test]
async fn p8_what_is_told_of_an_endpoint_that_nobody_listens_on_does_not_name_its_url() {
    let bridge = Bridge::new();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook?token=hush", listener.local_addr().unwrap());
    drop(listener);
    listen(&bridge, Consumer { max_attempts: 1, ..hook(&url) }).await;
    bridge.says("room", "hello").await;
    let status = bridge.until("hook", |status| status.paused.is_some()).await;
    let (until, why) = status.paused.unwrap();
    assert!(
        until >= bridge.clock.now().saturating_sub(1_000) && !why.contains("hush") && why.contains("refused"),
        "{why}"
    );
    assert_eq!((status.dead, status.lag), (0, 1), "nobody's fault but the endpoint's");
}

#[tokio::test]
async fn an_answer_that_is_on_its_way_when_the_url_changes_is_no_failed_attempt() {
    let (bridge, (agent, url)) = (Bridge::new(), Agent::on_tcp().await);
    let (other, other_url) = Agent::on_tcp().await;
    listen(&bridge, Consumer { max_attempts: 1, ..hook(&url) }).await;
    bridge.says("hangs", "hangs").await;
    assert_eq!(agent.gets().await.attempt(), 1);
    other.gate.add_permits(1);
    assert!(bridge.consumers.put(hook(&other_url)).await.unwrap().is_none(), "the secret stays");
    assert_eq!(other.gets().await.attempt(), 1);
    bridge.until("hook", |status| status.mark == 1).await;
}
