//! How wide a page must be, where there is no cursor and no older page can be asked for: so wide that it reaches what is
//! known. Pure.

use std::collections::HashSet;

use crate::line::walk::{End, Seen, is_below};

/// What a page means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Width {
    /// It is enough, and this is how far it goes.
    Enough(End),
    /// It does not reach far enough: a page of so many messages may.
    Wider(u16),
}

/// What a page may be compared with.
pub(super) struct Reach<'a> {
    /// Messages that are known.
    pub tail: &'a HashSet<String>,
    /// Older ones are not told, milliseconds since 1970.
    pub floor: Option<u64>,
    /// The widest page.
    pub most: u16,
}

impl Reach<'_> {
    /// Judges a page (the newest message first) of `asked` messages. `narrower` are the ids of the page before.
    pub(super) fn judge(&self, page: &[Seen], asked: u16, narrower: Option<&HashSet<String>>) -> Width {
        if page.iter().any(|seen| self.tail.contains(&seen.id)) {
            return Width::Enough(End::Anchor);
        }
        if page.iter().any(|seen| is_below(seen.at, self.floor)) {
            return Width::Enough(End::Floor);
        }
        // A conversation of which nothing is known, and a page that it does not fill: that is all of it.
        if self.tail.is_empty() && page.len() < usize::from(asked) {
            return Width::Enough(End::Start);
        }
        let grew = narrower.is_none_or(|ids| page.last().is_some_and(|oldest| !ids.contains(&oldest.id)));
        if page.is_empty() || !grew {
            return Width::Enough(if page.is_empty() { End::Start } else { End::Repeats });
        }
        if asked >= self.most {
            Width::Enough(End::Bound)
        } else {
            Width::Wider(asked.saturating_mul(2).min(self.most))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Messages `from` (the newest) down to `to`, each written at its number.
    fn page(from: u64, to: u64) -> Vec<Seen> {
        let seen =
            |n: u64| Seen { id: n.to_string(), revision: String::new(), digest: None, at: Some(n * 1_001), size: 0 };
        (to..=from).rev().map(seen).collect()
    }

    fn ids(page: &[Seen]) -> HashSet<String> {
        page.iter().map(|seen| seen.id.clone()).collect()
    }

    #[test]
    fn a_page_is_widened_until_it_reaches_what_is_known() {
        let tail = HashSet::from(["5".to_owned()]);
        let reach = Reach { tail: &tail, floor: None, most: 40 };
        let first = page(50, 41);
        assert_eq!(reach.judge(&first, 10, None), Width::Wider(20));
        let second = page(50, 31);
        assert_eq!(reach.judge(&second, 20, Some(&ids(&first))), Width::Wider(40));
        assert_eq!(reach.judge(&page(50, 11), 40, Some(&ids(&second))), Width::Enough(End::Bound), "the widest");
        assert_eq!(reach.judge(&page(24, 5), 20, None), Width::Enough(End::Anchor));
    }

    #[test]
    fn a_page_that_does_not_grow_down_says_so_even_while_new_ones_come() {
        let tail = HashSet::from(["5".to_owned()]);
        let reach = Reach { tail: &tail, floor: None, most: 1_000 };
        let first = page(60, 11);
        assert_eq!(reach.judge(&first, 20, None), Width::Wider(40));
        assert_eq!(reach.judge(&page(63, 14), 40, Some(&ids(&first))), Width::Enough(End::Repeats));
    }

    #[test]
    fn a_page_shorter_than_was_asked_is_tried_wider_where_something_known_is_not_in_it() {
        let tail = HashSet::from(["5".to_owned()]);
        let reach = Reach { tail: &tail, floor: None, most: 1_000 };
        let first = page(19, 10);
        assert_eq!(reach.judge(&first, 20, None), Width::Wider(40));
        assert_eq!(reach.judge(&first, 40, Some(&ids(&first))), Width::Enough(End::Repeats));
        assert_eq!(reach.judge(&[], 20, None), Width::Enough(End::Start));
    }

    #[test]
    fn where_nothing_is_known_it_ends_at_the_join_or_at_the_start() {
        let none = HashSet::new();
        let reach = Reach { tail: &none, floor: Some(15_000), most: 1_000 };
        assert_eq!(reach.judge(&page(30, 10), 20, None), Width::Enough(End::Floor));
        assert_eq!(reach.judge(&page(30, 20), 20, None), Width::Enough(End::Start));
        assert_eq!(reach.judge(&page(39, 20), 20, None), Width::Wider(40));
    }
}
