//! One conversation's pages: from the newest message back to its anchor, page behind page or by widening the one.

use std::collections::HashSet;
use std::sync::atomic::Ordering;

use serde_json::Value;

use super::lists::{items_in, unfound};
use super::message::{is_message, seen};
use super::order::order;
use super::width::{Reach, Width};
use super::{Gathered, ReadError, Reader};
use crate::adapter::{History, Order, Rooms, Root, Scope};
use crate::line::walk::{End, Next, Seen, Walk, floor_of};
use crate::normalise::Mapping;
use crate::store::Anchor;

/// The widest page where the manifest says nothing.
const MOST: u16 = 1_000;

/// A conversation to read.
pub(in crate::line) struct Place<'a> {
    /// How.
    pub history: &'a History,
    /// The list that it is of.
    pub of: &'a Rooms,
    /// Its id.
    pub room: &'a str,
    /// What its messages mean.
    pub mapping: &'a Mapping,
    /// How far it was read.
    pub anchor: Option<&'a Anchor>,
}

/// A page, the newest message first, and whether there is an older one.
struct Page {
    seen: Vec<Seen>,
    items: Vec<Value>,
    more: Option<bool>,
}

impl Page {
    fn gathered(mut self, room: &str, end: End) -> Gathered {
        self.seen.reverse();
        self.items.reverse();
        Gathered { room: room.to_owned(), found: self.seen.into_iter().zip(self.items).collect(), end }
    }
}

impl Reader {
    /// The newest messages of a conversation: one page.
    pub(in crate::line) async fn newest(&self, place: &Place<'_>) -> Result<Gathered, ReadError> {
        let mut limit = self.first(place.history);
        Ok(self.page(place, None, &mut limit).await?.gathered(place.room, End::Start))
    }

    /// Reads from the newest message down to the anchor, and in no case past `floor` (milliseconds since 1970).
    pub(in crate::line) async fn gather(&self, place: &Place<'_>, floor: Option<u64>) -> Result<Gathered, ReadError> {
        if place.history.widens(place.of) { self.widen(place, floor).await } else { self.walk(place, floor).await }
    }

    fn first(&self, history: &History) -> u16 {
        history.limit.unwrap_or(self.timing.page)
    }

    /// Page behind page.
    async fn walk(&self, place: &Place<'_>, floor: Option<u64>) -> Result<Gathered, ReadError> {
        let mut walk = Walk::new(place.anchor, floor, self.timing.walk);
        let (mut bodies, mut before) = (Vec::new(), None);
        let mut limit = self.first(place.history);
        let end = loop {
            let page = match self.page(place, before.as_deref(), &mut limit).await {
                // What is newer than it can be told, with the hole.
                Err(error) if error.is_too_large() && !bodies.is_empty() => break End::TooLarge,
                page => page?,
            };
            let (fresh, next) = walk.take(page.seen, page.more);
            bodies.extend(page.items.into_iter().zip(fresh).filter_map(|(item, fresh)| fresh.then_some(item)));
            match next {
                Next::Before(id) => before = Some(id),
                Next::Done(end) => break end,
            }
        };
        bodies.reverse();
        Ok(Gathered { room: place.room.to_owned(), found: walk.finish().into_iter().zip(bodies).collect(), end })
    }

    /// One page, as wide as it takes. Each wider one holds the narrower: nothing is put together.
    async fn widen(&self, place: &Place<'_>, floor: Option<u64>) -> Result<Gathered, ReadError> {
        let tail: HashSet<String> = place.anchor.iter().flat_map(|it| &it.tail).map(|(id, _)| id.clone()).collect();
        let first = self.first(place.history);
        let most = place.history.most.unwrap_or(MOST).max(first);
        let reach = Reach { tail: &tail, floor: floor_of(place.anchor, floor), most };
        let mut limit = first;
        let mut page = self.page(place, None, &mut limit).await?;
        let mut narrower: Option<HashSet<String>> = None;
        let end = loop {
            let wider = match reach.judge(&page.seen, limit, narrower.as_ref()) {
                Width::Enough(end) => break end,
                Width::Wider(wider) => wider,
            };
            narrower = Some(page.seen.iter().map(|seen| seen.id.clone()).collect());
            limit = wider;
            page = match self.page_of(place, None, limit, narrower.as_ref()).await {
                Err(error) if error.is_too_large() => break End::TooLarge,
                // It takes no page so wide: what the narrower one has is told, with the hole.
                Err(ReadError::Failing { status: 400..=499, .. } | ReadError::Refused { .. }) => break End::Bound,
                page => page?,
            };
        };
        Ok(page.gathered(place.room, end))
    }

    /// One page. A page over the bound of a body is asked for again with half of its messages, and so are those behind
    /// it.
    async fn page(&self, place: &Place<'_>, before: Option<&str>, limit: &mut u16) -> Result<Page, ReadError> {
        loop {
            match self.page_of(place, before, *limit, None).await {
                Err(error) if error.is_too_large() && *limit > 1 => *limit /= 2,
                page => return page,
            }
        }
    }

    /// One page; `narrower` are the messages of the one that it widens.
    async fn page_of(
        &self,
        place: &Place<'_>,
        before: Option<&str>,
        limit: u16,
        narrower: Option<&HashSet<String>>,
    ) -> Result<Page, ReadError> {
        let Place { history, of, room, mapping, .. } = place;
        let scope = Scope::new().with(Root::Room, "id", *room).with(Root::Page, "limit", limit);
        let scope = match before {
            Some(id) => scope.with(Root::Page, "before", id),
            None => scope,
        };
        let mut body = self.patiently(history.page(of), &scope).await?;
        let more = history.more.find(&body).and_then(Value::as_bool);
        let mut items = items_in(&mut body, &history.items, history.alone, "the list of messages")?;
        let is_message = |item: &Value| is_message(item, history, room, mapping);
        if history.alone && !items.is_empty() && !items.iter().any(is_message) {
            return Err(unfound("a message", &Value::Array(items)));
        }
        let mut seen: Vec<Seen> = items.iter().map(|item| seen(item, history, room, mapping)).collect();
        if self.sorted(place, &seen, narrower) == Order::OldestFirst {
            items.reverse();
            seen.reverse();
        }
        let more = more.or_else(|| (items.len() < usize::from(limit)).then_some(false));
        Ok(Page { seen, items, more })
    }

    /// How a page is sorted; one that does not tell is sorted like the one that told last.
    fn sorted(&self, place: &Place<'_>, page: &[Seen], narrower: Option<&HashSet<String>>) -> Order {
        if place.history.order != Order::Detect {
            return place.history.order;
        }
        let tail = place.anchor.map_or(&[][..], |anchor| &anchor.tail);
        match order(page, tail, narrower) {
            Some(order) => {
                self.sorted.store(u8::from(order == Order::OldestFirst), Ordering::Relaxed);
                order
            }
            None if self.sorted.load(Ordering::Relaxed) == 1 => Order::OldestFirst,
            None => Order::NewestFirst,
        }
    }
}
