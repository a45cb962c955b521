//! `agent-bridge` holds an agent's seats in many workspaces: one durable feed in, actions with receipts out.
//!
//! Two paths run through the house (ARCHITECTURE.md walks them):
//!
//! ```text
//! event :  platform → line → normalise → store → deliver → local agent
//! action:  local agent → api → store → outbox → session → platform
//! ```
//!
//! Which module may use which; `tests/architecture.rs` reads this map and fails on an arrow it does not draw:
//!
//! ```text arrows
//! main      → cli
//! cli       → daemon config api workspace join outbox session deliver ingress adapter http store consumer action event clock
//! daemon    → config api workspace join outbox session normalise deliver ingress serve adapter http store consumer action event clock pulse
//! api       → config workspace join outbox session deliver ingress serve adapter http store consumer action event clock
//! config    → workspace line outbox session deliver ingress serve adapter http store retry consumer event clock
//! workspace → line document outbox session ingress normalise adapter http store retry action attention event clock pulse
//! line      → document session normalise adapter http store retry action event clock
//! outbox    → document session normalise adapter http store retry action event clock failpoint pulse
//! join      → session ingress normalise adapter http store retry event clock
//! session   → adapter http store retry event clock failpoint
//! deliver   → store retry consumer action attention event clock failpoint
//! ingress   → http store event
//! normalise → adapter store event
//! adapter   → http event
//! store     → consumer action attention event clock failpoint
//! http      → clock failpoint
//! retry     → clock
//! consumer  → event
//! action    → event
//! attention → event
//! event     →
//! clock     →
//! serve     →
//! failpoint →
//! pulse     →
//! document  →
//! ```

pub mod action;
pub mod adapter;
pub mod api;
pub mod attention;
pub mod cli;
pub mod clock;
pub mod config;
pub mod consumer;
pub mod daemon;
pub mod deliver;
pub mod document;
pub mod event;
pub mod failpoint;
pub mod http;
pub mod ingress;
pub mod join;
pub mod line;
pub mod normalise;
pub mod outbox;
pub mod pulse;
pub mod retry;
pub mod serve;
pub mod session;
pub mod store;
pub mod workspace;
