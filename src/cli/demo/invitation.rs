//! One seat by an invite: accepted, approved by somebody there, its key claimed once, and then registered.

use std::fmt;
use std::time::Duration;

use agent_bridge_sim::invites::{Armed, Call, Dialect, Fault, Options, Sim, Status, World};
use agent_bridge_sim::paperclip::Paperclip;
use agent_bridge_sim::serve::Serving;
use agent_bridge_sim::thinkwork::Thinkwork;
use anyhow::{Context, anyhow, bail, ensure};
use serde::Serialize;
use serde_json::Value;
use tokio::time::{Instant, timeout};

use super::bridge::Bridge;
use crate::cli::show::text;

/// The agent's name there.
const AGENT: &str = "Atlas";
/// The way in.
const INVITE: &str = "invite";
/// Where an invite is accepted, on each of these platforms.
const ACCEPT: &str = "POST /api/invites/{token}/accept";
/// The answer to the accept is held back so many milliseconds: the approval, which comes at once, must be there before the
/// first claim, for the next one comes a minute later.
const HELD: u64 = 500;

/// A simulated platform where an agent is invited and has no work yet.
pub struct Invitation {
    platform: &'static str,
    there: There,
    serving: Serving,
}

enum There {
    Thinkwork(Sim<Thinkwork>),
    Paperclip(Sim<Paperclip>),
}

/// What became of an invite.
#[derive(Debug, Serialize)]
pub struct Seated {
    platform: &'static str,
    dialect: &'static str,
    /// The join request on the platform.
    request: String,
    /// Somebody there has approved it.
    approved: bool,
    /// The agent that the platform made of it.
    agent: String,
    /// Its one key was claimed.
    claimed: bool,
    /// The seat, as `status` has it.
    seat: String,
    /// From the invite to the seat.
    millis: u128,
}

/// The platform's own books of one invite.
#[derive(Debug, PartialEq, Eq)]
struct Booked {
    request: String,
    agent: String,
}

impl Invitation {
    /// To the platform whose invites reserve a name.
    pub async fn to_thinkwork() -> anyhow::Result<Self> {
        let (sim, serving) = served().await?;
        Ok(Self { platform: "thinkwork", there: There::Thinkwork(sim), serving })
    }

    /// To the platform that tells an agent who it is.
    pub async fn to_paperclip() -> anyhow::Result<Self> {
        let (sim, serving) = served().await?;
        Ok(Self { platform: "paperclip", there: There::Paperclip(sim), serving })
    }

    /// Platform and way, for people.
    pub fn title(&self) -> String {
        format!("{} ({INVITE})", self.platform)
    }

    /// Its origin.
    pub fn url(&self) -> String {
        self.serving.url()
    }

    /// From now on it loses every accept.
    pub fn lose(&self) {
        let lost = Armed { route: ACCEPT.to_owned(), after: 0, count: u32::MAX, fault: Fault::RequestLost };
        match &self.there {
            There::Thinkwork(sim) => sim.arm(lost),
            There::Paperclip(sim) => sim.arm(lost),
        }
    }

    /// Joins by a fresh invite, under the platform's name, and has somebody approve that. Each step must stand in the
    /// platform's books; the one that is missing is named.
    pub async fn take(&self, bridge: &Bridge, wait: Duration) -> anyhow::Result<Seated> {
        let begun = Instant::now();
        let Booked { request, agent } = match &self.there {
            There::Thinkwork(sim) => joined(sim, self.platform, bridge, wait).await?,
            There::Paperclip(sim) => joined(sim, self.platform, bridge, wait).await?,
        };
        let status = bridge.ask(&["status", self.platform, "--json"]).await?;
        let status: Value = serde_json::from_str(&status).context("`status --json` prints JSON")?;
        let seat = text(&status["workspaces"][0], "seat");
        ensure!(seat == "registered", "the seat is `{seat}` and not `registered`");
        let (platform, millis) = (self.platform, begun.elapsed().as_millis());
        Ok(Seated { platform, dialect: INVITE, request, approved: true, agent, claimed: true, seat, millis })
    }

