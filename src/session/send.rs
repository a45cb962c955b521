//! Sends requests in the workspace's name: authorised, and after a 401 once more with a new token.

use http::{HeaderMap, HeaderValue};

use super::token::Token;
use super::{Error, Session, TOKEN};
use crate::adapter::{self, Call, Root, Scope};
use crate::http::{Body, Request, Response, Stream};

impl Session {
    /// Builds, authorises and sends a call; after a 401 once more with a new token.
    pub async fn call(&self, call: &Call, scope: Scope) -> Result<Response, Error> {
        self.send(self.prepare(call, scope)?).await
    }

    /// Authorises and sends a request that is complete but for its credentials; after a 401 once more.
    pub async fn send(&self, request: Request) -> Result<Response, Error> {
        if request.bare {
            self.may_act()?;
            return Ok(self.0.means.network.call(request).await?);
        }
        let used = self.credential().await?;
        let answer = self.0.means.network.call(self.dress(request.clone(), used.as_ref())?).await?;
        self.heard(answer.status);
        if answer.status != 401 {
            self.accepted();
            return Ok(answer);
        }
        let fresh = self.refused(used).await?;
        let answer = self.0.means.network.call(self.dress(request, Some(&fresh))?).await?;
        self.repeated(answer.status).await?;
        Ok(answer)
    }

    /// Sends a request with the credential at hand, once, whatever the seat says: where the platform has taken the seat
    /// away, a renewal is refused, and yet what was said last may still be read.
    pub async fn send_at_last(&self, request: Request) -> Result<Response, Error> {
        let held = self.held();
        let answer = self.0.means.network.call(self.dress(request, held.as_ref())?).await?;
        self.heard(answer.status);
        Ok(answer)
    }

    /// [`Self::call`] for an answer whose body goes on. `extra` headers go along (`accept`, `last-event-id`).
    pub async fn stream(&self, call: &Call, scope: Scope, extra: HeaderMap) -> Result<Stream, Error> {
        let mut request = self.prepare(call, scope)?;
        request.headers.extend(extra);
        let used = self.credential().await?;
        let answer = self.0.means.network.open(self.dress(request.clone(), used.as_ref())?).await?;
        self.heard(answer.status);
        if answer.status != 401 {
            self.accepted();
            return Ok(answer);
        }
        drop(answer);
        let fresh = self.refused(used).await?;
        let answer = self.0.means.network.open(self.dress(request, Some(&fresh))?).await?;
        self.repeated(answer.status).await?;
        Ok(answer)
    }

    /// The request of a call, without credentials: settings and facts, then `scope`.
    pub fn prepare(&self, call: &Call, scope: Scope) -> Result<Request, Error> {
        self.build(call, &self.scope().and(scope), None)
    }

    /// The same with another body: a form with files, or bytes that were stored before the first try.
    pub fn prepare_with(&self, call: &Call, scope: Scope, body: Body) -> Result<Request, Error> {
        self.build(call, &self.scope().and(scope), Some(body))
    }

    /// Adds credentials to a request, renewing them first where that is due. The origin must be the workspace's own.
    pub async fn authorise(&self, request: Request) -> Result<Request, Error> {
        let token = self.credential().await?;
        self.dress(request, token.as_ref())
    }

    /// Adds the session's headers. A credential goes to its own origin and nowhere else (P8).
    pub(super) fn dress(&self, mut request: Request, token: Option<&Token>) -> Result<Request, Error> {
        if request.url.expose().origin() != self.0.base.origin() {
            return Err(Error::Foreign { host: request.url.host() });
        }
        let mut scope = self.secret_scope();
        if let Some(token) = token {
            scope = scope.with_secret(Root::Session, TOKEN, token.secret.clone());
        }
        for (name, mut value) in adapter::headers(&self.0.spec.header, &scope)?.iter().map(|(n, v)| (n, v.clone())) {
            HeaderValue::set_sensitive(&mut value, true);
            request.headers.insert(name, value);
        }
        Ok(request)
    }
}
