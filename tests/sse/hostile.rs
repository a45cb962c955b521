//! Streams that a broken or hostile server may send.

use std::time::Duration;

use agent_bridge::line::event_stream::{EventStream, Item, Limits};
use bytes::Bytes;

use super::assert_reads;

#[test]
fn an_id_without_data_moves_the_place_to_resume() {
    assert_reads("id:7\n\n", &["resume at [7]"]);
    assert_reads("id:7\nevent:gone\n\ndata:x\n\n", &[r#"message [7] "x""#, "resume at [7]"]);
}

#[test]
fn an_unfinished_block_does_not_move_the_place_to_resume() {
    assert_reads("id:1\ndata:a\n\nid:2\ndata:b\n", &[r#"message [1] "a""#, "resume at [1]"]);
    assert_reads("id:1\ndata:a\n\nid:2", &[r#"message [1] "a""#, "resume at [1]"]);
}

#[test]
fn damaged_utf_8_becomes_replacement_characters() {
    // Maximal parts, as the standard's decoder: E2 80 is one, FF is one, C0 80 are two, ED A0 80 (a surrogate) three.
    for (bytes, shown) in [
        (&b"\xE2\x80"[..], "\u{FFFD}"),
        (b"\xFF", "\u{FFFD}"),
        (b"\xC0\x80", "\u{FFFD}\u{FFFD}"),
        (b"\xED\xA0\x80", "\u{FFFD}\u{FFFD}\u{FFFD}"),
        (b"\xF0\x9F\x8E", "\u{FFFD}"),
        (b"\xF0\x9F\x8E\x88", "🎈"),
    ] {
        let body = [b"event:", bytes, b"\nid:", bytes, b"\ndata:a", bytes, b"\ndata:b\n\n"].concat();
        let event = format!("{shown} [{shown}] {:?}", format!("a{shown}\nb"));
        assert_reads(body, &[&event, &format!("resume at [{shown}]")]);
    }
}

#[test]
fn a_broken_sequence_does_not_swallow_the_line_end() {
    assert_reads(
        b"data:a\xF0\x9F\r\n\r\ndata:b\n\n",
        &["message [] \"a\u{FFFD}\"", r#"message [] "b""#, "resume at []"],
    );
}

#[test]
fn half_a_bom_is_a_broken_field_name() {
    assert_reads(b"\xEF\xBBdata:1\n\ndata:2\n\n", &[r#"message [] "2""#, "resume at []"]);
    assert_reads(b"\xEF\xBB\xBF", &["resume at []"]);
    assert_reads(b"\xEF\xBB\xBF\r\rdata:1\r\r", &[r#"message [] "1""#, "resume at []"]);
}

#[test]
fn line_ends_may_be_mixed() {
    assert_reads(
        "data:1\r\rdata:2\n\r\ndata:3\r\n\rdata:4\r\n\n",
        &[r#"message [] "1""#, r#"message [] "2""#, r#"message [] "3""#, r#"message [] "4""#, "resume at []"],
    );
}

#[test]
fn an_event_ended_by_cr_does_not_wait_for_a_line_feed() {
    let mut stream = EventStream::new(Limits::default());
    stream.push("data:1\r\r".into());
    assert!(matches!(stream.next(), Some(Item::Event(_))));
    stream.push("\ndata:2\r\n\r\n".into());
    assert!(matches!(stream.next(), Some(Item::Event(frame)) if frame.data == "2"));
    assert_eq!(stream.next(), None);
}

#[test]
fn one_leading_space_goes_and_no_more() {
    assert_reads("data:  a \nid:  b\nevent:  c\n\n", &[r#" c [ b] " a ""#, "resume at [ b]"]);
}

#[test]
fn field_names_are_exact() {
    for line in ["Data:x", " data:x", "data :x", "\tdata:x", "dat:x", "datax"] {
        assert_reads(format!("{line}\n\n"), &["resume at []"]);
    }
}

#[test]
fn retry_is_digits_only_and_saturates() {
    assert_reads("retry: 99999999999999999999999\n", &["retry 18446744073709551615", "resume at []"]);
    for bogus in ["+1", "-1", "1.5", "1 ", "  1", "0x10", "１", "1e3", ""] {
        assert_reads(format!("retry: {bogus}\n"), &["resume at []"]);
    }
    // At once, not with the event: a stream may end before its blank line.
    let mut stream = EventStream::new(Limits::default());
    stream.push("retry:0\n".into());
    assert_eq!(stream.next(), Some(Item::Retry(Duration::ZERO)));
}

#[test]
fn the_last_name_and_the_last_id_of_a_block_win() {
    assert_reads("event:a\nid:1\ndata:x\nevent:b\nid:2\n\n", &[r#"b [2] "x""#, "resume at [2]"]);
    assert_reads("event:a\ndata:x\nevent\n\n", &[r#"message [] "x""#, "resume at []"]);
}

#[test]
fn chunks_pushed_before_draining_are_joined() {
    let mut stream = EventStream::new(Limits::default());
    for part in ["id:1\nda", "", "ta:a\n", "\ndata:b\n\nid:2"] {
        stream.push(Bytes::from_static(part.as_bytes()));
    }
    let mut data = Vec::new();
    while let Some(Item::Event(frame)) = stream.next() {
        stream.push(Bytes::new());
        data.push(frame.data);
    }
    assert_eq!(data, ["a", "b"]);
    assert_eq!(&**stream.last_event_id(), "1");
}

#[test]
fn nothing_pushed_says_nothing() {
    assert_eq!(EventStream::new(Limits::default()).next(), None);
    assert_reads("", &["resume at []"]);
    assert_reads("\n\r\n\r", &["resume at []"]);
}

#[test]
fn data_stays_out_of_debug_output() {
    let mut stream = EventStream::new(Limits::default());
    stream.push("data:sk-secret\n\n".into());
    let shown = format!("{:?}", stream.next());
    assert!(!shown.contains("secret") && shown.contains("9 bytes"), "{shown}");
}
