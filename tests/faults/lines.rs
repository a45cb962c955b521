//! Rows about what a platform's stream and history do: 14–17, 19–22.

use agent_bridge_sim::agentunited::{Armed, Fault, Options, StreamFault, UnknownCursor, World};

use crate::house::{House, QUICK, documented, observed};
use crate::matrix;

const STREAM: &str = "GET /events/stream";
const HISTORY: &str = "GET /channels/{id}/messages";

/// A config in which histories are read only behind a connect, so that what the stream lost stays lost until then.
fn rarely_read() -> String {
    QUICK.replace("others = \"500ms\"", "others = \"1h\"")
}

#[tokio::test]
async fn row_14_one_oversized_event_among_good_ones_is_set_aside_alone() {
    matrix::row(14, async {
        let mut house = House::with(documented(), &rarely_read()).await;
        let mut agent = house.agent().await;
        house.say("a good one");
        house.hears_all(&mut agent).await;
        house.sim.stream_fault(&StreamFault::Oversize { bytes: 5 << 20 });
        // On the stream it is over the bound; the history has it in its own size.
        house.say("the oversized one");
        house.say("another good one");
        // The line goes on behind it.
        house.hears_until(&mut agent, |ledger| ledger.missing().len() == 1).await;
        house.hears_until(&mut agent, |ledger| !ledger.firsts("workspace.gap").is_empty()).await;
        house.sim.cut_streams();
        house.is_sound(&mut agent, 1).await;
        let gaps = house.ledger.firsts("workspace.gap");
        assert_eq!((gaps.len(), &gaps[0].event["data"]["reason"]), (1, &"frame_too_large".into()), "only it");
    })
    .await;
}

#[tokio::test]
async fn row_15_a_stream_cut_in_mid_event_leaves_the_cursor_and_the_event_comes_once() {
    matrix::row(15, async {
        let mut house = House::new(documented()).await;
        let mut agent = house.agent().await;
        let first = house.say("whole");
        house.hears_all(&mut agent).await;
        house.sim.stream_fault(&StreamFault::DropAfter { events: 0, bytes: Some(40) });
        // No stream opens meanwhile, so that the cursor can be looked at.
        let (route, fault) = (STREAM.to_owned(), Fault::Status { status: 500 });
        house.sim.arm(Armed { route, after: 0, count: u32::MAX, fault });
        house.say("cut in the middle");
        house.seen(STREAM, house.count(STREAM) + 1).await;
        let status = house.status().await;
        assert_eq!(status["lines"][0]["cursor"], first, "{status:#}");
        house.sim.clear_faults();
        house.say("behind it");
        house.is_sound(&mut agent, 0).await;
    })
    .await;
}

#[tokio::test]
async fn row_16_without_ids_and_replay_the_history_fills_the_hole() {
    matrix::row(16, async {
        let mut house = House::new(observed()).await;
        let mut agent = house.agent().await;
        for round in 0..matrix::cycles(4) {
            house.listens().await;
            house.say(&format!("{round}: before"));
            house.sim.cut_streams();
            for n in 0..3 {
                house.say(&format!("{round}: {n} while nobody listens"));
            }
        }
        house.is_sound(&mut agent, 0).await;
        assert_eq!(house.status().await["lines"][0]["cursor"], serde_json::Value::Null);
    })
    .await;
}

/// The platform says old things again.
async fn old_ids(house: &mut House) {
    let mut agent = house.agent().await;
    for text in ["1", "2", "3", "4"] {
        house.say(text);
    }
    house.hears_all(&mut agent).await;
    house.sim.stream_fault(&StreamFault::ReplayOld { events: 4 });
    house.sim.stream_fault(&StreamFault::Duplicate { events: 2 });
    house.say("5");
    house.say("6");
    house.is_sound(&mut agent, 0).await;
}

#[tokio::test]
async fn row_17_old_ids_that_are_replayed_are_told_once() {
    matrix::row(17, async {
        for options in [documented(), observed()] {
            old_ids(&mut House::new(options).await).await;
        }
    })
    .await;
}

