//! One agent in a simulated office.

use std::collections::BTreeMap;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::Duration;

use agent_bridge::action::{Action, Request, State};
use agent_bridge::adapter::Manifests;
use agent_bridge::clock::Clock;
use agent_bridge::join::{self, JoinRequest};
use agent_bridge::store::{Batch, Change, WorkspaceRecord};
use agent_bridge_sim::office::{ChatStart, Options, Sim};
use serde_json::json;

use crate::stage::{NOW, ORIGIN, Stage, name};

pub const STEP: Duration = Duration::from_millis(100);
/// Nothing is waited for longer.
const MOST: Duration = Duration::from_mins(5);
/// What the agent is called there.
pub const ME: &str = "jared";
/// The person whom every office has.
pub const USER: &str = "user";

pub struct Story {
    pub sim: Sim,
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
    /// An office, and nobody has joined.
    pub fn begun(options: Options) -> Self {
        let clock = Clock::paced(NOW);
        let (wall, chat) = (Arc::new(move || clock.now()), ChatStart::Later);
        let sim = Sim::new(Options { wall, chat, ..options });
        let stage = Stage::new(sim.router(), STEP, MOST);
        Self { sim, stage }
    }

    /// With this in the manifest in place of that.
    pub fn mended(mut self, that: &str, this: &str) -> Self {
        let manifest = include_str!("../../../adapters/office.yaml");
        assert!(manifest.contains(that), "{that}");
        let folder = self.dir.path().join("adapters");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("office.yaml"), manifest.replace(that, this)).unwrap();
        self.manifests = Arc::new(Manifests::load(Some(&folder)).unwrap());
        self
    }

    /// The agent joins, without chat as yet.
    pub async fn join(&self) {
        let request = JoinRequest {
            manifest: self.manifests.get("office").unwrap(),
            name: name(),
            target: None,
            instance: None,
            settings: BTreeMap::from([("url".into(), ORIGIN.into()), ("agent_name".into(), ME.into())]),
            secrets: BTreeMap::from([("code".into(), self.sim.invite().into())]),
            public_url: None,
        };
        join::join(request, &self.means(), &mut |_| {}).await.unwrap();
    }

    /// As the join of an agent with a wallet leaves it: in the chat, and in the office's group.
    pub async fn registered(&self) {
        self.sim.register_chat(ME);
        let group = self.sim.group();
        self.edit(|record| {
            record.facts.insert("registered".into(), true.into());
            record.facts.insert("office_group_id".into(), group.into());
        })
        .await;
    }

    pub async fn edit(&self, edit: impl FnOnce(&mut WorkspaceRecord)) {
        let mut record = self.record();
        edit(&mut record);
        self.store.commit(Batch::new().with(Change::Workspace(Box::new(record)))).await.unwrap();
    }

    pub fn record(&self) -> WorkspaceRecord {
        self.store.workspace(&name()).unwrap().expect("it was joined")
    }

    /// Joined, in the chat, running and live.
    pub async fn live(options: Options) -> Self {
        Self::begun(options).goes_live().await
    }

    pub async fn goes_live(mut self) -> Self {
        self.join().await;
        self.registered().await;
        self.start().await;
        self.until_live().await;
        self
    }

    /// Time goes by in large steps, in which less is read than would be.
    pub async fn pass_mins(&self, mins: u64) {
        for _ in 0..mins * 6 {
            self.leap(Duration::from_secs(10)).await;
        }
    }

    /// Lets time pass until it is so; at most five minutes. How long it took.
    pub async fn until(&self, what: &str, mut so: impl FnMut(&Self) -> bool) -> Duration {
        self.stage.until(what, || so(self)).await
    }

    pub async fn until_told(&self, said: &str) -> Duration {
        self.until(said, |story| story.texts().iter().any(|text| text == said)).await
    }

    /// The agent makes a group with the person of the office; its id.
    pub async fn makes_a_group(&self, title: &str) -> String {
        let args = json!({ "title": title, "people": [USER] }).as_object().cloned().unwrap();
        let request = Request { workspace: None, verb: "topic.create".into(), args, key: None };
        let action = Action::accept(name(), request, None, self.clock.now());
        let id = action.id.clone();
        self.store.commit(Batch::new().with(Change::Accept(Box::new(action)))).await.unwrap();
        let made = |story: &Self| match story.store.action(&id).unwrap().map(|action| action.state) {
            Some(State::Confirmed { remote_ids }) => remote_ids.first().cloned(),
            _ => None,
        };
        self.until("it is made", |story| made(story).is_some()).await;
        made(self).expect("it is made")
    }

    /// How often the platform was asked for this: a view, an action, `stream`.
    pub fn asked(&self, kind: &str) -> u64 {
        self.sim.look(|world| world.books().requests(kind))
    }

    /// How often it was asked for anything.
    pub fn requests(&self) -> u64 {
        let views = ["conversations", "groups", "messages", "group-messages", "stream", "other"];
        views.iter().map(|kind| self.asked(kind)).sum()
    }
}
