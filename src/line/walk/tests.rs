use super::*;
use crate::event::Lines;
use crate::store::Known;

fn seen(id: &str) -> Seen {
    Seen { id: id.into(), revision: "r1".into(), digest: None, at: None, size: 10 }
}

fn list(ids: &str) -> Vec<Seen> {
    ids.split_whitespace().map(seen).collect()
}

fn newest_first(ids: &str) -> Vec<Seen> {
    let mut page = list(ids);
    page.reverse();
    page
}

fn anchor(ids: &str) -> Anchor {
    anchor_at(&list(ids))
}

fn known(revision: &str) -> Known {
    Known { seq: 1, revision: revision.into(), deleted: false, lines: Lines::default() }
}

fn created(index: usize) -> Step {
    Step::Created { index, late: false }
}

fn late(index: usize) -> Step {
    Step::Created { index, late: true }
}

#[test]
fn a_walk_ends_at_the_anchor_and_asks_for_older_pages_until_then() {
    let mut walk = Walk::new(Some(&anchor("1 2 3")), None, Bounds::default());
    assert_eq!(walk.take(newest_first("6 7"), Some(true)).1, Next::Before("6".into()));
    assert_eq!(walk.take(newest_first("4 5"), Some(true)).1, Next::Before("4".into()));
    assert_eq!(walk.take(newest_first("2 3"), Some(true)).1, Next::Done(End::Anchor));
    assert_eq!(walk.finish(), list("2 3 4 5 6 7"));
}

#[test]
fn a_walk_ends_at_something_older_where_the_anchor_is_gone() {
    let mut walk = Walk::new(Some(&anchor("1 2 3")), None, Bounds::default());
    assert_eq!(walk.take(newest_first("1 2 4"), Some(true)).1, Next::Done(End::Anchor));
}

#[test]
fn a_repeated_page_ends_a_walk() {
    let mut walk = Walk::new(None, None, Bounds::default());
    assert_eq!(walk.take(newest_first("1 2"), Some(true)).1, Next::Before("1".into()));
    assert_eq!(walk.take(newest_first("1 2"), Some(true)), (vec![false, false], Next::Done(End::Repeats)));
}

#[test]
fn pages_that_overlap_count_once_and_an_empty_page_is_the_start() {
    let mut walk = Walk::new(None, None, Bounds::default());
    walk.take(newest_first("3 4"), None);
    assert_eq!(walk.take(newest_first("2 3"), None).0, [false, true]);
    assert_eq!(walk.take(Vec::new(), Some(true)).1, Next::Done(End::Start));
    assert_eq!(walk.finish(), list("2 3 4"));
}

#[test]
fn a_page_asked_before_a_message_that_is_deleted_meanwhile_is_asked_before_its_neighbour() {
    let mut walk = Walk::new(None, None, Bounds::default());
    assert_eq!(walk.take(newest_first("3 4 5"), Some(true)).1, Next::Before("3".into()));
    assert_eq!(walk.take(Vec::new(), Some(false)).1, Next::Before("4".into()));
    assert_eq!(walk.take(newest_first("1 2"), Some(false)).1, Next::Done(End::Start));
    assert_eq!(walk.finish(), list("1 2 3 4 5"));
}

#[test]
fn a_platform_that_promises_more_and_gives_nothing_leaves_a_hole() {
    let mut walk = Walk::new(None, None, Bounds::default());
    walk.take(newest_first("3 4 5"), Some(true));
    walk.take(Vec::new(), Some(true));
    walk.take(Vec::new(), Some(true));
    assert_eq!(walk.take(Vec::new(), Some(true)).1, Next::Done(End::Repeats));
}

#[test]
fn every_bound_ends_a_walk() {
    for bounds in [
        Bounds { messages: 2, ..Bounds::default() },
        Bounds { pages: 1, ..Bounds::default() },
        Bounds { bytes: 20, ..Bounds::default() },
    ] {
        let mut walk = Walk::new(None, None, bounds);
        assert_eq!(walk.take(newest_first("1 2"), Some(true)).1, Next::Done(End::Bound), "{bounds:?}");
    }
}

#[test]
fn a_walk_ends_below_its_floor_and_gives_whole_seconds_their_benefit() {
    let at = |at| Seen { at: Some(at), ..seen("m") };
    let end =
        |at_millis, floor| Walk::new(None, Some(floor), Bounds::default()).take(vec![at(at_millis)], Some(true)).1;
    assert_eq!(end(5_001, 5_002), Next::Done(End::Floor));
    assert_eq!(end(5_002, 5_002), Next::Before("m".into()));
    assert_eq!(end(5_000, 5_002), Next::Before("m".into()));
    assert_eq!(end(4_000, 5_002), Next::Done(End::Floor));
}

