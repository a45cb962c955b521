//! Joins that somebody must approve: the wait, its ends, restarts, and a code that works once.

use std::time::Duration;

use agent_bridge::event::Type;
use agent_bridge::join::{self, Error, Joined, Pause, Pending, pending};
use agent_bridge::session::repair_command;
use agent_bridge::store::Seat;

use crate::bench::{Bench, name, with_secret, with_setting};
use crate::burrow::{Burrow, Fault};
use crate::door::{BURROW, burrow, knocks};

const DAY: Duration = Duration::from_hours(24);

async fn go_on(bench: &Bench) -> Result<Option<Joined>, Error> {
    join::go_on(&name(), bench.manifest.clone(), DAY, &bench.means).await
}

/// Asks until it is through, at most twenty times.
async fn to_the_end(bench: &Bench) -> Result<(), Error> {
    for _ in 0..20 {
        match go_on(bench).await {
            Ok(Some(Joined::Waits(_, pause))) => tokio::time::advance(pause.again).await,
            Err(Error::Unavailable(_)) => tokio::time::advance(Duration::from_mins(1)).await,
            other => return other.map(drop),
        }
    }
    panic!("it waits for ever");
}

fn told(bench: &Bench) -> Vec<Type> {
    let feed = bench.means.store.read(0, 100, 1 << 20).unwrap();
    feed.iter().map(|event| event.head.kind).collect()
}

#[tokio::test(start_paused = true)]
async fn the_request_is_stored_and_asked_about_until_it_is_approved() {
    let (burrow, mut bench) = burrow();
    let record = bench.join(knocks(&bench)).await.unwrap();
    assert_eq!((record.seat.clone(), told(&bench)), (Seat::Joining, vec![Type::JoinRequested]));
    let Some(Pending::Waits(waits)) = pending(&record) else { panic!("{record:?}") };
    assert_eq!((waits.since, waits.ends), (bench.clock.now(), None));
    for _ in 0..5 {
        // A restart in between changes nothing.
        bench.restart().await;
        let Ok(Some(Joined::Waits(_, pause))) = go_on(&bench).await else { panic!("nobody has decided") };
        assert_eq!((pause.again, pause.trouble), (Duration::from_secs(5), None));
        tokio::time::advance(pause.again).await;
    }
    burrow.with(|inside| inside.door = "approved");
    let Ok(Some(Joined::Seated(record))) = go_on(&bench).await else { panic!("it was approved") };
    assert_eq!((record.seat.clone(), record.facts["grant"].clone()), (Seat::SignedIn, 1.into()));
    assert_eq!(record.joined_at, waits.since, "what is said from the request on may be meant for us");
    assert_eq!(burrow.with(|inside| (inside.knocks.len(), inside.polls, inside.exchanges.len())), (1, 7, 1));
    assert_eq!((bench.secret("code"), bench.secret("knock_token")), (None, None), "used up");
    assert_eq!(bench.secret("renewal").as_deref(), Some("renewal-1"));
    assert_eq!(told(&bench), [Type::JoinRequested, Type::JoinApproved]);
    assert!(go_on(&bench).await.unwrap().is_none(), "nothing waits any more");
}

#[tokio::test(start_paused = true)]
async fn approved_is_what_brings_the_code_and_nothing_else() {
    let (burrow, bench) = burrow();
    bench.join(knocks(&bench)).await.unwrap();
    burrow.with(|inside| inside.door = "codeless");
    for _ in 0..3 {
        assert!(matches!(go_on(&bench).await, Ok(Some(Joined::Waits(_, Pause { trouble: None, .. })))));
    }
    assert_eq!((told(&bench), burrow.with(|inside| inside.exchanges.len())), (vec![Type::JoinRequested], 0));
    // Words of the answer that would be a no without it.
    burrow.with(|inside| (inside.door, inside.beside) = ("approved", "denied".into()));
    assert!(matches!(go_on(&bench).await, Ok(Some(Joined::Seated(_)))));
}

#[tokio::test(start_paused = true)]
async fn the_same_command_goes_on_and_another_wish_asks_anew() {
    let (burrow, bench) = burrow();
    bench.join(knocks(&bench)).await.unwrap();
    bench.join(knocks(&bench)).await.unwrap();
    let mut bare = bench.wants(BURROW);
    bare.target = None;
    bench.join(bare).await.unwrap();
    assert_eq!(burrow.with(|inside| inside.knocks.len()), 1);
    bench.join(with_setting(knocks(&bench), "owner", "bob@burrow.test")).await.unwrap();
    assert_eq!(burrow.with(|inside| inside.knocks[1]["owner"].clone()), "bob@burrow.test");
    let given = with_secret(knocks(&bench), "code", "guess");
    assert!(matches!(bench.join(given).await, Err(Error::Asked(why)) if why.contains("no secret `code`")));
}

