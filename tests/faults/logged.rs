//! Rows about the log of events, its cursor and its grant, on the platform that has them: 19 to 22, 31, 35, 36.

mod clamped;
mod revoked;
mod together;

use agent_bridge_sim::speakeasy::{CableFault, Confirm, Fault, Options, PollFault, Sim, Turn};

use crate::bridge::{Agent, until};
use crate::house::ack;
use crate::lounge::{Lounge, hospitable, ingress};
use crate::matrix;

/// How the platform logs a read of its events.
const POLL: &str = "GET /agent/events";
const OFTEN: &str = "every = \"200ms\"";
/// Nothing but a webhook or a start brings a read of the log.
const NEVER: &str = "every = \"10m\"\nbeside = \"10m\"\noverlap = \"10m\"";

/// Reads without a cursor, and those that were refused, after so many entries of the platform's log.
fn scans(lounge: &Lounge, after: usize) -> (usize, usize) {
    let polls = lounge.asked(POLL).split_off(after);
    let scans = polls.iter().filter(|poll| !poll.query.contains("cursor=")).count();
    (scans, polls.iter().filter(|poll| poll.status == 400).count())
}

/// The agent takes and acks until it has this; what it was told, and whether late.
async fn hears(agent: &mut Agent, text: &str) -> bool {
    loop {
        let delivery = agent.delivery_of("message.created").await;
        ack(agent, &delivery).await;
        if delivery.text() == text {
            return delivery.event["data"]["late"] == true;
        }
    }
}

#[tokio::test]
async fn row_19_a_cursor_that_the_log_refuses_costs_one_scan_and_no_loop() {
    matrix::row(19, async {
        let sim = Sim::new(Options { page: 10, ..hospitable() });
        // Beside a live cable the log would be read once a minute.
        sim.arm_cable(Turn::always(CableFault::Refuse { status: 404 }));
        let mut lounge = Lounge::of(sim, OFTEN, &ingress()).await;
        let mut agent = lounge.agent().await;
        for n in 0..25 {
            lounge.say(&n.to_string());
        }
        lounge.is_sound(&mut agent, 0).await;
        let before = lounge.asked(POLL).len();
        lounge.sim.invalidate_cursors();
        lounge.say("behind it");
        lounge.is_sound(&mut agent, 0).await;
        // Whatever is read after this is read with the new cursor.
        lounge.is_asked(POLL, lounge.asked(POLL).len() + 5).await;
        assert_eq!(
            scans(&lounge, before),
            (1, 1),
            "one refusal, one scan: {:#?}",
            lounge.asked(POLL).split_off(before)
        );
        let gaps = lounge.home.ok(&["tail", "--from", "start", "--once", "--json", "--types", "workspace.gap"]).await;
        assert_eq!(gaps, "", "the log reaches back to what is known");
        lounge.end().await;
    })
    .await;
}

#[tokio::test]
async fn row_19_a_platform_that_refuses_each_cursor_is_not_asked_in_a_loop() {
    matrix::row(19, async {
        let mut lounge = Lounge::without_cable(OFTEN, "").await;
        let mut agent = lounge.agent().await;
        lounge.say("before");
        lounge.is_sound(&mut agent, 0).await;
        // Whoever waits after a failure waits here until the next start.
        let config = std::fs::read_to_string(lounge.home.path("config.toml")).expect("a config");
        let patient = config.replacen("first_wait = \"50ms\"", "first_wait = \"10m\"", 1).replacen(
            "longest_wait = \"300ms\"",
            "longest_wait = \"20m\"",
            1,
        );
        lounge.home.configure(&patient);
        let before = lounge.asked(POLL).len();
        lounge.sim.poll_fault(PollFault::InvalidCursor { polls: u32::MAX });
        lounge.kill().await;
        let waits = || async { (lounge.status().await["lines"][0]["phase"] == "waiting").then_some(()) };
        until(waits, || lounge.home.log()).await;
        let (scans, refused) = scans(&lounge, before);
        // The daemon that was killed may have begun a read of its own.
        assert!(scans <= 2 && (2..=4).contains(&refused), "{scans} scans for {refused} refusals");
        lounge.sim.clear_faults();
        drop(agent);
        lounge.kill().await;
        let mut agent = lounge.agent().await;
        lounge.is_sound(&mut agent, 0).await;
        lounge.end().await;
    })
    .await;
}

