//! The live documents of a workspace: who keeps them, and how the outbox edits them.

use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio_util::sync::CancellationToken;

use super::{Ended, Workspace};
use crate::document::Edit;
use crate::line::report::Report;
use crate::line::yjs::{self, Drafts, Parts};
use crate::outbox::{Brought, Editor, Made};
use crate::pulse::pulse;
use crate::retry::Waits;
use crate::session::Session;

/// The same where nothing is shown.
const UNSHOWN: Duration = Duration::from_mins(1);

impl Workspace {
    /// The way to the documents, where the platform has them, and what keeps them until the task ends.
    pub(super) fn documents(
        &self,
        token: &CancellationToken,
    ) -> (Option<Drafts>, impl Future<Output = Result<(), Ended>> + use<>) {
        let Self { context, session, .. } = self;
        let live = session.manifest().documents.as_ref().and_then(|documents| documents.live.clone());
        let (drafts, keeper) = live
            .map(|live| {
                let timing = &context.timing;
                yjs::drafts(Parts {
                    live,
                    session: session.clone(),
                    rules: context.rules.get(session.record().name.as_str()).copied().unwrap_or_default(),
                    waits: Waits { first: timing.first_wait, longest: timing.longest_wait },
                    idle: timing.document_idle,
                    lapses: lapses(session),
                    store: context.means.store.clone(),
                    clock: context.means.clock.clone(),
                    policy: context.policy.get(session.record().name.as_str()).cloned().unwrap_or_default(),
                    report: Report::new(yjs::LINE, context.means.clock.clone()),
                })
            })
            .unzip();
        self.desk.drafts(drafts.clone());
        let (pulse, beat) = pulse();
        if keeper.is_some() {
            self.desk.pulse("documents", pulse);
        }
        let token = token.clone();
        let kept = async move {
            if let Some(keeper) = keeper {
                beat.during(keeper.run(token)).await;
            }
            Ok(())
        };
        (drafts, kept)
    }
}

/// What the agent is said to do is said again in the time of the platform's presence; three that are missed are enough.
fn lapses(session: &Session) -> Duration {
    let shown = session.manifest().receive.inbox.as_ref().and_then(|inbox| inbox.shown.as_ref());
    shown.map_or(UNSHOWN, |shown| shown.every.0 * 3)
}

impl Editor for Drafts {
    fn make(&self, document: String, edit: Edit) -> BoxFuture<'_, Made> {
        let made = async move {
            match Self::make(self, document, edit).await {
                yjs::Made::Here { update, go } => Made::Here { update, go },
                yjs::Made::Suggest => Made::Suggest,
                yjs::Made::Refused { kind, message } => Made::Refused { kind, message },
                yjs::Made::Later(why) => Made::Later(why),
            }
        };
        made.boxed()
    }

    fn writes(&self, document: &str, text: &str) {
        Self::writes(self, document, text);
    }

    fn bring(&self, document: String, update: Vec<u8>) -> BoxFuture<'_, Brought> {
        let brought = async move {
            match Self::bring(self, document, update).await {
                yjs::Brought::Seen => Brought::Seen,
                yjs::Brought::Apart(why) => Brought::Apart(why),
                yjs::Brought::Unseen(why) => Brought::Unseen(why),
            }
        };
        brought.boxed()
    }
}
