//! The store's promises, on the store itself.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "store/support.rs"]
mod support;

#[path = "store/agent.rs"]
mod agent;
#[path = "store/failing.rs"]
mod failing;
#[path = "store/feed.rs"]
mod feed;
#[path = "store/fixture.rs"]
mod fixture;
#[path = "store/forgetting.rs"]
mod forgetting;
#[path = "store/model.rs"]
mod model;
#[path = "store/opening.rs"]
mod opening;
#[path = "store/speed.rs"]
mod speed;
