//! Lists beside the line: mail that came and appointments that are near, told once each, through crashes and troubles.

use std::collections::BTreeMap;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::Duration;

use agent_bridge::clock::Clock;
use agent_bridge::store::{Batch, Change, Seat, WorkspaceRecord};
use agent_bridge_sim::agentworkspace::{Options, Sim};

use crate::stage::{NOW, ORIGIN, Stage, name, text};

#[path = "lists/calendar.rs"]
mod calendar;
#[path = "lists/mail.rs"]
mod mail;

const STEP: Duration = Duration::from_millis(500);
/// Nothing is waited for longer.
const MOST: Duration = Duration::from_mins(10);

/// One agent's desk on the simulated platform.
struct Story {
    sim: Sim,
    agent: String,
    stage: Stage,
}

impl Deref for Story {
    type Target = Stage;

    fn deref(&self) -> &Stage {
        &self.stage
    }
}

impl DerefMut for Story {
    fn deref_mut(&mut self) -> &mut Stage {
        &mut self.stage
    }
}

impl Story {
    /// A workspace that was joined by its key just now, and does not run yet.
    async fn joined() -> Self {
        let clock = Clock::paced(NOW);
        let wall = Arc::new(move || clock.now());
        let sim = Sim::new(Options { url: ORIGIN.into(), wall, ..Options::default() });
        let agent = sim.agent("Atlas");
        let stage = Stage::new(sim.router(), STEP, MOST);
        let joined = Self { sim, agent, stage };
        let record = WorkspaceRecord {
            name: name(),
            platform: "agentworkspace".into(),
            settings: BTreeMap::from([("url".into(), ORIGIN.into()), ("display_name".into(), "Atlas".into())]),
            facts: BTreeMap::new(),
            session: "key".into(),
            seat: Seat::SignedIn,
            joined_at: NOW,
        };
        let key = joined.sim.api_key(&joined.agent);
        let secret = Change::Secret { owner: "acme".into(), field: "api_key".into(), value: Some(key.into()) };
        joined.store.commit(Batch::new().with(Change::Workspace(Box::new(record))).with(secret)).await.unwrap();
        joined
    }

    /// The same with e-mail, running.
    async fn with_mail() -> Self {
        let mut story = Self::joined().await;
        assert!(story.sim.enable_email(&story.agent, "atlas"));
        story.start().await;
        story.until("the mail is read", |story| story.line("threads").checked.is_some()).await;
        story
    }

    /// Time goes by in large steps.
    async fn pass_mins(&self, mins: u64) {
        for _ in 0..mins * 2 {
            self.leap(Duration::from_secs(30)).await;
        }
    }

    /// Lets time pass until it is so; at most ten minutes.
    async fn until(&self, what: &str, mut so: impl FnMut(&Self) -> bool) {
        self.stage.until(what, || so(self)).await;
    }

    /// The texts of the mails that were told.
    fn mails(&self) -> Vec<String> {
        self.of("email.received").iter().map(|event| text(&event["data"]["message"]["text"])).collect()
    }

    /// How often the platform was asked so.
    fn asked(&self, route: &str) -> usize {
        let log = self.sim.log();
        log.iter().filter(|entry| format!("{} {}", entry.method, entry.route) == route).count()
    }
}
