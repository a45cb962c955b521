//! The URL that a platform is told: nobody guesses it, and it never changes.

use agent_bridge::ingress::{HOOK_PATH, callback_url};
use agent_bridge::store::{Batch, Change, Options, Store};
use secrecy::ExposeSecret;

use super::gate::{Gate, name, public};

#[tokio::test]
async fn a_workspaces_callback_url_is_its_own_and_stays() {
    let gate = Gate::new().await;
    let made = async |workspace: &str| {
        callback_url(&gate.store, &public(), &name(workspace)).await.unwrap().expose_secret().to_owned()
    };
    // Also when it is first asked for twice at once, and before the workspace itself is kept.
    let (one, two) = tokio::join!(made("new"), made("new"));
    assert_eq!(one, two);
    let last = one.strip_prefix("https://bridge.example/b/hooks/new/").unwrap();
    assert!(last.len() == 64 && last.bytes().all(|byte| byte.is_ascii_hexdigit()), "{last}");
    let acme = made("acme").await;
    assert_ne!(acme.rsplit('/').next(), one.rsplit('/').next());

    let path = gate.dir.path().join("store.redb");
    gate.store.close().await.unwrap();
    let Gate { dir, store, .. } = gate;
    drop(store);
    let clear = std::fs::read(&path).unwrap();
    assert!(!clear.windows(last.len()).any(|found| found == last.as_bytes()), "it is sealed");
    let store = Store::open(&path, Options { ballast: 0, ..Options::default() }).unwrap();
    let again = callback_url(&store, &public(), &name("new")).await.unwrap();
    assert_eq!(again.expose_secret(), one, "after a restart");
    store.commit(Batch::new().with(Change::ForgetWorkspace(name("new")))).await.unwrap();
    assert!(store.secret("new", HOOK_PATH).unwrap().is_none(), "it goes with the workspace");
    drop(dir);
}
