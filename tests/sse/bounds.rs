//! What is too large is set aside alone, uncounted memory is never held, and work stays linear.

use std::time::{Duration, Instant};

use agent_bridge::line::event_stream::{EventStream, Item, Limits};
use bytes::Bytes;

use super::{assert_reads_within, told};

const SMALL: Limits = Limits { line: 24, event: 32 };

#[test]
fn an_oversized_line_sets_only_its_event_aside() {
    assert_reads_within(
        SMALL,
        "id:1\ndata:good\n\nid:2\nevent:big\ndata:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n\nid:3\ndata:good\n\n",
        &[r#"message [1] "good""#, "oversized big [2] 48", r#"message [3] "good""#, "resume at [3]"],
    );
}

#[test]
fn name_and_id_after_the_oversized_line_still_count() {
    assert_reads_within(
        SMALL,
        "data:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\ndata:b\nid:2\nevent:big\n\ndata:c\n\n",
        &["oversized big [2] 54", r#"message [2] "c""#, "resume at [2]"],
    );
}

#[test]
fn many_short_lines_make_an_oversized_event() {
    assert_reads_within(
        SMALL,
        "data:0123456789\r\ndata:0123456789\r\ndata:0123456789\r\ndata:0123456789\r\n\r\ndata:ok\r\n\r\n",
        &["oversized message [] 60", r#"message [] "ok""#, "resume at []"],
    );
}

#[test]
fn limits_are_inclusive() {
    // 24 bytes of line; 10 + 1 + 15 of data and 6 of name are 32 bytes of event.
    let full = "event:exact_\ndata:0123456789\ndata:012345678901234\n\n";
    let data = r#"exact_ [] "0123456789\n012345678901234""#;
    assert_reads_within(SMALL, full, &[data, "resume at []"]);
    assert_reads_within(Limits { event: 31, ..SMALL }, full, &["oversized exact_ [] 47", "resume at []"]);
    let name_last = "data:0123456789\ndata:012345678901234\nevent:exact_\n\n";
    assert_reads_within(SMALL, name_last, &[data, "resume at []"]);
    assert_reads_within(Limits { event: 31, ..SMALL }, name_last, &["oversized message [] 47", "resume at []"]);
    let line = "data:0123456789012345678\n\n";
    assert_reads_within(SMALL, line, &[r#"message [] "0123456789012345678""#, "resume at []"]);
    assert_reads_within(Limits { line: 23, ..SMALL }, line, &["oversized message [] 24", "resume at []"]);
}

#[test]
fn empty_data_lines_count_too() {
    let body = "data\n".repeat(40) + "\n";
    assert_reads_within(SMALL, body, &["oversized message [] 160", "resume at []"]);
}

#[test]
fn a_long_line_that_says_nothing_spoils_nothing() {
    let long = "x".repeat(50);
    let body = format!("data:a\n:{long}\n{long}\nother:{long}\nretry:{}\ndata:b\n\n", "9".repeat(30));
    assert_reads_within(SMALL, body, &["comment", r#"message [] "a\nb""#, "resume at []"]);
}

#[test]
fn an_oversized_id_or_name_is_passed_over() {
    let long = "x".repeat(50);
    assert_reads_within(
        SMALL,
        format!("id:1\n\nid:{long}\ndata:a\n\nevent:{long}\ndata:a\n\ndata:b\n\n"),
        &["oversized message [1] 59", "oversized message [1] 62", r#"message [1] "b""#, "resume at [1]"],
    );
}

#[test]
fn a_bom_before_an_oversized_line_does_not_hide_it() {
    let body = "\u{FEFF}data:0123456789012345678901234567890\n\ndata:b\n\n";
    assert_reads_within(SMALL, body, &["oversized message [] 39", r#"message [] "b""#, "resume at []"]);
}

#[test]
fn damaged_utf_8_cannot_swell_beyond_the_limit() {
    // 15 stray bytes become 45 bytes of U+FFFD.
    let mut body = b"id:1\ndata:".to_vec();
    body.extend([0xFF; 15]);
    body.extend(b"\n\ndata:b\n\n");
    assert_reads_within(SMALL, body, &["oversized message [1] 24", r#"message [1] "b""#, "resume at [1]"]);
    // Ten become 30, with a name of two exactly the limit, with one of three too many.
    let named = |name: &[u8]| [b"event:", name, b"\ndata:", &[0xFF; 10], b"\n\n"].concat();
    let shown = format!("ab [] {:?}", "\u{FFFD}".repeat(10));
    assert_reads_within(SMALL, named(b"ab"), &[&shown, "resume at []"]);
    assert_reads_within(SMALL, named(b"abc"), &["oversized abc [] 24", "resume at []"]);
}

#[test]
fn an_oversized_event_cut_off_by_the_end_says_nothing() {
    assert_reads_within(SMALL, "id:9\ndata:0123456789012345678901234567890\n", &["resume at []"]);
}

#[test]
fn the_default_limits_take_four_mebibytes() {
    let limits = Limits::default();
    assert_eq!((limits.line, limits.event), (4 << 20, 4 << 20));
    let mut stream = EventStream::new(limits);
    let line = |value: usize| Bytes::from(format!("data:{}\n\n", "x".repeat(value)));
    stream.push(line((4 << 20) - 5));
    let Some(Item::Event(frame)) = stream.next() else { panic!("the line is within the limit") };
    assert_eq!(frame.data.len(), (4 << 20) - 5);
    stream.push(line((4 << 20) - 4));
    let next = stream.next().map(|item| told(&item));
    assert_eq!(next.as_deref(), Some("oversized message [] 4194305"));
}

#[test]
fn an_endless_line_is_not_held_in_memory() {
    let before = peak_memory();
    let mut stream = EventStream::new(Limits::default());
    stream.push("id:1\ndata:".into());
    let part = Bytes::from(vec![b'x'; 1 << 16]);
    for _ in 0..(512 << 20) / part.len() {
        stream.push(part.clone());
        assert_eq!(stream.next(), None);
    }
    stream.push("\n\ndata:after\n\n".into());
    let said: Vec<_> = stream.map(|item| told(&item)).collect();
    assert_eq!(said, ["oversized message [1] 536870921", r#"message [1] "after""#]);
    let grown = peak_memory() - before;
    // The tests beside this one share the process: hence a bound far above the few MiB that this one takes.
    assert!(grown < 256 << 20, "peak memory grew by {grown} bytes for a line of 512 MiB");
}

/// The most memory this process ever held, in bytes (Linux: `proc_pid_status(5)`, `VmHWM`).
fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("VmHWM");
    let kib: u64 = line.trim().trim_end_matches(" kB").parse().expect("a number");
    kib * 1024
}

#[test]
fn a_long_line_in_single_bytes_is_linear_work() {
    let started = Instant::now();
    let mut stream = EventStream::new(Limits::default());
    stream.push("data:".into());
    for _ in 0..1 << 20 {
        stream.push(Bytes::from_static(b"x"));
        assert!(stream.next().is_none());
    }
    stream.push("\n\n".into());
    let Some(Item::Event(frame)) = stream.next() else { panic!("a whole event was pushed") };
    assert_eq!(frame.data.len(), 1 << 20);
    // Scanning the line again for each byte would take 2^39 steps: many minutes unoptimised.
    assert!(started.elapsed() < Duration::from_mins(1));
}
