//! One request to a platform, and what is read from its answer. Pure: who signs and sends it is the session.

mod parts;

use std::collections::BTreeMap;

use bytes::Bytes;
use http::Method;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;
use url::Url;

use super::json::Json;
use super::manifest::{Manifest, SessionFlavour};
use super::outcome::{self, Outcome, Rule};
use super::path::Path;
use super::plain::Table;
use super::pointer::Pointers;
use super::scope::{Root, Scope};
use super::template::{Missing, Reference, Template};
use crate::http::{Body, Bounds, PrivateUrl, Request};
pub(super) use parts::{Parts, calling, needed};

/// What stands under `as` where a request is made without any credential.
pub const NOBODY: &str = "nobody";

/// One request and what is read from its answer.
#[derive(Clone, Debug)]
pub struct Call {
    /// `GET`, `POST`, …
    pub method: Method,
    /// Where, behind `http.base`, or behind the path of the session that `under` names.
    pub path: Path,
    /// The session by which it is made, where that is not the workspace's own (`as`).
    pub under: Option<String>,
    /// It is made under a document's own path, and so about the document that the argument `conversation` names.
    pub in_document: bool,
    /// Headers beside the session's own.
    pub header: Table<Template>,
    /// The body.
    pub json: Option<Json>,
    /// What is taken from the answer, by name. A name that `ask` lists goes there; `token` is the session's; any
    /// other is a fact.
    pub take: Table<Pointers>,
    /// What answers mean, before the manifest's own `outcomes`.
    pub outcomes: Vec<Rule>,
}

/// Why a request cannot be built. Names values, never shows one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// A value is missing.
    #[error(transparent)]
    Missing(#[from] Missing),
    /// A value would change the path.
    #[error("`{name}` cannot be part of a path: it is empty or made of dots")]
    Segment {
        /// Which value.
        name: String,
    },
    /// A value would change the header.
    #[error("the header `{name}` cannot carry its value: it has a line break, a NUL or another control character")]
    Header {
        /// Which header.
        name: String,
    },
}

impl Call {
    /// The request. `base` is the rendered `http.base`; values are encoded, so that none can leave its place.
    pub fn request(&self, base: &Url, scope: &Scope) -> Result<Request, CallError> {
        let body = self.body(scope)?;
        self.request_with(base, scope, body.map_or(Body::Empty, json))
    }

    /// `GET /`, which stands where nothing is asked.
    pub(super) fn root() -> Self {
        let path = "/".parse().expect("it is a path");
        let (header, take) = (Table::default(), Table::default());
        Self {
            method: Method::GET,
            path,
            under: None,
            in_document: false,
            header,
            json: None,
            take,
            outcomes: Vec::new(),
        }
    }

    /// The body alone, serialised; none where the call has none.
    pub fn body(&self, scope: &Scope) -> Result<Option<String>, CallError> {
        Ok(self.json.as_ref().map(|json| json.render(scope)).transpose()?.map(|body| body.to_string()))
    }

    /// The same with another body: a form with files, or bytes that were stored before the first try.
    pub fn request_with(&self, base: &Url, scope: &Scope, body: Body) -> Result<Request, CallError> {
        let url = self.url(base, scope)?;
        let headers = headers(&self.header, scope)?;
        Ok(Request { method: self.method.clone(), url, headers, body, bounds: Bounds::default(), bare: false })
    }

    /// What the answer means: the call's own rules first, then the manifest's, then the status.
    pub fn outcome(&self, manifest: &Manifest, status: u16, body: &[u8]) -> Outcome {
        match outcome::read(self.outcomes.iter().chain(&manifest.outcomes), status, body) {
            Some(rule) => Outcome::Named {
                is: rule.is.clone(),
                message: manifest.tell.get(&rule.is).cloned(),
                go: rule.go.clone(),
                after_loss: rule.after_loss.clone(),
            },
            None if (200..300).contains(&status) => Outcome::Ok,
            None => Outcome::Status(status),
        }
    }

