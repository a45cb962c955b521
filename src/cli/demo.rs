//! `agent-bridge demo`: simulated platforms, temporary bridges, people who talk and an agent that answers.

mod bridge;
mod echo;
mod invitation;
mod place;
mod stage;
mod talk;
mod trip;

use std::fmt::Display;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use clap::Args;
use serde::Serialize;
use tokio::signal::unix::{SignalKind, signal};

use echo::Echo;
use stage::Stage;
use trip::Trip;

/// What to show.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  agent-bridge demo                 the feed and the answers, live, until Ctrl-C
  agent-bridge demo --once          a full round trip per platform and dialect, a seat per invite
  agent-bridge demo --once --json   the same for scripts: an object a line
  agent-bridge demo --once --lose   the platforms lose every answer: this must fail")]
pub struct Demo {
    /// Stop after one full round trip per platform and dialect, and one seat per kind of invite;
    /// non-zero if any is missing.
    #[arg(long)]
    once: bool,
    /// One JSON object a line; with --once: platform, dialect, event_id, action, remote_id,
    /// millis; of a document also mention, seen_by, suggest, done, presence; of an invite
    /// platform, dialect, request, approved, agent, claimed, seat, millis.
    #[arg(long)]
    json: bool,
    /// Have the platforms lose every message that the agent posts.
    #[arg(long)]
    lose: bool,
    /// How many seconds a round trip may take.
    #[arg(long, default_value_t = 30, value_name = "SECONDS")]
    wait: u64,
}

impl Demo {
    /// Runs the demo. Ctrl-C and SIGTERM end it at any point, and nothing that it started is left.
    pub async fn run(self) -> anyhow::Result<()> {
        let stop = stop();
        tokio::pin!(stop);
        let stage = tokio::select! {
            stage = Stage::set(|step| self.say(step)) => stage?,
            stopped = &mut stop => return self.stopped(stopped),
        };
        if self.lose {
            stage.lose_replies();
        }
        let ended = tokio::select! {
            ended = self.play(&stage) => ended,
            stopped = &mut stop => self.stopped(stopped),
        };
        let struck = stage.strike().await;
        ended.and(struck)
    }

    fn say(&self, step: &str) {
        if !self.json {
            println!("{step}");
        }
    }

    async fn play(&self, stage: &Stage) -> anyhow::Result<()> {
        if self.once {
            return self.trips(stage).await;
        }
        for scene in &stage.scenes {
            for invitation in &scene.invitations {
                self.show(&invitation.take(&scene.bridge, Duration::from_secs(self.wait)).await?)?;
            }
        }
        self.say("people talk and an echo agent answers; Ctrl-C ends it");
        talk::talk(stage, Duration::from_secs(self.wait), self.json).await
    }

    /// What somebody ends is well, but for trips that were not made.
    fn stopped(&self, stopped: anyhow::Result<()>) -> anyhow::Result<()> {
        stopped?;
        ensure!(!self.once, "stopped before every round trip was made");
        Ok(())
    }

    async fn trips(&self, stage: &Stage) -> anyhow::Result<()> {
        let (mut missing, wait) = (Vec::new(), Duration::from_secs(self.wait));
        for scene in &stage.scenes {
            let mut echo = Echo::connect(&scene.bridge.socket()).await?;
            for place in &scene.places {
                match Trip::take(place, &scene.bridge, &mut echo, wait).await {
                    Ok(trip) => self.show(&trip)?,
                    Err(error) => missing.push(format!("{}: {error:#}", place.title())),
                }
            }
            for invitation in &scene.invitations {
                match invitation.take(&scene.bridge, wait).await {
                    Ok(seated) => self.show(&seated)?,
                    Err(error) => missing.push(format!("{}: {error:#}", invitation.title())),
                }
            }
        }
        if missing.is_empty() { Ok(()) } else { bail!("round trips are missing: {}", missing.join("; ")) }
    }

    fn show(&self, made: &(impl Serialize + Display)) -> anyhow::Result<()> {
        if self.json {
            println!("{}", serde_json::to_string(made)?);
        } else {
            println!("{made}");
        }
        Ok(())
    }
}

/// Ends when somebody wants the demo to end.
async fn stop() -> anyhow::Result<()> {
    let mut term = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
    tokio::select! {
        stopped = tokio::signal::ctrl_c() => stopped.context("cannot listen for Ctrl-C"),
        _ = term.recv() => Ok(()),
    }
}