#[tokio::test]
async fn row_20_a_cursor_of_the_log_that_repeats_is_no_hot_loop() {
    matrix::row(20, async {
        let mut lounge = Lounge::without_cable(NEVER, &ingress()).await;
        let mut agent = lounge.agent().await;
        lounge.say("before");
        lounge.is_sound(&mut agent, 0).await;
        let before = lounge.asked(POLL).len();
        lounge.sim.poll_fault(PollFault::RepeatCursor { polls: u32::MAX, empty: false });
        for n in 0..5 {
            lounge.say(&n.to_string());
        }
        lounge.is_sound(&mut agent, 0).await;
        let asked = lounge.asked(POLL).len() - before;
        // Each of six webhooks brings one read at most, and one more where it came while another was under way.
        assert!((1..=12).contains(&asked), "{asked} reads for six events: a hot loop");
        lounge.sim.clear_faults();
        // Now the cursor repeats, and nothing comes with it: what the webhook told of is read for once more.
        lounge.sim.poll_fault(PollFault::RepeatCursor { polls: 3, empty: true });
        lounge.is_sound(&mut agent, 0).await;
        lounge.is_sound(&mut agent, 0).await;
        lounge.end().await;
    })
    .await;
}

#[tokio::test]
async fn row_21_what_the_log_shows_late_is_found_by_the_overlap_and_marked() {
    matrix::row(21, async {
        let mut lounge = Lounge::new("every = \"200ms\"\nbeside = \"200ms\"\noverlap = \"5m\"", "").await;
        let mut agent = lounge.agent().await;
        lounge.is_subscribed().await;
        lounge.say("41");
        lounge.is_sound(&mut agent, 0).await;
        for round in 0..matrix::cycles(2) {
            // Number 42 has its place in the log, and nobody sees it yet.
            let late = format!("{round}: 42");
            lounge.sim.hold_events(1);
            lounge.sim.say(crate::lounge::OWNER, lounge.topic, &late);
            lounge.say(&format!("{round}: 43"));
            lounge.is_sound(&mut agent, 0).await;
            // The cursor has moved past it: two reads that began after 43 was told.
            lounge.is_asked(POLL, lounge.asked(POLL).len() + 4).await;
            // The cable does not bring it either.
            lounge.sim.cable_fault(CableFault::Lose);
            lounge.sim.show_events();
            assert!(hears(&mut agent, &late).await, "it is marked late");
            lounge.is_sound(&mut agent, 0).await;
        }
        lounge.end().await;
    })
    .await;
}

#[tokio::test]
async fn row_22_a_cables_replay_and_its_live_frames_interleave_and_each_is_told_once_in_order() {
    matrix::row(22, async {
        // Beside a live cable the log is read at its welcome alone: the rest comes by the cable.
        let mut lounge = Lounge::new("every = \"1s\"\nbeside = \"10m\"\noverlap = \"10m\"", "").await;
        let mut agent = lounge.agent().await;
        for round in 0..matrix::cycles(4) {
            let confirm = if round % 2 == 0 { Confirm::First } else { Confirm::Last };
            lounge.sim.set_push(|push| {
                (push.confirm, push.replay_overlap) = (confirm, 3);
                push.replay_pace = std::time::Duration::from_millis(20);
            });
            lounge.is_subscribed().await;
            lounge.say(&format!("{round}: live"));
            let dials = lounge.sim.look(agent_bridge_sim::speakeasy::World::cable_dials);
            // The log answers slowly, so that frames overtake it.
            lounge.sim.fault(POLL, Fault::DelayReply { millis: 300 });
            lounge.sim.cable_fault(CableFault::Drop);
            for n in 0..6 {
                lounge.say(&format!("{round}: {n} while nobody listens"));
            }
            lounge.is_dialled(dials + 1).await;
            for n in 0..6 {
                lounge.say(&format!("{round}: {n} while it replays"));
            }
            lounge.sim.cable_fault(CableFault::Duplicate);
            lounge.is_sound(&mut agent, 0).await;
        }
        let served = lounge.sim.served();
        assert!(served.contains("cable.replay") && served.contains("cable.interleaved"), "{served:?}");
        lounge.end().await;
    })
    .await;
}
