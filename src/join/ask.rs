//! Checks what was asked for, and decides by which way to go. Sends nothing, writes nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};

use super::added::adds_key;
use super::{Error, JOINING, JoinRequest, identity, made, parse_link, pending};
use crate::adapter::{Manifest, SettingKind, Way};
use crate::event::WorkspaceName;
use crate::http::Origin;
use crate::ingress::{CALLBACK_URL, PublicUrl};
use crate::store::{Seat, Store, WorkspaceRecord};

/// What will be done.
pub(super) struct Plan {
    pub manifest: Arc<Manifest>,
    /// The workspace as it will be committed first, its seat `Joining`.
    pub record: WorkspaceRecord,
    pub secrets: BTreeMap<String, SecretString>,
    pub way: String,
    /// Given by the operator now.
    pub given: BTreeSet<String>,
    /// What stood there before: restored when nothing was changed on the platform.
    pub before: Option<Before>,
    /// What this name belongs to, if it was joined before.
    pub owner: Option<WorkspaceRecord>,
    /// Where platforms can reach the bridge, where they can.
    pub public_url: Option<PublicUrl>,
}

/// A workspace as it stood.
pub(super) struct Before {
    pub record: WorkspaceRecord,
    pub secrets: BTreeMap<String, SecretString>,
}

/// Checks the request against manifest and store.
pub(super) fn plan(request: JoinRequest, store: &Store) -> Result<Plan, Error> {
    let (manifest, name) = (request.manifest.clone(), request.name.clone());
    let before = standing(store, &request)?;
    let owner = match &before {
        Some(before) => Some(before.record.clone()),
        None => identity::remembered(store, &name)?,
    };
    let public_url = request.public_url.clone();
    let (settings, given) = given(request)?;
    let names: BTreeSet<String> = settings.keys().chain(given.keys()).cloned().collect();
    let mut record = match &before {
        Some(before) => before.record.clone(),
        None => blank(&manifest, name),
    };
    // Somebody else, or something else, is asked for: that is another request.
    let changed = settings.iter().any(|(name, value)| record.settings.get(name).is_some_and(|kept| kept != value));
    if changed && pending(&record).is_some() {
        record.facts.remove(JOINING);
    }
    note_callback(&mut record, public_url.as_ref());
    record.seat = Seat::Joining;
    record.settings.extend(settings);
    fill_defaults(&manifest, &mut record)?;
    if let Some(owner) = &owner {
        identity::check_settings(&manifest, owner, &record)?;
    }
    let mut secrets = before.as_ref().map(|before| before.secrets.clone()).unwrap_or_default();
    // Another invite is another join.
    let one_use = |name: &str| manifest.ask.secrets.get(name).is_some_and(|secret| secret.one_use);
    if given.iter().any(|(name, secret)| one_use(name) && differs(secrets.get(name), secret)) {
        record.facts.remove(JOINING);
    }
    secrets.extend(given);
    let way = choose(&manifest, &record, &secrets, &names)?;
    made::make(&manifest, &way, &mut secrets, &mut record);
    if let Some(way) = manifest.join.ways.get(&way) {
        record.session.clone_from(&way.session);
    }
    Ok(Plan { manifest, record, secrets, way, given: names, before, owner, public_url })
}

/// Where the platform can reach the bridge, where it can.
fn note_callback(record: &mut WorkspaceRecord, public_url: Option<&PublicUrl>) {
    match public_url {
        Some(url) => drop(record.facts.insert(CALLBACK_URL.to_owned(), url.hooks_of(&record.name).into())),
        // A request that is under way has told the platform what it has told.
        None if record.facts.contains_key(JOINING) => {}
        None => drop(record.facts.remove(CALLBACK_URL)),
    }
}

/// What goes on by itself: nothing is asked for and nothing is given.
pub(super) fn resume(
    manifest: Arc<Manifest>,
    record: WorkspaceRecord,
    way: String,
    store: &Store,
) -> Result<Plan, Error> {
    let secrets = store.secrets(record.name.as_str())?.into_iter().collect();
    let owner = Some(record.clone());
    Ok(Plan { manifest, record, secrets, way, given: BTreeSet::new(), before: None, owner, public_url: None })
}

