//! Requests to places that a platform names: an upload target, another server. No credential goes there (P8).

use super::Session;
use crate::http::{Failure, Origin, Reach, Request, Response, Upgrade};

impl Session {
    /// Sends a request as it stands, to public addresses only; also to this machine where the workspace was itself
    /// joined on it. Nothing but a GET follows a redirect, and that only within its origin.
    pub async fn send_outside(&self, mut request: Request) -> Result<Response, Failure> {
        request.bounds.reach = self.reach();
        self.0.means.network.call(request).await
    }

    /// The same for a request that asks for another protocol.
    pub async fn upgrade_outside(&self, mut request: Request) -> Result<Upgrade, Failure> {
        request.bounds.reach = self.reach();
        self.0.means.network.upgrade(request).await
    }

    fn reach(&self) -> Reach {
        let here = Origin::of(&self.0.base).is_ok_and(|base| base.is_loopback());
        if here { Reach::PublicOrLoopback } else { Reach::Public }
    }

    /// The names of the headers that carry the session's credential.
    pub fn credential_headers(&self) -> impl Iterator<Item = &str> {
        self.0.spec.header.names()
    }
}
