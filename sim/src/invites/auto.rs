//! An operator who approves everything, so that anyone can try an agent without an account.

use std::{convert::Infallible, time::Duration};

use super::{Dialect, Sim};

/// Approves one request after the other, each so long after it was seen.
pub(super) async fn approve<D: Dialect>(sim: &Sim<D>, after: Duration) -> Infallible {
    loop {
        let request = sim.wait_some(|world| world.pending().next().map(|it| it.id.clone())).await;
        tokio::time::sleep(after).await;
        // Somebody else may have decided meanwhile: then there is nothing left to do.
        sim.approve(&request);
    }
}