/// The control of row 17: the same story doubles without the defence, and the oracle says so.
#[tokio::test]
async fn row_17_control_without_the_defence_the_oracle_finds_doubles() {
    let mut house = House::new(documented()).await;
    house.kill().await;
    house.start_under(&[("AGENT_BRIDGE_WITHOUT", "once")]).await;
    house.listens().await;
    let story = tokio::spawn(async move { old_ids(&mut house).await });
    let panic = story.await.expect_err("the story must fail").into_panic();
    let why = panic.downcast_ref::<String>().cloned().unwrap_or_default();
    assert!(why.contains("doubled"), "it fails for another reason: {why}");
}

/// How often a stream was refused with this status.
fn refusals(house: &House, status: u16) -> usize {
    house.sim.log().iter().filter(|entry| entry.route == "/events/stream" && entry.status == status).count()
}

#[tokio::test]
async fn row_19_a_cursor_that_is_refused_costs_one_scan_and_no_loop() {
    matrix::row(19, async {
        let refuse = Options { unknown_cursor: UnknownCursor::Refuse, forget_on_restart: true, ..documented() };
        let mut house = House::new(refuse).await;
        let mut agent = house.agent().await;
        house.say("before");
        let cursor = house.say("the cursor");
        house.hears_all(&mut agent).await;
        house.is_read().await;
        // The platform forgets the message that the cursor names: 400.
        assert!(house.sim.delete(&cursor));
        let room = house.room.clone();
        house.sim.restart();
        house.say("while it is down");
        house.ledger.owes("message.deleted", &room, &cursor, None);
        house.is_sound(&mut agent, 0).await;
        assert_eq!(refusals(&house, 400), 1, "refused once, forgotten, not tried again");

        // Gone, as others answer it.
        house.sim.fault(STREAM, Fault::Status { status: 410 });
        house.sim.cut_streams();
        house.say("behind a cursor that is gone");
        house.is_sound(&mut agent, 0).await;
        assert_eq!((refusals(&house, 410), refusals(&house, 400)), (1, 1));
    })
    .await;
}

#[tokio::test]
async fn row_20_a_history_that_repeats_its_page_ends_the_walk_and_is_told() {
    matrix::row(20, async {
        let mut house = House::new(observed()).await;
        let mut agent = house.agent().await;
        house.say("before");
        house.hears_all(&mut agent).await;
        house.is_read().await;
        drop(agent);
        house.stop().await;
        // A page has 100: these are below it.
        let lost: Vec<_> = (0..20).map(|n| house.sim.say(&house.ann, &house.room, &format!("below {n}"))).collect();
        for n in 0..100 {
            house.say(&format!("on the page {n}"));
        }
        house.sim.reconfigure(|options| options.repeats_pages = true);
        house.start().await;
        let mut agent = house.agent().await;
        house.hears_all(&mut agent).await;
        // It goes on being read, from its first page alone.
        house.is_read().await;
        let older = |world: &World| world.log().filter(|entry| entry.query.contains("before=")).count();
        let asked = house.sim.look(older);
        assert!((1..=4).contains(&asked), "{asked} requests for an older page: a hot loop");
        house.sim.reconfigure(|options| options.repeats_pages = false);
        house.is_sound(&mut agent, 0).await;
        let gaps: Vec<_> = house.ledger.firsts("workspace.gap").iter().map(|gap| gap.event["data"].clone()).collect();
        assert_eq!((gaps.len(), &gaps[0]["reason"]), (1, &"history_repeats".into()), "the hole is told: {gaps:#?}");
        let told = house.ledger.firsts("message.created");
        assert!(told.iter().all(|it| lost.iter().all(|id| it.event["data"]["message"]["id"] != **id)));
    })
    .await;
}

