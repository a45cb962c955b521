//! The simulated platform `agentworkspace` against its document and the field notes.

mod calendar;
mod contract;
mod documents;
mod email;
mod hook;
mod serving;
mod share;
mod support;
