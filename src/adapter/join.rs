//! Joining as a manifest tells it: ways, their steps, the dialects of a step, and what to learn afterwards.

use serde::{Deserialize, Deserializer};
use serde_json::Value;
use std::collections::BTreeMap;

use super::call::{Call, calling, needed};
use super::outcome::Sign;
use super::plain::{OneOrMany, Span, Table, read_table};
use super::pointer::{Pointer, Pointers};

/// Joining.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Join {
    /// The ways in; the first whose `needs` are all given is taken.
    pub ways: Table<Way>,
    /// What the bridge must know of itself, asked once signed in. What is known already is not asked for.
    #[serde(default)]
    pub learn: Vec<Learn>,
}

/// One way in.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Way {
    /// Settings and secrets without which it cannot be tried.
    pub needs: Vec<String>,
    /// The session it leads to.
    pub session: String,
    /// What is done, in order; none where signing in is all.
    #[serde(default)]
    pub steps: Vec<Step>,
}

/// One step, in one dialect or several: the next is tried where the answer looks like `next_on`, or, where all are gets,
/// where the answer is none of an API. Later steps speak the dialect of the same name.
#[derive(Clone, Debug)]
pub struct Step {
    /// At least one. The step's own `outcomes` stand behind those of each dialect.
    pub dialects: Vec<Dialect>,
    /// It is asked again until somebody has decided.
    pub wait: Option<Wait>,
    /// It is carried out once, and an answer that is lost is lost for good.
    pub once: Option<Once>,
    /// Its answer is text for the agent, which is kept; without it the join goes on all the same.
    pub onboarding: bool,
}

impl Step {
    /// Whether it finds out by gets which dialect a host speaks.
    pub fn finds(&self) -> bool {
        self.dialects.len() > 1 && self.dialects.iter().all(|dialect| dialect.call.method == http::Method::GET)
    }
}

/// What tells whether a step was carried out whose answer was lost.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Once {
    /// A fact that an earlier get of the way takes: it changes when the step is carried out.
    pub by: String,
    /// Words of `tell` for when it was carried out and its answer was lost: what to ask for.
    pub lost: String,
}

/// How long a step is asked again.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wait {
    /// The name of `take` that is there once it is approved.
    pub r#for: String,
    /// How often it is asked.
    pub every: Span,
    /// Where the answer says when the asking ends: RFC 3339, or seconds or milliseconds since 1970.
    #[serde(default)]
    pub ends: Pointers,
    /// Outcomes that mean: nobody decided in time. Any other that a rule names is a refusal.
    #[serde(default)]
    pub expired: OneOrMany<String>,
    /// The step itself brings what an approval gives, once; none: it only asks.
    pub claim: Option<Claim>,
}

/// A step that is asked again and brings, once, what cannot be asked for a second time.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claim {
    /// Outcomes that mean: nobody has decided yet, as far as the platform tells.
    pub pending: OneOrMany<String>,
    /// Outcomes that mean: it was approved, and what it gave can be had no more.
    #[serde(default)]
    pub spent: OneOrMany<String>,
    /// It is asked no more often than this in all, across restarts.
    pub most: u64,
    /// Nor for longer than this.
    pub within: Span,
    /// Words of `tell` for when an answer was lost that may have brought it: what to ask for.
    pub lost: String,
    /// Asked before each claim, where the platform tells more there: an outcome of it is a refusal.
    #[serde(default, deserialize_with = "plain_call")]
    pub look: Option<Call>,
}

impl Way {
    /// The step that waits for somebody, if one does.
    pub fn waits_at(&self) -> Option<usize> {
        self.steps.iter().position(|step| step.wait.is_some())
    }
}

/// One dialect of a step.
#[derive(Clone, Debug)]
pub struct Dialect {
    /// What it is called, for people; empty where a step has only one.
    pub name: String,
    /// Settings and secrets without which it cannot be tried.
    pub needs: Vec<String>,
    /// The request.
    pub call: Call,
    /// The answer that means: this host speaks the next dialect.
    pub next_on: Option<Sign>,
    /// Done next, already signed in with the token just taken.
    pub then: Vec<Call>,
    /// The session it leads to, where that is not the way's.
    pub session: Option<String>,
}

/// Something to learn once signed in.
#[derive(Clone, Debug)]
pub enum Learn {
    /// From the claims of a JWT (RFC 7519, section 4), unverified, for it came from the platform itself.
    Claims {
        /// Which token: `token`, or the name of a secret.
        of: String,
        /// Facts and where they stand among the claims.
        take: Table<Pointers>,
    },
    /// From an answer.
    Read {
        /// The request; its `take` finds the facts.
        call: Box<Call>,
        /// Where they stand in one item of a list.
        first: Option<First>,
        /// Proves the session where the request is not there, or not now (404, 429): the facts stay unknown, and are
        /// asked for again.
        r#else: Option<Box<Call>>,
    },
}

