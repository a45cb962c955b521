//! The listener for platforms' webhooks: what strangers learn (nothing), what the platform is told, and when.

mod answers;
mod daemon;
mod gate;
mod paths;
mod signatures;
mod strangers;
