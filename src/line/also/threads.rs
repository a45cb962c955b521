//! Conversations with their messages: each that is new or has moved is read whole, and what is not known is told.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::ask::Said;
use super::walk::{PAGES, Place, SHARED, Stamp, Walk};
use super::{Desk, Looked, chance};
use crate::action::State;
use crate::adapter::{self, Root, Scope};
use crate::event::{Arrival, Draft, Via};
use crate::line::Dropped;
use crate::line::schedule::jittered;
use crate::line::timing::Backfill;
use crate::store::StoreError;

/// How often the list is read where the manifest says nothing.
const EVERY: Duration = Duration::from_secs(30);
/// The same where nothing has happened lately.
const QUIET: Duration = Duration::from_mins(2);
/// For how long something that happened makes it lively.
const LIVELY: Duration = Duration::from_mins(10);
/// Messages of one conversation: of more, the newest.
const MESSAGES: usize = 1_000;
/// A conversation that cannot be read so often is passed by, with a gap.
const TRIES: u32 = 5;
/// So many looks wait for an own message that is under way in a conversation: without its id it looks like another's.
const WAITS: u32 = 3;

/// The conversations of one workspace.
pub(super) struct Threads {
    spec: Arc<adapter::Threads>,
    place: Place,
    backfill: Backfill,
    /// What was read whole, among what the list shows.
    seen: HashMap<String, Stamp>,
    /// Conversations that could not be read: how often, and why.
    failed: HashMap<String, (u32, String)>,
    /// Conversations that wait for an own message.
    waits: HashMap<String, u32>,
    shut: Option<String>,
    lively_until: Instant,
    /// Up to where a list that is too long was told as a gap.
    cut: bool,
}

/// What came of one conversation.
enum Read {
    /// Its messages that are not known, the oldest first.
    Whole(Vec<Draft>),
    /// It cannot be read.
    Failed(String),
    /// It is gone.
    Gone,
}

impl Threads {
    pub fn new(spec: Arc<adapter::Threads>, row: Option<&str>, backfill: Backfill) -> Self {
        Self {
            spec,
            place: Place::of(row),
            backfill,
            seen: HashMap::new(),
            failed: HashMap::new(),
            waits: HashMap::new(),
            shut: None,
            lively_until: Instant::now() + LIVELY,
            cut: false,
        }
    }

    /// Reads the list, and what has moved in it.
    pub async fn look(&mut self, desk: &mut Desk, now: Instant) -> Result<Looked, Dropped> {
        let walk = match self.list(desk).await? {
            Ok(walk) => walk,
            Err(why) => return Ok(desk.shut(why, &mut self.shut, now)),
        };
        self.shut = None;
        let floor = self.floor(desk);
        self.seen.retain(|id, _| walk.has(id));
        self.failed.retain(|id, _| walk.has(id));
        self.waits.retain(|id, _| walk.has(id));
        self.tell_cut(desk, &walk).await?;
        let mut held = false;
        for (id, stamp) in walk.moved(&self.seen, self.place.from(floor)) {
            held |= !self.absorb(desk, &id, &stamp, held).await?;
        }
        let pace = self.pace(desk, now);
        let closed = self.failed.iter().map(|(id, (_, why))| (id.clone(), why.clone())).collect();
        Ok(Looked { next: now + jittered(pace, chance()), pace, count: walk.len(), closed })
    }

    /// The list, down to what was read before; `Err`: why the platform does not give it.
    async fn list(&self, desk: &mut Desk) -> Result<Result<Walk, String>, Dropped> {
        let (mut walk, step) = (Walk::default(), usize::from(self.spec.limit) - SHARED);
        for page in 0..PAGES {
            let spec = &self.spec;
            let items = match desk.asker.page(&spec.call, &spec.items, spec.limit, page * step).await? {
                Said::Items(items) => items,
                Said::Shut(why) => return Ok(Err(why)),
            };
            // The first answer tells how far the platform's clock is ahead.
            let from = self.place.from(self.floor(desk));
            if !walk.take(&items, spec, from) {
                return Ok(Ok(walk));
            }
        }
        walk.cut = true;
        Ok(Ok(walk))
    }

    /// The oldest time of what is told, by the platform's clock; its times may be to the second.
    fn floor(&self, desk: &Desk) -> u64 {
        let joined = desk.asker.session.record().joined_at;
        let from = match self.backfill {
            Backfill::None => joined,
            Backfill::Last(span) => joined.saturating_sub(crate::clock::millis(span)),
            Backfill::All => return 0,
        };
        desk.asker.by_their_clock(from) / 1_000 * 1_000
    }

    /// A list that goes on behind the bound has what nobody will read (P9).
    async fn tell_cut(&mut self, desk: &mut Desk, walk: &Walk) -> Result<(), StoreError> {
        if walk.cut && !self.cut {
            let bounds = json!({ "line": desk.line, "read": walk.len(), "after": self.place.upto });
            let gap = desk.shaper.gap("list_too_long", None, bounds);
            desk.intake.commit(vec![gap], None, Vec::new()).await?;
        }
        self.cut = walk.cut;
        Ok(())
    }

