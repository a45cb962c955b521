use super::*;

const EVEN: f64 = 0.5;

fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// A direct conversation `d` that the stream leaves out and a room `r` that it carries, both just read.
fn schedule(now: Instant) -> Schedule {
    let mut schedule = Schedule::new(Pace::default(), now);
    assert!(schedule.list_is_due(now));
    schedule.listed([("d".into(), true), ("r".into(), false)], now, EVEN);
    assert_eq!(schedule.take_due(9, now).len(), 2);
    schedule.read("d", now, EVEN);
    schedule.read("r", now, EVEN);
    schedule
}

fn due_in(schedule: &mut Schedule, now: Instant, conversation: &str) -> Duration {
    schedule.turns[conversation].due - now
}

#[test]
fn a_quiet_direct_conversation_is_read_slowly_and_a_lively_one_fast_for_ten_minutes() {
    let now = Instant::now();
    let mut schedule = schedule(now);
    assert_eq!(due_in(&mut schedule, now, "d"), secs(15));
    schedule.lively("d", now);
    assert_eq!(due_in(&mut schedule, now, "d"), secs(2));
    schedule.read("d", now + secs(599), EVEN);
    assert_eq!(due_in(&mut schedule, now + secs(599), "d"), secs(2));
    schedule.read("d", now + secs(600), EVEN);
    assert_eq!(due_in(&mut schedule, now + secs(600), "d"), secs(15));
}

#[test]
fn a_frame_in_a_streamed_room_is_no_reason_to_read_it() {
    let now = Instant::now();
    let mut schedule = schedule(now);
    schedule.lively("r", now);
    assert_eq!(due_in(&mut schedule, now, "r"), secs(300));
}

#[test]
fn a_connect_makes_everything_due_and_what_is_taken_is_taken_once() {
    let now = Instant::now();
    let mut schedule = schedule(now);
    assert!(schedule.take_due(9, now).is_empty());
    schedule.all_due(now);
    assert!(schedule.list_is_due(now));
    assert_eq!((schedule.take_due(1, now).len(), schedule.take_due(9, now).len()), (1, 1));
    assert!(schedule.take_due(9, now + secs(60)).is_empty());
}

#[test]
fn a_pause_that_the_platform_asks_for_holds_everything() {
    let now = Instant::now();
    let mut schedule = schedule(now);
    schedule.all_due(now);
    schedule.hold(now + secs(30));
    assert!(schedule.take_due(9, now + secs(29)).is_empty() && !schedule.list_is_due(now + secs(29)));
    assert_eq!(schedule.next(), now + secs(30));
    assert_eq!(schedule.take_due(9, now + secs(30)).len(), 2);
}

#[test]
fn failures_double_a_turn_up_to_a_bound() {
    let now = Instant::now();
    let mut schedule = schedule(now);
    schedule.failed("d", now, EVEN);
    assert_eq!(due_in(&mut schedule, now, "d"), secs(30));
    (0..90).for_each(|_| schedule.failed("d", now, EVEN));
    assert_eq!(due_in(&mut schedule, now, "d"), secs(15 * 64));
    schedule.read("d", now, EVEN);
    assert_eq!(due_in(&mut schedule, now, "d"), secs(15));
}

#[test]
fn a_room_that_is_no_longer_listed_leaves_and_a_new_one_is_due() {
    let now = Instant::now();
    let mut schedule = schedule(now);
    schedule.listed([("d".into(), true), ("n".into(), false)], now, EVEN);
    assert_eq!(schedule.take_due(9, now), ["n"]);
    assert!(!schedule.soon("r", now) && schedule.list_is_due(now));
}

#[test]
fn jitter_keeps_within_a_fifth() {
    assert_eq!((jittered(secs(10), 0.0), jittered(secs(10), 1.0)), (secs(8), secs(12)));
}

#[test]
fn without_a_stream_nothing_waits_longer_than_its_pace_and_the_first_turns_are_spread() {
    let now = Instant::now();
    let pace = Pace { fast: secs(2), fast_for: secs(60), slow: secs(60), others: secs(15) };
    let alone = |chance: f64| {
        let mut schedule = Schedule::new(pace, now).alone(true);
        schedule.listed([("d".into(), true)], now, EVEN);
        assert_eq!(schedule.list_due, now + secs(15), "the list has its own pace");
        schedule.take_due(9, now);
        schedule.read("d", now, chance);
        let first = due_in(&mut schedule, now, "d");
        schedule.read("d", now, chance);
        (first, due_in(&mut schedule, now, "d"))
    };
    assert_eq!(alone(0.0), (secs(0), secs(60)));
    assert_eq!(alone(0.5), (secs(30), secs(57)));
    assert_eq!(alone(1.0), (secs(60), secs(54)));
}

#[test]
fn a_hint_reads_the_list_soon_and_many_hints_do_not_read_it_all_the_time() {
    let now = Instant::now();
    let mut schedule = schedule(now);
    schedule.list_soon(secs(1), now + secs(5));
    assert!(schedule.list_is_due(now + secs(5)));
    schedule.listed([("d".into(), true)], now + secs(5), EVEN);
    schedule.list_soon(secs(1), now + secs(5));
    assert!(!schedule.list_is_due(now + secs(5)) && schedule.list_is_due(now + secs(6)));
}
