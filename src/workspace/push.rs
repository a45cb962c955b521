//! The push sources beside a polled line: what tells of events at once. What they say goes to the line, which knows.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::Context;
use super::lines::{scattered, unwound};
use super::listed::{Listed, Way};
use crate::adapter::{self, Push};
use crate::event::Via;
use crate::ingress::{Hook, Taken};
use crate::line::Reason;
use crate::line::action_cable::{self, Cable, Heard, Stopped};
use crate::line::attendance;
use crate::line::poll;
use crate::line::poll::feed::{Inlet, Live};
use crate::line::report::Report;
use crate::session::Session;
use crate::store::StoreError;

/// One push source of a workspace.
pub(super) enum Source {
    /// A websocket that the bridge keeps open, and what it says of itself.
    Cable(Box<Cable>, Report),
    /// Requests of the platform.
    Hooks(mpsc::Receiver<Hook>, Option<Listed>),
    /// A stream about those who take part, and what it says of itself.
    Attendance(Box<attendance::Attendance>, Report),
}

/// The sources that the platform has and the workspace's capabilities allow.
pub(super) fn sources(context: &Context, session: &Session) -> Result<Vec<Source>, StoreError> {
    let (manifest, record) = (session.manifest(), session.record());
    let allowed = manifest.receive.push.iter().filter(|push| manifest.grants(&record.facts, push.needs()));
    allowed
        .map(|push| match push {
            Push::ActionCable(spec) => Ok(cable(context, session, spec)),
            Push::Attendance(spec) => attends(context, session, spec),
            Push::Webhook(hook) => {
                let adopts = !context.strict.contains(record.name.as_str());
                let listed = |about| Listed { session: session.clone(), about, adopts };
                Ok(Source::Hooks(context.hooks.register(&record.name), hook.about.clone().map(listed)))
            }
        })
        .collect()
}

fn attends(context: &Context, session: &Session, spec: &Arc<adapter::Attendance>) -> Result<Source, StoreError> {
    let (store, clock, timing) = (context.means.store.clone(), context.means.clock.clone(), context.timing.clone());
    let report = Report::new(attendance::LINE, clock.clone());
    let (session, spec) = (session.clone(), Arc::clone(spec));
    let parts = attendance::Parts { session, spec, store, clock, timing, report: report.clone() };
    Ok(Source::Attendance(Box::new(attendance::Attendance::new(parts)?), report))
}

fn cable(context: &Context, session: &Session, spec: &Arc<adapter::ActionCable>) -> Source {
    let (clock, timing) = (context.means.clock.clone(), context.timing.clone());
    let report = Report::new(action_cable::LINE, clock.clone());
    let parts =
        action_cable::Parts { session: session.clone(), spec: Arc::clone(spec), clock, timing, report: report.clone() };
    Source::Cable(Box::new(Cable::new(parts)), report)
}

impl Source {
    /// What it says of itself, where it is a line of its own.
    pub fn report(&self) -> Option<&Report> {
        match self {
            Self::Cable(_, report) | Self::Attendance(_, report) => Some(report),
            Self::Hooks(..) => None,
        }
    }

    /// Runs until the line has ended; an answer is the end of the line, too. One that is closed for good is no reason
    /// to end the line, which polls. What is dialled waits before that for some time up to `spread`.
    pub async fn run(self, context: Context, session: Session, inlet: Inlet, spread: Duration) -> Reason {
        match self {
            Self::Cable(cable, _) => {
                scattered(spread).await;
                hear(*cable, &context, &session, &inlet).await
            }
            Self::Attendance(attendance, _) => {
                scattered(spread).await;
                attend(*attendance, &inlet).await
            }
            Self::Hooks(hooks, listed) => answer(hooks, &Way { inlet, listed }).await,
        }
    }
}

async fn hear(mut cable: Cable, context: &Context, session: &Session, inlet: &Inlet) -> Reason {
    const VIA: Via = Via::ActionCable;
    let (store, name) = (&context.means.store, session.record().name);
    loop {
        // Without a cursor the channel tells what is new from now on, and the poll that follows tells the rest.
        let said = match cable.next(|| store.cursor(&name, poll::LINE).ok().flatten()).await {
            Heard::Welcomed => Live::Up(VIA),
            Heard::Frame(body) => Live::Frame { via: VIA, name: None, body },
            Heard::Gap(_) | Heard::Down { .. } => Live::Down(VIA),
            Heard::Stopped(Stopped::Line(reason)) => return reason,
            Heard::Stopped(Stopped::Cable(_)) => {
                inlet.push(Live::Down(VIA)).await;
                return std::future::pending().await;
            }
        };
        if !inlet.push(said).await {
            return std::future::pending().await;
        }
    }
}

/// What the stream says makes the line look at once; that it is gone costs nothing but time.
async fn attend(mut attendance: attendance::Attendance, inlet: &Inlet) -> Reason {
    loop {
        match attendance.next().await {
            // Who finds no room is as good as those before it.
            attendance::Heard::Something => drop(inlet.hint(None)),
            attendance::Heard::Failed(error) => return Reason::Store(error),
        }
    }
}

/// Each delivery makes the line read its log, and is answered once its event is committed.
async fn answer(mut hooks: mpsc::Receiver<Hook>, way: &Way) -> Reason {
    let mut waiting = JoinSet::new();
    loop {
        tokio::select! {
            Some(ended) = waiting.join_next() => drop(unwound(ended)),
            hook = hooks.recv() => {
                // Nobody registers for a workspace that runs but its own task.
                let Some(mut hook) = hook else { return std::future::pending().await };
                let (way, event) = (way.clone(), Value::Object(hook.event.clone()));
                waiting.spawn(async move {
                    let committed = async { way.hint(&event).await?.await.ok() };
                    tokio::select! {
                        biased;
                        // Without an answer it is a 503, and the platform sends it again.
                        committed = committed => if committed.is_some() {
                            hook.answer(Taken::Committed);
                        },
                        // The hint goes with the wait: an event that the log never has must not keep it being read.
                        () = hook.given_up() => {}
                    }
                });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Map;

    use super::*;
    use crate::line::poll::feed::feed;

    #[tokio::test]
    async fn p10_a_hint_is_answered_and_goes_when_the_platform_no_longer_waits() {
        let ((inlet, mut outlet), (hooks, taken)) = (feed(), mpsc::channel(2));
        let answering = tokio::spawn(async move { answer(taken, &Way { inlet, listed: None }).await });
        let (hook, answered) = Hook::new(Map::new());
        hooks.send(hook).await.unwrap();
        outlet.hints.recv().await.unwrap().done.send(()).unwrap();
        assert_eq!(answered.await, Ok(Taken::Committed));

        let (hook, answered) = Hook::new(Map::new());
        hooks.send(hook).await.unwrap();
        let mut hint = outlet.hints.recv().await.unwrap();
        assert!(!hint.done.is_closed());
        drop(answered);
        tokio::time::timeout(std::time::Duration::from_secs(30), hint.done.closed()).await.expect("the hint goes");
        answering.abort();
    }
}
