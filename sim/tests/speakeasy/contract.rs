//! Every line of the contract is served by some real request, and nothing else is recorded.

use crate::{access, chats, events, files, idempotency, lines, support::Served, topics};
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
    // The cable and the webhooks have a list, and a test, of their own.
    served.retain(|line| !line.starts_with("cable.") && !line.starts_with("hook."));
    lines::all_served(contract::SPEAKEASY, &served);
}

#[test]
fn every_line_is_whole_and_named_once() {
    lines::whole(contract::SPEAKEASY);
}
