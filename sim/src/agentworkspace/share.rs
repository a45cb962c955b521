//! `/api/share/{token}`: read, announce, suggest, and the way into a draft. The token is the credential.

use axum::{
    extract::{Path, State},
    response::{Html, IntoResponse as _, Response},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    Sim,
    answer::{Answer, Outcome, Refusal},
    asked::Asked,
    check::{CONTENT, Issues, TITLE},
    log::Noted,
    record::{Document, DocumentType, Presence, Suggestion, Verdict},
    wire,
    world::World,
};
use crate::{answer::with_note, jwt};

/// Where somebody can stand.
const STATUSES: [&str; 4] = ["reading", "thinking", "acting", "completed"];

/// What a draft token claims; times in seconds since 1970.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Claims {
    /// Who edits.
    pub(crate) name: String,
    /// The document's slug.
    pub(crate) slug: String,
    pub(crate) iat: u64,
    pub(crate) exp: u64,
    /// Distinguishes two tokens of one second.
    pub(crate) jti: String,
}

/// `GET /share/{token}`: what a person opens; an agent finds no API there.
pub(crate) async fn page(State(sim): State<Sim>, Path(token): Path<String>) -> Response {
    let found = sim.look(|world| world.shared(&token).map(|id| world.document(&id).map(|it| it.title.clone())));
    match found {
        Ok(title) => {
            let page = Html(format!("<!doctype html><title>{}</title>", title.unwrap_or_default()));
            with_note(page.into_response(), Noted::line("share.page"))
        }
        Err(refusal) => refusal.into_response(),
    }
}

/// `GET /api/share/{token}`.
pub(crate) async fn read(State(sim): State<Sim>, Path(token): Path<String>) -> Outcome {
    sim.as_guest(&token, |world, id| {
        let document = world.document(id);
        let shown =
            document.map(|it| json!({"id": it.id, "title": it.title, "type": it.kind, "content": world.content(id)}));
        Ok(Answer::ok(shown.unwrap_or_default(), "share.200"))
    })
}

/// `POST /api/share/{token}/presence`.
pub(crate) async fn presence(State(sim): State<Sim>, Path(token): Path<String>, asked: Asked) -> Outcome {
    sim.as_guest(&token, |world, id| {
        let body = asked.object()?;
        let mut issues = Issues::default();
        let name = issues.required(&body, "name", TITLE, "presence.400_name");
        let status = body.get("status").and_then(Value::as_str).filter(|it| STATUSES.contains(it));
        if status.is_none() {
            let says = "status must be one of reading, thinking, acting, completed";
            issues.add("status", says, "presence.400_status");
        }
        issues.none()?;
        let status = status.unwrap_or_default().to_owned();
        let at = world.now();
        world.presences.push(Presence { document: id.into(), name, status, at });
        Ok(Answer::ok(json!({"ok": true}), "presence.200"))
    })
}

/// `POST /api/share/{token}/suggest`.
pub(crate) async fn suggest(State(sim): State<Sim>, Path(token): Path<String>, asked: Asked) -> Outcome {
    sim.as_guest(&token, |world, id| {
        let body = asked.object()?;
        let mut issues = Issues::default();
        if body.get("action").and_then(Value::as_str) != Some("replace") {
            issues.add("action", "action must be \"replace\"", "suggest.400_action");
        }
        let search = issues.required(&body, "search", CONTENT, "suggest.400_search");
        let author = issues.required(&body, "author", TITLE, "suggest.400_author");
        let replacement = issues.optional(&body, "replacement", CONTENT, "suggest.400_replacement");
        if body.get("replacement").is_none_or(Value::is_null) {
            issues.add("replacement", "Replacement is required", "suggest.400_replacement");
        }
        let there = world.content(id).is_some_and(|it| it.contains(&search));
        if !search.is_empty() && !there {
            issues.add("search", "search text not found in document", "suggest.400_not_found");
        }
        issues.none()?;
        let suggestion = Suggestion {
            id: world.ids.uuid(),
            document: id.into(),
            search,
            replacement: replacement.unwrap_or_default(),
            author,
            verdict: Verdict::Pending,
            created: world.now(),
        };
        let shown = wire::suggestion(&suggestion);
        world.suggestions.push(suggestion);
        Ok(Answer::ok(json!({"suggestion": shown}), "suggest.200"))
    })
}

/// `POST /api/share/{token}/draft-token`.
pub(crate) async fn draft_token(State(sim): State<Sim>, Path(token): Path<String>, asked: Asked) -> Outcome {
    sim.as_guest(&token, |world, id| {
        let body = asked.object()?;
        let mut issues = Issues::default();
        let name = issues.required(&body, "name", TITLE, "draft_token.400_name");
        issues.none()?;
        match world.document(id).cloned() {
            Some(document) => world.draft_token(&document, &name, "draft_token.200"),
            None => Err(world.not_yours(None, "share.404")),
        }
    })
}

impl World {
    /// A token for a draft, and where to take it.
    pub(crate) fn draft_token(&mut self, document: &Document, name: &str, line: &'static str) -> Outcome {
        not_a_draft(document)?;
        let (token, slug) = (self.draft_jwt(document, name), &document.slug);
        let server = self.live_url();
        Ok(Answer::ok(json!({"token": token, "slug": slug, "serverUrl": server}), line))
    }

    pub(crate) fn draft_jwt(&mut self, document: &Document, name: &str) -> String {
        let now = self.now() / 1000;
        let exp = now + self.options.token_lifetime.as_secs();
        let jti = self.ids.uuid();
        jwt::sign(&Claims { name: name.into(), slug: document.slug.clone(), iat: now, exp, jti }, &self.key)
    }

    /// Where drafts are edited live; a slug goes behind it.
    pub(crate) fn live_url(&self) -> String {
        self.options.server_url.clone().unwrap_or_else(|| format!("{}/collab", self.options.url))
    }

    /// Who is in a document now: the newest announcement of each name, unless it lapsed or says `completed`.
    pub fn present(&self, document: &str) -> Vec<&Presence> {
        let lasts = u64::try_from(self.options.presence_lasts.as_millis()).unwrap_or(u64::MAX);
        let here = |it: &&Presence| it.document == document;
        let newest =
            |one: &Presence| self.presences.iter().rfind(|it| it.document == one.document && it.name == one.name);
        let all = self.presences.iter().filter(here).filter(|one| newest(one).is_some_and(|it| std::ptr::eq(it, *one)));
        all.filter(|it| it.status != "completed" && it.at.saturating_add(lasts) > self.now()).collect()
    }
}

fn not_a_draft(document: &Document) -> Result<(), Refusal> {
    let mut issues = Issues::default();
    if document.kind != DocumentType::Draft {
        issues.add("id", "document is not a draft", "draft_token.400_not_a_draft");
    }
    issues.none()
}
