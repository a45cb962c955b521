//! Every line of the contract is served by some real request, and nothing else is recorded.

use std::collections::BTreeSet;

use crate::{calendar, documents, email, hook, live, share, support::Served};
use agent_bridge_sim::contract;

#[tokio::test(start_paused = true)]
async fn every_line_is_served() {
    let mut served = Served::new();
    share::reads(&mut served).await;
    share::mentions(&mut served).await;
    share::presence(&mut served).await;
    share::suggestions(&mut served).await;
    share::draft_tokens(&mut served).await;
    documents::documents(&mut served).await;
    documents::keys(&mut served).await;
    documents::pages(&mut served).await;
    calendar::events(&mut served).await;
    calendar::fields(&mut served).await;
    email::inbox(&mut served).await;
    email::refusals(&mut served).await;
    hook::letters(&mut served).await;
    hook::options(&mut served).await;
    live::plain(&mut served).await;
    live::rich(&mut served).await;
    live::who_is_here(&mut served).await;
    live::tokens(&mut served).await;
    live::restarts(&mut served).await;
    live::silence(&mut served).await;
    assert_eq!(contract::unserved(contract::AGENTWORKSPACE, &served), Vec::<&str>::new());
    let listed: BTreeSet<_> = contract::lines(contract::AGENTWORKSPACE).map(|line| line.id).collect();
    assert_eq!(served.difference(&listed).collect::<Vec<_>>(), Vec::<&&str>::new());
}

#[test]
fn every_line_is_whole_and_named_once() {
    let lines: Vec<_> = contract::lines(contract::AGENTWORKSPACE).collect();
    let written = contract::AGENTWORKSPACE.lines().filter(|it| !it.is_empty() && !it.starts_with('#'));
    assert_eq!(lines.len(), written.count(), "a line lacks a field");
    let names: BTreeSet<_> = lines.iter().map(|line| line.id).collect();
    assert_eq!(names.len(), lines.len(), "a name stands twice");
}
