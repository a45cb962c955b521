//! The documents that a workspace was given: shown, added by their links, removed. Works without a daemon, too.

use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value, json};

use super::{Seats, problem};
use crate::adapter::Manifest;
use crate::api::params::DeskWhat;
use crate::api::problem::Problem;
use crate::api::workspaces::{Ask, DocumentWish};
use crate::event::WorkspaceName;
use crate::http::Origin;
use crate::join::parse_link;
use crate::session::{Document, Held, Session};

impl Seats {
    pub(super) async fn document_now(self, name: WorkspaceName, wish: DocumentWish) -> Result<Value, Problem> {
        let session = self.session_or_open(&name)?;
        match wish {
            DocumentWish::List => {
                let drafts = self.0.roster.as_ref().and_then(|roster| roster.drafts(&name));
                let live = drafts.map(|drafts| json!(drafts.statuses(&session.record())));
                let documents = live.unwrap_or_else(|| json!(Document::all(&session.record())));
                Ok(json!({ "documents": documents }))
            }
            DocumentWish::Add(link) => {
                let token = token(&session, &link)?;
                let adding = tokio::time::timeout(self.0.request, session.add_document(token));
                let late = |_| Problem::new("unreachable", "the platform did not answer in time: run it again");
                let document = adding.await.map_err(late)?.map_err(problem)?;
                self.let_go(&name, &document.id).await;
                Ok(json!({ "document": document }))
            }
            DocumentWish::Remove(id) => {
                let there = session.remove_document(&id).await.map_err(problem)?;
                self.let_go(&name, &id).await;
                let none = || Problem::new("no_such_document", format!("`{name}` has no document `{id}`"));
                if there { Ok(json!({ "removed": id })) } else { Err(none()) }
            }
        }
    }

    /// What a document says just now, where it is open for live editing; else the platform is asked.
    pub(super) async fn live_now(&self, name: &WorkspaceName, ask: &Ask) -> Option<Value> {
        let id = asked_for(ask)?;
        let (document, content) = self.0.roster.as_ref()?.drafts(name)?.read(id.to_owned()).await?;
        let Document { id, title, kind } = document;
        Some(json!({ "item": { "id": id, "title": title, "type": kind, "content": content, "live": true } }))
    }

    /// Lets go of a document that is open, or that was refused: its link is another now, or none.
    async fn let_go(&self, name: &WorkspaceName, id: &str) {
        if let Some(drafts) = self.0.roster.as_ref().and_then(|roster| roster.drafts(name)) {
            drafts.close(id.to_owned()).await;
        }
    }

    /// The session of a workspace, also where no daemon runs.
    fn session_or_open(&self, name: &WorkspaceName) -> Result<Session, Problem> {
        if self.0.roster.is_some() {
            return self.session(name);
        }
        let means = self.0.context.means.clone();
        let record = means.store.workspace(name)?;
        let record = record.ok_or_else(|| Problem::new("no_such_workspace", format!("there is no `{name}`")))?;
        let manifest = self.manifest(&record.platform)?;
        Session::open(means, manifest, record).map_err(problem)
    }
}

/// The document that is asked for.
fn asked_for(ask: &Ask) -> Option<&str> {
    ask.args.get("conversation").and_then(Value::as_str).filter(|_| ask.name == "document")
}

/// The question as the platform knows it: a document of the agent's own stands on its desk.
pub(super) fn on_the_desk(session: &Session, ask: Ask) -> Ask {
    match asked_for(&ask) {
        Some(id) if session.holds(id) == Some(Held::Own) => {
            let args = Map::from_iter([("document".to_owned(), id.into())]);
            Ask { name: DeskWhat::Document.question().0, args }
        }
        _ => ask,
    }
}

/// The token of a share link of this workspace's platform; a text without a `/` is the token itself.
fn token(session: &Session, link: &SecretString) -> Result<SecretString, Problem> {
    let manifest: &Manifest = session.manifest();
    let title = &manifest.title;
    let none = || Problem::bad_params(format!("{title} has no documents that are shared by a link"));
    let (_, secret) = manifest.share().ok_or_else(none)?;
    let text = link.expose_secret().trim();
    if text.is_empty() || text.chars().any(char::is_control) {
        return Err(Problem::bad_params("the link is empty, or has a control character in it"));
    }
    if !text.contains('/') {
        return Ok(text.to_owned().into());
    }
    let mut target = parse_link(manifest, text, None).map_err(|bad| Problem::bad_params(bad.to_string()))?;
    if Origin::of(session.base()).ok() != Some(target.origin) {
        return Err(Problem::bad_params("this link leads to another host than the workspace: join that one"));
    }
    let missing = || Problem::bad_params(format!("this is no share link of {title}: copy it whole"));
    target.values.remove(secret).ok_or_else(missing)
}
