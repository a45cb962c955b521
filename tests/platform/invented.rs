//! A platform nobody has heard of is joined, heard and answered by its manifest alone; manifests in `adapters_dir` rule.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use agent_bridge_sim::agentunited::{Options, Sim};
use agent_bridge_sim::serve;
use axum::body::{Body, Bytes};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use futures_util::StreamExt;
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::bridge::Home;

/// Parrot Perches: numbers for ids, a header of its own, oldest first, everything nested elsewhere.
#[derive(Clone)]
struct Aviary {
    squawks: Arc<Mutex<Vec<Value>>>,
    changed: watch::Sender<usize>,
    /// The song that a hatched egg chose.
    song: Arc<Mutex<Option<String>>>,
}

const WING: &str = "wing-1";

impl Aviary {
    fn new() -> Self {
        Self { squawks: Arc::default(), changed: watch::Sender::new(0), song: Arc::default() }
    }

    fn squawk(&self, branch: u64, from: u64, noise: &str) -> u64 {
        let mut squawks = self.squawks.lock().expect("no test panics while it holds this");
        let no = squawks.len() as u64 + 1;
        let species = if from == 7 { "parrot" } else { "keeper" };
        squawks.push(json!({
            "no": no, "branch": { "no": branch }, "noise": noise, "feathers": { "version": 1 },
            "at": { "ms": now() }, "from": { "no": from, "plumage": "Pat", "species": species },
        }));
        self.changed.send_replace(squawks.len());
        no
    }

    fn routes(&self) -> Router {
        let routes = Router::new()
            .route("/eggs/look", post(look))
            .route("/eggs/{egg}/hatch", put(hatch))
            .route("/branches", get(branches))
            .route("/mirror", get(mirror))
            .route("/branches/{no}/echo", get(echo))
            .route("/branches/{no}/squawks", post(say))
            .route("/squawks", get(stream))
            .with_state(self.clone());
        Router::new().nest("/perch/v9", routes)
    }
}

/// Milliseconds since 1970: what was said before the join is not delivered.
fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970");
    u64::try_from(since.as_millis()).expect("it fits")
}

fn signed(headers: &HeaderMap) -> Result<(), StatusCode> {
    let wing = headers.get("x-parrot-wing").is_some_and(|wing| wing == WING);
    if wing { Ok(()) } else { Err(StatusCode::UNAUTHORIZED) }
}

async fn look(Json(body): Json<Value>) -> Result<Json<Value>, StatusCode> {
    if body["shell"] == "e/g=g" { Ok(Json(json!({ "egg": { "beak": "polly" } }))) } else { Err(StatusCode::NOT_FOUND) }
}

async fn hatch(State(aviary): State<Aviary>, Path(egg): Path<String>, Json(body): Json<Value>) -> Response {
    let song = body["song"].as_str().unwrap_or_default();
    if egg != "e/g=g" || song.len() != 40 || body["plumage"] != "Polly" {
        return StatusCode::UNPROCESSABLE_ENTITY.into_response();
    }
    *aviary.song.lock().expect("no test panics while it holds this") = Some(song.to_owned());
    let keeper = json!({ "branch": { "no": 1 } });
    Json(json!({ "flight": { "wing": WING }, "keeper": keeper, "bird": { "no": 7 } })).into_response()
}

async fn branches(headers: HeaderMap) -> Result<Json<Value>, StatusCode> {
    signed(&headers)?;
    let branches = json!([
        { "no": 2, "sort": "flock", "carving": "Canopy" }, { "no": 1, "sort": "pair", "carving": "Keeper" },
    ]);
    Ok(Json(json!({ "forest": { "branches": branches } })))
}

async fn mirror(headers: HeaderMap) -> Result<Json<Value>, StatusCode> {
    signed(&headers)?;
    Ok(Json(json!({ "bird": { "no": 7, "plumage": "Polly" } })))
}

async fn echo(
    State(aviary): State<Aviary>,
    Path(branch): Path<u64>,
    Query(query): Query<BTreeMap<String, u64>>,
    headers: HeaderMap,
) -> Result<Json<Value>, StatusCode> {
    signed(&headers)?;
    let most = usize::try_from(query.get("most").copied().unwrap_or(25)).unwrap_or(25);
    let under = query.get("under").copied().unwrap_or(u64::MAX);
    let squawks = aviary.squawks.lock().expect("no test panics while it holds this");
    let fits = |squawk: &&Value| squawk["branch"]["no"] == branch && squawk["no"].as_u64().is_some_and(|no| no < under);
    let all: Vec<&Value> = squawks.iter().filter(fits).collect();
    let page = &all[all.len().saturating_sub(most)..];
    Ok(Json(json!({ "echo": { "squawks": page, "deeper": page.len() < all.len() } })))
}

