//! Where a workspace that was just joined begins.

use super::Context;
use crate::event::WorkspaceName;
use crate::line::Dropped;
use crate::line::history::History;
use crate::line::read::Reader;
use crate::line::report::Report;
use crate::line::shape::Shaper;
use crate::session::Session;

/// Commits an anchor at the newest message of each conversation of a workspace that was just joined, so that what is
/// said before it first runs is told. Where this is not done, or fails, the first connect does it.
pub async fn keep_place(context: &Context, name: &WorkspaceName) -> Result<(), Dropped> {
    let Context { means, timing, backfill, manifests, .. } = context;
    let Some(record) = means.store.workspace(name)? else { return Ok(()) };
    let Some(manifest) = manifests.get(&record.platform) else { return Ok(()) };
    if !manifest.has_line() {
        return Ok(());
    }
    let session = Session::open(means.clone(), manifest, record)?;
    let mapping = Shaper::new(session.clone(), means.store.clone(), means.clock.clone())?.mapping();
    let reader = Reader::new(session.clone(), means.clock.clone(), timing.clone());
    let report = Report::new(super::lines::name(session.manifest()), means.clock.clone());
    let backfill = backfill.get(name.as_str()).copied().unwrap_or_default();
    match History::load(reader, &means.store, report, backfill)? {
        Some(mut history) => Ok(history.begin(&mapping).await?),
        None => Ok(()),
    }
}
