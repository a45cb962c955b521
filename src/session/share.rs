//! `share_token`: documents that are opened one by one. The token of each is part of its path and all the credential
//! there is, so nothing else of the session goes along, and what one document refuses says nothing about the seat.

use std::sync::PoisonError;

use secrecy::SecretString;
use serde_json::{Map, Value, json};

use super::{Error, Session, answer_words};
use crate::adapter::{self, Call, CallError, Manifest, NOBODY, Root, Scope, SessionFlavour};
use crate::http::{Body, PrivateUrl, Request};
use crate::store::WorkspaceRecord;
use url::Url;

/// The fact that lists the documents of a workspace, by their ids.
pub const DOCUMENTS: &str = "documents";

/// Documents of one workspace: more are refused.
const MOST: usize = 500;

/// A document that the workspace has.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Document {
    /// The platform's id: the conversation of its events.
    pub id: String,
    /// What people call it.
    pub title: Option<String>,
    /// What it is, in the platform's word.
    pub kind: Option<String>,
}

impl Document {
    /// All of a workspace, by id.
    pub fn all(record: &WorkspaceRecord) -> Vec<Self> {
        let Some(listed) = record.facts.get(DOCUMENTS).and_then(Value::as_object) else { return Vec::new() };
        listed.iter().map(|(id, about)| Self::told(id.clone(), about)).collect()
    }

    fn told(id: String, about: &Value) -> Self {
        let text = |name: &str| about.get(name).and_then(Value::as_str).map(str::to_owned);
        Self { id, title: text("title"), kind: text("type") }
    }
}

/// How a workspace comes by a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Held {
    /// It was given it by a link.
    Given(Document),
    /// It is the agent's own: the session opens it, where it is there at all.
    Own,
}

/// Where the token of a document is sealed.
fn field(secret: &str, id: &str) -> String {
    format!("{secret}/{id}")
}

impl Session {
    /// The request of a call, but for credentials that the session adds. A call about a document is made under that
    /// document's own path.
    pub(super) fn build(&self, call: &Call, scope: &Scope, body: Option<Body>) -> Result<Request, Error> {
        let made = |base: &Url| -> Result<Request, CallError> {
            match body {
                Some(body) => call.request_with(base, scope, body),
                None => call.request(base, scope),
            }
        };
        let own = self.0.record.borrow().session.clone();
        let name = call.under.as_deref().unwrap_or(&own);
        let spec = self.0.manifest.sessions.get(name);
        match spec.filter(|spec| spec.flavour == SessionFlavour::ShareToken) {
            Some(spec) => {
                let token = self.token_of(spec, scope)?;
                Ok(bare(made(&under(&self.0.base, spec, token)?)?, call))
            }
            None if name == NOBODY => Ok(Request { bare: true, ..made(&self.0.base)? }),
            None if name == own => Ok(made(&self.0.base)?),
            None => Err(Error::Lacks(name.to_owned())),
        }
    }

    /// The token of the document that a call is about.
    fn token_of(&self, spec: &adapter::Session, scope: &Scope) -> Result<SecretString, Error> {
        let id = scope.conversation().ok_or_else(|| Error::NoDocument(String::new()))?;
        let secret = spec.share_secret().unwrap_or_default();
        let secrets = self.0.secrets.lock().unwrap_or_else(PoisonError::into_inner);
        secrets.get(&field(secret, &id)).cloned().ok_or(Error::NoDocument(id))
    }

    /// How it comes by a document; none: it does not. What it was given counts before what may be its own, for a link can
    /// do more.
    pub fn holds(&self, id: &str) -> Option<Held> {
        let record = self.0.record.borrow();
        let given = Document::all(&record).into_iter().find(|document| document.id == id);
        let own = self.0.manifest.documents.as_ref().and_then(|documents| documents.own.as_ref());
        let own = || own.filter(|own| own.open.reaches(&self.0.manifest, &record.session)).map(|_| Held::Own);
        given.map(Held::Given).or_else(own)
    }

    /// Opens a document by its token and keeps both; one that the workspace has already gets the new token.
    pub async fn add_document(&self, token: SecretString) -> Result<Document, Error> {
        self.open_document(token, None).await
    }

