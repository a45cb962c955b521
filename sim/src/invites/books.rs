//! How often each kind of request came, and how densely: a bridge that waits a week must wait quietly.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use serde::Serialize;

/// How many arrivals of a kind are remembered with their time: ten a minute for a week.
const KEPT: usize = 100_800;

/// A kind of request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Call {
    /// `GET` of the link that an operator hands out.
    Link,
    /// `GET` of an invite's summary.
    Summary,
    /// `GET` of the onboarding text or manifest.
    Onboarding,
    /// `POST` that accepts an invite.
    Accept,
    /// `POST` that claims a key.
    Claim,
    /// `GET` of the agent whose key asks.
    Myself,
    /// Anything on the operator's side, which no runtime may call.
    Internal,
    /// Anything else.
    Other,
}

impl Call {
    /// What a request is, by its method and path.
    pub(crate) fn of(method: &str, path: &str) -> Self {
        let path = path.trim_end_matches('/');
        let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        match (method, parts.as_slice()) {
            (_, ["internal", ..]) => Self::Internal,
            ("POST", [.., "accept"]) => Self::Accept,
            ("POST", [.., "claim-api-key"]) => Self::Claim,
            ("GET", ["api", "agents", "me"]) => Self::Myself,
            ("GET", [.., "onboarding" | "onboarding.txt"]) => Self::Onboarding,
            ("GET", ["api", "invites", _]) => Self::Summary,
            ("GET", ["invite", _]) => Self::Link,
            _ => Self::Other,
        }
    }
}

/// Arrivals, in milliseconds since 1970.
#[derive(Debug, Default)]
pub(crate) struct Books {
    calls: BTreeMap<Call, Calls>,
}

#[derive(Debug, Default)]
struct Calls {
    count: usize,
    at: VecDeque<u64>,
}

impl Books {
    pub(crate) fn arrived(&mut self, call: Call, at: u64) {
        let calls = self.calls.entry(call).or_default();
        calls.count += 1;
        calls.at.push_back(at);
        if calls.at.len() > KEPT {
            calls.at.pop_front();
        }
    }

    pub(crate) fn count(&self, call: Call) -> usize {
        self.calls.get(&call).map_or(0, |it| it.count)
    }

    pub(crate) fn times(&self, call: Call) -> impl Iterator<Item = u64> {
        self.calls.get(&call).into_iter().flat_map(|it| it.at.iter().copied())
    }

    /// The most arrivals in any window of this length that is open at its end.
    pub(crate) fn busiest(&self, call: Call, window: Duration) -> usize {
        let window = u64::try_from(window.as_millis()).unwrap_or(u64::MAX);
        let (mut open, mut most) = (VecDeque::new(), 0);
        for at in self.times(call) {
            open.push_back(at);
            while open.front().is_some_and(|first| first.saturating_add(window) <= at) {
                open.pop_front();
            }
            most = most.max(open.len());
        }
        most
    }

    pub(crate) fn counts(&self) -> BTreeMap<Call, usize> {
        self.calls.iter().map(|(call, it)| (*call, it.count)).collect()
    }
}
