//! The simulated platform `agentworkspace` against its document and the field notes.

mod calendar;
mod contract;
mod documents;
mod editor;
mod email;
mod hook;
mod live;
mod live_faults;
mod serving;
mod share;
mod support;
