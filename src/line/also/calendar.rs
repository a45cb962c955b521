//! A calendar: read every few minutes, kept in memory, and each occurrence told once, some time before it begins.
//!
//! When something is to be told the calendar is read first, so that what was moved or deleted meanwhile is not; where it
//! cannot be read then, what is known of it counts.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::ask::Said;
use super::occur::{Appointment, Strange};
use super::walk::SHARED;
use super::{Desk, Looked, chance};
use crate::adapter;
use crate::clock::millis;
use crate::event::{Arrival, Draft, Identity, Via};
use crate::line::Dropped;
use crate::line::schedule::jittered;
use crate::store::StoreError;

/// How often the calendar is read where the manifest says nothing.
const EVERY: Duration = Duration::from_mins(5);
/// How long before its start an occurrence is told where neither config nor manifest says anything.
const LEAD: Duration = Duration::from_mins(10);
/// What began longer ago than this, while nobody looked, is not told any more.
const BACK: Duration = Duration::from_hours(24);
/// Pages of one calendar.
const PAGES: usize = 20;
/// Appointments of one calendar: what stands behind them is not followed, which is told as a gap.
const APPOINTMENTS: usize = 5_000;
/// A calendar that was read so lately is told from.
const FRESH: Duration = Duration::from_secs(5);

/// The calendar of one workspace.
pub(super) struct Calendar {
    spec: Arc<adapter::Calendar>,
    /// When the bridge looked last, in milliseconds since 1970: what began before was told, or was not there then.
    looked: Option<u64>,
    kept: Arc<Vec<Entry>>,
    /// Whether it has been read since the line began.
    is_read: bool,
    shut: Option<String>,
    /// More stands in it than is followed.
    cut: bool,
}

/// One appointment as the platform shows it.
struct Entry {
    id: String,
    appointment: Result<Appointment, Strange>,
    item: Value,
}

/// One occurrence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Occurrence {
    start: Timestamp,
    /// Whose, by its place.
    entry: usize,
}

/// What a calendar says about a span of time.
struct Ahead {
    due: Vec<Occurrence>,
    /// When the next is due, in milliseconds since 1970.
    next: Option<u64>,
    strange: Vec<(String, String)>,
}

impl Calendar {
    pub fn new(spec: Arc<adapter::Calendar>, row: Option<&str>) -> Self {
        let looked = row.and_then(|row| row.parse().ok());
        Self { spec, looked, kept: Arc::default(), is_read: false, shut: None, cut: false }
    }

    /// Reads the calendar, and tells what is due.
    pub async fn look(&mut self, desk: &mut Desk, now: Instant) -> Result<Looked, Dropped> {
        let read = self.read(desk).await;
        if let Ok(Err(why)) = read {
            (self.kept, self.is_read) = (Arc::default(), false);
            return Ok(desk.shut(why, &mut self.shut, now));
        }
        if read.is_ok() {
            (self.shut, self.is_read) = (None, true);
        } else if !self.is_read {
            return read.map(|_| unreachable!("it is an error"));
        }
        let pace = desk.timing.every.or(self.spec.every.map(|span| span.0)).unwrap_or(EVERY);
        // A pause behind the next look costs nothing but a look.
        let ahead = self.tell(desk, read.is_ok(), 2 * pace).await?;
        // What is known was told; the platform's trouble is the line's.
        let _read = read?;
        let at = |due: u64| now + Duration::from_millis(due.saturating_sub(desk.clock.now())).max(FRESH);
        let next = ahead.next.map(at);
        let next = next.into_iter().fold(now + jittered(pace, chance()), Instant::min);
        Ok(Looked { next, pace, count: self.kept.len(), closed: ahead.strange })
    }

    /// Reads all of it; `Err`: why the platform does not give it.
    async fn read(&mut self, desk: &mut Desk) -> Result<Result<(), String>, Dropped> {
        let (mut items, spec) = (Vec::new(), Arc::clone(&self.spec));
        let step = usize::from(spec.limit) - SHARED;
        let mut cut = true;
        for page in 0..PAGES {
            let page = match desk.asker.page(&spec.call, &spec.items, spec.limit, page * step).await? {
                Said::Items(items) => items,
                Said::Shut(why) => return Ok(Err(why)),
            };
            let last = page.len() < usize::from(spec.limit);
            items.extend(page);
            if last || items.len() > APPOINTMENTS {
                cut = !last;
                break;
            }
        }
        let mut kept: Vec<Entry> = items.into_iter().filter_map(|item| self.entry(item)).collect();
        kept.sort_by(|a, b| a.id.cmp(&b.id));
        kept.dedup_by(|a, b| a.id == b.id);
        self.kept = Arc::new(kept);
        if cut && !self.cut {
            let gap = desk.shaper.gap("list_too_long", None, json!({ "line": desk.line, "read": self.kept.len() }));
            desk.intake.commit(vec![gap], None, Vec::new()).await?;
        }
        self.cut = cut;
        Ok(Ok(()))
    }