    /// Reads one conversation and tells what is new in it; whether all of it is told. Where one before it is `held`,
    /// the cursor stays.
    async fn absorb(&mut self, desk: &mut Desk, id: &str, stamp: &Stamp, held: bool) -> Result<bool, Dropped> {
        if self.is_under_way(desk, id)? {
            return Ok(false);
        }
        let before = self.place.clone();
        let (drafts, whole) = match self.read(desk, id).await? {
            Read::Whole(drafts) => (drafts, true),
            Read::Gone => (Vec::new(), true),
            Read::Failed(why) => self.failed(desk, id, why),
        };
        if !drafts.is_empty() {
            self.lively_until = Instant::now() + LIVELY;
        }
        let mut place = self.place.clone();
        if whole && !held {
            place.upto = place.upto.max(stamp.at);
        }
        let moves = place != before || before == Place::default();
        let changes = if moves { vec![desk.cursor(place.row())] } else { Vec::new() };
        let arrival = Arrival { at: desk.clock.now(), via: Via::Poll };
        desk.intake.commit(drafts, Some(arrival), changes).await?;
        self.place = place;
        if whole {
            self.seen.insert(id.to_owned(), stamp.clone());
            self.waits.remove(id);
        }
        Ok(whole)
    }

    /// Whether the agent is writing there just now: what it wrote has no id yet by which it is known as its own.
    fn is_under_way(&mut self, desk: &mut Desk, id: &str) -> Result<bool, StoreError> {
        let there =
            |args: &serde_json::Map<String, Value>| args.get("conversation").and_then(Value::as_str) == Some(id);
        let outbox = desk.store.outbox(&desk.workspace)?;
        let writes =
            outbox.iter().any(|action| matches!(action.state, State::Trying | State::Doubtful) && there(&action.args));
        // What was confirmed meanwhile is its own from now on.
        desk.shaper.refresh()?;
        let waited = self.waits.entry(id.to_owned()).or_default();
        *waited += u32::from(writes);
        Ok(writes && *waited <= WAITS)
    }

    async fn read(&mut self, desk: &mut Desk, id: &str) -> Result<Read, Dropped> {
        let (spec, scope) = (Arc::clone(&self.spec), Scope::new().with(Root::Room, "id", id));
        let items = match desk.asker.items(&spec.messages.call, &spec.messages.items, scope).await {
            Ok(Said::Items(items)) => items,
            Ok(Said::Shut(_)) => return Ok(Read::Gone),
            Err(why @ (Dropped::Failing { .. } | Dropped::Unreadable(_))) => return Ok(Read::Failed(why.to_string())),
            Err(why) => return Err(why),
        };
        self.failed.remove(id);
        let (joined, floor) = (desk.asker.session.record().joined_at, self.floor(desk));
        let (joined, from) = (desk.asker.by_their_clock(joined) / 1_000 * 1_000, self.place.tells_from(floor));
        let mut drafts = Vec::new();
        let over = items.len().saturating_sub(MESSAGES);
        for item in items.iter().skip(over) {
            let mut draft = desk.shaper.beside(item, &spec.event, id);
            let at = draft.time.parse::<jiff::Timestamp>().ok().and_then(|at| u64::try_from(at.as_millisecond()).ok());
            draft.data.backfill = at.is_some_and(|at| at < joined);
            if !self.is_own(&draft) && at.is_none_or(|at| at >= from) {
                drafts.push((at, draft));
            }
        }
        drafts.sort_by_key(|(at, _)| *at);
        let drafts: Vec<Draft> =
            drafts.into_iter().map(|(_, draft)| draft).filter(|draft| !self.is_own(draft)).collect();
        let known = desk.store.knows(&drafts.iter().map(Draft::id).collect::<Vec<_>>())?;
        Ok(Read::Whole(drafts.into_iter().zip(known).filter(|(_, known)| !known).map(|(draft, _)| draft).collect()))
    }

    /// Whether the agent itself said it. An own message teaches from which address it writes.
    fn is_own(&mut self, draft: &Draft) -> bool {
        let Some(author) = &draft.data.author else { return false };
        let address = author.id.as_deref().map(str::to_lowercase);
        if author.me {
            self.place.own.extend(address.filter(|address| !self.place.own.contains(address)));
            return true;
        }
        address.is_some_and(|address| self.place.own.contains(&address))
    }

    /// A conversation that cannot be read is tried again with the next looks, and then told as a gap and passed by (P9).
    fn failed(&mut self, desk: &Desk, id: &str, why: String) -> (Vec<Draft>, bool) {
        let (tries, said) = self.failed.entry(id.to_owned()).or_default();
        *tries += 1;
        *said = why;
        if *tries < TRIES {
            return (Vec::new(), false);
        }
        let bounds = json!({ "line": desk.line, "why": said });
        (vec![desk.shaper.gap("unreadable", Some(id), bounds)], true)
    }

    fn pace(&self, desk: &Desk, now: Instant) -> Duration {
        let (ours, theirs, otherwise) = if now < self.lively_until {
            (desk.timing.every, self.spec.every, EVERY)
        } else {
            (desk.timing.beside, self.spec.quiet, QUIET)
        };
        ours.or(theirs.map(|span| span.0)).unwrap_or(otherwise)
    }
}
