//! Files that are put where the platform says, before the message that names them.

use std::fmt::Write as _;
use std::os::unix::fs::PermissionsExt;

use agent_bridge::action::State;
use agent_bridge::clock::Clock;
use agent_bridge::outbox::Receipt;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use md5::{Digest, Md5};
use rustix::fs::{FileType, Mode};
use serde_json::{Value, json};

use crate::magpie::{Magpie, Says, Seen, TWIG, Tree};
use crate::scripted_server::{Answer, ScriptedServer};

const CHIRP: &str = "POST /nests/n1/chirps";
const STICK: &str = "POST /sticks";
const HERE: &str = "http://127.0.0.1:1";

/// Gives every file the place that `place` says.
fn tree(place: impl Fn(usize) -> Value + Send + Sync + 'static) -> Tree {
    Tree::new(move |seen: &Seen, time| match seen.what.as_str() {
        STICK => Says::Answer(201, json!({ "stick": { "mark": format!("mark-{time}") }, "put": place(time) })),
        _ => Says::Answer(201, json!({ "chirp": { "no": 7 } })),
    })
}

async fn storage(status: &'static str) -> ScriptedServer {
    ScriptedServer::start(move |_| Answer::whole(status, "", "")).await
}

async fn joined_at(origin: &str, tree: &Tree) -> Magpie {
    Magpie::at(origin, tree, &json!({ "keys": true }), Clock::system()).await
}

fn with(files: &Value) -> Value {
    json!({ "conversation": "n1", "text": "see", "files": files })
}

fn brief() -> Value {
    json!([{ "name": "brief.pdf", "content": BASE64_STANDARD.encode("hello") }])
}

fn failed(receipt: &Receipt) -> (&str, &str) {
    match &receipt.state {
        State::Failed { kind, message, .. } => (kind, message),
        other => panic!("not failed: {other:?}"),
    }
}

#[tokio::test]
async fn files_are_put_with_the_platforms_headers_and_named_in_one_body() {
    let storage = storage("200 OK").await;
    let url = format!("{}/bucket/key?sig=CANARY", storage.origin);
    let tree = tree(move |_| {
        let with =
            json!({ "Content-Type": "application/pdf", "Content-MD5": "print", "X-Part": 1, "Content-Length": "9" });
        json!({ "where": url, "with": with })
    });
    let nest = joined_at(HERE, &tree).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notes.txt");
    std::fs::write(&path, "second").unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    let mut files = brief();
    files.as_array_mut().unwrap().push(json!({ "path": path }));
    let id = nest.accept("send", with(&files)).await;
    let receipt = nest.settle(&id).await;
    assert!(matches!(receipt.state, State::Confirmed { .. }), "{receipt:?}");

    let asked = tree.seen(STICK);
    let print = |bytes: &str| BASE64_STANDARD.encode(Md5::digest(bytes));
    let stick = |label, weight, print, kind| json!({ "stick": { "label": label, "weight": weight, "print": print, "kind": kind } });
    assert_eq!(asked[0].json(), stick("brief.pdf", 5, "XUFAKrxLKna5cZ2REBfFkg==".to_owned(), "application/pdf"));
    assert_eq!(asked[1].json(), stick("notes.txt", 6, print("second"), "text/plain"));
    assert_eq!(asked[0].header("x-magpie-twig"), TWIG, "the platform itself is asked signed in");

    let put = storage.seen();
    assert!(put.len() == 2 && put[0].starts_with("PUT /bucket/key?sig=CANARY HTTP/1.1\r\n"), "{put:?}");
    let head = put[0].to_ascii_lowercase();
    for line in
        ["content-type: application/pdf\r\n", "content-md5: print\r\n", "x-part: 1\r\n", "content-length: 5\r\n"]
    {
        assert_eq!(head.matches(line).count(), 1, "{line} in {head}");
    }
    assert!(put[0].ends_with("\r\n\r\nhello") && !head.contains("magpie") && !put[0].contains(TWIG), "{head}");

    let chirp = &tree.seen(CHIRP)[0];
    assert_eq!(chirp.json(), json!({ "chirp": { "noise": "see", "sticks": "mark-1,mark-2" } }));
    let prepared = nest.row(&id).prepared.unwrap();
    assert_eq!(prepared.body.as_bytes(), chirp.body);
}

