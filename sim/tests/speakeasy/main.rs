//! The simulated platform `speakeasy` against its document and the field notes.

mod access;
mod chats;
mod contract;
mod events;
mod files;
mod idempotency;
#[path = "../shared/lines.rs"]
mod lines;
mod serving;
#[path = "../shared/socket.rs"]
mod socket;
mod support;
mod topics;