#[tokio::test]
async fn row_21_what_becomes_visible_late_is_found_by_the_overlap() {
    matrix::row(21, async {
        for options in [documented(), observed()] {
            let mut house = House::new(options).await;
            let mut agent = house.agent().await;
            house.say("41");
            // Number 42 has its place, and nobody sees it yet.
            let slow = house.sim.say_unseen(&house.ann, &house.room, "42");
            let room = house.room.clone();
            house.ledger.owes("message.created", &room, &slow.id, Some("42"));
            house.say("43");
            house.hears_until(&mut agent, |ledger| ledger.missing().len() == 1).await;
            // A walk has moved the anchor past it.
            house.is_read().await;
            house.sim.show(&slow);
            house.is_sound(&mut agent, 1).await;
        }
    })
    .await;
}

#[tokio::test]
async fn row_22_replay_and_live_frames_interleave_and_each_is_told_once_in_order() {
    matrix::row(22, async {
        let mut house = House::new(documented()).await;
        let mut agent = house.agent().await;
        for round in 0..matrix::cycles(6) {
            house.listens().await;
            house.say(&format!("{round}: live"));
            house.sim.stream_fault(&StreamFault::ReplayOld { events: 5 });
            house.say(&format!("{round}: live behind a replay"));
            house.sim.cut_streams();
            // Replayed by the next stream from its cursor, and read from the history beside it.
            for n in 0..5 {
                house.say(&format!("{round}: {n} while nobody listens"));
            }
            house.sim.fault(HISTORY, Fault::DelayReply { millis: 200 });
            house.listens().await;
            for n in 0..5 {
                house.say(&format!("{round}: {n} while it catches up"));
            }
        }
        house.is_sound(&mut agent, 0).await;
    })
    .await;
}

#[tokio::test]
async fn p9_a_page_over_the_bound_of_a_body_is_read_in_halves_and_what_alone_is_over_it_is_told_as_a_gap() {
    let small = format!("{}[network]\nbody = \"64KiB\"\n", rarely_read());
    let mut house = House::with(observed(), &small).await;
    let mut agent = house.agent().await;
    house.say("before");
    house.hears_all(&mut agent).await;
    house.sim.cut_streams();
    house.listens().await;
    house.say("behind a connect");
    house.hears_all(&mut agent).await;
    drop(agent);
    house.stop().await;
    // 200 KiB and more a page.
    for n in 0..150 {
        house.say(&format!("{n}: {}", "x".repeat(2_000)));
    }
    house.start().await;
    let mut agent = house.agent().await;
    house.hears_all(&mut agent).await;
    assert_eq!(house.ledger.firsts("workspace.gap").len(), 0, "all of it is read");
    drop(agent);
    house.stop().await;
    let (ann, room) = (house.ann.clone(), house.room.clone());
    house.sim.say(&ann, &room, "behind what nobody can pass");
    house.sim.say(&ann, &room, &"x".repeat(100_000));
    house.say("1");
    house.say("2");
    house.start().await;
    let mut agent = house.agent().await;
    house.hears_all(&mut agent).await;
    house.hears_until(&mut agent, |ledger| !ledger.firsts("workspace.gap").is_empty()).await;
    house.is_sound(&mut agent, 0).await;
    let gaps = house.ledger.firsts("workspace.gap");
    assert_eq!((gaps.len(), &gaps[0].event["data"]["reason"]), (1, &"history_too_large".into()));
}

#[tokio::test]
async fn p1_a_platform_whose_clock_is_behind_loses_nothing_of_a_new_conversation() {
    for seconds in [-600_i64, 600] {
        let wall = observed().wall;
        let wall = std::sync::Arc::new(move || wall().saturating_add_signed(seconds * 1_000));
        let mut house = House::new(Options { wall, ..observed() }).await;
        let mut agent = house.agent().await;
        house.say("in a room of the join");
        house.hears_all(&mut agent).await;
        // By its clock this was said before the bridge's clock saw the join.
        let room = house.sim.channel("made after the join");
        for n in 0..3 {
            house.say_in(&room, &format!("{n} in a new room"));
        }
        house.is_sound(&mut agent, 0).await;
    }
}
