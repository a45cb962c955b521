//! Grants and their tokens: made, renewed, ended.

use std::time::Duration;

use serde_json::json;

use super::{
    answer::{Refusal, refuse},
    events::Happening,
    options::{Reuse, Tokens},
    record::{Access, Account, CAPABILITIES, Grant, GrantId, Refresh},
    wire,
    world::World,
};
use crate::jwt;

impl World {
    /// A time from now, in milliseconds since 1970.
    pub(crate) fn after(&self, lifetime: Duration) -> u64 {
        self.now().saturating_add(u64::try_from(lifetime.as_millis()).unwrap_or(u64::MAX))
    }

    /// A grant of `owner` with an account for its agent and its first tokens.
    pub(crate) fn make_grant(&mut self, owner: &str, name: &str, callback_url: Option<String>) -> GrantId {
        let (id, account) = (self.next_id(), self.next_id());
        let handle = format!("agent-{account}@speakeasy.test");
        let agent = Account {
            id: account,
            handle: handle.clone(),
            name: name.into(),
            agent: true,
            listed: false,
            discovery: None,
        };
        self.accounts.insert(handle.clone(), agent);
        let refresh = Refresh {
            token: self.ids.secret("refresh_"),
            expires: self.after(self.options.refresh_lifetime),
            before: None,
            spent: Vec::new(),
        };
        let grant = Grant {
            id,
            account,
            handle,
            owner: owner.into(),
            callback_url,
            webhook_secret: self.ids.secret("whsec_"),
            revoked: false,
            capabilities: CAPABILITIES.into_iter().map(|it| (it, !self.options.lacking.contains(&it))).collect(),
            access: Vec::new(),
            refresh,
        };
        self.grants.insert(id, grant);
        self.issue_access(id);
        id
    }

    /// One more access token for a grant.
    fn issue_access(&mut self, grant: GrantId) {
        let expires = self.after(self.options.access_lifetime);
        let token = self.access_token(grant, expires);
        let alone = self.options.old_access_dies;
        if let Some(grant) = self.grants.get_mut(&grant) {
            if alone {
                grant.access.clear();
            }
            grant.access.push(Access { token, expires });
        }
    }

    fn access_token(&mut self, grant: GrantId, expires: u64) -> String {
        let (subject, jti) = (grant.to_string(), self.ids.uuid());
        match self.options.tokens {
            Tokens::Opaque => self.ids.secret("access_"),
            Tokens::Jwt => {
                self.served("token.jwt_exp");
                jwt::sign(&json!({"sub": subject, "jti": jti, "exp": expires / 1000}), &self.key)
            }
            Tokens::JwtExpiresAt => {
                self.served("token.jwt_expires_at");
                jwt::sign(&json!({"sub": subject, "jti": jti, "expires_at": wire::time(expires)}), &self.key)
            }
        }
    }

    /// Takes a refresh token; says whose it is and whether a new one was made. An access token that comes
    /// with it must not be another grant's.
    pub(crate) fn refresh(&mut self, token: &str, beside: Option<&str>) -> Result<(GrantId, bool), Refusal> {
        let now = self.now();
        let held = |it: &&mut Grant| it.refresh.token == token || it.refresh.spent.iter().any(|old| old == token);
        let Some(grant) = self.grants.values_mut().find(held) else {
            return Err(refuse(401, "unauthorized", "refresh.401_unknown"));
        };
        let id = grant.id;
        if grant.revoked {
            return Err(refuse(401, "unauthorized", "refresh.401_revoked"));
        }
        if grant.refresh.expires <= now {
            return Err(refuse(401, "unauthorized", "refresh.401_expired"));
        }
        let spent = grant.refresh.token != token;
        let holds = |it: &Grant| it.access.iter().any(|own| Some(own.token.as_str()) == beside);
        if self.grants.values().any(|it| it.id != id && holds(it)) {
            return Err(refuse(401, "unauthorized", "refresh.401_mismatched"));
        }
        if spent {
            self.once_more(id, token)?;
        }
        let rotated = self.options.rotation;
        if rotated {
            self.rotate(id, token);
        }
        self.issue_access(id);
        Ok((id, rotated))
    }

    /// A spent token: taken where it was spent last and the grace is not used up, else refused.
    fn once_more(&mut self, grant: GrantId, token: &str) -> Result<(), Refusal> {
        let kills = self.options.reuse == Reuse::KillTokens;
        let Some(grant) = self.grants.get_mut(&grant) else {
            return Ok(());
        };
        match &mut grant.refresh.before {
            Some((before, left)) if before == token && *left > 0 => {
                *left -= 1;
                self.served("refresh.200_grace");
                Ok(())
            }
            _ if kills => {
                grant.access.clear();
                grant.refresh.expires = 0;
                Err(refuse(401, "unauthorized", "refresh.401_reuse_kills"))
            }
            _ => Err(refuse(401, "unauthorized", "refresh.401_reuse")),
        }
    }

    fn rotate(&mut self, grant: GrantId, used: &str) {
        let (fresh, expires) = (self.ids.secret("refresh_"), self.after(self.options.refresh_lifetime));
        let grace = self.options.grace;
        if let Some(Grant { refresh, .. }) = self.grants.get_mut(&grant) {
            let old = std::mem::replace(&mut refresh.token, fresh);
            refresh.expires = expires;
            // A reply that was lost leaves a token that nobody knows; what counts is the one that was used.
            if old == used {
                refresh.before = Some((old.clone(), grace));
            }
            refresh.spent.push(old);
        }
    }

    /// Ends a grant; its last event says so. False when there is none that stands.
    pub(crate) fn revoke(&mut self, grant: GrantId) -> bool {
        let Some(found) = self.grants.get_mut(&grant).filter(|it| !it.revoked) else {
            return false;
        };
        found.revoked = true;
        let (actor, handle) = (found.owner.clone(), found.handle.clone());
        let payload = json!({"grant": {"id": grant, "agent_handle": handle}});
        let event_type = "grant.revoked";
        self.record(grant, &Happening { event_type, topic: None, chat: None, actor: Some(actor), payload });
        self.served("events.grant.revoked");
        true
    }
}
