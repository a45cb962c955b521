//! A seat that learns its own id late.

use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde_json::json;
use tokio_util::task::TaskTracker;

use super::*;
use crate::adapter::Manifests;
use crate::http::{Failure, Network, Request, Response, Stream};
use crate::session::{LoginWaits, Means};
use crate::store::{Batch, Change, Options, Seat};

/// Nothing is asked for here.
struct Nowhere;

impl Network for Nowhere {
    fn call(&self, _: Request) -> BoxFuture<'_, Result<Response, Failure>> {
        std::future::pending().boxed()
    }

    fn open(&self, _: Request) -> BoxFuture<'_, Result<Stream, Failure>> {
        std::future::pending().boxed()
    }
}

/// Whether what `u1` says is taken for the agent's own word.
fn is_mine(shaper: &mut Shaper) -> bool {
    let said = json!({ "channel_id": "c", "message_id": "m", "author_id": "u1", "text": "hi" }).to_string();
    let draft = shaper.frame("message.created", &said).expect("a message");
    draft.data.author.expect("its author").me
}

#[tokio::test]
async fn an_id_that_was_learnt_while_the_line_waited_is_known_to_the_next_frame() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("store"), Options { ballast: 0, ..Options::default() }).unwrap();
    let record = WorkspaceRecord {
        name: WorkspaceName::new("acme").unwrap(),
        platform: "agentunited".into(),
        settings: [("url".to_owned(), "https://acme.example".to_owned())].into(),
        facts: [].into(),
        session: "key".into(),
        seat: Seat::SignedIn,
        joined_at: 1,
    };
    store.commit(Batch::new().with(Change::Workspace(Box::new(record.clone())))).await.unwrap();
    let means = Means {
        store: store.clone(),
        network: Arc::new(Nowhere),
        clock: Clock::system(),
        tasks: TaskTracker::new(),
        waits: LoginWaits::default(),
    };
    let manifest = Manifests::load(None).unwrap().get("agentunited").unwrap();
    let session = Session::open(means, manifest, record).unwrap();
    let mut shaper = Shaper::new(session.clone(), store, Clock::system()).unwrap();
    assert!(!is_mine(&mut shaper), "nobody knows yet");
    session.learn("user", "u1").await.unwrap();
    shaper.knows_itself().await.unwrap();
    assert!(is_mine(&mut shaper));
}
