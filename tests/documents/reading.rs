//! What a document says, in whichever editor it was written, and who wrote what.

use agent_bridge::document::{Kind, Style};
use yrs::{Any, Text, Transact, Xml, XmlElementPrelim, XmlFragment, XmlTextPrelim};

use crate::{all, copied, document, person, read};

fn node(name: &str, text: &str) -> XmlElementPrelim {
    XmlElementPrelim::new(name, [XmlTextPrelim::new(text).into()])
}

#[test]
fn lists_quotes_code_and_rules_read_as_markdown() {
    let doc = person(1);
    let root = doc.get_or_insert_xml_fragment("default");
    let mut txn = doc.transact_mut();
    let item = |text, more: Option<XmlElementPrelim>| {
        let children = [Some(node("paragraph", text)), more].into_iter().flatten().map(Into::into);
        XmlElementPrelim::new("listItem", children.collect::<Vec<_>>())
    };
    let inner = XmlElementPrelim::new("bulletList", [item("inner", None).into()]);
    let list = [item("one", Some(inner)).into(), item("two", None).into()];
    root.push_back(&mut txn, XmlElementPrelim::new("orderedList", list));
    root.push_back(&mut txn, XmlElementPrelim::new("blockquote", [node("paragraph", "said").into()]));
    root.push_back(&mut txn, node("codeBlock", "let a = 1;\nlet b;"));
    root.push_back(&mut txn, XmlElementPrelim::empty("horizontalRule"));
    root.push_back(&mut txn, XmlElementPrelim::new("callout", [node("paragraph", "of some plugin").into()]));
    root.push_back(&mut txn, node("paragraph", ""));
    let heading = root.push_back(&mut txn, node("heading", "Deep"));
    heading.insert_attribute(&mut txn, "level", Any::from(3.0));
    drop(txn);
    let reading = read(&mut copied(&doc));
    let text =
        "1. one\n   - inner\n2. two\n\n> said\n\n```\nlet a = 1;\nlet b;\n```\n\n---\n\nof some plugin\n\n\n\n### Deep";
    assert_eq!(reading.text(), text);
    assert_eq!(reading.blocks.last().map(|block| block.style), Some(Style::Heading(3)));
}

#[test]
fn blocknote_documents_read_through_their_containers() {
    let doc = person(1);
    let root = doc.get_or_insert_xml_fragment("document-store");
    let mut txn = doc.transact_mut();
    let held = |inner: XmlElementPrelim| XmlElementPrelim::new("blockContainer", [inner.into()]);
    let lines = [node("paragraph", "Hello"), node("numberedListItem", "one"), node("numberedListItem", "two")];
    let group = lines.map(|line| held(line).into());
    root.push_back(&mut txn, XmlElementPrelim::new("blockGroup", group));
    drop(txn);
    assert_eq!(read(&mut copied(&doc)).text(), "Hello\n\n1. one\n2. two");
}

#[test]
fn each_run_of_text_knows_who_put_it_in() {
    let (anna, ben) = (person(1), person(2));
    let text = anna.get_or_insert_text("content");
    text.insert(&mut anna.transact_mut(), 0, "Anna wrote this.");
    crate::take(&ben, &all(&anna));
    let bens = ben.get_or_insert_text("content");
    bens.insert(&mut ben.transact_mut(), 4, " 🙂 Ben");
    bens.format(&mut ben.transact_mut(), 0, 2, yrs::types::Attrs::from([("bold".into(), true.into())]));
    let reading = read(&mut copied(&ben));
    let spans: Vec<_> = reading.blocks[0].spans.iter().map(|span| (&*span.text, span.author)).collect();
    assert_eq!(spans, [("An", 1), ("na", 1), (" 🙂 Ben", 2), (" wrote this.", 1)]);
}

#[test]
fn the_shared_type_is_the_one_named_else_the_one_that_exists() {
    let doc = person(1);
    for (name, text) in [("notes", "named"), ("monaco", "usual")] {
        let shared = doc.get_or_insert_text(name);
        shared.insert(&mut doc.transact_mut(), 0, text);
    }
    assert_eq!(read(&mut copied(&doc)).text(), "usual");
    let mut named = document(&[("absent", Kind::Fragment), ("notes", Kind::Text)]);
    named.apply(&all(&doc)).expect("it is taken");
    assert_eq!(read(&mut named).text(), "named");
    // Looking made nothing: what is sent on is what was there.
    assert_eq!(named.full().map(|full| full.len()), Ok(all(&doc).len()));
}

#[test]
fn the_content_says_of_which_kind_a_shared_type_is() {
    let doc = person(1);
    let root = doc.get_or_insert_xml_fragment("content");
    root.push_back(&mut doc.transact_mut(), node("paragraph", "rich under a plain name"));
    let reading = read(&mut copied(&doc));
    assert_eq!((reading.kind, &*reading.text()), (Kind::Fragment, "rich under a plain name"));
}
