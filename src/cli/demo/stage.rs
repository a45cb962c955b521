//! Simulated platforms, temporary bridges, and the joins between them.

use std::net::{SocketAddr, TcpListener};

use anyhow::Context;

use super::bridge::Bridge;
use super::invitation::Invitation;
use super::place::Place;

/// An event log, or a list, is read often where nothing else tells of events, and as good as never (nor again from an earlier place)
/// where a push source does: then only that source can have brought an event within a trip.
const LIVELY: &str = "[log]\nlevel = \"warn\"\n[lines]\nevery = \"500ms\"\nbeside = \"10m\"\noverlap = \"10m\"\n";
/// A log or a list is as good as never read: only a webhook can have made the bridge look.
const PATIENT: &str = "[log]\nlevel = \"warn\"\n[lines]\nevery = \"10m\"\nbeside = \"10m\"\noverlap = \"10m\"\n";
/// Nothing but reading conversations tells of messages: they are read often.
const READING: &str = "[log]\nlevel = \"warn\"\n[lines.pace]\nfast = \"150ms\"\nfast_for = \"1m\"\nslow = \"500ms\"\nothers = \"500ms\"\n";

/// Bridges in temporary folders, and the platforms that they have joined.
pub struct Stage {
    /// Each bridge with what it has joined.
    pub scenes: Vec<Scene>,
}

/// One bridge and its platforms.
pub struct Scene {
    /// The bridge.
    pub bridge: Bridge,
    /// The platforms.
    pub places: Vec<Place>,
    /// Invites of platforms where nobody can talk to the agent yet; nothing has joined by them.
    pub invitations: Vec<Invitation>,
}

impl Stage {
    /// Starts everything and joins every platform where people talk through its HTTP flow, with the real commands.
    pub async fn set(mut progress: impl FnMut(&str)) -> anyhow::Result<Self> {
        let lively = vec![
            Place::agentunited_documented().await?,
            Place::agentunited_observed().await?,
            Place::speakeasy_by_cable().await?,
            Place::speakeasy_by_polling().await?,
            Place::agentworkspace_by_polling().await?,
        ];
        let hooked = vec![Place::speakeasy_by_webhook().await?, Place::agentworkspace_by_webhook().await?];
        let read = vec![Place::office_in_its_group().await?, Place::office_in_person().await?];
        let invitations = vec![Invitation::to_thinkwork().await?, Invitation::to_paperclip().await?];
        let mut scenes = Vec::new();
        for (config, places, invitations) in [
            (LIVELY.to_owned(), lively, Vec::new()),
            (listening()?, hooked, Vec::new()),
            (READING.to_owned(), read, invitations),
        ] {
            let places_at = places.iter().map(|place| (place.title(), place.url()));
            for (title, url) in places_at.chain(invitations.iter().map(|it| (it.title(), it.url()))) {
                progress(&format!("{title} is at {url}"));
            }
            let bridge = Bridge::start(&config).await?;
            progress("a bridge is ready");
            for place in &places {
                let how = place.join(&bridge).await.with_context(|| format!("joining {}", place.title()))?;
                progress(&format!("joined {} {how}", place.title()));
            }
            scenes.push(Scene { bridge, places, invitations });
        }
        Ok(Self { scenes })
    }

    /// Every place, and the bridge that has joined it.
    pub fn places(&self) -> impl Iterator<Item = (&Place, &Bridge)> {
        self.scenes.iter().flat_map(|scene| scene.places.iter().map(|place| (place, &scene.bridge)))
    }

    /// From now on the platforms lose every message that is posted, and its reply.
    pub fn lose_replies(&self) {
        self.places().for_each(|(place, _)| place.lose());
        self.scenes.iter().flat_map(|scene| &scene.invitations).for_each(Invitation::lose);
    }

    /// Stops everything and removes the folders.
    pub async fn strike(self) -> anyhow::Result<()> {
        let mut struck = Ok(());
        for Scene { bridge, places, invitations } in self.scenes {
            struck = struck.and(bridge.stop().await);
            for place in places {
                place.stop().await;
            }
            for invitation in invitations {
                invitation.stop().await;
            }
        }
        struck
    }
}

/// [`PATIENT`], with a listener for webhooks: a platform is told its address at the join, so it is chosen here.
fn listening() -> anyhow::Result<String> {
    // Given back at once: somebody could take it before the bridge does, which then says so.
    let free = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).and_then(|listener| listener.local_addr());
    let free = free.context("no port for webhooks on 127.0.0.1")?;
    Ok(format!("{PATIENT}[ingress]\nlisten = \"{free}\"\npublic_url = \"http://{free}\"\n"))
}
