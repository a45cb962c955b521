//! The simulated platforms of invites, asked the way a bridge would ask them.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails, and says where")]

mod contract;
#[path = "../shared/lines.rs"]
mod lines;
mod operator;
mod paperclip;
mod serving;
mod support;
mod thinkwork;
