//! The script over HTTP, for other processes: `/_sim/…`, JSON in and out. See `sim/README.md`.

use axum::{
    Json, Router,
    extract::State,
    routing::{get, post},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{DocumentType, Shape, Sim};
use crate::control::{Reply, done, happens, ok, takes};

mod live;

pub(super) fn router(sim: &Sim) -> Router {
    Router::new()
        .route("/_sim/agent", post(agent))
        .route("/_sim/regenerate_key", post(regenerate_key))
        .route("/_sim/webhook", post(webhook))
        .route("/_sim/email", post(email))
        .route("/_sim/document", post(document))
        .route("/_sim/share", post(share))
        .route("/_sim/revoke_share", post(revoke_share))
        .route("/_sim/mention", post(mention))
        .route("/_sim/send_mention", post(send_mention))
        .route("/_sim/decide", post(decide))
        .route("/_sim/mail", post(mail))
        .route("/_sim/hook_fault", takes(Sim::arm_hook))
        .route("/_sim/hook_replay", post(hook_replay))
        .route("/_sim/clear_faults", happens(Sim::clear_faults))
        .route("/_sim/state", get(state))
        .with_state(sim.clone())
        .merge(crate::control::router(sim))
        .merge(live::router(sim))
}

/// Something by its name or id.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ByAgent {
    /// A name.
    agent: String,
}

async fn agent(State(sim): State<Sim>, Json(body): Json<ByAgent>) -> Json<Value> {
    let id = sim.agent(&body.agent);
    Json(json!({"agent": id, "api_key": sim.api_key(&id), "webhook_secret": sim.webhook_secret(&id)}))
}

async fn regenerate_key(State(sim): State<Sim>, Json(body): Json<ByAgent>) -> Json<Value> {
    let id = sim.agent(&body.agent);
    Json(json!({"api_key": sim.regenerate_key(&id)}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Webhook {
    agent: String,
    /// Absent: none.
    url: Option<String>,
}

async fn webhook(State(sim): State<Sim>, Json(body): Json<Webhook>) -> Json<Value> {
    sim.set_webhook(&sim.agent(&body.agent), body.url.as_deref());
    ok()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Email {
    agent: String,
    handle: String,
}

async fn email(State(sim): State<Sim>, Json(body): Json<Email>) -> Reply {
    done(sim.enable_email(&sim.agent(&body.agent), &body.handle), "free mailbox")
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewDocument {
    agent: String,
    title: String,
    #[serde(rename = "type", default)]
    kind: DocumentType,
    #[serde(default)]
    content: String,
    /// A draft's shared type; absent: that of the options.
    shape: Option<Shape>,
}

async fn document(State(sim): State<Sim>, Json(body): Json<NewDocument>) -> Json<Value> {
    let agent = sim.agent(&body.agent);
    let id = match body.shape.filter(|_| body.kind == DocumentType::Draft) {
        Some(shape) => sim.draft(&agent, &body.title, shape, &body.content),
        None => sim.document(&agent, &body.title, body.kind, &body.content),
    };
    let token = sim.share(&id);
    Json(json!({"document": id, "share_token": token, "link": sim.share_link(&token)}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ByDocument {
    document: String,
}

async fn share(State(sim): State<Sim>, Json(body): Json<ByDocument>) -> Json<Value> {
    let token = sim.share(&body.document);
    Json(json!({"share_token": token, "link": sim.share_link(&token)}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ByShare {
    share_token: String,
}

async fn revoke_share(State(sim): State<Sim>, Json(body): Json<ByShare>) -> Reply {
    done(sim.revoke_share(&body.share_token), "share")
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewMention {
    person: String,
    document: String,
    agent: String,
    text: String,
    /// Whether the person has not clicked *Send* yet.
    #[serde(default)]
    pending: bool,
}

async fn mention(State(sim): State<Sim>, Json(body): Json<NewMention>) -> Json<Value> {
    let typed = sim.type_mention(&body.person, &body.document, &body.agent, &body.text);
    if !body.pending {
        sim.send_mention(&typed);
    }
    Json(json!({"mention": typed}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ByMention {
    mention: String,
}

async fn send_mention(State(sim): State<Sim>, Json(body): Json<ByMention>) -> Reply {
    done(sim.send_mention(&body.mention), "pending mention")
}

async fn hook_replay(State(sim): State<Sim>, Json(body): Json<ByMention>) -> Reply {
    done(sim.replay_hook(&body.mention), "webhook")
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Decision {
    suggestion: String,
    accept: bool,
}

async fn decide(State(sim): State<Sim>, Json(body): Json<Decision>) -> Reply {
    done(sim.decide(&body.suggestion, body.accept), "open suggestion")
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewMail {
    agent: String,
    from: String,
    subject: String,
    text: String,
    thread: Option<String>,
}

async fn mail(State(sim): State<Sim>, Json(body): Json<NewMail>) -> Json<Value> {
    let agent = sim.agent(&body.agent);
    let thread = sim.write_mail(&agent, &body.from, &body.subject, &body.text, body.thread.as_deref());
    Json(json!({"thread": thread}))
}

async fn state(State(sim): State<Sim>) -> Json<Value> {
    sim.look(|world| {
        let documents: Vec<Value> = world.documents().map(|it| world.document_json(it)).collect();
        Json(json!({
            "agents": world.agents().collect::<Vec<_>>(),
            "documents": documents,
            "mentions": world.mentions().collect::<Vec<_>>(),
            "suggestions": world.suggestions().collect::<Vec<_>>(),
            "presences": world.presences().collect::<Vec<_>>(),
            "events": world.events().collect::<Vec<_>>(),
            "threads": world.threads().collect::<Vec<_>>(),
            "deliveries": world.hooks.done,
            "faults_left": world.faults_left(),
            "served": world.ledger.served,
        }))
    })
}