    fn entry(&self, item: Value) -> Option<Entry> {
        let spec = &self.spec;
        let id = spec.id.text(&item).filter(|id| !id.is_empty())?;
        let whole_day = spec.whole_day.find(&item).and_then(Value::as_bool).unwrap_or(false);
        let (rule, zone) = (spec.rule.text(&item), spec.zone.text(&item));
        let start = spec.start.text(&item).unwrap_or_default();
        let appointment = Appointment::read(&start, rule.as_deref(), zone.as_deref(), whole_day);
        Some(Entry { id, appointment, item })
    }

    /// Tells what is due and not known, with the row that says when somebody looked: where the calendar is not `fresh`,
    /// nobody did. What is due within `further` is found, too.
    async fn tell(&mut self, desk: &mut Desk, fresh: bool, further: Duration) -> Result<Ahead, StoreError> {
        let now = desk.clock.now();
        let joined = desk.asker.session.record().joined_at;
        let lead = desk.timing.calendar_lead.or(self.spec.lead.map(|span| span.0)).unwrap_or(LEAD);
        let from = self.looked.unwrap_or(joined).max(now.saturating_sub(millis(BACK))).max(joined).min(now);
        let until = now.saturating_add(millis(lead)).saturating_add(millis(further));
        let kept = Arc::clone(&self.kept);
        let counted = tokio::task::spawn_blocking(move || ahead(&kept, (from, now, until), millis(lead)));
        let ahead = match counted.await.map_err(tokio::task::JoinError::try_into_panic) {
            Ok(ahead) => ahead,
            Err(Ok(panic)) => std::panic::resume_unwind(panic),
            // The process is ending.
            Err(Err(_)) => return Err(StoreError::Closed),
        };
        let drafts: Vec<Draft> = ahead.due.iter().map(|due| self.draft(desk, *due, now)).collect();
        let known = desk.store.knows(&drafts.iter().map(Draft::id).collect::<Vec<_>>())?;
        let new: Vec<Draft> =
            drafts.into_iter().zip(known).filter(|(_, known)| !known).map(|(draft, _)| draft).collect();
        let arrival = Arrival { at: now, via: Via::Poll };
        let row = fresh.then(|| desk.cursor(now.to_string()));
        desk.intake.commit(new, Some(arrival), row.into_iter().collect()).await?;
        self.looked = if fresh { Some(now) } else { self.looked };
        Ok(ahead)
    }

    fn draft(&self, desk: &Desk, due: Occurrence, now: u64) -> Draft {
        let entry = &self.kept[due.entry];
        let mut draft = desk.shaper.beside(&entry.item, &self.spec.event, "");
        let starts = due.start.to_string();
        draft.identity = Identity::Native(format!("{}/{starts}", entry.id));
        draft.data.late = due.start.as_millisecond() <= now.cast_signed();
        draft.time.clone_from(&starts);
        let raw: Option<Value> = draft.data.raw.as_ref().and_then(|raw| serde_json::from_str(raw.get()).ok());
        let title = raw.and_then(|item| self.spec.title.text(&item));
        draft.data.more.extend([("starts".to_owned(), starts.into()), ("title".to_owned(), title.into())]);
        if let Some(zone) = entry.appointment.as_ref().ok().and_then(|it| it.unknown_zone.clone()) {
            draft.data.more.insert("unknown_zone".to_owned(), zone.into());
        }
        draft
    }
}

/// What is due `now`: what begins between `from` and `lead` behind now; and what follows until `until`. Milliseconds
/// since 1970. A panic of the expansion is one appointment's own.
fn ahead(kept: &[Entry], (from, now, until): (u64, u64, u64), lead: u64) -> Ahead {
    let at = |millis: u64| Timestamp::from_millisecond(millis.cast_signed()).unwrap_or(Timestamp::MAX);
    let mut all = Ahead { due: Vec::new(), next: None, strange: Vec::new() };
    for (entry, Entry { id, appointment, .. }) in kept.iter().enumerate() {
        let expanded = std::panic::catch_unwind(|| appointment.clone()?.between(at(from), at(until)))
            .unwrap_or_else(|_| Err(Strange::Rule("it cannot be expanded".to_owned())));
        let starts = match expanded {
            Ok(starts) => starts,
            Err(why) => {
                all.strange.push((id.clone(), why.to_string()));
                continue;
            }
        };
        if let Some(zone) = appointment.as_ref().ok().and_then(|it| it.unknown_zone.as_ref()) {
            let why = format!("its time zone `{zone}` is none of the IANA database: it is followed in UTC");
            all.strange.push((id.clone(), why));
        }
        for start in starts {
            let told_at = u64::try_from(start.as_millisecond()).unwrap_or(0).saturating_sub(lead);
            if told_at <= now {
                all.due.push(Occurrence { start, entry });
            } else {
                all.next = Some(all.next.map_or(told_at, |next| next.min(told_at)));
            }
        }
    }
    all.due.sort_unstable();
    all.strange.truncate(20);
    all
}
