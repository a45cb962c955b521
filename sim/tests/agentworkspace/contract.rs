//! Every line of the contract is served by some real request, and nothing else is recorded.

use crate::{calendar, documents, email, hook, lines, live, share, support::Served};
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
    lines::all_served(contract::AGENTWORKSPACE, &served);
}

#[test]
fn every_line_is_whole_and_named_once() {
    lines::whole(contract::AGENTWORKSPACE);
}