    /// What `take` finds in the answer; names whose pointers find nothing are left out.
    pub fn take(&self, body: &Value) -> BTreeMap<String, Value> {
        take(&self.take, body)
    }

    /// What path, headers and body name.
    pub fn references(&self) -> Vec<&Reference> {
        let headers = self.header.iter().flat_map(|(_, value)| value.references());
        let body = self.json.iter().flat_map(Json::references);
        self.path.references().chain(headers).chain(body).collect()
    }

    /// The arguments of an action or a question that this call takes, each with whether it may be missing.
    pub fn arguments(&self, root: Root) -> BTreeMap<&str, bool> {
        let mut found = BTreeMap::new();
        for it in self.references().into_iter().filter(|it| it.root == root) {
            *found.entry(it.name.as_str()).or_insert(true) &= it.optional;
        }
        if self.in_document && matches!(root, Root::Action | Root::Ask) {
            found.insert("conversation", false);
        }
        found
    }

    /// Whether a workspace with this session can make it: by that session, by a document's own token, or by nobody's.
    pub fn reaches(&self, manifest: &Manifest, session: &str) -> bool {
        let shared =
            |name: &str| manifest.sessions.get(name).is_some_and(|spec| spec.flavour == SessionFlavour::ShareToken);
        self.under.as_deref().is_none_or(|name| name == session || name == NOBODY || shared(name))
    }

    /// The argument that wholly makes up this field of the body.
    pub fn argument_of(&self, field: &str) -> Option<&str> {
        let in_body = match &self.json {
            Some(Json::Object(fields)) => fields.iter().find_map(|(name, value)| match value {
                Json::Text(template) if name == field => template.whole(),
                _ => None,
            }),
            _ => None,
        };
        in_body.filter(|it| matches!(it.root, Root::Action | Root::Ask)).map(|it| it.name.as_str())
    }

    /// What the platform says that is wrong, field by field where it does.
    pub fn words(&self, manifest: &Manifest, body: &[u8]) -> Option<String> {
        let issues = manifest.issues.as_ref().map(|issues| issues.words(self, body)).filter(|said| !said.is_empty());
        match (outcome::platform_words(body), issues) {
            (Some(words), Some(issues)) => Some(format!("{words}: {issues}")),
            (words, issues) => issues.or(words),
        }
    }

    fn url(&self, base: &Url, scope: &Scope) -> Result<PrivateUrl, CallError> {
        let mut url = base.clone();
        let path = self.path.render(scope)?;
        // `/` alone is the base itself.
        url.set_path(&format!("{}{}", base.path().trim_end_matches('/'), path.strip_suffix('/').unwrap_or(&path)));
        url.set_query(self.path.render_query(scope)?.as_deref());
        url.set_fragment(None);
        Ok(if self.path.hides() { PrivateUrl::labelled(url, self.path.label()) } else { PrivateUrl::new(url) })
    }
}

/// A JSON body as it goes out.
pub fn json(body: String) -> Body {
    Body::Bytes { content_type: "application/json", bytes: Bytes::from(body) }
}

/// What a table of pointers finds.
pub(super) fn take(table: &Table<Pointers>, body: &Value) -> BTreeMap<String, Value> {
    table.iter().filter_map(|(name, at)| Some((name.to_owned(), at.find(body)?.clone()))).collect()
}

/// Headers with their values, all marked sensitive where a secret or the session is part of them.
pub fn headers(table: &Table<Template>, scope: &Scope) -> Result<HeaderMap, CallError> {
    let mut headers = HeaderMap::new();
    for (name, template) in table.iter().filter(|(_, template)| !template.left_out(scope)) {
        let bad = || CallError::Header { name: name.to_owned() };
        let key = HeaderName::from_bytes(name.as_bytes()).map_err(|_| bad())?;
        let mut value = HeaderValue::from_str(&template.render(scope)?).map_err(|_| bad())?;
        value.set_sensitive(template.references().any(|it| matches!(it.root, Root::Secrets | Root::Session)));
        headers.insert(key, value);
    }
    Ok(headers)
}
