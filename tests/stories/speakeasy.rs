//! A platform with a grant, a log of events, a cable and webhooks: from the request for access to the answer in a topic.

use agent_bridge::clock::Clock;
use agent_bridge_sim::speakeasy::{Options, Sim, Tokens};

use crate::bridge::until;
use crate::lounge::{Lounge, hospitable, ingress};

fn seen_by(traced: &serde_json::Value, line: &str) -> bool {
    traced.to_string().contains(line)
}

#[tokio::test]
async fn a_secret_that_only_the_platform_gives_is_not_taken_from_anybody() {
    let home = crate::bridge::Home::new("");
    let args =
        ["join", "speakeasy", "https://x.example", "--as", "lounge", "--handle", "a@x", "--secret", "refresh_token=-"];
    let output = home.cli(&args).await;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && said.contains("asks for no secret: leave --secret out"), "{said}");
}

#[tokio::test]
async fn by_the_cable() {
    let lounge = Lounge::new("every = \"10m\"\nbeside = \"10m\"", "").await;
    lounge.is_subscribed().await;
    let traced = lounge.round_trip("By the cable?").await;
    assert!(seen_by(&traced, "action_cable"), "{traced:#}");
    lounge.end().await;
}

#[tokio::test]
async fn by_polling_where_the_cable_is_refused() {
    let lounge = Lounge::without_cable("every = \"200ms\"", "").await;
    let traced = lounge.round_trip("By polling?").await;
    assert!(seen_by(&traced, "poll"), "{traced:#}");
    let why = || async {
        let status = lounge.status().await;
        let cable = status["lines"].as_array()?.iter().find(|line| line["line"] == "action_cable")?;
        cable["last_drop"]["why"].as_str().map(str::to_owned)
    };
    assert_eq!(until(why, || lounge.home.log()).await, "the platform answers 404 where the cable should be");
    lounge.end().await;
}

#[tokio::test]
async fn by_webhook_alone() {
    let lounge = Lounge::without_cable("every = \"10m\"\nbeside = \"10m\"\noverlap = \"10m\"", &ingress()).await;
    lounge.round_trip("By webhook?").await;
    let taken = || async {
        let deliveries = lounge.sim.deliveries();
        deliveries.iter().any(|sent| sent.attempts.iter().any(|attempt| attempt.status == Some(204))).then_some(())
    };
    until(taken, || format!("{:#?}", lounge.sim.deliveries())).await;
    lounge.end().await;
}

#[tokio::test]
async fn when_its_token_ends_is_known_however_the_platform_says_it() {
    const HOUR: u64 = 3_600_000;
    let ways = [(Tokens::Opaque, true), (Tokens::Jwt, false), (Tokens::JwtExpiresAt, false), (Tokens::Opaque, false)];
    for (tokens, expires_at) in ways {
        let before = Clock::system().now();
        let lounge = Lounge::of(Sim::new(Options { tokens, expires_at, ..hospitable() }), "every = \"10m\"", "").await;
        let ends = lounge.status().await["credential_expires"].as_u64();
        // A JWT counts whole seconds.
        let span = before + HOUR - 1_000..=Clock::system().now() + HOUR;
        assert_eq!(ends.map(|ends| span.contains(&ends)), (expires_at || tokens != Tokens::Opaque).then_some(true));
        lounge.end().await;
    }
}

#[tokio::test]
async fn what_a_grant_takes_away_is_the_last_word() {
    let lounge = Lounge::new("every = \"200ms\"", "").await;
    lounge.round_trip("Still here?").await;
    let grant = lounge.sim.newest_grant().expect("a grant");
    assert!(lounge.sim.revoke(grant));
    let revoked = || async { (lounge.status().await["seat"] == "revoked").then_some(()) };
    until(revoked, || lounge.home.log()).await;
    lounge.end().await;
}