#[tokio::test]
async fn p6_a_stored_body_names_its_uploads_and_they_are_not_done_again() {
    let storage = storage("200 OK").await;
    let url = storage.origin.clone();
    let tree = Tree::new(move |seen, time| match (seen.what.as_str(), time) {
        (STICK, _) => {
            Says::Answer(201, json!({ "stick": { "mark": format!("mark-{time}") }, "put": { "where": url } }))
        }
        (_, 1) => Says::Nothing,
        _ => Says::Answer(201, json!({ "chirp": { "no": 7 } })),
    });
    let nest = joined_at(HERE, &tree).await;
    let id = nest.accept("send", with(&brief())).await;
    nest.run_until(|| tree.seen(CHIRP).first().cloned()).await;
    let nest = nest.restart().await;
    nest.settle(&id).await;
    let chirps = tree.seen(CHIRP);
    assert_eq!((tree.seen(STICK).len(), storage.seen().len(), chirps.len()), (1, 1, 2));
    assert_eq!(chirps[0].body, chirps[1].body);
}

#[tokio::test]
async fn a_crash_before_the_body_is_stored_uploads_again_and_sends_once() {
    let storage = storage("200 OK").await;
    let url = storage.origin.clone();
    let tree = Tree::new(move |seen, time| match (seen.what.as_str(), time) {
        (STICK, 1) => Says::Nothing,
        (STICK, _) => {
            Says::Answer(201, json!({ "stick": { "mark": format!("mark-{time}") }, "put": { "where": url } }))
        }
        _ => Says::Answer(201, json!({ "chirp": { "no": 7 } })),
    });
    let nest = joined_at(HERE, &tree).await;
    let id = nest.accept("send", with(&brief())).await;
    nest.run_until(|| tree.seen(STICK).first().cloned()).await;
    assert_eq!((nest.row(&id).state, nest.row(&id).tries), (State::Accepted, 0), "nothing that could be doubted");
    let nest = nest.restart().await;
    nest.settle(&id).await;
    let chirps = tree.seen(CHIRP);
    assert_eq!((chirps.len(), chirps[0].json()["chirp"]["sticks"].clone()), (1, json!("mark-2")));
}

#[tokio::test]
async fn a_url_that_aims_inside_is_not_called_and_what_is_said_of_it_shows_no_query() {
    let inside = storage("200 OK").await;
    let port = inside.origin.rsplit(':').next().unwrap().to_owned();
    let aims = [
        "https://169.254.169.254/latest/meta-data?t=CANARY".to_owned(),
        "https://[::ffff:169.254.169.254]/x?t=CANARY".to_owned(),
        "https://[::ffff:7f00:1]/x?t=CANARY".to_owned(),
        "https://10.0.0.1/x?t=CANARY".to_owned(),
        "https://0x7f.1/x?t=CANARY".to_owned(),
        format!("http://127.0.0.1:{port}/x?t=CANARY"),
        format!("https://127.0.0.1:{port}/x?t=CANARY"),
        format!("http://localhost:{port}/x?t=CANARY"),
        "http://tree.example/plain?t=CANARY".to_owned(),
        "https://me:CANARY@tree.example/x".to_owned(),
        "file:///etc/passwd?t=CANARY".to_owned(),
        "CANARY".to_owned(),
    ];
    for aim in aims {
        let url = aim.clone();
        let tree = tree(move |_| json!({ "where": url }));
        let nest = joined_at("https://tree.example", &tree).await;
        let id = nest.accept("send", with(&brief())).await;
        let receipt = nest.settle(&id).await;
        let (kind, message) = failed(&receipt);
        assert_eq!(kind, "forbidden", "{aim}: {message}");
        assert!(
            message.contains("brief.pdf") && message.contains("upload URL") && !message.contains("CANARY"),
            "{message}"
        );
        assert!(tree.seen(CHIRP).is_empty(), "nothing is said without its file");
    }
    assert!(inside.seen().is_empty(), "{:?}", inside.seen());
}

#[tokio::test]
async fn a_workspace_on_this_machine_may_be_sent_to_this_machine_and_not_into_the_network() {
    let tree = tree(|_| json!({ "where": "https://10.0.0.1/x" }));
    let nest = joined_at(HERE, &tree).await;
    let id = nest.accept("send", with(&brief())).await;
    assert_eq!(failed(&nest.settle(&id).await).0, "forbidden");
}

