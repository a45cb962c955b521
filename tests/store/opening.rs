//! A file that is not a whole store of ours is refused by name and stays as it is.

use agent_bridge_sim::agentunited::burst_text;
use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;

use agent_bridge::event::Type;
use agent_bridge::store::{Batch, Change, Health, OpenError, Options, Store, StoreError, VaultKey};
use secrecy::ExposeSecret;

use crate::support::{Place, acme, event_with, message, object};

fn secret(value: &str) -> Change {
    Change::Secret { owner: "acme".into(), field: "token".into(), value: Some(value.to_owned().into()) }
}

/// A closed store with an event and a secret in it.
async fn filled() -> Place {
    let place = Place::new();
    let store = place.open();
    store.commit(Batch::intake().event(message("m1")).with(secret("canary"))).await.unwrap();
    store.close().await.unwrap();
    place
}

fn refusal(place: &Place) -> OpenError {
    Store::open(&place.path(), place.options.clone()).err().expect("the store is refused")
}

#[tokio::test]
async fn p11_a_second_open_is_refused_by_name_while_the_first_lives() {
    let place = Place::new();
    let store = place.open();
    let error = refusal(&place);
    assert!(matches!(&error, OpenError::InUse(path) if path.ends_with("store.redb")), "{error}");
    drop(store);
    drop(place.open());
}

#[tokio::test]
async fn a_fresh_store_is_private_and_leaves_nothing_half_made() {
    let place = filled().await;
    let mode = |name: &str| fs::metadata(place.file(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("."), mode("store.redb"), mode("vault.key")), (0o700, 0o600, 0o600));
    let mut names: Vec<_> = fs::read_dir(place.file(".")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["store.redb", "vault.key"]);
}

#[tokio::test]
async fn what_a_crash_during_creation_left_is_removed_and_harms_nobody() {
    let place = Place::new();
    place.make();
    let left = [".store.redb.new-1", ".vault.key.new-1"].map(|name| place.file(name));
    for half in &left {
        fs::write(half, "half").unwrap();
    }
    drop(place.open());
    assert!(!left.iter().any(|half| half.exists()));
}

#[tokio::test]
async fn p11_a_newer_schema_is_refused_by_name_and_left_alone() {
    let place = filled().await;
    let meta = redb::TableDefinition::<&str, &[u8]>::new("meta");
    let db = redb::Database::open(place.path()).unwrap();
    let tx = db.begin_write().unwrap();
    tx.open_table(meta).unwrap().insert("schema", &9_u32.to_le_bytes()[..]).unwrap();
    tx.commit().unwrap();
    drop(db);
    let before = fs::read(place.path()).unwrap();
    let error = refusal(&place);
    assert!(matches!(error, OpenError::Newer { found: 9, known: 3, .. }), "{error}");
    assert!(fs::read(place.path()).unwrap() == before);
}

#[tokio::test]
async fn p11_damage_is_refused_and_left_byte_for_byte() {
    let whole = fs::read(filled().await.path()).unwrap();
    let mut foreign = Vec::new();
    {
        let file = tempfile::NamedTempFile::new().unwrap();
        drop(redb::Database::create(file.path()).unwrap());
        foreign.extend(fs::read(file.path()).unwrap());
    }
    let cases = [
        ("empty", Vec::new()),
        ("garbage", b"SQLite format 3\0 and more".repeat(999)),
        ("cut to the header", whole[..100].to_vec()),
        ("cut in half", whole[..whole.len() / 2].to_vec()),
        ("another program's", foreign),
    ];
    for (what, content) in cases {
        let place = filled().await;
        fs::write(place.path(), &content).unwrap();
        let error = refusal(&place);
        assert!(matches!(error, OpenError::Damaged { .. }), "{what}: {error}");
        assert!(fs::read(place.path()).unwrap() == content, "{what}");
    }
}

