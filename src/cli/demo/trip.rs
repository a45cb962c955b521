//! One full round trip: said there, fed, answered, found there again, by the way that was claimed.

use std::time::Duration;

use anyhow::{Context, ensure};
use serde::Serialize;
use serde_json::Value;
use tokio::time::Instant;

use super::bridge::Bridge;
use super::echo::{Answered, Echo};
use super::place::{Place, Told};

/// What one trip was.
#[derive(Serialize)]
pub struct Trip {
    /// The platform.
    pub platform: &'static str,
    /// Its dialect, or the way by which it tells of events.
    pub dialect: &'static str,
    /// The CloudEvent's id.
    pub event_id: String,
    /// The action's id.
    pub action: String,
    /// The answer's id on the platform.
    pub remote_id: String,
    /// From what was said to the answer's receipt.
    pub millis: u128,
}

impl Trip {
    /// Somebody says a text that nobody said before; the agent's answer to it must stand there, under the receipt's id.
    pub async fn take(place: &Place, bridge: &Bridge, echo: &mut Echo, wait: Duration) -> anyhow::Result<Self> {
        let mut chance = [0_u8; 8];
        getrandom::fill(&mut chance).context("the system's random source")?;
        let nonce = format!("demo {:016x}", u64::from_be_bytes(chance));
        let begun = Instant::now();
        let deadline = begun + wait;
        place.say(&nonce);
        let answered = loop {
            let turn = tokio::time::timeout_at(deadline, echo.turn(deadline)).await;
            let answered = turn.context("the event did not arrive, or was not answered, in time")??;
            if answered.event["data"]["message"]["text"] == nonce.as_str() {
                break answered;
            }
        };
        let millis = begun.elapsed().as_millis();
        let Answered { event, action, receipt } = answered;
        let remote_id = receipt["remote_ids"][0].as_str();
        let remote_id = remote_id.with_context(|| format!("the receipt is {receipt}"))?.to_owned();
        ensure!(place.has(&remote_id, &nonce), "the platform has no message {remote_id} with the answer");
        let event_id = event["id"].as_str().context("an event has an id")?.to_owned();
        let via = via(bridge, &event_id).await?;
        place.prove(&Told { event: &event, via: &via }).await?;
        let action = action.unwrap_or_default();
        Ok(Self { platform: place.platform, dialect: place.dialect, event_id, action, remote_id, millis })
    }
}

/// The kind of line that brought an event first, as the bridge remembers it.
async fn via(bridge: &Bridge, event_id: &str) -> anyhow::Result<String> {
    let traced = bridge.ask(&["trace", event_id, "--json"]).await?;
    let traced: Value = serde_json::from_str(&traced).context("`trace --json` prints JSON")?;
    let seen = traced["steps"].as_array().and_then(|steps| steps.iter().find(|step| step["what"] == "seen"));
    let via = seen.and_then(|step| step["via"].as_str()).context("the bridge does not know how the event came")?;
    Ok(via.to_owned())
}
