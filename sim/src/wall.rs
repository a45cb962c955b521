//! Wall time, which a test may set.

use std::{
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

/// Wall time in milliseconds since 1970.
pub type Wall = Arc<dyn Fn() -> u64 + Send + Sync>;

/// The machine's own.
pub(crate) fn system() -> Wall {
    Arc::new(|| {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    })
}
