//! A store that holds many events already, made through the store's own interface; made once a run, then copied.

use std::path::Path;
use std::sync::OnceLock;
use std::time::Instant;

use agent_bridge::event::{Conversation, ConversationKind, Data, Draft, Identity, Message, Type, WorkspaceName};
use agent_bridge::store::{Batch, Options, Store};
use agent_bridge_sim::agentunited::{burst_id, burst_text};

use super::home::Home;

/// The workspace that the events stand under.
pub const WORKSPACE: &str = "earlier";
/// Their conversation.
pub const ROOM: &str = "00000000-0000-4000-8000-000000000001";
/// What they are made from.
pub const SEED: u32 = 1;
/// Events of one batch, and batches under way.
const BATCH: u64 = 500;
const AHEAD: usize = 16;

static MADE: OnceLock<tempfile::TempDir> = OnceLock::new();

/// Gives a home, which has no store yet, one with `count` events.
pub fn into(home: &Home, count: u64) -> anyhow::Result<()> {
    if MADE.get().is_none() {
        let folder = tempfile::Builder::new().prefix("bridge-bench-").tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
        let begun = Instant::now();
        let runtime = tokio::runtime::Builder::new_current_thread().build()?;
        runtime.block_on(fill(&folder.path().join("bridge.redb"), count))?;
        eprintln!("  {count} events stored in {:.1} s", begun.elapsed().as_secs_f64());
        MADE.get_or_init(|| folder);
    }
    let (from, to) = (MADE.get().expect("made above").path(), home.store());
    for name in ["bridge.redb", "vault.key"] {
        std::fs::copy(from.join(name), to.with_file_name(name))?;
        // What is still on its way to the disk would slow the measurement down.
        std::fs::File::open(to.with_file_name(name))?.sync_all()?;
    }
    Ok(())
}

/// Removes the copy that is kept; at the end of a run, for statics are never dropped.
pub fn remove() {
    if let Some(folder) = MADE.get() {
        drop(std::fs::remove_dir_all(folder.path()));
    }
}

async fn fill(path: &Path, count: u64) -> anyhow::Result<()> {
    let store = Store::open(path, Options { ballast: 0, ..Options::default() })?;
    let workspace = WorkspaceName::new(WORKSPACE)?;
    let mut under_way = std::collections::VecDeque::new();
    for first in (0..count).step_by(usize::try_from(BATCH)?) {
        let events = (first..count.min(first + BATCH)).map(|n| event(&workspace, n).seal());
        under_way.push_back(store.send(events.fold(Batch::intake(), Batch::event)));
        if under_way.len() > AHEAD
            && let Some(oldest) = under_way.pop_front()
        {
            oldest.await??;
        }
    }
    for last in under_way {
        last.await??;
    }
    Ok(store.close().await?)
}

fn event(workspace: &WorkspaceName, n: u64) -> Draft {
    let conversation = Conversation { id: ROOM.into(), kind: Some(ConversationKind::Group), ..Conversation::default() };
    let text = Some(burst_text(SEED, n, 1024));
    let message = Message { id: burst_id(SEED, n), text, ..Message::default() };
    Draft {
        workspace: workspace.clone(),
        platform: Some("agentunited".into()),
        kind: Type::MessageCreated,
        identity: Identity::Object { object: burst_id(SEED, n), revision: "1".into() },
        time: "2026-01-01T00:00:00Z".into(),
        data: Data { conversation: Some(conversation), message: Some(message), ..Data::default() },
    }
}
