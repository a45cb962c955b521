//! Every line of the contract is served by some real request, in its words, and nothing else is recorded.

use crate::{chat, dashboard, groups, join, lines, shapes, support::Served};
use agent_bridge_sim::contract;

#[tokio::test(start_paused = true)]
async fn every_line_is_served() {
    let mut served = Served::new();
    join::refusals(&mut served).await;
    join::answers(&mut served).await;
    join::wallets(&mut served).await;
    chat::reads(&mut served).await;
    chat::sends(&mut served).await;
    chat::keys(&mut served).await;
    chat::without_chat(&mut served).await;
    groups::canonical(&mut served).await;
    groups::actions(&mut served).await;
    shapes::reads(&mut served).await;
    shapes::sends(&mut served).await;
    dashboard::bots(&mut served).await;
    lines::all_served(contract::OFFICE, &served);
}

#[test]
fn every_line_is_whole_and_named_once() {
    lines::whole(contract::OFFICE);
}
