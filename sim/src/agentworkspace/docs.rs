//! `/api/v1/docs`: an agent's own documents.

use axum::extract::{Path, State};
use serde_json::{Map, Value, json};

use super::{
    Sim,
    answer::{Answer, Outcome, Refusal},
    asked::Asked,
    check::{CONTENT, Issues, TITLE},
    record::{Document, DocumentType},
    world::World,
};

/// `GET /api/v1/docs`.
pub(crate) async fn index(State(sim): State<Sim>, asked: Asked) -> Outcome {
    sim.as_agent(&asked, |world, agent| {
        let (offset, limit) = asked.page(100, 500, "docs.400_limit")?;
        let own = world.documents.iter().filter(|it| it.agent == agent).skip(offset).take(limit);
        let shown: Vec<Value> = own.map(|it| world.document_json(it)).collect();
        Ok(Answer::ok(json!({"documents": shown}), "docs.index.200"))
    })
}

/// `GET /api/v1/docs/{id}`.
pub(crate) async fn show(State(sim): State<Sim>, Path(id): Path<String>, asked: Asked) -> Outcome {
    sim.as_agent(&asked, |world, agent| {
        let document = world.own_document(agent, &id)?;
        let answer = Answer::ok(json!({"document": world.document_json(&document)}), "docs.show.200");
        Ok(answer.and((document.kind == DocumentType::Draft).then_some("docs.draft.read")))
    })
}

/// `POST /api/v1/docs`.
pub(crate) async fn create(State(sim): State<Sim>, asked: Asked) -> Outcome {
    sim.as_agent(&asked, |world, agent| {
        let body = asked.object()?;
        let mut issues = Issues::default();
        let title = issues.required(&body, "title", TITLE, "docs.400_title");
        let kind = match body.get("type") {
            None | Some(Value::Null) => DocumentType::default(),
            Some(value) => serde_json::from_value(value.clone()).unwrap_or_else(|_| {
                let says = "type must be one of markdown, sheet, slide, draft";
                issues.add("type", says, "docs.400_type");
                DocumentType::default()
            }),
        };
        let content = content(&mut issues, &body, kind);
        issues.none()?;
        let document = world.make_document(agent, &title, kind, &content.unwrap_or_default());
        Ok(Answer::with(201, json!({"document": world.document_json(&document)}), "docs.create.201")
            .and([line_of(kind)]))
    })
}

/// `PUT /api/v1/docs/{id}`.
pub(crate) async fn update(State(sim): State<Sim>, Path(id): Path<String>, asked: Asked) -> Outcome {
    sim.as_agent(&asked, |world, agent| {
        let document = world.own_document(agent, &id)?;
        let body = asked.object()?;
        let mut issues = Issues::default();
        let title = issues.named(&body, "title", TITLE, "docs.400_title");
        let content = content(&mut issues, &body, document.kind);
        issues.none()?;
        if let Some(content) = content {
            world.write(&id, &content);
        }
        let now = world.now();
        let kept = world.documents.iter_mut().find(|it| it.id == id);
        if let (Some(kept), Some(title)) = (kept, title) {
            (kept.title, kept.updated) = (title, now);
        }
        let document = world.own_document(agent, &id)?;
        let answer = Answer::ok(json!({"document": world.document_json(&document)}), "docs.update.200");
        Ok(answer.and((document.kind == DocumentType::Draft).then_some("docs.draft.write")))
    })
}

/// `DELETE /api/v1/docs/{id}`.
pub(crate) async fn delete(State(sim): State<Sim>, Path(id): Path<String>, asked: Asked) -> Outcome {
    sim.as_agent(&asked, |world, agent| {
        world.own_document(agent, &id)?;
        world.documents.retain(|it| it.id != id);
        world.live.rooms.remove(&id);
        Ok(Answer::ok(json!({"deleted": true}), "docs.delete.200"))
    })
}

/// `POST /api/v1/docs/{id}/draft-token`.
pub(crate) async fn draft_token(State(sim): State<Sim>, Path(id): Path<String>, asked: Asked) -> Outcome {
    sim.as_agent(&asked, |world, agent| {
        let document = world.own_document(agent, &id)?;
        let name = world.agents.get(agent).map_or_else(String::new, |it| it.name.clone());
        world.draft_token(&document, &name, "docs.draft_token.200")
    })
}

impl World {
    fn own_document(&self, agent: &str, id: &str) -> Result<Document, Refusal> {
        let found = self.document(id);
        let owner = found.map(|it| it.agent.as_str());
        found.filter(|it| it.agent == agent).cloned().ok_or_else(|| self.not_yours(owner, "docs.404"))
    }
}

/// A content that its type allows, where there is one.
fn content(issues: &mut Issues, body: &Map<String, Value>, kind: DocumentType) -> Option<String> {
    let content = issues.optional(body, "content", CONTENT, "docs.400_content")?;
    let rows = || serde_json::from_str::<Vec<Map<String, Value>>>(&content).is_ok();
    if kind == DocumentType::Sheet && !rows() {
        issues.add("content", "content must be a valid JSON array for sheets", "docs.400_sheet");
    }
    Some(content)
}

fn line_of(kind: DocumentType) -> &'static str {
    match kind {
        DocumentType::Markdown => "docs.markdown",
        DocumentType::Sheet => "docs.sheet",
        DocumentType::Slide => "docs.slide",
        DocumentType::Draft => "docs.draft",
    }
}
