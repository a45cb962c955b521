//! Looks at the places the daemon works in before it opens anything there.

use tracing::warn;

use super::Failure;
use crate::config::places::Places;
use crate::config::{Config, guarded};

/// Refuses a state and secrets that others could replace; says which secrets everybody may read.
pub fn check(config: &Config, places: &Places) -> Result<(), Failure> {
    guarded::directory(&places.state)?;
    let own = places.state.join("vault.key");
    for secret in config.secret_files().chain([own.as_path()]) {
        guarded::file(secret)?;
        if guarded::is_open(secret) {
            let path = secret.display();
            warn!(%path, "everybody on this machine may read this secret: `chmod o-r` it, and make a new one");
        }
    }
    Ok(())
}