/// What stands under the name. A seat that acts is not joined anew, unless it gets the key that it has not.
fn standing(store: &Store, request: &JoinRequest) -> Result<Option<Before>, Error> {
    let name = &request.name;
    let Some(record) = store.workspace(name)? else { return Ok(None) };
    if record.seat.acts() && !adds_key(&request.manifest, &record, &request.secrets) {
        let link = request.manifest.share().map(|_| format!("; one more document: agent-bridge document add {name}"));
        return Err(Error::Name(format!(
            "`{name}` is joined already: choose another name with --as, or leave it first (agent-bridge leave {name}){}",
            link.unwrap_or_default()
        )));
    }
    let secrets = store.secrets(name.as_str())?.into_iter().collect();
    Ok(Some(Before { record, secrets }))
}

fn blank(manifest: &Manifest, name: WorkspaceName) -> WorkspaceRecord {
    WorkspaceRecord {
        name,
        platform: manifest.platform.clone(),
        settings: BTreeMap::new(),
        facts: BTreeMap::new(),
        session: String::new(),
        seat: Seat::Joining,
        joined_at: 0,
    }
}

type Given = (BTreeMap<String, String>, BTreeMap<String, SecretString>);

/// Settings and secrets as given, link included, each checked.
fn given(request: JoinRequest) -> Result<Given, Error> {
    let manifest = &request.manifest;
    let (mut settings, mut secrets) = (request.settings, request.secrets);
    if let Some(target) = request.target.as_deref().or(request.instance.as_deref()) {
        let target = parse_link(manifest, target, request.instance.as_deref())?;
        if let Some(name) = origin_setting(manifest) {
            settings.insert(name.to_owned(), target.origin.to_string());
        }
        for (name, value) in target.values {
            if manifest.ask.settings.has(&name) {
                settings.insert(name, value.expose_secret().to_owned());
            } else {
                secrets.insert(name, value);
            }
        }
    }
    for (name, value) in &mut settings {
        *value = check_setting(manifest, name, value)?;
    }
    let secrets = secrets.into_iter().map(|(name, secret)| {
        check_secret(manifest, &name, secret.expose_secret())?;
        let secret =
            manifest.ask.secrets.get(&name).map_or(Ok(secret.clone()), |spec| made::in_form(&name, spec, secret))?;
        Ok((name, secret))
    });
    Ok((settings, secrets.collect::<Result<_, Error>>()?))
}

/// The setting that holds where the instance is.
pub(super) fn origin_setting(manifest: &Manifest) -> Option<&str> {
    manifest.ask.settings.iter().find(|(_, setting)| setting.kind == SettingKind::HttpsOrigin).map(|(name, _)| name)
}

/// A setting as it will be kept, whoever gives it.
pub(super) fn check_setting(manifest: &Manifest, name: &str, value: &str) -> Result<String, Error> {
    let Some(setting) = manifest.ask.settings.get(name) else {
        return Err(stranger(manifest, "setting", name, manifest.ask.settings.names()));
    };
    let value = value.trim();
    match setting.kind {
        SettingKind::HttpsOrigin => Origin::parse(value)
            .map(|origin| origin.to_string())
            .map_err(|bad| Error::Asked(format!("`{name}`: {bad}"))),
        SettingKind::Text if value.is_empty() => {
            Err(Error::Asked(format!("`{name}` is empty: give it a value or leave it out")))
        }
        SettingKind::Text | SettingKind::List if value.chars().any(char::is_control) || value.len() > 1024 => {
            Err(Error::Asked(format!("`{name}` has a control character or is over 1,024 bytes")))
        }
        SettingKind::Text | SettingKind::List => Ok(value.to_owned()),
    }
}

