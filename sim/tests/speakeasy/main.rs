//! The simulated platform `speakeasy` against its document and the field notes.

mod access;
mod chats;
mod contract;
mod events;
mod files;
mod idempotency;
mod serving;
mod support;
mod topics;
