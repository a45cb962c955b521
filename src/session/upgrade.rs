//! Connections that stay: their credential is shown once, in the opening, and can be refused long after.

use http::HeaderMap;

use super::token::Token;
use super::{Error, Session, TOKEN};
use crate::adapter::{Call, Root};
use crate::http::{Bounds, Upgrade};

/// The credential with which a connection was opened. Prints nothing of it.
#[derive(Clone)]
pub struct Shown(Option<Token>);

impl std::fmt::Debug for Shown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Shown")
    }
}

impl Session {
    /// Asks for another protocol, once, whatever the answer. The call may name `{session.token}`, in its query too.
    pub async fn upgrade(&self, call: &Call, extra: HeaderMap, bounds: Bounds) -> Result<(Upgrade, Shown), Error> {
        let used = self.credential().await?;
        let mut scope = self.scope();
        if let Some(token) = &used {
            scope = scope.with_secret(Root::Session, TOKEN, token.secret.clone());
        }
        let mut request = call.request(&self.0.base, &scope)?;
        request.headers.extend(extra);
        request.bounds = bounds;
        let answer = self.0.means.network.upgrade(self.dress(request, used.as_ref())?).await?;
        Ok((answer, Shown(used)))
    }

    /// The connection does not accept the credential: a new one, if nobody has got one meanwhile.
    pub async fn renounce(&self, shown: Shown) -> Result<(), Error> {
        self.refused(shown.0).await.map(drop)
    }

    /// It does not accept the new one either. An error is the end of it; else the rest of the platform may be well.
    pub async fn refused_again(&self) -> Result<(), Error> {
        self.repeated(401).await
    }

    /// The connection accepts the credential.
    pub fn prove(&self) {
        self.accepted();
    }
}
