//! What rendering may do to a message, and what it may not.

use super::*;

fn markdown(text: &str) -> Sent {
    Sent { text: Some(text.into()), ..Sent::default() }
}

fn plain(text: &str) -> Shown {
    Shown { text: Some(text.into()), ..Shown::default() }
}

fn says(sent: &str, shown: &str) -> Likeness {
    likeness(&markdown(sent), &plain(shown))
}

#[test]
fn p6_what_is_rendered_is_known_again() {
    let cases = [
        ("Hello **world**, `code` and _more_", "Hello world, code and more"),
        ("see [the docs](https://x.example/a?b=c)", "see the docs"),
        ("see [the docs](https://x.example/a?b=c)", "see the docs (https://x.example/a?b=c)"),
        ("see [the docs](https://x.example/a?b=c)", "see [the docs](https://x.example/a?b=c)"),
        ("# Title\n\n- one\n- two\n\n1. three", "Title\none\ntwo\nthree"),
        ("1. three\n2. four", "1. three\n2. four"),
        ("a &amp; b \\* c", "a & b * c"),
        ("```rust\nfn main() {}\n```", "fn main() {}"),
        ("\"quoted\" -- text...", "“quoted” – text…"),
        ("Gr\u{fc}\u{df}e", "grüße"),
        ("\u{1f44d}", "\u{1f44d}\n"),
    ];
    for (sent, shown) in cases {
        assert_eq!(says(sent, shown), Likeness::Alike, "{sent:?} {shown:?}");
    }
}

#[test]
fn p6_html_is_known_again_on_either_side() {
    let html = |text: &str| Some(text.to_owned());
    let sent = Sent { html: html("<p>Fish &amp; <b>chips</b>&nbsp;for 5&#x20ac;</p>"), ..Sent::default() };
    assert_eq!(likeness(&sent, &plain("Fish & chips for 5€")), Likeness::Alike);
    let shown = Shown { html: html("<div>Fish &#38; <strong>chips</strong> for 5€</div>"), ..Shown::default() };
    assert_eq!(likeness(&sent, &shown), Likeness::Alike);
    assert_eq!(likeness(&markdown("Fish & **chips** for 5€"), &shown), Likeness::Alike);
    for broken in ["<", "a < b & c", "&#xFFFFFFFF;&;&#;", "<div", "&nonsense;"] {
        let shown = Shown { html: html(broken), ..Shown::default() };
        assert_ne!(likeness(&sent, &shown), Likeness::Alike, "{broken}");
    }
}

#[test]
fn p6_what_may_be_a_rendering_is_never_surely_different() {
    let cases = [
        // A mention, an emoji, a shortened text, a number that a list gave, an edit, a deletion.
        ("@u123", "Olivia Owner"),
        ("Deployed :tada:", "Deployed \u{1f389}"),
        ("one two three four five six", "one two three four…"),
        ("build 41 is done", "build 42 is done"),
        ("the whole text of it", ""),
        ("\u{1f44d}", "\u{1f389}"),
        ("yes", "no"),
    ];
    for (sent, shown) in cases {
        assert_eq!(says(sent, shown), Likeness::Unclear, "{sent:?} {shown:?}");
    }
    assert_eq!(says("the quick brown fox jumps", "a lazy dog sleeps all day"), Likeness::Different);
}

#[test]
fn p6_files_are_told_by_their_names() {
    let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
    let sent = |text: &str, files| Sent { files: names(files), ..markdown(text) };
    let shown = |text: &str, files| Shown { files: names(files), ..plain(text) };
    let cases = [
        (sent("", &["a b.pdf"]), shown("", &["a_b.pdf"]), Likeness::Alike),
        (sent("", &["a.pdf", "b.pdf"]), shown("", &["b.pdf", "a.pdf"]), Likeness::Alike),
        (sent("", &["a.pdf"]), shown("a.pdf", &["a.pdf"]), Likeness::Alike),
        (sent("", &["a.pdf"]), shown("", &["b.pdf"]), Likeness::Unclear),
        (sent("", &["a.pdf"]), shown("", &[]), Likeness::Unclear),
        (sent("report", &["a.pdf"]), shown("report", &["a.pdf"]), Likeness::Alike),
        (sent("report", &["a.pdf"]), shown("report", &["b.pdf"]), Likeness::Unclear),
        (sent("report", &["a.pdf"]), shown("report", &[]), Likeness::Unclear),
        (sent("report", &[]), shown("report", &["a.pdf"]), Likeness::Unclear),
        (sent("", &[]), shown("something", &[]), Likeness::Different),
    ];
    for (sent, shown, wanted) in cases {
        assert_eq!(likeness(&sent, &shown), wanted, "{sent:?} {shown:?}");
    }
}
