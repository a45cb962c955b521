//! Takes platforms' webhooks: verifies before it parses, and says "I have it" only after the commit.
//!
//! ```text
//! POST {public_url}/hooks/{workspace}/{unguessable} ─▶ bytes ─▶ path and signature ─▶ JSON ─▶ who runs the line ─▶ 204
//! ```
//!
//! A listener of its own, so that it alone can be put behind a public proxy. A delivery is a hint (P3): whoever runs the
//! workspace's line learns of it by [`Hooks`], reads the platform's own order of events, and answers once the event is
//! committed. Whatever keeps it from doing so is a 503, and the platform sends the delivery again.
//!
//! A stranger learns nothing: an unknown workspace, a wrong path, a workspace whose platform has no webhooks, a missing
//! secret and a bad signature get one answer, after the same work. Only the path, the signature and the signed bytes
//! decide anything; headers that are not signed (delivery id, time, grant, content type) decide nothing.

mod answer;
mod callback;
mod door;
mod expect;
mod hooks;
mod public_url;
mod signature;

pub use answer::{Answer, Tally};
pub use callback::{CALLBACK_URL, HOOK_PATH, callback_url, hook_path, moved, told_base, untold};
pub use door::{Bounds, Door, router};
pub use expect::{Expectation, Expectations, Way};
pub use hooks::{Hook, Hooks, Taken};
pub use public_url::{BadPublicUrl, PublicUrl};
pub use signature::Signature;
