//! Every line of both contracts is served by some real request, and nothing else is recorded.

use std::collections::BTreeSet;

use agent_bridge_sim::contract;

use crate::{paperclip, support::Served, thinkwork};

fn exactly(listed: &'static str, served: &Served) {
    assert_eq!(contract::unserved(listed, served), Vec::<&str>::new());
    let listed: BTreeSet<_> = contract::lines(listed).map(|line| line.id).collect();
    assert_eq!(served.difference(&listed).collect::<Vec<_>>(), Vec::<&&str>::new());
}

#[tokio::test]
async fn every_line_of_thinkwork_is_served() {
    let mut served = Served::new();
    thinkwork::way_in(&mut served).await;
    thinkwork::refusals(&mut served).await;
    thinkwork::claims(&mut served).await;
    thinkwork::documented(&mut served).await;
    thinkwork::shapes(&mut served).await;
    exactly(contract::THINKWORK, &served);
}

#[tokio::test]
async fn every_line_of_paperclip_is_served() {
    let mut served = Served::new();
    paperclip::way_in(&mut served).await;
    paperclip::refusals(&mut served).await;
    paperclip::claims(&mut served).await;
    exactly(contract::PAPERCLIP, &served);
}

#[test]
fn every_line_is_whole_and_named_once() {
    for listed in [contract::THINKWORK, contract::PAPERCLIP] {
        let lines: Vec<_> = contract::lines(listed).collect();
        let written = listed.lines().filter(|it| !it.is_empty() && !it.starts_with('#'));
        assert_eq!(lines.len(), written.count(), "a line lacks a field");
        let names: BTreeSet<_> = lines.iter().map(|line| line.id).collect();
        assert_eq!(names.len(), lines.len(), "a name stands twice");
    }
}
