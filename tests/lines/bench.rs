//! One workspace on a simulated platform, and what is said there.

use std::collections::BTreeMap;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::Duration;

use agent_bridge::clock::Clock;
use agent_bridge::join::{self, JoinRequest};
use agent_bridge::line::timing::Timing;
use agent_bridge_sim::agentunited::{Armed, Fault, Options, Sim};

use crate::stage::Stage;
pub use crate::stage::{NOW, ORIGIN, message, name, text};

const STEP: Duration = Duration::from_millis(100);
/// Nothing is waited for longer.
const MOST: Duration = Duration::from_mins(5);
pub const HISTORY: &str = "GET /channels/{id}/messages";

/// The document's stream, which lives for ever, has ids and replays.
pub fn documented() -> Options {
    Options::documented()
}

/// The field's stream: no ids, no replay, no direct messages, cut after 15 s.
pub fn observed() -> Options {
    Options::default()
}

pub struct Story {
    pub sim: Sim,
    pub ann: String,
    pub room: String,
    pub said: Vec<(String, String)>,
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
    /// A person and a room on the platform, and an agent that has joined and does not run yet.
    pub async fn joined(options: Options) -> Self {
        let mut story = Self::begun(options);
        story.join().await;
        story
    }

    /// The same, running and live.
    pub async fn live(options: Options) -> Self {
        let mut story = Self::joined(options).await;
        story.start().await;
        story.until_live().await;
        story
    }

    /// A person and a room, and nobody has joined yet.
    #[expect(clippy::needless_pass_by_value, reason = "options are made where the story begins")]
    pub fn begun(options: Options) -> Self {
        let clock = Clock::paced(NOW);
        let wall = Arc::new(move || clock.now());
        let sim = Sim::new(Options { url: ORIGIN.into(), wall, ..options });
        let (ann, room) = (sim.person("Ann"), sim.channel("general"));
        let mut stage = Stage::new(sim.router(), STEP, MOST);
        stage.timing = Timing::default();
        Self { sim, ann, room, said: Vec::new(), stage }
    }

    pub async fn join(&mut self) {
        let request = JoinRequest {
            manifest: self.manifests.get("agentunited").unwrap(),
            name: name(),
            target: Some(self.sim.invite(Some("agent@workspace.test"))),
            instance: None,
            settings: BTreeMap::new(),
            secrets: BTreeMap::new(),
            public_url: None,
        };
        join::join(request, &self.means(), &mut |_| {}).await.unwrap();
    }

    /// Lets time pass until it is so; at most five minutes.
    pub async fn until(&self, what: &str, mut so: impl FnMut(&Self) -> bool) {
        self.stage.until(what, || so(self)).await;
    }

    /// Ann says something that has to be told.
    pub fn say(&mut self, text: &str) -> String {
        let room = self.room.clone();
        self.say_in(&room, text)
    }

    pub fn say_in(&mut self, room: &str, text: &str) -> String {
        let id = self.sim.say(&self.ann, room, text);
        self.said.push((room.to_owned(), id.clone()));
        id
    }

    /// These were said in the room, and are to be told like the others.
    pub fn owes(&mut self, ids: &[String]) {
        self.said.extend(ids.iter().map(|id| (self.room.clone(), id.clone())));
    }

    /// The direct conversation of the agent and the platform's own, as the join made it.
    pub fn direct(&self) -> String {
        self.sim.dm(&self.sim.primary(), &self.sim.members()[0])
    }

    pub fn always(&self, route: &str, fault: Fault) {
        self.sim.arm(Armed { route: route.into(), after: 0, count: u32::MAX, fault });
    }

    pub fn seen(&self, route: &str) -> usize {
        self.sim.log().iter().filter(|entry| format!("{} {}", entry.method, entry.route) == route).count()
    }

    pub fn late(&self) -> usize {
        self.of("message.created").iter().filter(|event| event["data"]["late"] == true).count()
    }
}
