//! `agent-bridge demo`: simulated platforms, a temporary bridge, people who talk and an agent that answers.

mod echo;
mod stage;

use std::time::Duration;

use anyhow::{Context, bail};
use clap::Args;
use serde::Serialize;
use tokio::time::Instant;

use echo::{Answered, Echo};
use stage::{Place, Stage};

/// How often somebody says something.
const TALK: Duration = Duration::from_secs(3);
/// What they say.
const SAYINGS: [&str; 4] =
    ["Good morning!", "Can you take a look at this?", "What do you think?", "Thanks, that helps."];

/// What to show.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  agent-bridge demo                 the feed and the answers, live, until Ctrl-C
  agent-bridge demo --once          one full round trip per platform and dialect
  agent-bridge demo --once --json   the same for scripts: an object a line
  agent-bridge demo --once --lose   the platforms lose every answer: this must fail")]
pub struct Demo {
    /// Stop after one full round trip per platform and dialect; non-zero if any is missing.
    #[arg(long)]
    once: bool,
    /// One JSON object a line: platform, dialect, event_id, action, remote_id, millis.
    #[arg(long)]
    json: bool,
    /// Have the platforms lose every message that the agent posts.
    #[arg(long)]
    lose: bool,
    /// How many seconds a round trip may take.
    #[arg(long, default_value_t = 30, value_name = "SECONDS")]
    wait: u64,
}

/// One full round trip: said there, fed, answered, found there again.
#[derive(Serialize)]
struct Trip {
    platform: &'static str,
    dialect: &'static str,
    event_id: String,
    action: String,
    remote_id: String,
    millis: u128,
}

impl Demo {
    /// Runs the demo.
    pub async fn run(self) -> anyhow::Result<()> {
        let quiet = self.json;
        let stage = Stage::set(|step| {
            if !quiet {
                println!("{step}");
            }
        })
        .await?;
        if self.lose {
            stage.lose_replies();
        }
        let ended = if self.once { self.trips(&stage).await } else { self.talk(&stage).await };
        let struck = stage.strike().await;
        ended.and(struck)
    }

    async fn trips(&self, stage: &Stage) -> anyhow::Result<()> {
        let mut echo = Echo::connect(&stage.socket()).await?;
        let mut missing = Vec::new();
        for place in &stage.places {
            match self.trip(place, &mut echo).await {
                Ok(trip) => self.show(&trip)?,
                Err(error) => missing.push(format!("{} ({}): {error:#}", place.platform, place.dialect)),
            }
        }
        if missing.is_empty() { Ok(()) } else { bail!("round trips are missing: {}", missing.join("; ")) }
    }

    /// Somebody says a text that nobody said before; the agent's answer to it must stand there, under the receipt's id.
    async fn trip(&self, place: &Place, echo: &mut Echo) -> anyhow::Result<Trip> {
        let mut chance = [0_u8; 8];
        getrandom::fill(&mut chance).context("the system's random source")?;
        let nonce = format!("demo {:016x}", u64::from_be_bytes(chance));
        let begun = Instant::now();
        let deadline = begun + Duration::from_secs(self.wait);
        place.sim.say(&place.sim.person("Pierre"), &place.room, &nonce);
        let answered = loop {
            let turn = tokio::time::timeout_at(deadline, echo.turn(deadline)).await;
            let answered = turn.context("the event did not arrive, or was not answered, in time")??;
            if answered.event["data"]["message"]["text"] == nonce.as_str() {
                break answered;
            }
        };
        let Answered { event, action, receipt } = answered;
        let remote_id = receipt["remote_ids"][0].as_str();
        let remote_id = remote_id.with_context(|| format!("the receipt is {receipt}"))?.to_owned();
        let there = place.sim.history(&place.room);
        let there = there.iter().any(|message| message.id == remote_id && message.text.contains(&nonce));
        anyhow::ensure!(there, "the platform has no message {remote_id} with the answer");
        Ok(Trip {
            platform: place.platform,
            dialect: place.dialect,
            event_id: event["id"].as_str().unwrap_or_default().to_owned(),
            action: action.unwrap_or_default(),
            remote_id,
            millis: begun.elapsed().as_millis(),
        })
    }

    fn show(&self, trip: &Trip) -> anyhow::Result<()> {
        if self.json {
            println!("{}", serde_json::to_string(trip)?);
        } else {
            println!(
                "{} ({}): {} answered by {} as {} in {} ms",
                trip.platform, trip.dialect, trip.event_id, trip.action, trip.remote_id, trip.millis
            );
        }
        Ok(())
    }

    /// People talk and the agent answers until Ctrl-C.
    async fn talk(&self, stage: &Stage) -> anyhow::Result<()> {
        println!("people talk and an echo agent answers; Ctrl-C ends it");
        let mut echo = Echo::connect(&stage.socket()).await?;
        let mut talk = tokio::time::interval(TALK);
        let listen = async {
            loop {
                let answered = echo.turn(Instant::now() + Duration::from_secs(self.wait)).await?;
                self.tell(&answered);
            }
        };
        let speak = async {
            for turn in 0.. {
                talk.tick().await;
                let place = &stage.places[turn % stage.places.len()];
                place.sim.say(&place.sim.person("Pierre"), &place.room, SAYINGS[turn % SAYINGS.len()]);
            }
        };
        tokio::select! {
            ended = listen => ended,
            () = speak => Ok(()),
            stopped = tokio::signal::ctrl_c() => stopped.context("cannot listen for Ctrl-C"),
        }
    }

    fn tell(&self, answered: &Answered) {
        let Answered { event, action, receipt } = answered;
        if self.json {
            println!("{}", serde_json::json!({ "event": event, "action": action, "receipt": receipt }));
            return;
        }
        let text = event["data"]["message"]["text"].as_str().unwrap_or_default();
        println!(
            "{}  {:<24} {text}",
            event["workspace"].as_str().unwrap_or_default(),
            event["type"].as_str().unwrap_or_default()
        );
        if action.is_some() {
            println!(
                "{}  → You said: {text}  [{}]",
                event["workspace"].as_str().unwrap_or_default(),
                receipt["state"].as_str().unwrap_or_default()
            );
        }
    }
}