#[test]
fn what_is_new_behind_the_anchor_is_told_in_order() {
    let found = list("2 3 4 5");
    let plan = decide(&found, &vec![None; 4], Some(&anchor("1 2 3")), &[], None, End::Anchor);
    assert_eq!(plan.steps, [created(2), created(3)]);
    assert_eq!(plan.anchor, anchor("1 2 3 4 5"));
}

#[test]
fn what_the_stream_told_first_makes_the_others_late() {
    let found = list("2 3 4 5");
    let plan = decide(
        &found,
        &[Some(known("r1")), None, None, Some(known("r1"))],
        Some(&anchor("1 2")),
        &[],
        None,
        End::Anchor,
    );
    assert_eq!(plan.steps, [late(1), late(2)]);
}

#[test]
fn a_message_that_shows_late_in_the_tail_is_told() {
    let plan = decide(
        &list("41 42 43"),
        &[Some(known("r1")), None, Some(known("r1"))],
        Some(&anchor("41 43")),
        &[],
        None,
        End::Anchor,
    );
    assert_eq!(plan.steps, [late(1)]);
}

#[test]
fn messages_older_than_the_tail_are_not_news() {
    let plan = decide(&list("a b 1 2"), &vec![None; 4], Some(&anchor("1 2")), &[], None, End::Anchor);
    assert_eq!(plan.steps, []);
}

#[test]
fn another_revision_is_an_update_once() {
    let mut found = list("1 2");
    found[0].revision = "r2".into();
    let plan = decide(&found, &[Some(known("r1")), Some(known("r1"))], Some(&anchor("1 2")), &[], None, End::Anchor);
    assert_eq!(plan.steps, [Step::Updated { index: 0 }]);
    assert_eq!(decide(&found, &vec![None; 2], Some(&plan.anchor), &[], None, End::Anchor).steps, []);
}

#[test]
fn a_stream_without_revisions_makes_no_updates() {
    let mut found = list("1 2");
    found[1].digest = Some("hash".into());
    let plan = decide(&found, &[Some(known("r1")), Some(known("hash"))], Some(&anchor("1")), &[], None, End::Anchor);
    assert_eq!(plan.steps, []);
    found[1].digest = Some("other".into());
    let plan = decide(&found, &[Some(known("r1")), Some(known("hash"))], Some(&anchor("1")), &[], None, End::Anchor);
    assert_eq!(plan.steps, [Step::Updated { index: 1 }]);
}

#[test]
fn what_is_missing_between_two_is_deleted_in_its_place() {
    let mut found = list("1 4 5");
    found[1].revision = "r2".into();
    let plan = decide(&found, &vec![None; 3], Some(&anchor("1 2 3 4")), &[], None, End::Anchor);
    let gone = |id: &str| Step::Deleted { id: id.into() };
    assert_eq!(plan.steps, [gone("2"), gone("3"), Step::Updated { index: 1 }, created(2)]);
}

#[test]
fn the_last_message_is_called_deleted_only_when_something_newer_shows() {
    let tail = anchor("1 2 3");
    let doubt = decide(&list("1 2"), &vec![None; 2], Some(&tail), &[], None, End::Anchor);
    assert_eq!(doubt.steps, []);
    let plan = decide(&list("1 2 4"), &vec![None; 3], Some(&doubt.anchor), &[], None, End::Anchor);
    assert_eq!(plan.steps, [Step::Deleted { id: "3".into() }, created(2)]);
}

#[test]
fn what_the_page_does_not_cover_is_not_deleted() {
    let plan = decide(&list("3 4"), &vec![None; 2], Some(&anchor("1 2 3 4")), &[], None, End::Anchor);
    assert_eq!(plan.steps, []);
    assert_eq!(plan.anchor, anchor("1 2 3 4"));
}

#[test]
fn a_platform_that_suddenly_lists_nothing_moves_nothing() {
    let plan = decide(&[], &[], Some(&anchor("1 2")), &[], None, End::Start);
    assert_eq!(plan, Plan { steps: vec![], anchor: anchor("1 2") });
}

#[test]
fn a_walk_that_hit_its_bound_tells_the_hole_first_and_once() {
    let plan = decide(&list("8 9"), &vec![None; 2], Some(&anchor("1 2")), &[], None, End::Bound);
    assert_eq!(plan.steps, [Step::Hole, created(0), created(1)]);
    let again = decide(&list("8 9"), &[Some(known("r1")), None], Some(&anchor("1 2")), &[], None, End::Bound);
    assert_eq!(again.steps, [created(1)]);
}

