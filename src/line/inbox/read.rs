//! Reads every list once, and tells what waits in it and is not known yet.

use serde_json::Value;
use tokio::time::Instant;

use super::Inbox;
use crate::adapter::{Root, Scope, SessionFlavour};
use crate::event::{Arrival, ConversationKind, Draft, Identity, Via};
use crate::line::Dropped;
use crate::line::refusal::refusal;
use crate::normalise::Room;
use crate::retry::retry_after;
use crate::session::{self, Document};
use crate::store::{Change, StoreError};

/// Items of one list: what stands behind them waits until these were handled.
const ITEMS: usize = 1_000;
/// Objects of one list that one change names.
const LISTED: usize = 200;

/// What one list said.
enum Said {
    /// Its items.
    Items(Vec<Value>),
    /// The platform does not give it, and says why.
    Refused(String),
}

impl Inbox {
    /// Reads every list. An error is about all of them.
    pub(super) async fn round(&mut self, began: Instant) -> Result<(), Dropped> {
        (self.rounds, self.began) = (self.rounds + 1, began);
        self.shaper.refresh()?;
        let lists = self.lists();
        self.held.retain(|list, _| lists.contains(list));
        self.closed.retain(|list, _| lists.contains(list));
        let relist = self.relisted.is_none_or(|at| began.duration_since(at) >= self.timing.relist);
        for list in lists {
            match self.read(&list).await? {
                Said::Items(items) => {
                    self.closed.remove(&list);
                    self.absorb(list, items, relist).await?;
                }
                Said::Refused(why) => self.refused(list, why),
            }
        }
        if relist {
            self.relisted = Some(began);
        }
        Ok(self.ended(began)?)
    }

    /// The documents, each with a list of its own; or the one list of the workspace.
    fn lists(&mut self) -> Vec<String> {
        let manifest = self.session.manifest().clone();
        let session = manifest.receive.call.under.as_deref().and_then(|name| manifest.sessions.get(name));
        if session.is_none_or(|session| session.flavour != SessionFlavour::ShareToken) {
            return vec![String::new()];
        }
        let documents = Document::all(&self.session.record());
        let room = |document: &Document| {
            let room = Room { kind: Some(ConversationKind::Document), title: document.title.clone() };
            (document.id.clone(), room)
        };
        self.shaper.listed(&documents.iter().map(room).collect::<Vec<_>>());
        documents.into_iter().map(|document| document.id).collect()
    }

    async fn read(&self, list: &str) -> Result<Said, Dropped> {
        let manifest = self.session.manifest().clone();
        let scope = Scope::new().with(Root::Room, "id", list);
        let request = self.session.prepare(&manifest.receive.call, scope)?;
        let alone = request.bare;
        let answer = match self.session.send(request).await {
            // It was removed meanwhile.
            Err(session::Error::NoDocument(_)) => return Ok(Said::Items(Vec::new())),
            answer => answer?,
        };
        self.report.byte();
        if !answer.is_success() {
            let asked = retry_after(&answer.headers, self.clock.now());
            let why = refusal(&manifest, answer.status, &answer.body, asked, self.timing.later);
            // A token that opens one document says nothing about the others.
            let own = alone && matches!(why, Dropped::Unauthorised | Dropped::Gone { .. } | Dropped::Failing { .. });
            return if own { Ok(Said::Refused(why.to_string())) } else { Err(why) };
        }
        let body = serde_json::from_slice::<Value>(&answer.body);
        match body.map(|mut body| self.spec.items.find_mut(&mut body).map(Value::take)) {
            Ok(None | Some(Value::Null)) => Ok(Said::Items(Vec::new())),
            Ok(Some(Value::Array(items))) => Ok(Said::Items(items)),
            _ if alone => Ok(Said::Refused("the answer is no list".to_owned())),
            _ => Err(Dropped::Unreadable("the answer is no list".to_owned())),
        }
    }

    fn refused(&mut self, list: String, why: String) {
        self.held.remove(&list);
        if self.closed.get(&list) != Some(&why) {
            tracing::warn!(workspace = %self.session.record().name, document = %list, %why, "a document is closed to the agent");
            self.closed.insert(list, why);
        }
    }

    /// What waits and is not known goes into the feed, the oldest first.
    async fn absorb(&mut self, list: String, items: Vec<Value>, relist: bool) -> Result<(), StoreError> {
        let waits = |item: &Value| self.spec.waiting.as_ref().is_none_or(|waiting| waiting.fits(item));
        let items = items.into_iter().filter(waits).take(ITEMS);
        let mut drafts: Vec<Draft> = items.map(|item| self.shaper.waiting(&item, &list)).collect();
        drafts.sort_by_cached_key(|draft| draft.time.parse::<jiff::Timestamp>().ok());
        let ids: Vec<String> = drafts.iter().map(Draft::id).collect();
        let held = ids.iter().cloned().collect();
        if self.held.get(&list) == Some(&held) && !relist {
            return Ok(());
        }
        let known = self.store.knows(&ids)?;
        let changes = if relist { self.listed(&list, &drafts) } else { Vec::new() };
        let new: Vec<Draft> = drafts.into_iter().zip(known).filter(|(_, known)| !known).map(|(new, _)| new).collect();
        if !new.is_empty() {
            self.soon_again();
        }
        let arrival = Arrival { at: self.clock.now(), via: Via::Poll };
        self.intake.commit(new, Some(arrival), changes).await?;
        self.held.insert(list, held);
        Ok(())
    }

    /// What the platform still lists is not forgotten (P2).
    fn listed(&self, list: &str, drafts: &[Draft]) -> Vec<Change> {
        let Some(kind) = drafts.first().map(|draft| draft.kind) else { return Vec::new() };
        let objects: Vec<String> = drafts.iter().filter(|draft| draft.kind == kind).filter_map(object).collect();
        let listed = |chunk: &[String]| Change::Listed {
            workspace: self.session.record().name,
            conversation: list.to_owned(),
            kind,
            objects: chunk.to_vec(),
        };
        objects.chunks(LISTED).map(listed).collect()
    }

    /// Something happened: it will go on for a while.
    fn soon_again(&mut self) {
        self.lively_until = Instant::now() + super::LIVELY;
    }
}

fn object(draft: &Draft) -> Option<String> {
    match &draft.identity {
        Identity::Object { object, .. } => Some(object.clone()),
        _ => None,
    }
}
