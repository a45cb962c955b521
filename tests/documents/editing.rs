//! Edits: the least that changes, in the right place, under the right marks, and told beforehand.

use agent_bridge::document::{Document, Edit, EditError, Kind, Place};
use yrs::types::Attrs;
use yrs::{Doc, GetString, Text, Transact, XmlElementPrelim, XmlFragment, XmlTextPrelim};

use crate::{AGENT_BEFORE, all, copied, document, person, read, take};

/// A rich document of paragraphs.
fn rich(paragraphs: &[&str]) -> Doc {
    let doc = person(1);
    let root = doc.get_or_insert_xml_fragment("prosemirror");
    for text in paragraphs {
        let paragraph = XmlElementPrelim::new("paragraph", [XmlTextPrelim::new(*text).into()]);
        root.push_back(&mut doc.transact_mut(), paragraph);
    }
    doc
}

fn plain(text: &str) -> Doc {
    let doc = person(1);
    let shared = doc.get_or_insert_text("content");
    shared.insert(&mut doc.transact_mut(), 0, text);
    doc
}

fn replace(quote: &str, with: &str) -> Edit {
    Edit::Replace { quote: quote.to_owned(), with: with.to_owned() }
}

fn insert(at: Place, text: &str) -> Edit {
    Edit::Insert { at, text: text.to_owned() }
}

/// Makes the edit and shows it to the person.
fn made(document: &mut Document, edit: &Edit, doc: &Doc) -> String {
    let before = document.assess(edit).expect("it can be made");
    let done = document.edit(edit).expect("it is made");
    assert_eq!(done.assessment, before, "it was told otherwise beforehand");
    take(doc, &done.update);
    let text = read(document).text();
    assert_eq!(read(&mut copied(doc)).text(), text, "the person sees something else");
    text
}

#[test]
fn a_replacement_changes_only_what_differs() {
    let doc = rich(&["The majority of people agree.", "Next."]);
    let mut document = copied(&doc);
    let edit = replace("The majority of people", "The minority of people");
    assert_eq!(document.assess(&edit).map(|told| told.removed), Ok(2));
    assert_eq!(made(&mut document, &edit, &doc), "The minority of people agree.\n\nNext.");
    let spans = &read(&mut document).blocks[0].spans;
    let others: String = spans.iter().filter(|span| span.author == 1).map(|span| &*span.text).collect();
    assert_eq!(others, "The mority of people agree.");
}

#[test]
fn a_quote_that_is_missing_twice_there_or_over_blocks_says_so() {
    let mut document = copied(&rich(&["one two one", "three"]));
    for (quote, error) in [
        ("four", EditError::QuoteMissing),
        ("one", EditError::QuoteNotUnique(2)),
        ("one\n\nthree", EditError::QuoteAcrossBlocks),
        ("two one three", EditError::QuoteAcrossBlocks),
        ("", EditError::QuoteEmpty),
    ] {
        assert_eq!(document.edit(&Edit::Delete(quote.to_owned())), Err(error), "{quote}");
    }
    assert_eq!(document.edit(&replace("two", "a\nb")), Err(EditError::SeveralLines));
    assert_eq!(document.edit(&replace("two", "two")), Err(EditError::Nothing));
    assert!(EditError::QuoteNotUnique(2).to_string().contains("2 times"));
    assert_eq!(copied(&plain("aaa")).edit(&Edit::Delete("aa".to_owned())), Err(EditError::QuoteNotUnique(2)));
}

#[test]
fn quotes_span_marks_and_new_text_takes_the_marks_of_its_left_neighbour() {
    let doc = plain("plain bold link end");
    let text = doc.get_or_insert_text("content");
    let mark = |name: &str| Attrs::from([(name.into(), true.into())]);
    text.format(&mut doc.transact_mut(), 6, 4, mark("bold"));
    text.format(&mut doc.transact_mut(), 11, 4, mark("link"));
    let mut document = copied(&doc);
    made(&mut document, &insert(Place::After("bold".to_owned()), "er"), &doc);
    made(&mut document, &insert(Place::After("link".to_owned()), "!"), &doc);
    made(&mut document, &replace("plain bold", "plain and bold"), &doc);
    let reading = read(&mut document);
    let bold = |name: &str| -> String {
        let marked = reading.blocks[0].spans.iter().filter(|span| span.marks.contains_key(name));
        marked.map(|span| &*span.text).collect()
    };
    assert_eq!(reading.text(), "plain and bolder link! end");
    assert_eq!((bold("bold"), bold("link")), ("bolder".to_owned(), "link".to_owned()));
}

#[test]
fn it_is_told_beforehand_whether_others_text_goes_and_how_much() {
    let doc = person(AGENT_BEFORE);
    let text = doc.get_or_insert_text("content");
    text.insert(&mut doc.transact_mut(), 0, "mine of yesterday. ");
    let anna = person(1);
    take(&anna, &all(&doc));
    anna.get_or_insert_text("content").insert(&mut anna.transact_mut(), 19, "hers.");
    let mut document = copied(&anna);
    let told = |document: &mut Document, edit| document.assess(&edit).map(|told| (told.touches_others, told.share()));
    assert_eq!(told(&mut document, Edit::Delete("of yesterday".to_owned())), Ok((false, 50)));
    assert_eq!(told(&mut document, Edit::Delete("yesterday. hers".to_owned())), Ok((true, 63)));
    assert_eq!(told(&mut document, Edit::Delete("mine of yesterday. hers.".to_owned())), Ok((true, 100)));
    assert_eq!(told(&mut document, insert(Place::After("hers".to_owned()), " and mine")), Ok((false, 0)));
    assert_eq!(told(&mut document, Edit::Append("new".to_owned())), Ok((false, 0)));
    assert_eq!(read(&mut document).text(), "mine of yesterday. hers.");
}