    /// The same for a document of which somebody else has told the token: it is kept only where it opens that one.
    pub async fn adopt_document(&self, id: &str, token: SecretString) -> Result<Document, Error> {
        self.open_document(token, Some(id)).await
    }

    async fn open_document(&self, token: SecretString, wanted: Option<&str>) -> Result<Document, Error> {
        let manifest = self.0.manifest.clone();
        let (Some(documents), Some((spec, secret))) = (&manifest.documents, manifest.share()) else {
            return Err(Error::Setup(format!("{} has no documents that are shared by a link", manifest.title)));
        };
        let base = under(&self.0.base, spec, token.clone())?;
        let request = bare(documents.open.request(&base, &self.scope())?, &documents.open);
        let host = request.url.host();
        let answer = self.0.means.network.call(request).await?;
        let later = |why| Error::Waiting { why, retry_in: std::time::Duration::ZERO };
        if !answer.is_success() {
            let words = answer_words(&manifest, &documents.open, &host, &answer);
            return Err(if answer.status < 500 { Error::Refused(words) } else { later(words) });
        }
        let body = answer.json().map_err(|bad| later(format!("{host} {bad}")))?;
        let document = read(documents, &body).ok_or_else(|| later(format!("{host} answered without an id")))?;
        if wanted.is_some_and(|wanted| document.id != wanted) {
            return Err(Error::Refused("the token that came along opens another document".to_owned()));
        }
        self.keep_document(secret, document, token).await
    }

    async fn keep_document(&self, secret: &str, document: Document, token: SecretString) -> Result<Document, Error> {
        let known = Document::all(&self.record());
        if known.len() >= MOST && !known.iter().any(|it| it.id == document.id) {
            return Err(Error::Refused(format!("a workspace has {MOST} documents at most: remove one first")));
        }
        let (session, kept, field) = (self.clone(), document.clone(), field(secret, &document.id));
        self.own_task(async move {
            let about = json!({ "title": kept.title, "type": kept.kind });
            session.commit(vec![(field, Some(token))], |record| drop(listed(record).insert(kept.id, about))).await
        })
        .await?;
        Ok(document)
    }

    /// Forgets a document with its token; whether it was there.
    pub async fn remove_document(&self, id: &str) -> Result<bool, Error> {
        let manifest: &Manifest = &self.0.manifest;
        let there = Document::all(&self.record()).iter().any(|document| document.id == id);
        let Some((_, secret)) = manifest.share().filter(|_| there) else { return Ok(false) };
        let (session, id, field) = (self.clone(), id.to_owned(), field(secret, id));
        self.own_task(
            async move { session.commit(vec![(field, None)], |record| drop(listed(record).remove(&id))).await },
        )
        .await?;
        Ok(true)
    }
}

fn listed(record: &mut WorkspaceRecord) -> &mut Map<String, Value> {
    let listed = record.facts.entry(DOCUMENTS.to_owned()).or_insert_with(|| json!({}));
    if !listed.is_object() {
        *listed = json!({});
    }
    listed.as_object_mut().expect("it was made one")
}

/// What a platform says of a document that was opened; its id is a text or a number.
fn read(documents: &adapter::Documents, body: &Value) -> Option<Document> {
    let taken = documents.open.take(body);
    let text = |name: &str| taken.get(name).and_then(adapter::text).filter(|text| !text.is_empty());
    Some(Document { id: text("id")?, title: text("title"), kind: text("type") })
}

/// The base of a document: the workspace's own, and the path with the token in it.
fn under(base: &Url, spec: &adapter::Session, token: SecretString) -> Result<Url, Error> {
    let setup = |why: String| Error::Setup(why);
    let (path, secret) = spec.path.as_ref().zip(spec.share_secret()).ok_or_else(|| setup("no share path".into()))?;
    let scope = Scope::new().with_secret(Root::Secrets, secret, token);
    let mut base = base.clone();
    base.set_path(&format!("{}{}", base.path().trim_end_matches('/'), path.render(&scope)?));
    Ok(base)
}

/// The URL is the credential: it is never shown, and the session adds nothing to it.
fn bare(request: Request, call: &Call) -> Request {
    let label = format!("/…{}", call.path.source().split('?').next().unwrap_or_default().trim_end_matches('/'));
    let url = PrivateUrl::labelled(request.url.expose().clone(), &label);
    Request { url, bare: true, ..request }
}
