//! Joining and leaving: one at a time for each name, and what runs under that name stops for it.

use serde_json::{Value, json};

use super::Seats;
use crate::api::params;
use crate::api::problem::Problem;
use crate::event::WorkspaceName;
use crate::join::{self, JoinRequest};
use crate::workspace;

impl Seats {
    pub(super) async fn join_now(self, join: params::Join) -> Result<Value, Problem> {
        let params::Join { platform, name, link, instance, settings, secrets } = join;
        let _busy = self.reserve(&name)?;
        let secrets = secrets.into_iter().map(|(name, secret)| (name, secret.0)).collect();
        let manifest = self.manifest(&platform)?;
        let public_url = self.0.public_url.clone();
        let request =
            JoinRequest { manifest, name: name.clone(), target: link, instance, settings, secrets, public_url };
        let mut steps = Vec::new();
        let mut progress = |step: &str| steps.push(step.to_owned());
        let late = || Problem::new("unreachable", "joining took too long: the same command goes on where it stopped");
        self.0.approvals.stop(&name).await;
        let rested = self.rest(&request).await?;
        let joining = join::join(request, &self.0.context.means, &mut progress);
        let joined = tokio::time::timeout(self.0.join, joining).await;
        let joined = joined.map_err(|_| late()).and_then(|joined| joined.map_err(|error| refused(&error)));
        let waits = self.wait_for(&name).await?;
        if joined.is_ok()
            && !waits
            && let Some(word) = self.keep_place(&name).await
        {
            steps.push(word);
        }
        if let Some(roster) = self.0.roster.as_ref().filter(|_| !waits && (joined.is_ok() || rested)) {
            roster.restart(&name).await;
        }
        let record = joined?;
        steps.extend(self.paste(&name).await?.map(|pasted| pasted.words()));
        let mut view = crate::api::view::workspace(&record, None);
        view["steps"] = steps.into();
        Ok(view)
    }

    /// A workspace that is to be mended stops first; whether it did.
    async fn rest(&self, request: &JoinRequest) -> Result<bool, Problem> {
        let mends = join::mends(request, &self.0.context.means.store)?;
        let roster = self.0.roster.as_ref().filter(|_| mends);
        if let Some(roster) = roster {
            roster.stop(&request.name).await;
        }
        Ok(roster.is_some())
    }

    /// From here on the feed tells; what to say where the platform did not let it begin.
    pub(in crate::daemon) async fn keep_place(&self, name: &WorkspaceName) -> Option<String> {
        let kept = tokio::time::timeout(self.0.request, workspace::keep_place(&self.0.context, name)).await;
        let why = kept.map_or_else(|_| Some("it took too long".to_owned()), |kept| Some(kept.err()?.to_string()))?;
        Some(format!("its histories cannot be read yet ({why}): the feed begins with the first connect"))
    }

    pub(super) async fn leave_now(self, name: WorkspaceName) -> Result<Value, Problem> {
        let _busy = self.reserve(&name)?;
        self.0.approvals.stop(&name).await;
        if let Some(roster) = &self.0.roster {
            // Its lines end first: nothing may come in for a workspace that is no more.
            roster.stop(&name).await;
        }
        join::leave(&self.0.context.means.store, &name).await.map_err(|error| refused(&error))?;
        Ok(json!({ "left": name }))
    }
}

fn refused(error: &join::Error) -> Problem {
    let kind = match error {
        join::Error::Asked(_) | join::Error::Link(_) => "bad_params",
        join::Error::Name(_) => "exists",
        join::Error::Refused(_) => "refused",
        join::Error::Unavailable(_) => "unreachable",
        join::Error::Store(_) => "store_failed",
    };
    Problem::new(kind, error.to_string())
}
