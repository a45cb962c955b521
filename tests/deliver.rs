//! Consumers on a real store: what is delivered, in which order, how it leaves, and what is written with it.
#![allow(clippy::unwrap_used, reason = "a test tells what went wrong by failing")]

#[path = "deliver/flow.rs"]
mod flow;
#[path = "deliver/pace.rs"]
mod pace;
#[path = "deliver/retention.rs"]
mod retention;
#[path = "deliver/settle.rs"]
mod settle;
#[path = "deliver/support.rs"]
mod support;
#[path = "deliver/webhook.rs"]
mod webhook;
