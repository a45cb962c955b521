//! Every way in which webhooks go wrong, by script.

use std::time::Duration;

use agent_bridge_sim::speakeasy::{Fate, HookFault, Rewriting, Signature, Turn};
use serde_json::Value;
use tokio::time::Instant;

use crate::support::{Letter, Stage};

/// The first letter under a fault, and the one of the next event.
async fn struck(fault: HookFault) -> (Stage, Letter) {
    let stage = Stage::new();
    let receiver = stage.receiving(&[]);
    stage.sim.hook_fault(fault);
    stage.say("struck");
    let letter = receiver.letters(1).await[0].clone();
    stage.say("sound");
    let letters = receiver.letters(2).await;
    assert!(letters[1].signed_with(&stage.secret()), "a fault strikes once");
    (stage, letter)
}

#[tokio::test(start_paused = true)]
async fn signatures_are_wrong_missing_empty_truncated_or_in_upper_case() {
    for is in [Signature::Wrong, Signature::Missing, Signature::Empty, Signature::Truncated, Signature::UpperCase] {
        let (stage, letter) = struck(HookFault::Signature { is }).await;
        assert!(!letter.signed_with(&stage.secret()), "{is:?}");
        let digits = letter.header("x-agent-signature");
        match is {
            Signature::Wrong => assert_eq!(digits.map(str::len), Some(64)),
            Signature::Missing => assert_eq!(digits, None),
            Signature::Empty => assert_eq!(digits, Some("")),
            Signature::Truncated => assert_eq!(digits.map(str::len), Some(32)),
            Signature::UpperCase => {
                let lower = digits.unwrap().to_lowercase();
                let mut letter = letter.clone();
                letter.headers.insert("x-agent-signature", lower.parse().unwrap());
                assert!(letter.signed_with(&stage.secret()));
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_written_anew_means_the_same_and_is_not_what_was_signed() {
    for with in [Rewriting::WhiteSpace, Rewriting::KeyOrder, Rewriting::DuplicateKey] {
        let (stage, letter) = struck(HookFault::Reserialise { with }).await;
        let event = letter.event();
        let stored = stage.sim.look(|world| world.events_after(stage.grant, None)).unwrap();
        let stored = stored.into_iter().find(|it| it.id == event).unwrap();
        assert_eq!(serde_json::from_slice::<Value>(&letter.body).unwrap(), stored.body, "{with:?}");
        assert!(!letter.signed_with(&stage.secret()), "{with:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn bodies_that_are_huge_or_no_json_are_signed_all_the_same() {
    let (stage, letter) = struck(HookFault::Huge { bytes: 10_000_000 }).await;
    assert!(letter.body.len() > 10_000_000 && letter.signed_with(&stage.secret()));
    let (stage, letter) = struck(HookFault::NotJson).await;
    assert!(serde_json::from_slice::<Value>(&letter.body).is_err() && letter.signed_with(&stage.secret()));
}

#[tokio::test(start_paused = true)]
async fn headers_that_nobody_signed_name_another_grant_and_delivery() {
    let (stage, letter) = struck(HookFault::OtherHeaders).await;
    assert!(letter.signed_with(&stage.secret()));
    assert_eq!(letter.header("x-agent-delivery-id"), Some("agent-event-0"));
    assert_eq!(letter.header("x-agent-grant-id"), Some("0"));
}

#[tokio::test(start_paused = true)]
async fn a_lost_delivery_is_never_sent() {
    let stage = Stage::new();
    let receiver = stage.receiving(&[]);
    stage.sim.hook_fault(HookFault::Lose);
    let (lost, kept) = (stage.say("lost"), stage.say("kept"));
    let letters = receiver.letters(1).await;
    assert_eq!(letters[0].event(), kept);
    let fates: Vec<_> = stage.sim.deliveries().iter().map(|it| (it.event, it.fate)).collect();
    assert_eq!(fates[0], (lost, Fate::Lost));
}

#[tokio::test(start_paused = true)]
async fn a_delayed_delivery_comes_after_a_later_one() {
    let stage = Stage::new();
    let (start, receiver) = (Instant::now(), stage.receiving(&[]));
    stage.sim.hook_fault(HookFault::Delay { millis: 60_000 });
    let (slow, fast) = (stage.say("slow"), stage.say("fast"));
    let events: Vec<u64> = receiver.letters(2).await.iter().map(Letter::event).collect();
    assert_eq!((events, start.elapsed().as_secs()), (vec![fast, slow], 60));
}

#[tokio::test(start_paused = true)]
async fn a_shuffle_sends_last_to_first() {
    let stage = Stage::new();
    let receiver = stage.receiving(&[]);
    stage.sim.hook_fault(HookFault::Shuffle { events: 3 });
    let [one, two, three] = ["one", "two", "three"].map(|it| stage.say(it));
    let events: Vec<u64> = receiver.letters(3).await.iter().map(Letter::event).collect();
    assert_eq!(events, [three, two, one]);
}

#[tokio::test(start_paused = true)]
async fn a_shuffled_delivery_that_fails_is_tried_again_after_the_others() {
    let stage = Stage::new();
    let receiver = stage.receiving(&[503]);
    stage.sim.hook_fault(HookFault::Shuffle { events: 2 });
    let [one, two] = ["one", "two"].map(|it| stage.say(it));
    let events: Vec<u64> = receiver.letters(3).await.iter().map(Letter::event).collect();
    assert_eq!(events, [two, one, two]);
}

#[tokio::test(start_paused = true)]
async fn a_duplicate_comes_so_many_times_more() {
    let stage = Stage::new();
    let receiver = stage.receiving(&[]);
    stage.sim.hook_fault(HookFault::Duplicate { times: 2 });
    let event = stage.say("thrice");
    let letters = receiver.letters(3).await;
    assert!(letters.iter().all(|it| it.event() == event && it.signed_with(&stage.secret())));
}

#[tokio::test(start_paused = true)]
async fn an_old_delivery_is_replayed_in_the_same_bytes() {
    let stage = Stage::new();
    let receiver = stage.receiving(&[]);
    assert!(!stage.sim.replay_hook(1), "nothing was sent yet");
    let event = stage.say("old");
    receiver.letters(1).await;
    assert!(stage.sim.replay_hook(event));
    let letters = receiver.letters(2).await;
    assert_eq!((&letters[0].body, &letters[0].headers), (&letters[1].body, &letters[1].headers));
    stage.sim.wait_for(|world| world.deliveries().any(|it| it.attempts.iter().any(|it| it.replayed))).await;
}

#[tokio::test(start_paused = true)]
async fn a_fault_that_stays_strikes_each_attempt() {
    let stage = Stage::new();
    stage.sim.set_push(|it| it.hook_retries = vec![Duration::from_secs(1); 2]);
    let receiver = stage.receiving(&[401, 401, 401]);
    stage.sim.arm_hook(Turn::always(HookFault::Signature { is: Signature::Missing }));
    stage.say("forged");
    let letters = receiver.letters(3).await;
    assert!(letters.iter().all(|it| it.header("x-agent-signature").is_none()));
    stage.sim.wait_for(|world| world.deliveries().any(|it| it.fate == Fate::GivenUp)).await;
    stage.sim.heal_hooks();
    stage.say("sound");
    assert!(receiver.letters(4).await[3].signed_with(&stage.secret()));
}