#[tokio::test(start_paused = true)]
async fn transient_failures_are_waited_out_and_patience_is_obeyed() {
    let (burrow, bench) = burrow();
    bench.join(knocks(&bench)).await.unwrap();
    let faults = [Fault::Lost, Fault::Half, Fault::Then502, Fault::Refuses(429), Fault::Refuses(503)];
    burrow.with(|inside| inside.poll_faults.extend(faults));
    for fault in faults {
        let Ok(Some(Joined::Waits(_, pause))) = go_on(&bench).await else { panic!("{fault:?}") };
        assert!(pause.trouble.is_some(), "{fault:?}");
        let asked = if matches!(fault, Fault::Refuses(_)) { 7 } else { 5 };
        assert_eq!(pause.again, Duration::from_secs(asked), "{fault:?}");
    }
    bench.network.unplug(BURROW);
    assert!(matches!(go_on(&bench).await, Ok(Some(Joined::Waits(..)))));
    assert_eq!(bench.record().unwrap().seat, Seat::Joining);
}

#[tokio::test(start_paused = true)]
async fn a_no_has_the_manifests_words_and_the_same_command_asks_again() {
    for (door, kind, words) in
        [("denied", Type::JoinRejected, "the owner said no"), ("gone", Type::JoinExpired, "nobody came to the door")]
    {
        let (burrow, mut bench) = burrow();
        bench.join(knocks(&bench)).await.unwrap();
        burrow.with(|inside| inside.door = door);
        let error = go_on(&bench).await.unwrap_err();
        assert!(matches!(&error, Error::Refused(why) if why.contains(words)), "{error}");
        bench.restart().await;
        let record = bench.record().unwrap();
        let Seat::NeedsAction { reason, command } = &record.seat else { panic!("{record:?}") };
        assert!(reason.contains(words) && *command == format!("agent-bridge join burrow {BURROW} --as acme"));
        assert_eq!(*command, repair_command(&bench.manifest, &record));
        assert_eq!((told(&bench), bench.secret("knock_token")), (vec![Type::JoinRequested, kind], None));
        assert!(go_on(&bench).await.unwrap().is_none());
        // The owner's handle is remembered.
        bench.join(bench.wants(BURROW)).await.unwrap();
        burrow.with(|inside| inside.door = "approved");
        to_the_end(&bench).await.unwrap();
        assert_eq!(bench.record().unwrap().facts["grant"], 2);
    }
}

#[tokio::test(start_paused = true)]
async fn the_wait_ends_when_the_platform_says_and_else_when_the_config_does() {
    let (burrow, bench) = burrow();
    bench.join(knocks(&bench)).await.unwrap();
    let ends = bench.clock.now() + 120_000;
    burrow.with(|inside| inside.ends_at = Some(ends));
    go_on(&bench).await.unwrap();
    let Some(Pending::Waits(waits)) = pending(&bench.record().unwrap()) else { panic!("it waits") };
    assert_eq!(waits.ends, Some(ends));
    tokio::time::advance(Duration::from_secs(121)).await;
    let error = go_on(&bench).await.unwrap_err().to_string();
    assert!(error.contains("nobody came to the door"), "{error}");
    assert_eq!(told(&bench).last(), Some(&Type::JoinExpired));

    burrow.with(|inside| inside.ends_at = None);
    bench.join(knocks(&bench)).await.unwrap();
    tokio::time::advance(DAY).await;
    go_on(&bench).await.unwrap();
    tokio::time::advance(Duration::from_secs(1)).await;
    assert!(go_on(&bench).await.unwrap_err().to_string().contains("join.wait"));
}

#[tokio::test(start_paused = true)]
async fn the_end_that_the_platform_gives_counts_more_than_patience_and_an_absurd_one_nothing() {
    let (burrow, bench) = burrow();
    bench.join(knocks(&bench)).await.unwrap();
    let ends = bench.clock.now() + 3 * 86_400_000;
    burrow.with(|inside| inside.ends_at = Some(ends));
    for _ in 0..5 {
        assert!(matches!(go_on(&bench).await, Ok(Some(Joined::Waits(..)))));
        tokio::time::advance(DAY / 2).await;
    }
    // Nobody answers when it ends: whoever answers next decides, and the patience is over long since.
    burrow.with(|inside| inside.poll_faults.extend([Fault::Lost, Fault::Lost]));
    assert!(matches!(go_on(&bench).await, Ok(Some(Joined::Waits(..)))));
    tokio::time::advance(DAY).await;
    assert!(go_on(&bench).await.unwrap_err().to_string().contains("join.wait"));
    assert_eq!(told(&bench).last(), Some(&Type::JoinExpired));

    burrow.with(|inside| inside.ends_at = Some(ends + 1_000 * 86_400_000));
    bench.join(knocks(&bench)).await.unwrap();
    let Some(Pending::Waits(waits)) = pending(&bench.record().unwrap()) else { panic!("it waits") };
    assert_eq!(waits.ends, None);
    tokio::time::advance(DAY + Duration::from_secs(1)).await;
    assert!(go_on(&bench).await.unwrap_err().to_string().contains("join.wait"));
}

