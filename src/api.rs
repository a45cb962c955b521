//! The local API: one set of verbs, two doors (a Unix socket and HTTP).
//!
//! ```text
//! socket, http ─▶ Bridge::begin(verb, params) ─▶ store · Readers (deliver) · Workspaces (lines)
//! ```

pub mod bind;
pub mod bridge;
pub mod http;
pub mod lines;
pub mod params;
pub mod problem;
pub mod readers;
pub mod rpc;
pub mod settle;
pub mod socket;
pub mod trace;
pub mod verb;
pub mod view;
pub mod workspaces;

pub use bridge::{Begun, Bridge, Caller, Parts};
pub use problem::Problem;
pub use readers::Readers;
pub use verb::Verb;
pub use workspaces::Workspaces;
