//! The URL that a platform is given for a workspace's deliveries: made once, kept for good.

use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Mutex;

use super::PublicUrl;
use crate::event::WorkspaceName;
use crate::store::{Batch, Change, Store, StoreError};

/// The sealed field with the unguessable part of a workspace's path.
pub const HOOK_PATH: &str = "hook_path";
/// The fact with the URL that the platform was told, as far as it is no secret.
pub const CALLBACK_URL: &str = "callback_url";
/// Bytes of chance in a path.
const CHANCE: usize = 32;
/// As hex.
pub(super) const LENGTH: usize = 2 * CHANCE;

/// The whole URL to give to a platform, stable from the first call on.
pub async fn callback_url(
    store: &Store,
    public: &PublicUrl,
    workspace: &WorkspaceName,
) -> Result<SecretString, StoreError> {
    let path = hook_path(store, workspace).await?;
    Ok(format!("{}/{}", public.hooks_of(workspace), path.expose_secret()).into())
}

/// The last part of that URL, which nobody can guess. It is committed before this returns, and so before anybody can be
/// told it.
pub async fn hook_path(store: &Store, workspace: &WorkspaceName) -> Result<SecretString, StoreError> {
    // Two at once would each make a path, and one of them would be told a path that is not kept.
    static TURN: Mutex<()> = Mutex::const_new(());
    let _turn = TURN.lock().await;
    match store.secret(workspace.as_str(), HOOK_PATH)? {
        Some(path) => Ok(path),
        None => made(store, workspace).await,
    }
}

async fn made(store: &Store, workspace: &WorkspaceName) -> Result<SecretString, StoreError> {
    let mut chance = zeroize::Zeroizing::new([0_u8; CHANCE]);
    getrandom::fill(chance.as_mut_slice()).expect("the system's random source answers");
    // In one piece from the start: a text that grows leaves copies of itself behind.
    let hex = |text: String, byte: &u8| text + &format!("{byte:02x}");
    let path: SecretString = chance.iter().fold(String::with_capacity(LENGTH), hex).into();
    let (owner, field, value) = (workspace.to_string(), HOOK_PATH.to_owned(), Some(path.clone()));
    store.commit(Batch::new().with(Change::Secret { owner, field, value })).await?;
    Ok(path)
}

/// The public URL that a callback URL was made from, without workspace and path.
pub fn told_base(callback: &str) -> &str {
    PublicUrl::base_of(callback)
}

/// What is wrong with a workspace whose platform was told `base`, and what to do; `None` where it still holds. A platform
/// keeps the URL that it was told when the workspace was joined.
pub fn moved(workspace: &str, base: &str, public: Option<&PublicUrl>) -> Option<String> {
    let now = public.map(ToString::to_string);
    if now.as_deref() == Some(base) {
        return None;
    }
    let now = now
        .map_or_else(|| "`ingress.public_url` is not set".to_owned(), |now| format!("`ingress.public_url` is {now}"));
    Some(format!(
        "the platform of `{workspace}` delivers to {base}, as it was told at the join, and {now}: deliveries do not arrive, \
         and events come by polling alone; set `ingress.public_url` back, or leave and join `{workspace}` again"
    ))
}

/// What to do where a platform could be told where to deliver, and was not when the workspace was joined.
pub fn untold(workspace: &str, public: &PublicUrl) -> String {
    format!(
        "the platform of `{workspace}` was told no URL at the join, and `ingress.public_url` is {public} now: it delivers \
         nothing, and events come without webhooks; to have them, leave and join `{workspace}` again"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moved_bridge_is_told_with_what_to_do() {
        let public: PublicUrl = "https://new.example/b".parse().unwrap();
        assert_eq!(moved("acme", told_base("https://new.example/b/hooks/acme"), Some(&public)), None);
        let word = moved("acme", told_base("https://old.example/hooks/acme/CANARY"), Some(&public)).unwrap();
        assert!(word.contains("https://old.example,") && word.contains("https://new.example/b:"), "{word}");
        assert!(word.contains("join `acme` again") && !word.contains("CANARY"), "{word}");
        assert!(moved("acme", "https://old.example", None).unwrap().contains("is not set"));
    }
}