impl Learn {
    /// The facts it may teach.
    pub fn teaches(&self) -> &Table<Pointers> {
        match self {
            Self::Claims { take, .. } => take,
            Self::Read { call, .. } => &call.take,
        }
    }

    /// The facts in an answer (or in the claims).
    pub fn read(&self, body: &Value) -> BTreeMap<String, Value> {
        let found = match self {
            Self::Read { first: Some(first), .. } => first.find(body),
            _ => Some(body),
        };
        found.map(|body| super::call::take(self.teaches(), body)).unwrap_or_default()
    }
}

/// The first item of a list whose fields have these values.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct First {
    /// The list; `null` counts as empty.
    pub of: Pointer,
    /// Fields of an item, and the text each must have.
    pub r#where: Table<String>,
}

impl First {
    /// The item.
    pub fn find<'a>(&self, body: &'a Value) -> Option<&'a Value> {
        let fits = |item: &&Value| {
            self.r#where
                .iter()
                .all(|(at, text)| item.pointer(at).and_then(super::pointer::text).as_deref() == Some(text))
        };
        self.of.find(body)?.as_array()?.iter().find(fits)
    }
}

calling!(RawStep { dialects: Vec<Dialect>, wait: Option<Wait>, once: Option<Once>, onboarding: bool, });
calling!(RawDialect {
    name: String,
    needs: Vec<String>,
    next_on: Option<Sign>,
    then: Vec<PlainCall>,
    session: Option<String>,
});
calling!(RawPlain {});
calling!(RawLearn { claims: Option<String>, first: Option<First>, r#else: Option<PlainCall>, });

/// Reads a call that has no keys of its own.
fn plain_call<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Call>, D::Error> {
    PlainCall::deserialize(deserializer).map(|PlainCall(call)| Some(call))
}

/// A call and nothing beside it.
pub(super) struct PlainCall(pub Call);

impl<'de> Deserialize<'de> for PlainCall {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read_table(deserializer, Self::of)
    }
}

impl PlainCall {
    fn of(mut raw: RawPlain) -> Result<Self, String> {
        raw.call().and_then(needed).map(Self)
    }
}

impl<'de> Deserialize<'de> for Dialect {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read_table(deserializer, Self::of)
    }
}

impl Dialect {
    fn of(mut raw: RawDialect) -> Result<Self, String> {
        let call = raw.call().and_then(needed)?;
        let then = raw.then.into_iter().map(|PlainCall(call)| call).collect();
        Ok(Self { name: raw.name, needs: raw.needs, call, next_on: raw.next_on, then, session: raw.session })
    }
}

impl<'de> Deserialize<'de> for Step {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read_table(deserializer, Self::of)
    }
}

impl Step {
    fn of(mut raw: RawStep) -> Result<Self, String> {
        let common = raw.outcomes.clone();
        let mut dialects = std::mem::take(&mut raw.dialects);
        let (wait, once, onboarding) = (raw.wait.take(), raw.once.take(), raw.onboarding);
        match raw.call()? {
            Some(_) if !dialects.is_empty() => return Err("a request and `dialects` stand here: keep one".to_owned()),
            Some(call) => {
                let (name, needs, then) = (String::new(), Vec::new(), Vec::new());
                dialects.push(Dialect { name, needs, call, next_on: None, then, session: None });
            }
            None if dialects.is_empty() => drop(needed(None)?),
            None => {
                for dialect in &mut dialects {
                    dialect.call.outcomes.extend(common.iter().cloned());
                }
            }
        }
        Ok(Self { dialects, wait, once, onboarding })
    }
}

impl<'de> Deserialize<'de> for Learn {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read_table(deserializer, Self::of)
    }
}

impl Learn {
    fn of(mut raw: RawLearn) -> Result<Self, String> {
        let Some(of) = raw.claims.take() else {
            let call = raw.call().and_then(needed)?;
            let otherwise = raw.r#else.take().map(|PlainCall(call)| Box::new(call));
            return Ok(Self::Read { call: Box::new(call), first: raw.first, r#else: otherwise });
        };
        let take = std::mem::take(&mut raw.take);
        match raw.call()? {
            Some(_) => Err("a request and `claims` stand here: keep one".to_owned()),
            None => Ok(Self::Claims { of, take }),
        }
    }
}