#[test]
fn a_new_conversation_is_told_whole_but_for_what_lies_before_the_join() {
    let mut found = list("1 2 3");
    (found[0].at, found[2].at) = (Some(1_001), Some(2_001));
    let plan = decide(&found, &vec![None; 3], None, &[], Some(1_500), End::Start);
    assert_eq!(plan.steps, [created(1), created(2)]);
    assert_eq!(plan.anchor, anchor("1 2 3"));
}

#[test]
fn the_tail_keeps_two_hundred() {
    let many: Vec<Seen> = (0..300).map(|n| seen(&n.to_string())).collect();
    let anchor = anchor_at(&many);
    assert_eq!((anchor.tail.len(), anchor.newest.as_deref(), &*anchor.tail[0].0), (TAIL, Some("299"), "100"));
}

#[test]
fn p1_what_a_platform_whose_clock_is_behind_says_in_a_conversation_seen_empty_is_told() {
    let before = anchor("");
    let found = [Seen { at: Some(970_000), ..seen("1") }, Seen { at: Some(980_000), ..seen("2") }];
    let mut walk = Walk::new(Some(&before), Some(1_000_000), Bounds::default());
    assert_eq!(walk.take(found.iter().rev().cloned().collect(), Some(true)).1, Next::Before("1".into()));
    let plan = decide(&found, &[None, None], Some(&before), &[], Some(1_000_000), End::Start);
    assert_eq!(plan.steps, [created(0), created(1)]);
}

#[test]
fn p2_an_edit_that_the_stream_told_without_a_version_is_not_told_again_with_one() {
    let found = [Seen { revision: "v2".into(), digest: Some("h2".into()), ..seen("1") }];
    let plan = decide(&found, &[Some(known("h2"))], Some(&anchor("1")), &[], None, End::Anchor);
    assert_eq!(plan.steps, []);
    assert_eq!(plan.anchor.tail, [("1".to_owned(), "v2".to_owned())]);
}

#[test]
fn what_a_stream_told_and_the_platform_no_longer_lists_is_deleted() {
    let mut streamed = list("3 4");
    let plan = decide(&list("1 2 4 5"), &vec![None; 4], Some(&anchor("1 2")), &streamed, None, End::Anchor);
    assert!(plan.steps.contains(&Step::Deleted { id: "3".into() }), "{:?}", plan.steps);
    let last = decide(&list("1 2"), &vec![None; 2], Some(&anchor("1 2")), &streamed, None, End::Anchor);
    assert_eq!(last.steps, [], "the platform may only be slow to list the newest");
    assert_eq!(last.anchor, anchor("1 2 3 4"), "but it is not forgotten");
    let mut missed = list("1 2 9");
    (streamed[0].at, streamed[1].at, missed[2].at) = (Some(5_000), Some(6_000), Some(4_000));
    let slow = decide(&missed, &vec![None; 3], Some(&anchor("1 2")), &streamed, None, End::Anchor);
    assert!(
        !slow.steps.iter().any(|step| matches!(step, Step::Deleted { .. })),
        "nothing newer shows: {:?}",
        slow.steps
    );
}

#[test]
fn what_the_stream_told_while_the_list_was_on_its_way_is_not_called_deleted() {
    // The stream lost 3, and told 4 behind the list's back, in the same millisecond.
    let at = |ids: &str| list(ids).into_iter().map(|seen| Seen { at: Some(5_000), ..seen }).collect::<Vec<_>>();
    for streamed in [at("4"), list("4")] {
        let plan = decide(&at("1 2 3"), &vec![None; 3], Some(&anchor("1 2")), &streamed, None, End::Anchor);
        assert_eq!(plan.steps, [created(2)]);
        assert_eq!(plan.anchor, anchor("1 2 3 4"), "it is looked for again");
    }
}

#[test]
fn what_a_stream_replays_from_before_the_page_is_not_called_deleted() {
    let at = |ids: &str, at| list(ids).into_iter().map(|seen| Seen { at: Some(at), ..seen }).collect::<Vec<_>>();
    let (page, replayed) = (at("7 8 9", 9_000), [at("1 2", 1_000), at("8 9", 9_000)].concat());
    let plan = decide(&page, &vec![None; 3], Some(&anchor("7 8")), &replayed, None, End::Anchor);
    assert_eq!((plan.steps, plan.anchor), (vec![created(2)], anchor("7 8 9")));
}

#[test]
fn an_unreadable_message_that_changed_is_not_called_deleted() {
    let plan = decide(&list("1 ?b 3"), &[None, None, None], Some(&anchor("1 ?a 3")), &[], None, End::Anchor);
    assert_eq!(plan.steps, [created(1)]);
}
