//! The attack table: each line a test, on the real binary. `docs/security.md` says which test shows what.

mod bombs;
mod canaries;
mod colliding;
mod doors;
mod drafts;
mod elsewhere;
mod front;
mod hostile;
mod pages;
pub mod peer;
mod platform;
mod pushed;
mod signatures;
mod store_file;
mod users;
