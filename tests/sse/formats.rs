//! The 23 `format-*` behaviours of the web-platform-tests `eventsource` suite, by name, on the bytes its server sends.
//!
//! That server ends a message with an extra LF: three LF in all, or one where a test asks for no newline.

use agent_bridge::line::event_stream::{EventStream, Limits, is_event_stream};

use super::{assert_reads, read_with};

#[test]
fn format_bom() {
    // Only the first of all bytes may be a BOM; later it is part of a field name nobody knows.
    assert_reads(
        "\u{FEFF}data:1\n\n\u{FEFF}data:2\n\ndata:3\n\n\n",
        &[r#"message [] "1""#, r#"message [] "3""#, "resume at []"],
    );
}

#[test]
fn format_bom_2() {
    assert_reads(
        "\u{FEFF}\u{FEFF}data:1\n\ndata:2\n\ndata:3\n\n\n",
        &[r#"message [] "2""#, r#"message [] "3""#, "resume at []"],
    );
}

#[test]
fn format_comments() {
    let long = "x".repeat(2048);
    let body = format!("data:1\r:\0\n:\r\ndata:2\n:{long}\rdata:3\n:data:fail\r:{long}\ndata:4\n\n");
    let expected =
        ["comment", "comment", "comment", "comment", "comment", r#"message [] "1\n2\n3\n4""#, "resume at []"];
    assert_reads(body, &expected);
}

#[test]
fn format_data_before_final_empty_line() {
    // The last block has no blank line: neither its event nor its id counts.
    assert_reads(
        "retry:1000\ndata:test1\n\nid:test\ndata:test2\n",
        &["retry 1000", r#"message [] "test1""#, "resume at []"],
    );
}

#[test]
fn format_field_data() {
    assert_reads(
        "data:\n\ndata\ndata\n\ndata:test\n\n\n",
        &[r#"message [] """#, r#"message [] "\n""#, r#"message [] "test""#, "resume at []"],
    );
}

#[test]
fn format_field_event() {
    assert_reads("event:test\ndata:x\n\ndata:x\n\n\n", &[r#"test [] "x""#, r#"message [] "x""#, "resume at []"]);
}

#[test]
fn format_field_event_empty() {
    assert_reads("event: \ndata:data\n\n\n", &[r#"message [] "data""#, "resume at []"]);
}

#[test]
fn format_field_id() {
    assert_reads("id: …\nretry: 200\ndata: hello\n\n", &["retry 200", r#"message […] "hello""#, "resume at […]"]);
}

#[test]
fn format_field_id_2() {
    // After the reconnect the server sends no id: the one it was asked to resume at stays.
    let resumed = EventStream::new(Limits::default()).resumed_at("…");
    let body = "data: …\n\ndata: …\n\n".as_bytes();
    assert_eq!(read_with(resumed, body.chunks(1)), [r#"message […] "…""#, r#"message […] "…""#, "resume at […]"],);
}

#[test]
fn format_field_id_3() {
    // Persists.
    assert_reads("id: 1\ndata: 1\n\ndata: 2\n\n", &[r#"message [1] "1""#, r#"message [1] "2""#, "resume at [1]"]);
    // Changes and persists.
    assert_reads(
        "id: 1\ndata: 1\n\nid: 2\ndata: 2\n\ndata: 3\n\n",
        &[r#"message [1] "1""#, r#"message [2] "2""#, r#"message [2] "3""#, "resume at [2]"],
    );
    // Resets.
    assert_reads(
        "id: 1\ndata: 1\n\nid:\ndata: 2\n\ndata: 3\n\n",
        &[r#"message [1] "1""#, r#"message [] "2""#, r#"message [] "3""#, "resume at []"],
    );
    assert_reads("id: 1\ndata: 1\n\nid\ndata: 2\n\n", &[r#"message [1] "1""#, r#"message [] "2""#, "resume at []"]);
}

#[test]
fn format_field_id_null() {
    for id in ["\0\0", "x\0", "\0x", "x\0x", " \0"] {
        let body = format!("id: kept\ndata: a\n\nid: {id}\ndata: hello\n\n");
        assert_reads(body, &[r#"message [kept] "a""#, r#"message [kept] "hello""#, "resume at [kept]"]);
    }
}

#[test]
fn format_field_parsing() {
    assert_reads(
        "data:\0\ndata:  2\rData:1\ndata\0:2\ndata:1\r\0data:4\nda-ta:3\rdata_5\ndata:3\rdata:\r\n data:32\ndata:4\n\n",
        &[r#"message [] "\0\n 2\n1\n3\n\n4""#, "resume at []"],
    );
}

#[test]
fn format_field_retry() {
    // A leading zero does not make it octal.
    assert_reads("retry:03000\ndata:x\n\n\n", &["retry 3000", r#"message [] "x""#, "resume at []"]);
}

#[test]
fn format_field_retry_bogus() {
    assert_reads("retry:3000\nretry:1000x\ndata:x\n\n\n", &["retry 3000", r#"message [] "x""#, "resume at []"]);
}

#[test]
fn format_field_retry_empty() {
    assert_reads("retry\ndata:test\n\n\n", &[r#"message [] "test""#, "resume at []"]);
}

#[test]
fn format_field_unknown() {
    assert_reads(
        "data:test\n data\ndata\nfoobar:xxx\njustsometext\n:thisisacommentyay\ndata:test\n\n\n",
        &["comment", r#"message [] "test\n\ntest""#, "resume at []"],
    );
}

#[test]
fn format_leading_space() {
    assert_reads("data:\ttest\rdata: \ndata:test\n\n\n", &[r#"message [] "\ttest\n\ntest""#, "resume at []"]);
}

#[test]
fn format_mime_bogus() {
    assert!(!is_event_stream("x bogus"));
    assert!(!is_event_stream(""));
}

#[test]
fn format_mime_trailing_semicolon() {
    assert!(is_event_stream("text/event-stream;"));
    assert!(is_event_stream(" Text/Event-Stream ; charset=utf-8"));
}

#[test]
fn format_mime_valid_bogus() {
    assert!(!is_event_stream("text/x-bogus"));
    assert!(!is_event_stream("text/event-streams"));
    assert!(!is_event_stream("application/json; note=text/event-stream"));
}

#[test]
fn format_newlines() {
    assert_reads("data:test\r\ndata\ndata:test\r\n\r\n", &[r#"message [] "test\n\ntest""#, "resume at []"]);
}

#[test]
fn format_null_character() {
    assert_reads("data:\0\n\n\n\n", &[r#"message [] "\0""#, "resume at []"]);
}

#[test]
fn format_utf_8() {
    assert!(is_event_stream("text/event-stream;charset=windows-1252"));
    assert_reads("data:ok…\n\n\n", &[r#"message [] "ok…""#, "resume at []"]);
}
