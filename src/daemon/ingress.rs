//! Opens the listener for platforms' webhooks, where one is configured.

use std::sync::Arc;

use tokio::net::TcpListener;
use tracing::info;

use super::{Daemon, Failure};
use crate::adapter::{self, Manifest, Push, Webhook};
use crate::config::Config;
use crate::ingress::{Door, Expectations, Hooks, Signature, router};
use crate::serve::{Tcp, serve};
use crate::store::WorkspaceRecord;

impl Daemon {
    /// What is verified goes to whoever has registered with `hooks`.
    pub(super) async fn open_ingress(
        &mut self,
        hooks: Hooks,
        manifests: Arc<crate::adapter::Manifests>,
        config: &Config,
    ) -> Result<(), Failure> {
        let config = &config.ingress;
        let (Some(address), Some(public)) = (config.listen, &config.public_url) else { return Ok(()) };
        let listener = TcpListener::bind(address).await;
        let listener = listener.map_err(|source| Failure::Listen { address, section: "ingress", source })?;
        info!(%address, public_url = %public, "platforms may deliver");
        let way = Arc::new(move |record: &WorkspaceRecord| {
            manifests.get(&record.platform).and_then(|manifest| webhook(&manifest, record))
        });
        let routes = router(Door {
            public: public.clone(),
            expectations: Expectations::new(self.store.clone(), way),
            hooks,
            health: self.store.health(),
            tally: self.deliveries.clone(),
            bounds: config.bounds(),
            token: self.token.clone(),
        });
        let (listener, limits, token) = (Tcp::new(listener, config.connections), config.limits(), self.token.clone());
        self.tasks.spawn(async move {
            serve(listener, routes, limits, token).await;
            "ingress"
        });
        Ok(())
    }
}

/// How a platform signs what it delivers to this workspace; `None` where it delivers nothing there.
fn webhook(manifest: &Manifest, record: &WorkspaceRecord) -> Option<Signature> {
    let granted = |push: &&Push| manifest.grants(&record.facts, push.needs());
    manifest.receive.push.iter().filter(granted).find_map(|push| match push {
        Push::Webhook(Webhook { signature, .. }) => {
            let adapter::Signature { header, prefix, secret } = signature.clone();
            Some(Signature { header, prefix, secret })
        }
        Push::ActionCable(_) | Push::Attendance(_) => None,
    })
}
