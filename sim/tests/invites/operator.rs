//! What the script promises its tests: faults that strike, books that count, somebody who approves, nothing that leaks.

use std::{sync::Arc, time::Duration};

use agent_bridge_sim::{
    paperclip,
    thinkwork::{Armed, Call, Fault, Options, Sim, Status},
};
use serde_json::json;
use tokio::time::Instant;

use crate::support::{TEN, ask, clocked, get, no, post, says, text};

const ACCEPT: &str = "POST /api/invites/{token}/accept";
const CLAIM: &str = "POST /api/join-requests/{id}/claim-api-key";

#[tokio::test]
async fn a_lost_reply_to_an_accept_burns_the_invite() {
    let (sim, _) = clocked(Options::default());
    let path = format!("/api/invites/{}/accept", sim.invite("Echo").token);
    let body = json!({"agentName": "Echo"});
    sim.fault(ACCEPT, Fault::RequestLost);
    assert_eq!(ask(&sim, "POST", &path, "", Some(&body.to_string())).await, None);
    assert_eq!(sim.look(|world| world.requests().count()), 0, "nothing took effect");
    sim.fault(ACCEPT, Fault::ReplyLost);
    assert_eq!(ask(&sim, "POST", &path, "", Some(&body.to_string())).await, None);
    let request = sim.waiting().expect("a request of which nobody knows the secret");
    assert_eq!(no(post(&sim, &path, body).await), says(409, "Invite usage limit reached"));
    assert!(sim.approve(&request), "and an operator may approve it all the same");
}

#[tokio::test]
async fn a_lost_reply_to_a_claim_loses_the_key() {
    let (sim, _) = clocked(paperclip::Options::default());
    let token = sim.invite("ignored").token;
    let body = json!({"requestType": "agent", "agentName": "Echo"});
    let (_, made) = post(&sim, &format!("/api/invites/{token}/accept"), body).await;
    let (request, at) = (text(&made, "/id"), text(&made, "/claimApiKeyPath"));
    let claim = json!({"claimSecret": text(&made, "/claimSecret")});
    sim.approve(&request);
    for fault in [Fault::Status { status: 503 }, Fault::TooMany { retry_after: "60".into() }] {
        sim.fault(CLAIM, fault);
        assert!([503, 429].contains(&post(&sim, &at, claim.clone()).await.0));
    }
    assert_eq!(sim.key(&request), None, "neither took effect");
    sim.fault(CLAIM, Fault::ReplyLost);
    assert_eq!(ask(&sim, "POST", &at, "", Some(&claim.to_string())).await, None);
    let lost = sim.key(&request).expect("a key that nobody has");
    assert_eq!(ask(&sim, "GET", "/api/agents/me", &lost, None).await.unwrap().0, 200);
    assert_eq!(no(post(&sim, &at, claim).await), says(409, "Claim secret already used"));
    assert_eq!(sim.look(paperclip::World::faults_left), 0);
}

#[tokio::test]
async fn the_books_know_how_often_and_how_densely() {
    let (sim, hands) = clocked(Options::default());
    let path = "/api/join-requests/nobody's/claim-api-key";
    let claim = async || post(&sim, path, json!({"claimSecret": "wrong"})).await.0;
    sim.arm(Armed { route: CLAIM.into(), after: 1, count: 1, fault: Fault::Status { status: 500 } });
    for wanted in [403, 500, 403] {
        assert_eq!(claim().await, wanted);
        hands.turn(60_000);
    }
    assert_eq!((sim.calls(Call::Claim), sim.busiest(Call::Claim, Duration::from_mins(1))), (3, 1));
    assert_eq!(sim.busiest(Call::Claim, Duration::from_hours(1)), 3);
    claim().await;
    hands.turn(59_999);
    claim().await;
    assert_eq!(sim.busiest(Call::Claim, Duration::from_mins(1)), 2, "a millisecond too early is too early");
    let times: Vec<u64> = sim.look(|world| world.call_times(Call::Claim).map(|at| at - TEN).collect());
    assert_eq!(times, [0, 60_000, 120_000, 180_000, 239_999]);
    assert_eq!((sim.calls(Call::Accept), sim.busiest(Call::Accept, Duration::from_mins(1))), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn somebody_approves_after_a_while() {
    let start = Instant::now();
    let wall = Arc::new(move || TEN + u64::try_from(start.elapsed().as_millis()).unwrap_or(0));
    let sim = Sim::new(Options { wall, ..Options::default() });
    let operator = sim.clone();
    let approving = tokio::spawn(async move { operator.approving(Duration::from_secs(5)).await });
    let path = format!("/api/invites/{}/accept", sim.invite("Echo").token);
    let (_, made) = post(&sim, &path, json!({"agentName": "Echo"})).await;
    let request = text(&made, "/joinRequestId");
    let decided = sim.wait_for(|world| world.request(&request).is_some_and(|it| it.status == Status::Approved));
    tokio::time::timeout(Duration::from_mins(1), decided).await.expect("somebody approves");
    assert_eq!(start.elapsed(), Duration::from_secs(5));
    assert_eq!(sim.look(|world| world.request(&request).unwrap().decided), Some(TEN + 5000));
    approving.abort();
}

#[tokio::test]
async fn the_log_has_no_secret_in_it() {
    let (sim, _) = clocked(Options::default());
    let token = sim.invite("Echo").token;
    let (_, made) = post(&sim, &format!("/api/invites/{token}/accept"), json!({"agentName": "Echo"})).await;
    let (request, secret) = (text(&made, "/joinRequestId"), text(&made, "/claimSecret"));
    sim.approve(&request);
    let path = format!("/api/join-requests/{request}/claim-api-key");
    let (_, claimed) = post(&sim, &path, json!({"claimSecret": secret})).await;
    get(&sim, &format!("/invite/{token}?claimSecret={secret}")).await;
    let log = serde_json::to_string(&sim.log()).unwrap();
    assert!(log.contains("/api/invites/…/accept") && log.contains("/invite/…") && log.contains(&request), "{log}");
    for secret in [token, secret, text(&claimed, "/plainTextKey")] {
        assert!(!log.contains(&secret), "{log}");
    }
}
