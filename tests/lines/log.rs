//! A platform that is an event log: nothing lost, nothing doubled, in the log's order, and on it goes.

#[path = "log/bench.rs"]
mod bench;
#[path = "log/cursors.rs"]
mod cursors;
#[path = "log/feeds.rs"]
mod feeds;
#[path = "log/members.rs"]
mod members;
#[path = "log/places.rs"]
mod places;
#[path = "log/platform.rs"]
mod platform;
#[path = "log/seats.rs"]
mod seats;
#[path = "log/troubles.rs"]
mod troubles;
