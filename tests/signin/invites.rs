//! Invites that lead to a key: the dialects of a host, the week of claims, and what is lost with an answer.

use std::sync::Arc;
use std::time::Duration;

use agent_bridge::adapter::Manifests;
use agent_bridge::clock::{Clock, millis};
use agent_bridge::event::Type;
use agent_bridge::join::{self, Error, JoinRequest, Joined, ONBOARDING, Patience, Pending, pending};
use agent_bridge::store::{Seat, WorkspaceRecord};
use agent_bridge_sim::agentunited::{Options as Other, Sim as OtherSim};
use agent_bridge_sim::invites::{self, Dialect};
use agent_bridge_sim::paperclip;
use agent_bridge_sim::thinkwork::{Armed, Call, Claimed, Fault, NewInvite, Options, Sim, Spent};

use crate::bench::{Bench, NOW, name, with_secret, with_setting};
use crate::memory_network::MemoryNetwork;

const ORIGIN: &str = "https://tenant.test";
const WEEK: Duration = Duration::from_hours(7 * 24);
const MINUTE: Duration = Duration::from_mins(1);
const ACCEPT: &str = "POST /api/invites/{token}/accept";
const CLAIM: &str = "POST /api/join-requests/{id}/claim-api-key";

/// The platform, and a bench that speaks with it.
fn tenant(options: Options) -> (Sim, Bench) {
    platform("thinkwork", options)
}

fn platform<D: Dialect>(name: &str, options: invites::Options<D>) -> (invites::Sim<D>, Bench) {
    let platform_clock = Clock::paced(NOW);
    let wall = Arc::new(move || platform_clock.now());
    let sim = invites::Sim::new(invites::Options { url: ORIGIN.into(), wall, ..options });
    let network = MemoryNetwork::default();
    network.serve(ORIGIN, sim.router());
    let clock = Clock::paced(NOW);
    let mut bench = Bench::over(OtherSim::new(Other::default()), network.clone(), Arc::new(network), &clock);
    bench.manifest = Manifests::load(None).unwrap().get(name).unwrap();
    (sim, bench)
}

fn wants<D: Dialect>(sim: &invites::Sim<D>, bench: &Bench) -> JoinRequest {
    bench.wants(&sim.invite("Echo").link)
}

async fn go_on(bench: &Bench) -> Result<Option<Joined>, Error> {
    join::go_on(&name(), bench.manifest.clone(), WEEK, &bench.means).await
}

/// Asks as the daemon does, until it is decided; how long that took.
async fn until_decided(bench: &Bench) -> (Result<WorkspaceRecord, Error>, Duration) {
    let (mut patience, begun) = (Patience::new(Duration::from_mins(5)), tokio::time::Instant::now());
    loop {
        match go_on(bench).await {
            Ok(Some(Joined::Waits(_, pause))) => tokio::time::advance(patience.next(&pause)).await,
            Ok(Some(Joined::Seated(record))) => return (Ok(record), begun.elapsed()),
            Ok(None) => panic!("nothing waits"),
            Err(error) => return (Err(error), begun.elapsed()),
        }
    }
}

fn told(bench: &Bench) -> Vec<Type> {
    let feed = bench.means.store.read(0, 100, 1 << 20).unwrap();
    feed.iter().map(|event| event.head.kind).collect()
}

fn arm<D: Dialect>(sim: &invites::Sim<D>, route: &str, fault: Fault) {
    sim.arm(Armed { route: route.into(), after: 0, count: 1, fault });
}

fn needs(bench: &Bench) -> (String, String) {
    match bench.record().unwrap().seat {
        Seat::NeedsAction { reason, command } => (reason, command),
        other => panic!("{other:?}"),
    }
}

const ANOTHER: &str = "agent-bridge join thinkwork https://tenant.test --as acme --secret invite_token=-";