async fn say(
    State(aviary): State<Aviary>,
    Path(branch): Path<u64>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Result<Json<Value>, StatusCode> {
    signed(&headers)?;
    let no = aviary.squawk(branch, 7, body["squawk"]["noise"].as_str().ok_or(StatusCode::BAD_REQUEST)?);
    Ok(Json(json!({ "squawk": { "no": no } })))
}

/// Every squawk of the flock behind `Last-Event-ID`, and those to come.
async fn stream(State(aviary): State<Aviary>, headers: HeaderMap) -> Result<Response, StatusCode> {
    signed(&headers)?;
    let last = headers.get("last-event-id").and_then(|id| id.to_str().ok()?.parse().ok());
    let now = *aviary.changed.borrow();
    let told = futures_util::stream::unfold((aviary, last.unwrap_or(now)), |(aviary, at)| async move {
        aviary.changed.subscribe().wait_for(|count| *count > at).await.ok()?;
        let squawk = aviary.squawks.lock().expect("no test panics while it holds this")[at].clone();
        let data = json!({ "what": "squawk", "payload": { "squawk": squawk, "nest_key": "k" } });
        let frame = format!("id: {}\nevent: squawk\ndata: {data}\n\n", at + 1);
        Some((Ok::<_, Infallible>(Bytes::from(frame)), (aviary, at + 1)))
    });
    let first = futures_util::stream::iter([Ok(Bytes::from("event: perched\ndata: {}\n\n"))]);
    Ok(([(header::CONTENT_TYPE, "text/event-stream")], Body::from_stream(first.chain(told))).into_response())
}

/// A home whose `adapters_dir` holds this one manifest.
pub fn home_with(file: &str, manifest: &str) -> Home {
    let home = Home::new("");
    let folder = home.path("adapters");
    std::fs::create_dir(&folder).expect("a folder");
    std::fs::write(folder.join(file), manifest).expect("the manifest is written");
    home.configure(&format!("adapters_dir = \"{}\"\n", folder.display()));
    home
}

#[tokio::test]
async fn an_invented_platform_joins_receives_and_sends_by_its_manifest_alone() {
    let aviary = Aviary::new();
    let serving = serve::serve(aviary.routes(), 0).await.expect("a free port");
    let home = home_with("parrot.yaml", include_str!("../fixtures/adapters/parrot.yaml"));
    let _daemon = home.start().await;
    let link = format!("{}/hatch?egg=e%2Fg%3Dg", serving.url());
    home.ok(&["join", "parrot", &link, "--as", "perch"]).await;
    let mut agent = home.agent().await;
    agent.call("subscribe", json!({ "consumer": "main" })).await.expect("it is the reader");

    for (branch, kind) in [(2, "group"), (1, "direct")] {
        let noise = format!("hello from {branch}");
        let no = aviary.squawk(branch, 3, &noise);
        let delivery = agent.delivery_of("message.created").await;
        let data = &delivery.event["data"];
        assert_eq!(delivery.text(), noise);
        assert_eq!(delivery.event["platform"], "parrot");
        assert_eq!(
            (&data["conversation"]["id"], &data["conversation"]["kind"]),
            (&json!(branch.to_string()), &json!(kind))
        );
        assert_eq!((&data["author"]["kind"], &data["author"]["me"]), (&json!("human"), &json!(false)));
        assert!(delivery.event["id"].as_str().is_some_and(|id| id.ends_with(&format!("/{no}"))), "{}", delivery.event);
        let replied = agent.call("reply", json!({ "seq": delivery.seq, "text": "squawk" })).await.expect("it is taken");
        let receipt = json!({ "id": replied["actions"][0]["id"], "wait": "30s" });
        let receipt = agent.call("receipt", receipt).await.expect("there is a receipt");
        assert_eq!(receipt["remote_ids"], json!([(no + 1).to_string()]), "{receipt}");
    }
    let answers = aviary.squawks.lock().expect("no test panics while it holds this").clone();
    assert_eq!(answers.iter().filter(|squawk| squawk["from"]["no"] == 7).count(), 2, "each answered once");
    let song = aviary.song.lock().expect("no test panics while it holds this").clone().expect("it sang");
    assert!(!home.log().contains(&song) && !home.log().contains(WING), "secrets stay (P8)");
}

#[tokio::test]
async fn a_manifest_that_cannot_be_is_refused_with_file_line_and_key() {
    let sound = include_str!("../fixtures/adapters/parrot.yaml");
    let cases = [
        ("an unknown key", "title: Parrot", "titel: Parrot", "titel"),
        ("an unclosed template", "\"{settings.url}/perch/v9\"", "\"{settings.url/perch/v9\"", "http.base"),
        (
            "a secret in an action",
            "noise: \"{action.text}\", answers",
            "noise: \"{secrets.song}\", answers",
            "actions.send",
        ),
        ("a secret in an ask", "get: /birds,", "get: \"/birds/{secrets.song}\",", "asks.people"),
        ("a secret in the stream", "get: /squawks\n", "get: \"/squawks/{secrets.song}\"\n", "receive"),
        ("a secret on another host", "get: /mirror", "get: https://evil.example/mirror", "join.learn"),
    ];
    for (what, from, to, key) in cases {
        assert!(sound.contains(from), "{what}");
        let broken = sound.replacen(from, to, 1);
        let line = 1 + broken[..broken.find(to).expect("it is there")].matches('\n').count();
        let home = home_with("parrot.yaml", &broken);
        for command in ["run", "check"] {
            let output = home.cli(&[command]).await;
            let said = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(78), "{what}: {said}");
            assert_eq!(said.trim_end().lines().count(), 1, "{what}: {said}");
            assert!(
                said.contains(&format!("parrot.yaml:{line}:")) && said.contains(key),
                "{what}, line {line}: {said}"
            );
        }
        assert_eq!(std::fs::read_dir(home.path("state")).expect("it stands").count(), 0, "{what}: nothing was made");
    }
}

#[tokio::test]
async fn a_manifest_of_an_embedded_platform_takes_its_place() {
    let embedded = include_str!("../../adapters/agentunited.yaml");
    let told = "the invite is unknown there: check both";
    assert!(embedded.contains(told));
    let home = home_with("mine.yaml", &embedded.replace(told, "ask Marie about it, not"));
    let sim = Sim::new(Options::default());
    let serving = sim.serve(0).await.expect("a free port");
    let link = format!("{}/invite?token=inv_nobody", serving.url());
    let output = home.cli(&["join", "agentunited", &link, "--as", "acme"]).await;
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("ask Marie about it"), "{said}");
}
