//! Every line of the contract is served by some real request, and nothing else is recorded.

use std::collections::BTreeSet;

use crate::{access, chats, events, files, idempotency, support::Served, topics};
use agent_bridge_sim::contract;

#[tokio::test]
async fn every_line_is_served() {
    let mut served = Served::new();
    access::requests(&mut served).await;
    access::exchange(&mut served).await;
    access::rotation(&mut served).await;
    access::grace(&mut served).await;
    access::ends(&mut served).await;
    topics::me(&mut served).await;
    topics::topics(&mut served).await;
    topics::threads(&mut served).await;
    topics::people_come_and_go(&mut served).await;
    chats::writes(&mut served).await;
    chats::own(&mut served).await;
    chats::history(&mut served).await;
    chats::dependent_records(&mut served).await;
    idempotency::keys(&mut served).await;
    idempotency::lost_reply(&mut served).await;
    files::uploads(&mut served).await;
    files::refusals(&mut served).await;
    events::envelopes(&mut served).await;
    events::pages(&mut served).await;
    events::mischief(&mut served).await;
    events::dialects(&mut served).await;
    events::last_word(&mut served).await;
    assert_eq!(contract::unserved(contract::SPEAKEASY, &served), Vec::<&str>::new());
    // The cable and the webhooks have a list, and a test, of their own.
    served.retain(|line| !line.starts_with("cable.") && !line.starts_with("hook."));
    let listed: BTreeSet<_> = contract::lines(contract::SPEAKEASY).map(|line| line.id).collect();
    assert_eq!(served.difference(&listed).collect::<Vec<_>>(), Vec::<&&str>::new());
}

#[test]
fn every_line_is_whole_and_named_once() {
    let lines: Vec<_> = contract::lines(contract::SPEAKEASY).collect();
    let written = contract::SPEAKEASY.lines().filter(|it| !it.is_empty() && !it.starts_with('#'));
    assert_eq!(lines.len(), written.count(), "a line lacks a field");
    let names: BTreeSet<_> = lines.iter().map(|line| line.id).collect();
    assert_eq!(names.len(), lines.len(), "a name stands twice");
}
