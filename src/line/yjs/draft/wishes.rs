//! What is asked of a document, and how it is done there.

use std::time::Duration;

use serde_json::Value;
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout};

use super::connected::Open;
use super::{Draft, EDITORS};
use crate::document::Edit;
use crate::line::yjs::about::{About, first};
use crate::line::yjs::engine::{EMPTY, Engine, Tried};
use crate::line::yjs::{Ask, Bring, Brought, Down, Made};
use crate::session::Document;

/// Whoever asked for an edit has kept it in this time, or it is forgotten.
const KEPT: Duration = Duration::from_secs(30);
/// Client ids remembered; beyond them the oldest text of the agent counts as somebody else's.
const REMEMBERED: usize = 2_000;

/// What an agent is told that would change others' words where nobody can be asked.
const NOT_SUGGESTED: &str = "others wrote what this changes, and a document of the agent's own has no link by which it \
    could be suggested to them: write beside it, give the workspace its share link (agent-bridge document add), or let \
    the operator allow it (`direct_edits`)";

impl Draft {
    /// Serves a wish, or lets it wait for the connection.
    pub(super) async fn take(&mut self, open: Option<&mut Open>, ask: Ask) -> Result<(), Down> {
        let ask = match ask {
            Ask::Attend(doing) => return self.attend(open, doing).await,
            ask => ask,
        };
        let now = Instant::now();
        self.used = now;
        let live = open.filter(|open| open.live);
        match (ask, live) {
            (Ask::Make { edit, answer }, _) if self.known => self.make(edit, answer).await,
            (Ask::Bring(wish), Some(open)) => self.bring(open, wish).await,
            (Ask::Read { answer }, Some(_)) => {
                let content = self.work(Engine::text).await?;
                let (id, About { title, kind, .. }) = (self.id.clone(), self.about.clone());
                drop(answer.send(content.map(|content| (Document { id, title, kind }, content))));
                Ok(())
            }
            (Ask::Read { answer }, None) => {
                drop(answer.send(None));
                Ok(())
            }
            (ask, _) => {
                self.hold.wait(ask, now);
                Ok(())
            }
        }
    }

    /// Sends an edit, and asks whether it arrived.
    async fn bring(&mut self, open: &mut Open, wish: Bring) -> Result<(), Down> {
        let number = self.hold.number();
        if self.news.waits() {
            self.tell().await?;
        }
        let update = wish.update.clone();
        let frames = self.work(move |engine| engine.bring(number, &update)).await?;
        self.stands();
        match frames {
            Ok(frames) => {
                self.hold.sent(number, wish, Instant::now());
                Self::send(open, frames)
            }
            Err(why) => {
                drop(wish.answer.send(Brought::Unseen(why)));
                Ok(())
            }
        }
    }

    /// Makes an edit and holds everything until its bytes are kept: what leaves before could be made twice.
    async fn make(&mut self, edit: Edit, answer: oneshot::Sender<Made>) -> Result<(), Down> {
        if let Err(why) = self.name().await {
            drop(answer.send(Made::Later(why)));
            return Ok(());
        }
        if self.news.waits() {
            self.tell().await?;
        }
        let rules = self.parts.rules;
        let made = match self.work(move |engine| engine.make(&edit, rules)).await? {
            Tried::Made(update) => {
                let (go, kept) = oneshot::channel();
                let told = answer.send(Made::Here { update, go });
                if told.is_ok() && matches!(timeout(KEPT, kept).await, Ok(Ok(()))) {
                    self.stands();
                    return Ok(());
                }
                self.let_go();
                return Err(Down::Later("an edit could not be kept, and was taken back".to_owned()));
            }
            Tried::Suggest if self.about.own => {
                Made::Refused { kind: "not_suggested", message: NOT_SUGGESTED.to_owned() }
            }
            Tried::Suggest => Made::Suggest,
            Tried::Refused { kind: EMPTY, message } => {
                Made::Refused { kind: EMPTY, message: message + &first(&self.parts, &self.about) }
            }
            Tried::Refused { kind, message } => Made::Refused { kind, message },
        };
        drop(answer.send(made));
        Ok(())
    }

    /// Keeps the client id before anything is written under it.
    async fn name(&mut self) -> Result<(), String> {
        if self.named {
            return Ok(());
        }
        let record = self.parts.session.record();
        let mut listed = record.facts.get(EDITORS).and_then(Value::as_array).cloned().unwrap_or_default();
        listed.push(self.client.into());
        let old = listed.len().saturating_sub(REMEMBERED);
        listed.drain(..old);
        self.parts.session.learn(EDITORS, listed).await.map_err(|error| error.to_string())?;
        self.named = true;
        Ok(())
    }

    /// Tells what others changed.
    pub(super) async fn tell(&mut self) -> Result<(), Down> {
        let Some(text) = self.work(Engine::text).await? else { return Ok(()) };
        self.tell_until(&text).await
    }

    /// The same until the document said this.
    pub(super) async fn tell_until(&mut self, text: &str) -> Result<(), Down> {
        let told = self.news.tell(&self.parts, (&self.id, &self.about), text, Instant::now()).await;
        told.map_err(|error| Down::Later(error.to_string()))
    }

    /// Something has come that changed the document, which said this before.
    pub(super) async fn changed(&mut self, before: Option<&str>, expected: bool, now: Instant) -> Result<(), Down> {
        if let Some(before) = before {
            self.news.stood(before);
        }
        self.news.changed(now);
        let Some(before) = before.filter(|_| expected) else { return Ok(()) };
        let Some(after) = self.work(Engine::text).await? else { return Ok(()) };
        let Some(own) = self.written.brought(&self.id, before, &after) else { return Ok(()) };
        // What others did before is told as it stood then; what they did beside it or behind it is told in its turn.
        self.tell_until(before).await?;
        if !self.news.waits() {
            if own == after { self.news.stands() } else { self.news.stands_but(own, now) }
        }
        Ok(())
    }

    /// What stands there now is the agent's own doing, or was told; unless the store had no room for that.
    fn stands(&mut self) {
        if !self.news.waits() {
            self.news.stands();
        }
    }

    /// Lets go of a replica that holds what nobody else has, or that can be read no more.
    pub(super) fn let_go(&mut self) {
        self.engine = None;
        self.news.let_go();
    }
}