/// A flipped bit is refused, or lies in a page that holds nothing: then every row is still there.
#[tokio::test]
async fn p11_a_flipped_bit_is_refused_or_harmless_never_silently_less() {
    let place = filled().await;
    let whole = fs::read(place.path()).unwrap();
    let mut refused = 0;
    // Every place that holds something, and a few that do not.
    let filled = whole.iter().enumerate().filter(|(_, byte)| **byte != 0).map(|(at, _)| at).step_by(131);
    for at in filled.chain((0..whole.len()).step_by(49_999)) {
        let mut flipped = whole.clone();
        flipped[at] ^= 0x10;
        fs::write(place.path(), &flipped).unwrap();
        match Store::open(&place.path(), place.options.clone()) {
            Err(error) => {
                assert!(matches!(error, OpenError::Damaged { .. }), "byte {at}: {error}");
                assert!(fs::read(place.path()).unwrap() == flipped, "byte {at} changed");
                refused += 1;
            }
            Ok(store) => {
                assert_eq!(store.read(0, 9, 1 << 20).unwrap().len(), 1, "byte {at}");
                let secret = store.secret("acme", "token").unwrap();
                assert_eq!(secret.unwrap().expose_secret(), "canary", "byte {at}");
            }
        }
    }
    assert!(refused > 10, "{refused}");
}

#[tokio::test]
async fn p8_a_wrong_or_missing_key_is_refused_with_nothing_changed() {
    let place = filled().await;
    let before = fs::read(place.path()).unwrap();
    let key = fs::read(place.file("vault.key")).unwrap();

    fs::remove_file(place.file("vault.key")).unwrap();
    assert!(matches!(refusal(&place), OpenError::Key { .. }));
    assert!(!place.file("vault.key").exists(), "no new key for an old store");
    fs::write(place.file("vault.key"), [1; 32]).unwrap();
    assert!(matches!(refusal(&place), OpenError::Key { .. }));
    fs::write(place.file("vault.key"), "short").unwrap();
    assert!(matches!(refusal(&place), OpenError::Key { .. }));
    assert!(fs::read(place.path()).unwrap() == before);

    fs::write(place.file("vault.key"), key).unwrap();
    assert_eq!(place.open().secret("acme", "token").unwrap().unwrap().expose_secret(), "canary");
}

#[tokio::test]
async fn a_named_key_file_is_used_and_never_made() {
    let mut place = Place::new();
    let key = place.file("given.key");
    place.options = Options { vault_key: Some(key.clone()), ..place.options.clone() };
    assert!(matches!(refusal(&place), OpenError::Key { .. }));
    assert!(!place.path().exists());
    fs::write(&key, "fb".repeat(32)).unwrap();
    drop(place.open());
    assert!(!place.file("vault.key").exists());
}

#[tokio::test]
async fn what_may_not_be_opened_is_named() {
    let place = Place::new();
    fs::create_dir_all(place.path()).unwrap();
    let error = refusal(&place);
    assert!(matches!(&error, OpenError::System { path, .. } if path.ends_with("store.redb")), "{error}");
}

#[tokio::test]
async fn p8_after_a_rotation_only_the_new_key_opens_and_secrets_are_the_same() {
    let place = filled().await;
    let old = fs::read(place.file("vault.key")).unwrap();
    let store = place.open();
    store.rotate_key(VaultKey::fresh()).await.unwrap();
    assert_eq!(store.secret("acme", "token").unwrap().unwrap().expose_secret(), "canary");
    store.commit(Batch::new().with(secret("second"))).await.unwrap();
    drop(store);
    assert!(!place.file("vault.key.next").exists());
    assert_eq!(place.open().secret("acme", "token").unwrap().unwrap().expose_secret(), "second");
    fs::write(place.file("vault.key"), old).unwrap();
    assert!(matches!(refusal(&place), OpenError::Key { .. }));
}

#[tokio::test]
async fn p8_a_rotation_cut_short_on_either_side_of_its_commit_leaves_a_store_that_opens() {
    let place = filled().await;
    let old = fs::read(place.file("vault.key")).unwrap();
    // Before the commit: the new key lies there, the store is sealed with the old one.
    fs::write(place.file("vault.key.next"), [3; 32]).unwrap();
    let store = place.open();
    store.rotate_key(VaultKey::parse(&[4; 32]).unwrap()).await.unwrap();
    drop(store);
    // After the commit: the store is sealed with the new key, the old one is still in its place.
    fs::rename(place.file("vault.key"), place.file("vault.key.next")).unwrap();
    fs::write(place.file("vault.key"), old).unwrap();
    assert_eq!(place.open().secret("acme", "token").unwrap().unwrap().expose_secret(), "canary");
    assert!(!place.file("vault.key.next").exists());
    drop(place.open());
}

