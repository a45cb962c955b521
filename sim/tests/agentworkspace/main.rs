//! The simulated platform `agentworkspace` against its document and the field notes.

mod calendar;
mod contract;
mod documents;
mod editor;
mod email;
mod hook;
#[path = "../shared/lines.rs"]
mod lines;
mod live;
mod live_faults;
mod serving;
mod share;
#[path = "../shared/socket.rs"]
mod socket;
mod support;
