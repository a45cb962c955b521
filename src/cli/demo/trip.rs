//! One full round trip: said there, fed, answered, found there again, by the way that was claimed.

use std::fmt;
use std::time::Duration;

use anyhow::{Context, ensure};
use serde::Serialize;
use serde_json::Value;
use tokio::time::{Instant, timeout_at};

use super::bridge::{Bridge, READY};
use super::echo::{Answer, Echo, Handed};
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
    /// The first action's id.
    pub action: String,
    /// The answer's id on the platform.
    pub remote_id: String,
    /// From what was said to the answer's receipt.
    pub millis: u128,
    /// What happened in a document, where it was one.
    #[serde(flatten)]
    pub revision: Option<Revision>,
}

/// What a trip into a document was, beyond the agent's edit (the trip's action) and its suggestion there (its remote id).
#[derive(Serialize)]
pub struct Revision {
    /// The mention's id on the platform, where it is `done` now.
    pub mention: String,
    /// Who saw the edit live in an editor of its own.
    pub seen_by: &'static str,
    /// The action of the suggestion.
    pub suggest: String,
    /// The action that marked the mention: the bridge's own.
    pub done: String,
    /// What the platform was shown of the agent meanwhile, in order.
    pub presence: Vec<String>,
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
        let handed = told(echo, &nonce, deadline).await?;
        place.handed(&handed.event).await?;
        let answered = timeout_at(deadline + READY, echo.answer(&handed, deadline)).await;
        let answers = answered.context("the bridge has not answered its agent in time")??;
        let millis = begun.elapsed().as_millis();
        for Answer { verb, receipt, .. } in &answers {
            ensure!(receipt["state"] == "confirmed", "`{verb}` was not confirmed in time: the receipt is {receipt}");
        }
        let event_id = handed.event["id"].as_str().context("an event has an id")?.to_owned();
        let via = via(&traced(bridge, &event_id).await?)?;
        let told = Told { event: &handed.event, event_id: &event_id, via: &via, answers: &answers, nonce: &nonce };
        let found = place.prove(&told, bridge).await?;
        let action = answers.into_iter().next().context("the event was not answered")?.action;
        let (platform, dialect) = (place.platform, place.dialect);
        Ok(Self { platform, dialect, event_id, action, remote_id: found.remote_id, millis, revision: found.revision })
    }
}

impl fmt::Display for Trip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { platform, dialect, event_id, action, remote_id, millis, revision } = self;
        write!(f, "{platform} ({dialect}): {event_id} ")?;
        match revision {
            None => write!(f, "answered by {action} as {remote_id}")?,
            Some(Revision { seen_by, suggest, done, presence, .. }) => write!(
                f,
                "edited by {action}, seen by {seen_by}, suggested by {suggest} as {remote_id}, done by {done} ({})",
                presence.join(", ")
            )?,
        }
        write!(f, " in {millis} ms")
    }
}

/// The event with these words; what comes before it is answered, too.
async fn told(echo: &mut Echo, nonce: &str, deadline: Instant) -> anyhow::Result<Handed> {
    loop {
        let handed = timeout_at(deadline, echo.next()).await.context("the event did not arrive in time")??;
        if handed.event["data"]["message"]["text"].as_str().is_some_and(|text| text.ends_with(nonce)) {
            return Ok(handed);
        }
        let answered = timeout_at(deadline, echo.answer(&handed, deadline)).await;
        answered.context("what came before the event was not answered in time")??;
    }
}

/// The steps of an event, as the bridge remembers them.
pub async fn traced(bridge: &Bridge, event_id: &str) -> anyhow::Result<Vec<Value>> {
    let traced = bridge.ask(&["trace", event_id, "--json"]).await?;
    let mut traced: Value = serde_json::from_str(&traced).context("`trace --json` prints JSON")?;
    serde_json::from_value(traced["steps"].take()).context("a trace has steps")
}

/// The kind of line that brought an event first.
fn via(steps: &[Value]) -> anyhow::Result<String> {
    let seen = steps.iter().find(|step| step["what"] == "seen");
    let via = seen.and_then(|step| step["via"].as_str()).context("the bridge does not know how the event came")?;
    Ok(via.to_owned())
}
