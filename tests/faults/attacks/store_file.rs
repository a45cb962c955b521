//! The store's file, or a backup of it, in the wrong hands.

use std::collections::BTreeSet;
use std::path::Path;

use agent_bridge::store::{self, Store};
use agent_bridge_sim::agentunited::Options;

use super::canaries::on_the_wire;
use super::front::Front;
use crate::house::{House, QUICK, ack};

/// All events of a copy of this store.
fn events(file: &Path, key: &Path) -> Vec<Vec<u8>> {
    let folder = tempfile::tempdir().expect("a folder");
    let copy = folder.path().join("store.redb");
    std::fs::copy(file, &copy).expect("a copy");
    let options = store::Options { ballast: 0, vault_key: Some(key.to_owned()), ..store::Options::default() };
    let store = Store::open(&copy, options).expect("it opens");
    store.read(0, usize::MAX, usize::MAX).expect("its feed").iter().map(|event| event.bytes.to_vec()).collect()
}

#[tokio::test]
async fn attack_a_stolen_store_tells_no_secret_and_opens_only_with_its_own_key() {
    let mut house = House::empty(Options::default(), QUICK).await;
    let front = Front::of(&house.url()).await;
    house.sim.set_url(&front.origin);
    house.join().await;
    house.listens().await;
    house.home.ok(&["consumer", "add", "hook", "--url", "http://127.0.0.1:1/"]).await;
    let hook = house.home.ok(&["consumer", "secret", "hook"]).await;
    let mut agent = house.agent().await;
    house.say("hello");
    let hello = house.next(&mut agent, "message.created").await;
    ack(&mut agent, &hello).await;
    let own = on_the_wire(&front.passed());
    let words = format!("psst: {}", own.iter().cloned().collect::<Vec<_>>().join(" "));
    let told = house.sim.say(&house.ann, &house.room, &words);
    // What is told of it is another text.
    house.ledger.owes("message.created", &house.room, &told, None);
    let psst = house.next(&mut agent, "message.created").await;
    ack(&mut agent, &psst).await;

    let mut secrets: BTreeSet<String> = on_the_wire(&front.passed());
    secrets.insert(hook.trim().trim_start_matches("whsec_").to_owned());
    assert!(secrets.len() >= 3, "a password, a token and a signing secret");
    // A backup of a running store, and the file as a stop leaves it.
    let (store, backup) = (house.home.path("state/bridge.redb"), house.home.path("backup.redb"));
    std::fs::copy(&store, &backup).unwrap();
    house.stop().await;
    let key = std::fs::read_to_string(house.home.path("state/vault.key")).unwrap();
    secrets.insert(key.trim().to_owned());
    for file in [&store, &backup] {
        let mut bytes = std::fs::read(file).unwrap();
        assert!(!bytes.is_empty());
        // Most of an event is packed in the file: who has the file can unpack it.
        let events = events(file, &house.home.path("state/vault.key"));
        assert!(events.len() >= 2, "the feed is read");
        bytes.extend(events.concat());
        for secret in &secrets {
            let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!found, "{} holds {}…", file.display(), &secret[..6]);
        }
    }

    // Without its key, or with another, it is refused by name and stays as it is.
    let before = std::fs::read(&store).unwrap();
    let other = "c0ffee".repeat(10) + "cafe\n";
    for (given, word) in [(None, "the store was sealed with one"), (Some(&other), "sealed with another key")] {
        let path = house.home.path("state/vault.key");
        std::fs::remove_file(&path).unwrap();
        if let Some(given) = given {
            std::fs::write(&path, given).unwrap();
        }
        for args in [&["run"][..], &["status"]] {
            let output = house.home.cli(args).await;
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(!output.status.success() && said.contains("vault.key") && said.contains(word), "{args:?}: {said}");
        }
        assert!(path.exists() == given.is_some(), "no key is made for a store that has one");
        assert!(std::fs::read(&store).unwrap() == before, "not a byte has changed");
        std::fs::write(&path, &key).unwrap();
    }
    house.start().await;
    let mut agent = house.agent().await;
    house.is_sound(&mut agent, 0).await;
}