    /// Stops it.
    pub async fn stop(self) {
        self.serving.stop().await;
    }
}

impl fmt::Display for Seated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { platform, dialect, request, agent, seat, millis, .. } = self;
        write!(f, "{platform} ({dialect}): request {request} approved, key of {agent} claimed, {seat} in {millis} ms")
    }
}

async fn served<D: Dialect>() -> anyhow::Result<(Sim<D>, Serving)> {
    let sim = Sim::new(Options::default());
    let serving = sim.serve(0).await.context("a simulated platform cannot listen")?;
    Ok((sim, serving))
}

/// Runs the command while somebody there approves what comes.
async fn joined<D: Dialect>(sim: &Sim<D>, name: &str, bridge: &Bridge, wait: Duration) -> anyhow::Result<Booked> {
    sim.fault(ACCEPT, Fault::DelayReply { millis: HELD });
    let link = sim.invite(AGENT).link;
    let join = ["join", name, &link, "--as", name];
    let ended = tokio::select! {
        ended = timeout(wait, bridge.ask(&join)) => ended,
        () = sim.approving(Duration::ZERO) => bail!("nobody approves there any more"),
    };
    let booked = sim.look(booked);
    match ended.unwrap_or_else(|_| Err(anyhow!("the join did not end in time"))) {
        Ok(_) => booked.map_err(anyhow::Error::msg),
        Err(error) => Err(error.context(booked.err().unwrap_or("the seat was not taken"))),
    }
}

/// The invite's way through the platform's books, or the first step that they do not have.
fn booked<D: Dialect>(world: &World<D>) -> Result<Booked, &'static str> {
    let request = world.requests().last().ok_or("the invite was not accepted")?;
    let agent = match (request.status, &request.agent) {
        (Status::Approved, Some(agent)) => agent.clone(),
        _ => return Err("the request was not approved"),
    };
    if request.claimed.is_none() || world.keys().filter(|key| key.agent == agent).count() != 1 {
        return Err("the key was not claimed");
    }
    if [Call::Accept, Call::Claim].map(|call| world.calls(call)) != [1, 1] || world.calls(Call::Internal) > 0 {
        return Err("the platform was asked for more than one accept and one claim");
    }
    Ok(Booked { request: request.id.clone(), agent })
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::http::Request;
    use serde_json::json;
    use tower::ServiceExt as _;

    use super::*;

    async fn post(sim: &Sim<Paperclip>, path: &str, body: Value) -> Value {
        let request = Request::post(path).header("content-type", "application/json").body(Body::from(body.to_string()));
        let answer = sim.router().oneshot(request.expect("a request")).await.expect("an answer");
        let body = axum::body::to_bytes(answer.into_body(), 1 << 16).await.expect("a body");
        serde_json::from_slice(&body).expect("JSON")
    }

    #[tokio::test]
    async fn the_first_step_that_the_platforms_books_do_not_have_is_named() {
        let sim = Sim::<Paperclip>::new(Options::default());
        assert_eq!(sim.look(booked), Err("the invite was not accepted"));
        let accept = format!("/api/invites/{}/accept", sim.invite(AGENT).token);
        let wish = json!({ "requestType": "agent", "agentName": AGENT, "adapterType": "http" });
        let accepted = post(&sim, &accept, wish).await;
        assert_eq!(sim.look(booked), Err("the request was not approved"));
        let request = sim.waiting().expect("it waits");
        sim.approve(&request);
        assert_eq!(sim.look(booked), Err("the key was not claimed"));
        let claim = format!("/api/join-requests/{request}/claim-api-key");
        let secret = json!({ "claimSecret": accepted["claimSecret"] });
        let claimed = post(&sim, &claim, secret.clone()).await;
        let agent = claimed["agentId"].as_str().expect("an agent").to_owned();
        assert_eq!(sim.look(booked), Ok(Booked { request, agent }));
        post(&sim, &claim, secret).await;
        assert_eq!(sim.look(booked), Err("the platform was asked for more than one accept and one claim"));
    }
}