#[tokio::test]
async fn p8_no_secret_is_readable_in_the_file_or_in_debug_output() {
    let place = filled().await;
    let file = fs::read(place.path()).unwrap();
    assert!(!file.windows(6).any(|window| window == b"canary"));
    assert!(file.windows(4).any(|window| window == b"acme"), "the search itself works");
    let batch = Batch::new().with(secret("canary"));
    assert!(!format!("{batch:?}").contains("canary"));
}

#[tokio::test]
async fn a_store_copied_while_open_opens_with_all_that_was_committed() {
    let place = Place::new();
    let store = place.open();
    store.commit(Batch::intake().event(message("m1"))).await.unwrap();
    // As a crash leaves it: nothing closed, nothing flushed but by the commit.
    let copy = Place::new();
    copy.make();
    fs::copy(place.path(), copy.path()).unwrap();
    fs::copy(place.file("vault.key"), copy.file("vault.key")).unwrap();
    let again = copy.open();
    assert_eq!(again.read(0, 9, 1 << 20).unwrap().len(), 1);
    assert_eq!(again.cursor(&acme(), "sse").unwrap(), None);
    assert!(File::open(copy.path()).is_ok());
}

/// Whether a copy of the store's file, taken now as a crash would leave it, has to be walked when it is opened.
/// `None` where the copy caught the writer in the middle of a write.
fn needs_a_walk(place: &Place) -> Option<bool> {
    let copy = tempfile::NamedTempFile::new().unwrap();
    fs::copy(place.path(), copy.path()).unwrap();
    let walked = std::rc::Rc::new(std::cell::Cell::new(false));
    let seen = std::rc::Rc::clone(&walked);
    let opened = redb::Builder::new().set_repair_callback(move |_| seen.set(true)).open(copy.path());
    opened.ok().map(|_| walked.get())
}

#[tokio::test]
async fn a_start_after_a_crash_is_quick_whenever_the_crash_comes() {
    let place = Place::new();
    let store = place.open();
    let patience = std::time::Instant::now() + std::time::Duration::from_secs(40);
    for n in 0..20 {
        store.commit(Batch::intake().event(message(&format!("m{n}")))).await.unwrap();
        // Two small commits right behind one another may leave it to the quiet moment after them.
        while needs_a_walk(&place) != Some(false) {
            assert!(std::time::Instant::now() < patience, "the quick-repair commit never came");
            tokio::task::yield_now().await;
        }
    }
}

/// A store beyond 32 MiB is not walked at every start: there an altered row is met when it is read.
#[tokio::test]
async fn p11_a_flipped_bit_in_a_large_store_fails_by_name_when_its_row_is_read() {
    let place = Place::new();
    let store = place.open();
    let filler = burst_text(0, 0, 900_000);
    for index in 0..40 {
        let text = format!("needle-{index} {filler}");
        let event = event_with(Type::MessageCreated, "c1", object(&format!("m{index}"), "r"), &text);
        store.commit(Batch::intake().event(event)).await.unwrap();
    }
    store.close().await.unwrap();
    drop(store);
    let mut whole = fs::read(place.path()).unwrap();
    assert!(whole.len() > 33 << 20, "{}", whole.len());
    let at = memchr::memmem::find(&whole, b"needle-17").unwrap();
    whole[at] ^= 1;
    fs::write(place.path(), &whole).unwrap();
    let store = place.open();
    assert_eq!(store.read(15, 2, usize::MAX).unwrap().len(), 2, "what is whole is told");
    let error = store.read(0, 40, usize::MAX).unwrap_err();
    assert!(matches!(&error, StoreError::Failed(why) if why.contains("damaged")), "{error}");
    assert!(matches!(&*store.health().borrow(), Health::Failed(_)), "and the bridge stops");
}