#[tokio::test(start_paused = true)]
async fn a_code_is_durable_before_it_leaves_and_leaves_twice_at_most() {
    // Lost on its way: the second is as good.
    let (burrow, bench) = burrow();
    bench.join(knocks(&bench)).await.unwrap();
    burrow.with(|inside| {
        inside.door = "approved";
        inside.exchange_faults.push_back(Fault::Lost);
    });
    to_the_end(&bench).await.unwrap();
    assert_eq!(burrow.with(|inside| inside.exchanges.clone()), ["code-1"; 2]);

    // Taken, and the answer lost: the second is refused, and the word is clear.
    for fault in [Fault::ReplyLost, Fault::Half, Fault::Then502] {
        let (burrow, bench) = burrow_at_the_door(fault).await;
        let error = to_the_end(&bench).await.unwrap_err();
        assert!(matches!(error, Error::Refused(_)), "{fault:?}: {error}");
        assert_eq!(burrow.with(|inside| inside.exchanges.clone()), ["code-1"; 2], "{fault:?}");
        assert!(matches!(bench.record().unwrap().seat, Seat::NeedsAction { .. }));
        bench.join(knocks(&bench)).await.unwrap();
        burrow.with(|inside| inside.door = "approved");
        to_the_end(&bench).await.unwrap();
        assert_eq!(burrow.with(|inside| inside.exchanges.last().cloned()).as_deref(), Some("code-2"));
    }
}

async fn burrow_at_the_door(fault: Fault) -> (Burrow, Bench) {
    let (burrow, bench) = burrow();
    bench.join(knocks(&bench)).await.unwrap();
    burrow.with(|inside| {
        inside.door = "approved";
        inside.exchange_faults.push_back(fault);
    });
    (burrow, bench)
}

#[tokio::test(start_paused = true)]
async fn two_lost_answers_to_a_code_are_the_end_across_restarts() {
    let (burrow, mut bench) = burrow_at_the_door(Fault::Then502).await;
    burrow.with(|inside| inside.exchange_faults.push_back(Fault::Then502));
    assert!(matches!(go_on(&bench).await, Err(Error::Unavailable(_))));
    assert_eq!(pending(&bench.record().unwrap()), Some(Pending::Approved));
    assert_eq!(bench.secret("code").as_deref(), Some("code-1"), "durable");
    bench.restart().await;
    // While nobody is there the last try is not wasted.
    burrow.with(|inside| inside.poll_faults.push_back(Fault::Then502));
    assert!(matches!(go_on(&bench).await, Err(Error::Unavailable(_))));
    assert_eq!(burrow.with(|inside| inside.exchanges.len()), 1);
    assert!(matches!(go_on(&bench).await, Err(Error::Unavailable(_))));
    bench.restart().await;
    let error = go_on(&bench).await.unwrap_err();
    assert!(matches!(&error, Error::Refused(why) if why.contains("ask again with the same command")), "{error}");
    assert_eq!(burrow.with(|inside| inside.exchanges.len()), 2);
    assert!(go_on(&bench).await.unwrap().is_none());
}

#[tokio::test(start_paused = true)]
async fn a_code_that_was_not_taken_is_not_counted() {
    let (burrow, bench) = burrow_at_the_door(Fault::Refuses(429)).await;
    burrow.with(|inside| inside.exchange_faults.extend([Fault::Refuses(503); 3]));
    to_the_end(&bench).await.unwrap();
    assert_eq!(burrow.with(|inside| inside.exchanges.len()), 5);
}

#[tokio::test(start_paused = true)]
async fn where_the_bridge_can_be_reached_is_told_and_kept_and_a_waiting_workspace_can_be_left() {
    let (burrow, bench) = burrow();
    let mut request = knocks(&bench);
    request.public_url = Some("https://bridge.test/in".parse().unwrap());
    let record = bench.join(request).await.unwrap();
    let told = burrow.with(|inside| inside.knocks[0]["back"].clone());
    let path = bench.secret("hook_path").unwrap();
    assert_eq!(told, format!("https://bridge.test/in/hooks/acme/{path}"));
    assert_eq!(record.facts["callback_url"], "https://bridge.test/in/hooks/acme", "what nobody can guess is sealed");
    join::leave(&bench.means.store, &name()).await.unwrap();
    assert_eq!((bench.record(), bench.secret("knock_token")), (None, None));
    let record = bench.join(knocks(&bench)).await.unwrap();
    assert!(burrow.with(|inside| inside.knocks[1].get("back").is_none()));
    assert!(!record.facts.contains_key("callback_url"));
}