#[tokio::test(start_paused = true)]
async fn an_invite_leads_to_a_registered_seat_in_either_dialect() {
    for options in [Options::default(), Options::documented()] {
        let (sim, mut bench) = tenant(options);
        let invite = sim.invite_with(&NewInvite { message: Some("welcome".into()), ..NewInvite::named("Echo") });
        let record = bench.join(with_setting(bench.wants(&invite.link), "capabilities", "read, write")).await.unwrap();
        assert_eq!((record.seat.clone(), record.settings["agent_name"].as_str()), (Seat::Joining, "Echo"));
        let onboarding = record.facts[ONBOARDING].as_str().unwrap();
        assert!(onboarding.contains("welcome") && !onboarding.contains(&invite.token), "{onboarding}");
        let asked = sim.look(|world| world.requests().next().unwrap().clone());
        assert_eq!((asked.agent_name.as_str(), asked.adapter_type.as_deref()), ("Echo", Some("custom")));
        assert_eq!(asked.capabilities, serde_json::json!(["read", "write"]));
        assert_eq!(bench.secret("claim_secret"), sim.claim_secret(&asked.id), "durable before anything else");

        bench.restart().await;
        assert!(matches!(go_on(&bench).await, Ok(Some(Joined::Waits(..)))));
        sim.approve(&asked.id);
        let record = until_decided(&bench).await.0.unwrap();
        assert_eq!(record.seat, Seat::Registered);
        assert_eq!(bench.secret("api_key"), sim.key(&asked.id));
        assert_eq!((bench.secret("claim_secret"), bench.secret("invite_token")), (None, None), "used up");
        assert_eq!(told(&bench), [Type::JoinRequested, Type::JoinApproved]);
        assert_eq!((sim.calls(Call::Accept), sim.calls(Call::Internal)), (1, 0));
        assert!(
            matches!(bench.join(wants(&sim, &bench)).await, Err(Error::Name(why)) if why.contains("joined already"))
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_week_of_claims_keeps_its_bound_and_then_it_is_given_up() {
    let (sim, mut bench) = tenant(Options::default());
    bench.join(wants(&sim, &bench)).await.unwrap();
    // Restarts, and whoever runs the command again, ask no sooner.
    for _ in 0..3 {
        bench.restart().await;
        assert!(matches!(go_on(&bench).await, Ok(Some(Joined::Waits(..)))));
        let mut again = bench.wants(ORIGIN);
        again.target = None;
        bench.join(again).await.unwrap();
    }
    assert_eq!(sim.calls(Call::Claim), 1);
    let (ended, took) = until_decided(&bench).await;
    let error = ended.unwrap_err();
    assert!(matches!(&error, Error::Refused(why) if why.contains("seven days")), "{error}");
    assert!(took >= WEEK && took <= WEEK + 2 * MINUTE, "{took:?}");
    let claims = sim.calls(Call::Claim);
    assert!((10_000..=10_100).contains(&claims), "{claims}");
    assert_eq!(sim.busiest(Call::Claim, Duration::from_millis(59_999)), 1, "one a minute");
    assert_eq!(told(&bench), [Type::JoinRequested, Type::JoinExpired]);
    assert_eq!(needs(&bench).1, ANOTHER);
    assert_eq!((bench.secret("claim_secret"), bench.secret("invite_token")), (None, None));
    assert!(go_on(&bench).await.unwrap().is_none());
}

#[tokio::test(start_paused = true)]
async fn the_key_is_claimed_within_a_minute_of_the_approval() {
    for after in [0, 59, 60, 61, 7_230] {
        let (sim, bench) = tenant(Options::default());
        bench.join(wants(&sim, &bench)).await.unwrap();
        let platform = sim.clone();
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_secs(after)).await;
            platform.approve(&platform.waiting().unwrap());
        });
        let mut patience = Patience::new(Duration::from_mins(5));
        let record = loop {
            match go_on(&bench).await.unwrap().unwrap() {
                Joined::Waits(_, pause) => tokio::time::sleep(patience.next(&pause)).await,
                Joined::Seated(record) => break record,
            }
        };
        assert_eq!(record.seat, Seat::Registered);
        let took = bench.clock.now() - NOW - after * 1_000;
        assert!(took <= millis(MINUTE), "{after}: {took}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_reserved_name_is_kept_and_another_refused_before_anything_is_spent() {
    let (sim, bench) = tenant(Options::default());
    let invite = sim.invite("Echo");
    let error = bench.join(with_setting(bench.wants(&invite.link), "agent_name", "Mallory")).await.unwrap_err();
    assert!(error.to_string().contains("`Echo`") && error.to_string().contains("--set agent_name='Echo'"), "{error}");
    assert_eq!((sim.calls(Call::Accept), bench.record()), (0, None), "nothing there and nothing here");
    let named = with_setting(bench.wants(&invite.link), "agent_name", "Echo");
    bench.join(with_setting(named, "adapter_type", "hTTp")).await.unwrap();
    let asked = sim.look(|world| world.requests().next().unwrap().clone());
    assert_eq!((asked.agent_name.as_str(), asked.adapter_type.as_deref()), ("Echo", Some("hTTp")));
}

#[tokio::test(start_paused = true)]
async fn a_site_for_people_is_no_api_and_gets_no_post() {
    let (sim, bench) = tenant(Options::default());
    let site = axum::Router::new().fallback(|| async { axum::response::Html("<!doctype html>") });
    bench.network.serve("https://admin.test", site);
    let link = sim.invite("Echo").link.replace(ORIGIN, "https://admin.test");
    let error = bench.join(bench.wants(&link)).await.unwrap_err();
    assert!(matches!(&error, Error::Refused(why) if why.contains("--instance")), "{error}");
    assert_eq!(bench.record(), None);
    let mut request = bench.wants(&link);
    request.instance = Some(ORIGIN.into());
    bench.join(request).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_api_that_does_not_know_the_question_speaks_another_dialect_and_one_that_is_down_is_asked_later() {
    let (sim, bench) = tenant(Options::documented());
    let unknown =
        || async { (http::StatusCode::NOT_FOUND, axum::Json(serde_json::json!({ "error": "no such route" }))) };
    let api = |answer| axum::Router::new().route("/api/invites/{*rest}", answer).fallback_service(sim.router());
    bench.network.serve(ORIGIN, api(axum::routing::any(unknown)));
    bench.join(wants(&sim, &bench)).await.unwrap();
    assert_eq!(sim.calls(Call::Accept), 1);
    join::leave(&bench.means.store, &name()).await.unwrap();
    let down = axum::routing::any(|| async { http::StatusCode::BAD_GATEWAY });
    bench.network.serve(ORIGIN, api(down));
    let error = bench.join(wants(&sim, &bench)).await.unwrap_err();
    assert!(matches!(error, Error::Unavailable(_)) && sim.calls(Call::Accept) == 1, "{error}");
}

#[tokio::test(start_paused = true)]
async fn an_invite_that_is_gone_or_used_says_so_and_leaves_nothing() {
    let (sim, bench) = tenant(Options::default());
    let (old, used) = (sim.invite("Echo"), sim.invite("Echo"));
    sim.expire(&old.token);
    let error = bench.join(bench.wants(&old.link)).await.unwrap_err().to_string();
    assert!(error.contains("no such invite, or not any more"), "{error}");
    bench.join(bench.wants(&used.link)).await.unwrap();
    join::leave(&bench.means.store, &name()).await.unwrap();
    let error = bench.join(bench.wants(&used.link)).await.unwrap_err().to_string();
    assert!(error.contains("the invite is used up"), "{error}");
    assert_eq!(bench.record(), None);
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_to_the_accept_is_looked_after_and_never_doubled() {
    // It never arrived: it is sent again, and there is one request.
    let (sim, bench) = tenant(Options::default());
    arm(&sim, ACCEPT, Fault::RequestLost);
    bench.join(wants(&sim, &bench)).await.unwrap();
    assert_eq!(sim.look(|world| world.requests().count()), 1);
    // It arrived: the invite is burnt, and the word says what to ask for.
    let burnt = [Fault::ReplyLost, Fault::TruncatedJson, Fault::StoredThen500];
    for (fault, spent) in burnt.into_iter().flat_map(|fault| [(fault.clone(), Spent::Told), (fault, Spent::Expired)]) {
        let kind = fault.kind();
        let mut options = Options::default();
        options.dialect.spent = spent;
        let (sim, mut bench) = tenant(options);
        arm(&sim, ACCEPT, fault);
        let error = bench.join(wants(&sim, &bench)).await.unwrap_err();
        assert!(matches!(&error, Error::Refused(why) if why.contains("Ask the admin to reject it")), "{kind}: {error}");
        assert_eq!((sim.calls(Call::Accept), sim.look(|world| world.requests().count())), (1, 1), "{kind}");
        bench.restart().await;
        assert_eq!(needs(&bench).1, ANOTHER);
        assert!(go_on(&bench).await.unwrap().is_none());
        // Another invite is another request, under the same name.
        let mut again = with_secret(bench.wants(ORIGIN), "invite_token", &sim.invite("Echo").token);
        again.target = Some(ORIGIN.into());
        bench.join(again).await.unwrap();
        sim.approve(&sim.waiting().unwrap());
        until_decided(&bench).await.0.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn an_invite_with_uses_left_is_not_used_again_without_being_asked() {
    let (sim, bench) = tenant(Options::default());
    let invite = sim.invite_with(&NewInvite { max_uses: 3, ..NewInvite::named("Echo") });
    arm(&sim, ACCEPT, Fault::ReplyLost);
    bench.join(bench.wants(&invite.link)).await.unwrap_err();
    assert_eq!(sim.look(|world| world.requests().count()), 1);
    bench.join(bench.wants(&invite.link)).await.unwrap();
    assert_eq!(sim.look(|world| world.requests().count()), 2);
    assert!(pending(&bench.record().unwrap()).is_some());
}

#[tokio::test(start_paused = true)]
async fn a_crash_between_the_accept_and_its_answer_is_looked_after_by_the_same_command() {
    let (sim, mut bench) = tenant(Options::default());
    let invite = sim.invite("Echo");
    arm(&sim, ACCEPT, Fault::NeverAnswers { applied: true });
    let cut = tokio::time::timeout(MINUTE / 2, bench.join(bench.wants(&invite.link))).await;
    assert!(cut.is_err(), "it hangs until the process ends");
    bench.restart().await;
    assert_eq!(bench.record().unwrap().seat, Seat::Joining);
    let mut bare = bench.wants(ORIGIN);
    bare.target = None;
    let error = bench.join(bare).await.unwrap_err().to_string();
    assert!(error.contains("Ask the admin to reject it"), "{error}");
    assert_eq!(sim.calls(Call::Accept), 1, "never a second time by guess");
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_to_a_claim_is_remembered_until_it_is_known_what_it_was() {
    for (claimed, words) in [(Claimed::Told, "claimed already"), (Claimed::LooksPending, "seven days")] {
        let mut options = Options::default();
        options.dialect.claimed = claimed;
        let (sim, mut bench) = tenant(options);
        bench.join(wants(&sim, &bench)).await.unwrap();
        sim.approve(&sim.waiting().unwrap());
        arm(&sim, CLAIM, Fault::ReplyLost);
        tokio::time::advance(MINUTE).await;
        let Ok(Some(Joined::Waits(record, _))) = go_on(&bench).await else { panic!("it may have happened") };
        let Some(Pending::Waits(waits)) = pending(&record) else { panic!("{record:?}") };
        assert!(waits.doubt.as_ref().is_some_and(|doubt| doubt.contains("the key is lost with it")), "{waits:?}");
        bench.restart().await;
        // Where all claims look alike, only the end of its time ends it.
        tokio::time::advance(if claimed == Claimed::Told { MINUTE } else { WEEK }).await;
        let error = until_decided(&bench).await.0.unwrap_err().to_string();
        assert!(error.contains(words) && error.contains("revoke the agent's key"), "{error}");
        assert_eq!(needs(&bench), (error, ANOTHER.to_owned()));
        let approved = told(&bench).contains(&Type::JoinApproved);
        assert_eq!(approved, words == "claimed already", "what is known is told");
    }
}

#[tokio::test(start_paused = true)]
async fn a_crash_between_a_claim_and_its_answer_is_a_lost_answer() {
    let mut options = Options::default();
    options.dialect.claimed = Claimed::Told;
    let (sim, mut bench) = tenant(options);
    bench.join(wants(&sim, &bench)).await.unwrap();
    bench.restart().await;
    assert!(go_on(&bench).await.is_ok(), "a restart between two claims is none");
    let Some(Pending::Waits(waits)) = pending(&bench.record().unwrap()) else { panic!("it waits") };
    assert_eq!((waits.asks, waits.open, waits.doubt), (1, false, None));
    sim.approve(&sim.waiting().unwrap());
    arm(&sim, CLAIM, Fault::NeverAnswers { applied: true });
    tokio::time::advance(MINUTE).await;
    assert!(tokio::time::timeout(MINUTE / 2, go_on(&bench)).await.is_err(), "it hangs until the process ends");
    bench.restart().await;
    let error = until_decided(&bench).await.0.unwrap_err().to_string();
    assert!(error.contains("claimed already") && error.contains("was lost"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_claim_that_was_not_carried_out_costs_nothing_and_is_asked_again() {
    let (sim, bench) = tenant(Options::default());
    bench.join(wants(&sim, &bench)).await.unwrap();
    let request = sim.waiting().unwrap();
    sim.approve(&request);
    for fault in [Fault::RequestLost, Fault::Html, Fault::Status { status: 502 }, Fault::Status { status: 404 }] {
        arm(&sim, CLAIM, fault);
    }
    let record = until_decided(&bench).await.0.unwrap();
    assert_eq!((record.seat, bench.secret("api_key")), (Seat::Registered, sim.key(&request)));
}

#[tokio::test(start_paused = true)]
async fn what_ends_a_claim_says_what_to_ask_for() {
    for (end, kind, words) in
        [("expired", Type::JoinExpired, "seven days"), ("forgotten", Type::JoinRejected, "not know")]
    {
        let (sim, bench) = tenant(Options::default());
        bench.join(wants(&sim, &bench)).await.unwrap();
        let request = sim.waiting().unwrap();
        if end == "expired" {
            sim.approve(&request);
            sim.expire_claim(&request);
        } else {
            sim.forget(&request);
        }
        let error = until_decided(&bench).await.0.unwrap_err().to_string();
        assert!(error.contains(words) && error.contains("new invite"), "{error}");
        assert_eq!(told(&bench).last(), Some(&kind));
    }
    let (sim, bench) = tenant(Options::default());
    bench.join(wants(&sim, &bench)).await.unwrap();
    sim.approve_without_agent(&sim.waiting().unwrap());
    let error = until_decided(&bench).await.0.unwrap_err().to_string();
    assert!(error.contains("no agent was made of it"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn the_second_platform_tells_of_itself_what_became_of_a_request() {
    // Its accept was carried out and not answered: the summary says so.
    let (sim, bench) = platform("paperclip", paperclip::Options::default());
    arm(&sim, ACCEPT, Fault::ReplyLost);
    let error = bench.join(wants(&sim, &bench)).await.unwrap_err().to_string();
    assert!(error.contains("Ask the board to reject it") && sim.calls(Call::Accept) == 1, "{error}");

    // Its rejection is in the summary as well, and in no claim.
    let (sim, bench) = platform("paperclip", paperclip::Options::default());
    bench.join(wants(&sim, &bench)).await.unwrap();
    sim.reject(&sim.waiting().unwrap());
    let (ended, took) = until_decided(&bench).await;
    let error = ended.unwrap_err().to_string();
    assert!(error.contains("the board has rejected the request") && took <= MINUTE, "{error}");
    assert_eq!(told(&bench), [Type::JoinRequested, Type::JoinRejected]);

    // A key whose answer was lost is told to be lost with the next claim.
    let (sim, bench) = platform("paperclip", paperclip::Options::default());
    bench.join(wants(&sim, &bench)).await.unwrap();
    sim.approve(&sim.waiting().unwrap());
    arm(&sim, CLAIM, Fault::TruncatedJson);
    let error = until_decided(&bench).await.0.unwrap_err().to_string();
    assert!(error.contains("revoke the agent's key") && error.contains("was lost"), "{error}");
    assert_eq!(sim.calls(Call::Claim), 3, "the first, the one that was lost, and the one that tells");

    // And a summary that is gone with its invite stops no claim.
    let (sim, bench) = platform("paperclip", paperclip::Options::default());
    let invite = sim.invite("Echo");
    bench.join(bench.wants(&invite.link)).await.unwrap();
    sim.expire(&invite.token);
    let request = sim.waiting().unwrap();
    sim.approve(&request);
    let record = until_decided(&bench).await.0.unwrap();
    assert_eq!((record.seat, bench.secret("api_key")), (Seat::Registered, sim.key(&request)));
}
