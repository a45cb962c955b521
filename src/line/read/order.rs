//! How a page is sorted, where no document says so: by its times, else by what is known of it. Pure.

use std::collections::{HashMap, HashSet};

use crate::adapter::Order;
use crate::line::walk::Seen;

/// How the messages of a page stand, `tail` being known ones, the oldest first, and `narrower` those of the page that this
/// one widens; `None` where nothing tells.
pub(super) fn order(page: &[Seen], tail: &[(String, String)], narrower: Option<&HashSet<String>>) -> Option<Order> {
    if let Some(order) = Order::of(page.iter().map(|seen| seen.at)) {
        return Some(order);
    }
    let places: HashMap<&str, u64> = (0..).zip(tail).map(|(place, (id, _))| (&**id, place)).collect();
    let known: Vec<Option<u64>> = page.iter().map(|seen| places.get(&*seen.id).copied()).collect();
    if let Some(order) = Order::of(known.iter().copied()) {
        return Some(order);
    }
    // One that is known, and others that are not: those are newer.
    match (known.first().copied().flatten(), known.last().copied().flatten()) {
        (Some(_), None) => return Some(Order::OldestFirst),
        (None, Some(_)) => return Some(Order::NewestFirst),
        _ => {}
    }
    // What a wider page has more is older.
    let narrower = narrower?;
    let was_there = |seen: Option<&Seen>| seen.is_some_and(|seen| narrower.contains(&seen.id));
    match (was_there(page.first()), was_there(page.last())) {
        (true, false) => Some(Order::NewestFirst),
        (false, true) => Some(Order::OldestFirst),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(messages: &[(&str, Option<u64>)]) -> Vec<Seen> {
        let seen = |(id, at): &(&str, Option<u64>)| Seen {
            id: (*id).to_owned(),
            revision: String::new(),
            digest: None,
            at: *at,
            size: 0,
        };
        messages.iter().map(seen).collect()
    }

    fn tail(ids: &[&str]) -> Vec<(String, String)> {
        ids.iter().map(|id| ((*id).to_owned(), String::new())).collect()
    }

    #[test]
    fn times_tell_and_where_they_do_not_what_is_known_does() {
        let (old, new) = (Some(Order::OldestFirst), Some(Order::NewestFirst));
        assert_eq!(order(&page(&[("a", Some(1)), ("b", Some(2))]), &[], None), old);
        assert_eq!(order(&page(&[("b", Some(2)), ("a", Some(1))]), &[], None), new);
        assert_eq!(order(&page(&[("a", Some(1)), ("c", Some(1)), ("b", Some(9)), ("d", Some(8))]), &[], None), None);
        assert_eq!(order(&page(&[("a", None), ("b", None), ("c", None)]), &tail(&["a", "b"]), None), old);
        assert_eq!(order(&page(&[("c", None), ("b", None), ("a", None)]), &tail(&["a", "b"]), None), new);
        assert_eq!(order(&page(&[("a", None), ("b", None)]), &tail(&["a"]), None), old);
        assert_eq!(order(&page(&[("b", None), ("a", None)]), &tail(&["a"]), None), new);
        assert_eq!(
            order(&page(&[("b", Some(5)), ("a", Some(5))]), &tail(&["x", "a"]), None),
            new,
            "the same millisecond"
        );
        assert_eq!(order(&page(&[("a", None)]), &tail(&["a"]), None), None, "one alone has no order");
    }
    #[test]
    fn a_wider_page_tells_by_the_narrower_one() {
        let narrower = HashSet::from(["c".to_owned(), "d".to_owned()]);
        let of = |ids: [&str; 4]| order(&page(&ids.map(|id| (id, Some(7)))), &[], Some(&narrower));
        assert_eq!(of(["a", "b", "c", "d"]), Some(Order::OldestFirst));
        assert_eq!(of(["d", "c", "b", "a"]), Some(Order::NewestFirst));
        assert_eq!(of(["e", "d", "c", "b"]), None, "one has come meanwhile");
    }
}
