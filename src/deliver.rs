//! Delivers the feed to consumers: each event until it is acked, rejected, given up or expired, and never twice at once.
//!
//! ```text
//! store ─▶ Task (one per consumer: Lanes decides) ─▶ Subscription ─▶ socket, or Webhook
//!   ▲                    │  ▲
//!   └──── Batch ─────────┘  └── ConsumerHandle: ack · reply · nack · extend · reject
//! ```
//!
//! One task owns a consumer's state, so nothing here is locked; [`lanes`] decides without I/O; the mark and what
//! rides on an ack commit in one batch (P5).

mod accept;
mod call;
mod check;
mod handle;
mod lanes;
mod reach;
mod registry;
mod retention;
mod room;
mod subscription;
mod task;
mod webhook;

pub use accept::{Acceptable, Refused};
pub use call::{Refusal, Settle, Settled, Subscribe, Which};
pub use check::PutError;
pub use handle::{Answer, ConsumerHandle, Letter, Status};
pub use lanes::{Bounds, MAX_IN_FLIGHT, Standing};
pub use registry::Consumers;
pub use retention::Times;
pub use room::OnFull;
pub use subscription::{Closed, Delivery, ReaderId, Subscription};
pub use task::{Ground, letter_event};
pub use webhook::{BadUrl, SECRET, SECRET_BEFORE, Target, is_weak};
