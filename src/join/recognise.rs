//! Which platform a link or URL is of: by the link's form, and where that does not tell, by what its host answers to a get
//! that nobody needs a credential for.

use std::sync::Arc;

use futures_util::future::join_all;

use super::ask::origin_setting;
use super::parse_link;
use crate::adapter::{Manifest, Manifests, Root, Scope};
use crate::http::Network;

/// The platforms of whose links this is one.
pub fn by_form(manifests: &Manifests, text: &str) -> Vec<Arc<Manifest>> {
    let fits =
        |manifest: &Arc<Manifest>| parse_link(manifest, text, None).is_ok_and(|target| !target.values.is_empty());
    all(manifests).filter(fits).collect()
}

/// The platforms of which this may be an instance: of all, where it is a plain URL.
pub fn of_instance(manifests: &Manifests, text: &str) -> Vec<Arc<Manifest>> {
    all(manifests).filter(|manifest| parse_link(manifest, text, None).is_ok()).collect()
}

/// Those of them as which the host answers. Sends one get to each, and nothing that the link holds but its host.
pub async fn by_answer(among: &[Arc<Manifest>], text: &str, network: &dyn Network) -> Vec<Arc<Manifest>> {
    let answers = join_all(among.iter().map(|manifest| answers(manifest, text, network))).await;
    let known: Vec<_> =
        among.iter().zip(answers).filter(|(_, answers)| *answers).map(|(manifest, _)| manifest).collect();
    // Words tell more than a status: whole hosts answer 401 to strangers.
    let by_words =
        |manifest: &&Arc<Manifest>| manifest.ask.probe.as_ref().is_some_and(|probe| !probe.sign.says.is_empty());
    let told: Vec<_> = known.iter().copied().filter(by_words).collect();
    if told.is_empty() { known } else { told }.into_iter().cloned().collect()
}

async fn answers(manifest: &Manifest, text: &str, network: &dyn Network) -> bool {
    let Some((probe, setting)) = manifest.ask.probe.as_ref().zip(origin_setting(manifest)) else { return false };
    let Ok(target) = parse_link(manifest, text, None) else { return false };
    let scope = Scope::new().with(Root::Settings, setting, target.origin.to_string());
    let base = manifest.http.base.render(&scope).ok().and_then(|base| url::Url::parse(&base).ok());
    let Some(Ok(request)) = base.map(|base| probe.call.request(&base, &Scope::new())) else { return false };
    network.call(request).await.is_ok_and(|answer| probe.sign.fits(answer.status, &answer.body))
}

fn all(manifests: &Manifests) -> impl Iterator<Item = Arc<Manifest>> {
    manifests.platforms().filter_map(|name| manifests.get(name))
}
