//! Every line of both contracts is served by some real request, and nothing else is recorded.

use agent_bridge_sim::contract;

use crate::{lines, paperclip, support::Served, thinkwork};

#[tokio::test]
async fn every_line_of_thinkwork_is_served() {
    let mut served = Served::new();
    thinkwork::way_in(&mut served).await;
    thinkwork::refusals(&mut served).await;
    thinkwork::claims(&mut served).await;
    thinkwork::documented(&mut served).await;
    thinkwork::shapes(&mut served).await;
    lines::all_served(contract::THINKWORK, &served);
}

#[tokio::test]
async fn every_line_of_paperclip_is_served() {
    let mut served = Served::new();
    paperclip::way_in(&mut served).await;
    paperclip::refusals(&mut served).await;
    paperclip::claims(&mut served).await;
    lines::all_served(contract::PAPERCLIP, &served);
}

#[test]
fn every_line_is_whole_and_named_once() {
    lines::whole(contract::THINKWORK);
    lines::whole(contract::PAPERCLIP);
}
