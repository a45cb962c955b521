//! Finds out of which platform a link or URL is; asks where neither its form nor its host tells.

use std::io::IsTerminal;
use std::sync::Arc;

use super::{CODE, Join};
use crate::adapter::{Manifest, Manifests};
use crate::cli::exit::{self, Fault};
use crate::cli::show;
use crate::config::Config;
use crate::http::Reqwest;
use crate::join::recognise::{by_answer, by_form, of_instance};

/// Whether this is a link or a URL, and no name of a platform.
pub fn is_place(text: &str) -> bool {
    text.contains(['.', '/', ':']) || text.eq_ignore_ascii_case("localhost")
}

/// The platform of `join.platform`, which is a link or URL. Nothing but gets is sent, and nothing that the link holds but
/// its host.
pub async fn platform(join: &Join, manifests: &Manifests, config: &Config) -> Result<Arc<Manifest>, Fault> {
    let link = &join.platform;
    let mut may_be = taking(join, by_form(manifests, link));
    if may_be.is_empty() {
        may_be = taking(join, of_instance(manifests, link));
    }
    if may_be.len() != 1 {
        let network = Reqwest::within(config.network.limits()).map_err(|error| Fault::new(exit::UNAVAILABLE, error))?;
        let known = by_answer(&may_be, join.instance.as_deref().unwrap_or(link), &network).await;
        may_be = if known.is_empty() { may_be } else { known };
    }
    match &may_be[..] {
        [one] => {
            show::note(format!("this is {}", one.title));
            Ok(one.clone())
        }
        _ if may_be.len() > 1 && std::io::stdin().is_terminal() => asked(may_be),
        _ => Err(Fault::usage(unknown(join, manifests, &may_be))),
    }
}

/// Those that take what was given beside the link.
fn taking(join: &Join, of: Vec<Arc<Manifest>>) -> Vec<Arc<Manifest>> {
    let settings = [("email", &join.email), ("handle", &join.handle), ("agent_name", &join.agent_name)];
    let settings = settings.into_iter().filter(|(_, given)| given.is_some()).map(|(name, _)| name);
    let set = join.set.iter().map(|pair| pair.split('=').next().unwrap_or_default());
    let settings: Vec<&str> = settings.chain(set).collect();
    let secrets = join.secret.iter().map(|given| given.split('=').next().unwrap_or_default());
    let secrets: Vec<&str> = secrets.chain(join.code.as_ref().map(|_| CODE)).collect();
    let takes = |manifest: &Arc<Manifest>| {
        let secret = |name: &&str| manifest.ask.secrets.get(name).is_some_and(|secret| !secret.taken);
        settings.iter().all(|name| manifest.ask.settings.has(name)) && secrets.iter().all(secret)
    };
    of.into_iter().filter(takes).collect()
}

fn asked(mut may_be: Vec<Arc<Manifest>>) -> Result<Arc<Manifest>, Fault> {
    let titles: Vec<&str> = may_be.iter().map(|manifest| manifest.title.as_str()).collect();
    let select = dialoguer::Select::new().with_prompt("Which platform is this?").items(&titles).default(0);
    let chosen =
        select.interact().map_err(|error| Fault::new(exit::NO_INPUT, format!("nothing was chosen: {error}")))?;
    Ok(may_be.swap_remove(chosen))
}

/// What to say where nobody can be asked. Never the link itself: it may hold a secret.
fn unknown(join: &Join, manifests: &Manifests, may_be: &[Arc<Manifest>]) -> String {
    let names: Vec<&str> = match may_be {
        [] => manifests.platforms().collect(),
        some => some.iter().map(|manifest| manifest.platform.as_str()).collect(),
    };
    let what =
        if may_be.is_empty() { "no platform is known by this link or URL" } else { "several platforms may be meant" };
    format!(
        "{what}: say which, as in `agent-bridge join PLATFORM URL --as {}`, PLATFORM being {}",
        join.name,
        names.join(", ")
    )
}