#[tokio::test]
async fn no_redirect_is_followed_and_no_header_of_ours_or_of_the_session_is_taken_over() {
    let elsewhere = storage("200 OK").await;
    let location = format!("location: {}/\r\n", elsewhere.origin);
    let storage = ScriptedServer::start(move |_| Answer::whole("307 Temporary Redirect", &location, "")).await;
    let url = storage.origin.clone();
    for with_headers in [
        json!({}),
        json!({ "X-Magpie-Twig": "x" }),
        json!({ "Authorization": "x" }),
        json!({ "Transfer-Encoding": "chunked" }),
        json!({ "x-copy": TWIG }),
        json!({ "x-split": "a\r\nb: c" }),
    ] {
        let (url, given) = (url.clone(), with_headers.clone());
        let tree = tree(move |_| json!({ "where": url, "with": given }));
        let nest = joined_at(HERE, &tree).await;
        let id = nest.accept("send", with(&brief())).await;
        let receipt = nest.settle(&id).await;
        let (kind, message) = failed(&receipt);
        assert!(kind == "forbidden" && !message.contains(TWIG), "{with_headers}: {kind}: {message}");
    }
    assert_eq!((storage.seen().len(), elsewhere.seen().len()), (1, 0), "only the first was put at all");
}

#[tokio::test]
async fn a_storage_that_refuses_and_a_platform_that_names_no_place_fail_it() {
    let storage = storage("403 Forbidden").await;
    let url = storage.origin.clone();
    let places =
        [(json!({ "where": url }), "refused `brief.pdf` (403)"), (json!({}), "names no place for `brief.pdf`")];
    for (place, words) in places {
        let tree = tree(move |_| place.clone());
        let nest = joined_at(HERE, &tree).await;
        let id = nest.accept("send", with(&brief())).await;
        let receipt = nest.settle(&id).await;
        let (kind, message) = failed(&receipt);
        assert!(kind == "upload_failed" && message.contains(words) && tree.seen(CHIRP).is_empty(), "{kind}: {message}");
    }
}

#[tokio::test]
async fn what_cannot_go_along_is_refused_before_anything_is_sent() {
    let folder = tempfile::tempdir().unwrap();
    let large = folder.path().join("large.bin");
    std::fs::write(&large, "x".repeat(1_001)).unwrap();
    std::fs::set_permissions(&large, std::fs::Permissions::from_mode(0o644)).unwrap();
    let pipe = folder.path().join("pipe.txt");
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, FileType::Fifo, Mode::from_raw_mode(0o644), 0).unwrap();
    let cases = [
        (json!({ "path": "/nowhere/at/all.txt" }), "no_such_file"),
        (json!({ "path": folder.path() }), "no_such_file"),
        (json!({ "path": pipe }), "no_such_file"),
        (json!({ "path": large }), "too_large"),
        (json!({ "path": "/proc/self/environ" }), "private_file"),
        (json!({ "name": "a.txt", "content": "no base64!" }), "bad_args"),
        (json!({ "name": "a.txt", "content": BASE64_STANDARD.encode("x".repeat(1_001)) }), "too_large"),
    ];
    let mut told = String::new();
    for (bad, kind) in cases {
        let tree = tree(|_| json!({ "where": "https://tree.example/never" }));
        let nest = joined_at(HERE, &tree).await;
        let mut files = brief();
        files.as_array_mut().unwrap().push(bad);
        let id = nest.accept("send", with(&files)).await;
        let receipt = nest.settle(&id).await;
        let (said, message) = failed(&receipt);
        assert_eq!(said, kind, "{message}");
        assert!(tree.seen("").is_empty(), "the good file before it was not sent either");
        writeln!(told, "{message}").unwrap();
    }
    assert!(told.contains("is not a file") && told.contains("the platform takes 1000"), "{told}");
}

#[tokio::test]
async fn a_file_whose_size_is_not_what_it_said_is_refused() {
    // A file of the system that says it is empty and is not: the same as one that grows while it is read.
    let tree = tree(|_| json!({ "where": "https://tree.example/never" }));
    let nest = joined_at(HERE, &tree).await;
    let id = nest.accept("send", with(&json!([{ "path": "/proc/version" }]))).await;
    let receipt = nest.settle(&id).await;
    let (kind, message) = failed(&receipt);
    assert!(kind == "file_changed" && message.contains("changed while it was read"), "{kind}: {message}");
    assert!(tree.seen("").is_empty());
}
