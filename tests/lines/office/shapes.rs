//! Answers that no document shows: read in every form that is expected, and in any other one said how it looks.

use agent_bridge_sim::office::{Clock, Envelope, Options, Order, Shape};

use super::bench::{ME, Story, USER};

/// Every value of every switch, though not in every combination.
fn shapes() -> Vec<Shape> {
    let named = |id: &str, from: &str, body: &str, time: &str| {
        let (id, from, body, time) = (id.into(), from.into(), body.into(), time.into());
        Shape { id, from, body, time, ..Shape::default() }
    };
    let (named_list, bare) = (Envelope::Named, Envelope::Bare);
    let (newest, oldest) = (Order::NewestFirst, Order::OldestFirst);
    vec![
        Shape { envelope: bare, clock: Clock::Millis, order: oldest, ..named("id", "from", "body", "sentAt") },
        Shape {
            envelope: named_list,
            clock: Clock::Nanos,
            order: newest,
            ..named("messageId", "sender", "content", "createdAt")
        },
        Shape { envelope: bare, clock: Clock::NanosText, order: newest, ..named("id", "sender", "text", "timestamp") },
        Shape {
            envelope: named_list,
            clock: Clock::Iso,
            order: oldest,
            ..named("messageId", "from", "text", "sentAt")
        },
    ]
}

#[tokio::test(start_paused = true)]
async fn every_expected_form_is_read() {
    for shape in shapes() {
        let story = Story::live(Options { shape: shape.clone(), ..Options::default() }).await;
        for words in ["one", "two", "three"] {
            story.sim.say(USER, ME, words);
            story.pass_secs(1).await;
        }
        story.sim.say(USER, &story.sim.group(), "to all");
        story.until("all of it", |story| story.texts().len() == 4).await;
        let direct: Vec<String> = story.texts().into_iter().filter(|text| text != "to all").collect();
        assert_eq!(direct, ["one", "two", "three"], "{shape:?}");
        let said = story.sim.between(USER, ME);
        let events = story.of("message.created");
        for message in said {
            let event = events.iter().find(|event| event["data"]["message"]["id"] == *message.id).expect("it is told");
            let told: jiff::Timestamp = event["time"].as_str().unwrap().parse().unwrap();
            assert_eq!(u64::try_from(told.as_millisecond()).unwrap(), message.sent, "{shape:?}");
            assert_eq!(event["data"]["author"]["id"], USER, "{shape:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn p2_a_platform_that_changes_its_form_tells_nothing_twice() {
    let story = Story::live(Options::default()).await;
    for shape in shapes() {
        let words = format!("{shape:?}");
        story.sim.set_shape(shape);
        story.sim.say(USER, ME, &words);
        story.until_told(&words).await;
    }
    story.pass_secs(60).await;
    assert_eq!(story.texts().len(), shapes().len());
    assert_eq!(story.of("message.updated").len() + story.of("message.deleted").len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_page_in_which_no_message_can_be_found_says_how_it_looks_and_nothing_of_what_it_says() {
    let story = Story::live(Options::default()).await;
    story.sim.say(USER, ME, "before");
    story.until_told("before").await;
    story.sim.set_shape(Shape { id: "mid".into(), body: "words".into(), ..Shape::default() });
    story.sim.say(USER, ME, "a secret plan");
    story.until("it says so", |story| !story.line("rooms").unreadable.is_empty()).await;
    let unreadable = story.line("rooms").unreadable;
    let why = &unreadable.iter().find(|(room, _)| room == USER).expect("the conversation is named").1;
    for part in ["a message is not where", "mid: text", "words: text", "sentAt: text", "adapters_dir"] {
        assert!(why.contains(part), "{part}: {why}");
    }
    assert!(!why.contains("secret plan"), "{why}");
    assert!(story.status().live, "the others go on");
    let told = story.feed().iter().filter(|event| event["type"] == "platform.other").count();
    assert_eq!(told, 0, "what cannot be read is no event");
    story.sim.set_shape(Shape::default());
    story.until_told("a secret plan").await;
    // The feed has it a moment before the line says that all is well.
    story.until("nothing is unreadable", |story| story.line("rooms").unreadable.is_empty()).await;
    assert_eq!(story.texts(), ["before", "a secret plan"]);
}

#[tokio::test(start_paused = true)]
async fn an_answer_without_any_list_says_how_it_looks_too_and_a_mended_manifest_reads_it() {
    let mut story = Story::begun(Options { shape: Shape::unreadable(), ..Options::default() });
    story.join().await;
    story.registered().await;
    story.start().await;
    story.until("it says so", |story| story.line("rooms").unreadable.len() >= 2).await;
    let unreadable = story.line("rooms").unreadable;
    let named: Vec<&str> = unreadable.iter().map(|(room, _)| room.as_str()).collect();
    assert!(named.contains(&"(the list)") && named.contains(&"(the list 2)"), "{named:?}");
    assert!(unreadable.iter().any(|(_, why)| why.contains("{rowset: {rows: []}, v: number}")), "{unreadable:?}");

    let shape = Shape { id: "mid".into(), ..Shape::default() };
    let story = Story::begun(Options { shape, ..Options::default() });
    let story = story.mended("object: [/id, ", "object: [/mid, /id, ").goes_live().await;
    story.sim.say(USER, ME, "readable");
    story.until_told("readable").await;
}
