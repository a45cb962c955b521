//! The simulated platform `office` against its document and the field notes.

mod chat;
mod contract;
mod dashboard;
mod groups;
mod join;
#[path = "../shared/lines.rs"]
mod lines;
#[path = "../shared/listener.rs"]
mod listener;
mod serving;
mod shapes;
#[path = "../shared/socket.rs"]
mod socket;
mod support;