fn check_secret(manifest: &Manifest, name: &str, value: &str) -> Result<(), Error> {
    let given = || manifest.ask.secrets.iter().filter(|(_, secret)| !secret.taken);
    let Some((_, secret)) = given().find(|(known, _)| *known == name) else {
        return Err(stranger(manifest, "secret", name, given().map(|(name, _)| name)));
    };
    let wrong = |what: String| Err(Error::Asked(what));
    if value.is_empty() || value.chars().any(char::is_control) {
        return wrong(format!("the {name} is empty or has a line break or another control character in it"));
    }
    if value.chars().count() < usize::from(secret.min) {
        return wrong(format!("the {name} must have at least {} characters", secret.min));
    }
    if !secret.prefix.is_empty() && !secret.prefix.all().iter().any(|prefix| value.starts_with(prefix)) {
        return wrong(format!(
            "this is no {name} of {}: one begins with {}",
            manifest.title,
            secret.prefix.all().join(" or ")
        ));
    }
    Ok(())
}

fn stranger<'a>(manifest: &Manifest, kind: &str, name: &str, known: impl Iterator<Item = &'a str>) -> Error {
    let known = known.collect::<Vec<_>>().join(", ");
    Error::Asked(format!("{} knows no {kind} `{name}`; it knows {known}", manifest.title))
}

fn fill_defaults(manifest: &Manifest, record: &mut WorkspaceRecord) -> Result<(), Error> {
    for (name, setting) in manifest.ask.settings.iter() {
        if record.settings.contains_key(name) {
            continue;
        }
        match &setting.default {
            Some(default) => drop(record.settings.insert(name.to_owned(), default.clone())),
            None if setting.optional => {}
            None => return Err(Error::Asked(format!("`{name}` is missing: {}", setting.help))),
        }
    }
    Ok(())
}

fn differs(stored: Option<&SecretString>, given: &SecretString) -> bool {
    stored.is_some_and(|stored| stored.expose_secret() != given.expose_secret())
}

/// The first way whose needs are met, preferring one that uses what was given now.
fn choose(
    manifest: &Manifest,
    record: &WorkspaceRecord,
    secrets: &BTreeMap<String, SecretString>,
    given: &BTreeSet<String>,
) -> Result<String, Error> {
    let met = |way: &&(&str, &Way)| way.1.needs.iter().all(|need| has(record, secrets, need));
    let ways: Vec<_> = manifest.join.ways.iter().collect();
    let fits = || ways.iter().filter(met);
    let chosen = fits().find(|way| way.1.needs.iter().any(|need| given.contains(need))).or_else(|| fits().next());
    chosen.map(|(name, _)| (*name).to_owned()).ok_or_else(|| {
        let ways = ways.iter().map(|(_, way)| way.needs.join(" and ").replace('_', " "));
        Error::Asked(format!("to join {} give {}", manifest.title, ways.collect::<Vec<_>>().join(", or ")))
    })
}

/// Whether a setting or secret of this name is there.
pub(super) fn has(record: &WorkspaceRecord, secrets: &BTreeMap<String, SecretString>, name: &str) -> bool {
    record.settings.contains_key(name) || secrets.contains_key(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapter::Manifests;

    #[test]
    fn what_is_given_is_checked_and_never_shown() {
        let manifest = Manifests::load(None).unwrap().get("agentunited").unwrap();
        let secret = |name: &str, value: &str| check_secret(&manifest, name, value).unwrap_err().to_string();
        assert_eq!(secret("password", "short-CANAR"), "the password must have at least 12 characters");
        assert!(secret("api_key", "CANARY").contains("begins with au_ or ak_live_"));
        assert!(secret("apikey", "CANARY").contains("it knows invite_token, password, api_key, central_jwt"));
        assert!(secret("password", "CANARY-CANARY\n").contains("line break"));
        let setting = |name: &str, value: &str| check_setting(&manifest, name, value);
        assert_eq!(setting("url", "h.example/").unwrap(), "https://h.example");
        assert!(setting("url", "http://h.example").unwrap_err().to_string().starts_with("`url`: plain http"));
        assert!(setting("display_name", "a\nb").is_err() && setting("nick", "a").is_err());
    }
}
