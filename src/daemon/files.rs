//! How many files the process may have open: each workspace holds a connection, and 1,024, the soft limit that most
//! systems begin with, would be all of them.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tracing::debug;

/// Raises the soft limit to the hard one. Where that is not allowed, what is there has to do.
pub fn raise_limit() {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current == maximum {
        return;
    }
    if let Err(why) = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }) {
        debug!(%why, ?current, "the limit of open files stays");
    }
}