#[test]
fn markdown_becomes_the_nodes_of_the_documents_own_schema() {
    let doc = rich(&["Start."]);
    let mut document = copied(&doc);
    let text = "# Plan\n\nGo **now**, not `later`,\nin one paragraph with snake_case_name.\n\n- a\n- b\n\n1. x\n2. y\n\n> q\n\n---\n\n```\ncode\n  more\n```";
    let text = made(&mut document, &Edit::Append(text.to_owned()), &doc);
    assert_eq!(
        text,
        "Start.\n\n# Plan\n\nGo now, not later, in one paragraph with snake_case_name.\n\n- a\n- b\n1. x\n2. y\n\n> q\n\n---\n\n```\ncode\n  more\n```"
    );
    let xml = doc.get_or_insert_xml_fragment("prosemirror").get_string(&doc.transact());
    for piece in
        ["<bullet_list><list_item><paragraph>a</paragraph></list_item>", "<strong>now</strong>", "<code_block>code"]
    {
        assert!(xml.contains(piece), "{piece} is not in {xml}");
    }
}

#[test]
fn several_lines_go_behind_or_before_the_quotes_block() {
    let doc = rich(&["Alpha.", "Omega."]);
    let mut document = copied(&doc);
    made(&mut document, &insert(Place::After("Alpha".to_owned()), "Beta.\n\nGamma."), &doc);
    made(&mut document, &insert(Place::Before("Alpha".to_owned()), "## Letters\n"), &doc);
    made(&mut document, &insert(Place::Start, "First."), &doc);
    let text = made(&mut document, &insert(Place::End, "Last."), &doc);
    assert_eq!(text, "First.\n\n## Letters\n\nAlpha.\n\nBeta.\n\nGamma.\n\nOmega.\n\nLast.");
}

#[test]
fn a_blocknote_document_gets_containers_with_ids() {
    let mut empty = document(&[("document-store", Kind::Fragment)]);
    let doc = person(1);
    made(&mut empty, &Edit::Append("# Hello\n\n- one\n- two".to_owned()), &doc);
    made(&mut empty, &Edit::Append("more".to_owned()), &doc);
    let xml = doc.get_or_insert_xml_fragment("document-store").get_string(&doc.transact());
    assert_eq!(xml.matches("<blockGroup>").count(), 1, "{xml}");
    assert_eq!(xml.matches("<blockContainer id=").count(), 4, "{xml}");
    let ids: std::collections::HashSet<_> =
        xml.split("id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    assert_eq!(ids.len(), 4, "{xml}");
    assert!(xml.contains("<bulletListItem>one</bulletListItem>"), "{xml}");
}

#[test]
fn a_plain_document_is_edited_in_utf16_whatever_is_in_it() {
    let text = "e\u{301}clair 👩‍👩‍👧 family\r\nsecond 🙂 line\r\n";
    let doc = plain(text);
    let mut document = copied(&doc);
    made(&mut document, &insert(Place::After("👩‍👩‍👧".to_owned()), " (three)"), &doc);
    made(&mut document, &replace("🙂", "🙃"), &doc);
    made(&mut document, &Edit::Delete("second ".to_owned()), &doc);
    made(&mut document, &insert(Place::Start, "# Top\n"), &doc);
    let now = made(&mut document, &Edit::Append("appended".to_owned()), &doc);
    assert_eq!(now, "# Top\ne\u{301}clair 👩‍👩‍👧 (three) family\r\n🙃 line\r\n\nappended");
}

#[test]
fn an_empty_document_is_written_only_under_a_name_that_was_given() {
    assert_eq!(document(&[]).edit(&Edit::Append("hello".to_owned())), Err(EditError::NoSharedType));
    let mut named = document(&[("notes", Kind::Text)]);
    let done = named.edit(&Edit::Append("hello".to_owned())).expect("it is made");
    let doc = person(1);
    take(&doc, &done.update);
    assert_eq!(doc.get_or_insert_text("notes").get_string(&doc.transact()), "hello");
}

#[test]
fn breaks_go_and_what_is_no_text_stays() {
    let doc = person(1);
    let root = doc.get_or_insert_xml_fragment("prosemirror");
    let line = |text: &str| XmlTextPrelim::new(text).into();
    let children = [
        line("one"),
        XmlElementPrelim::empty("hard_break").into(),
        line("two"),
        XmlElementPrelim::empty("image").into(),
    ];
    root.push_back(&mut doc.transact_mut(), XmlElementPrelim::new("paragraph", children));
    let mut document = copied(&doc);
    assert_eq!(read(&mut document).text(), "one\ntwo\u{fffc}");
    assert_eq!(made(&mut document, &replace("one\ntwo", "one and two"), &doc), "one and two\u{fffc}");
    made(&mut document, &insert(Place::After("\u{fffc}".to_owned()), "x"), &doc);
}

#[test]
fn the_inverse_says_what_would_undo_it() {
    let mut document = copied(&plain("The old word."));
    let done = document.edit(&replace("old", "new")).expect("it is made");
    let undo = (done.inverse.at, &*done.inverse.take_out, &*done.inverse.put_in);
    assert_eq!(undo, (4, "new", "old"));
}
