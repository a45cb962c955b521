//! Among the own messages of a list: past the fence, which is a place, unclaimed, and not surely something else (P6).

mod page;

use std::collections::BTreeSet;

use page::{Page, Row};

use super::{Fence, ReadError, Reader, found, records, sent};
use crate::action::{Action, State};
use crate::adapter::{Among, Messages, ReadBack};
use crate::outbox::decide::Found;
use crate::outbox::likeness::{Likeness, Sent, Shown, likeness};
use crate::store::StoreError;

const NO_LIST: &str = "the platform's list does not stand where the manifest says";
const TOO_FAR: &str = "more was said there since than is read";
const TOO_MANY: &str = "there are more conversations than are looked through (outbox.pages)";
const NOBODY: &str = "a conversation there does not tell who is in it";

/// What was found so far.
#[derive(Debug, Default)]
struct Haul {
    /// The ids that a receipt would name.
    matches: Vec<Vec<String>>,
    unclear: usize,
    /// Who is in the conversation; `None` where its answer does not tell.
    members: Option<BTreeSet<String>>,
}

/// What is looked for, and what is not it.
struct Wanted {
    sent: Sent,
    past: u64,
    claimed: BTreeSet<String>,
    /// Where other actions under way may have said the same; an empty one may have said it anywhere.
    rivals: Vec<String>,
}

impl Reader<'_> {
    /// The highest place.
    pub(super) async fn message_fence(
        &self,
        action: &Action,
        rule: &Messages,
        among: Option<&Among>,
    ) -> Result<Option<Fence>, ReadError> {
        let conversations = match among {
            None => vec![action.conversation().to_owned()],
            Some(among) => match self.conversations(action, among).await? {
                Some(all) if all.len() <= self.limits.pages => all,
                _ => return Ok(None),
            },
        };
        let mut newest = 0;
        for conversation in conversations {
            let Some(page) = self.page(action, rule, None, &conversation, None).await? else { return Ok(None) };
            match page.rows.iter().filter_map(|row| row.place).max() {
                Some(place) => newest = newest.max(place),
                None if page.rows.is_empty() => {}
                None => return Ok(None),
            }
        }
        Ok(Some(Fence { newest: newest.to_string(), known: Vec::new() }))
    }

    /// The own messages past the fence.
    pub(super) async fn look_for_message(
        &self,
        action: &Action,
        rule: &Messages,
        among: Option<&Among>,
    ) -> Result<Found, ReadError> {
        let Some(past) = action.fence.as_deref().and_then(|fence| fence.parse().ok()) else {
            return Ok(Found::Unreached(NO_LIST));
        };
        let wanted = Wanted {
            sent: sent(action),
            past,
            claimed: self.claimed(action, |other, ids| self.message_ids(other, ids))?,
            rivals: self.rivals(action)?,
        };
        let Some(among) = among else {
            let conversation = action.conversation();
            return match self.haul(action, rule, None, conversation, &wanted).await? {
                Ok(haul) => Ok(wanted.judge(haul, conversation)),
                Err(why) => Ok(Found::Unreached(why)),
            };
        };
        self.look_among(action, rule, among, &wanted).await
    }

    /// In each conversation that the person is in: one of the two alone settles it, one with more people in it does not.
    async fn look_among(
        &self,
        action: &Action,
        rule: &Messages,
        among: &Among,
        wanted: &Wanted,
    ) -> Result<Found, ReadError> {
        let person = action.args.get(&among.person).and_then(crate::adapter::text).unwrap_or_default();
        let person = person.trim().to_lowercase();
        let Some(conversations) = self.conversations(action, among).await? else {
            return Ok(Found::Unreached(NO_LIST));
        };
        if conversations.len() > self.limits.pages {
            return Ok(Found::Unreached(TOO_MANY));
        }
        let mut all = Haul::default();
        for conversation in conversations {
            let haul = match self.haul(action, rule, Some(among), &conversation, wanted).await? {
                Ok(haul) => haul,
                Err(why) => return Ok(Found::Unreached(why)),
            };
            let Some(members) = &haul.members else { return Ok(Found::Unreached(NOBODY)) };
            match (members.contains(&person), members.len()) {
                (true, 2) => match wanted.judge(haul, &conversation) {
                    Found::One(ids) => all.matches.push([vec![conversation], ids].concat()),
                    Found::Unclear(count) | Found::Several(count) => all.unclear += count,
                    Found::Nothing | Found::Unreached(_) => {}
                },
                (true, _) => all.unclear += haul.unclear + haul.matches.len(),
                (false, _) => {}
            }
        }
        Ok(found(all.matches, all.unclear))
    }

    /// Every conversation; `None` where the answer does not tell them.
    async fn conversations(&self, action: &Action, among: &Among) -> Result<Option<Vec<String>>, ReadError> {
        let (question, answer) = self.ask(&among.list, action, &[]).await?;
        let items = records(question.list(&answer));
        Ok(items.and_then(|items| items.into_iter().map(|item| among.id.text(item)).collect()))
    }

    /// All that may be it in one conversation, or why that cannot be told.
    async fn haul(
        &self,
        action: &Action,
        rule: &Messages,
        among: Option<&Among>,
        conversation: &str,
        wanted: &Wanted,
    ) -> Result<Result<Haul, &'static str>, ReadError> {
        let (mut haul, mut before) = (Haul::default(), None);
        for _ in 0..self.limits.pages {
            let page = self.page(action, rule, among, conversation, before.as_deref()).await?;
            let Some(Page { rows, next, members }) = page else { return Ok(Err(NO_LIST)) };
            haul.members = haul.members.or(members);
            for row in rows {
                match wanted.verdict(&row) {
                    Likeness::Alike => haul.matches.push(vec![row.id]),
                    Likeness::Unclear => haul.unclear += 1,
                    Likeness::Different => {}
                }
            }
            let Some(next) = next else { return Ok(Ok(haul)) };
            if next.parse::<u64>().is_ok_and(|place| place <= wanted.past) {
                return Ok(Ok(haul));
            }
            if before.as_ref() == Some(&next) {
                return Ok(Err(NO_LIST));
            }
            before = Some(next);
        }
        Ok(Err(TOO_FAR))
    }

    /// Which ids of another action's receipt are messages': those of a verb that names its conversation first are not
    /// all.
    fn message_ids(&self, other: &Action, mut ids: Vec<String>) -> Vec<String> {
        match self.manifest.actions.get(&other.verb).and_then(|verb| verb.read_back.as_ref()) {
            Some(ReadBack::Message(_, None)) => ids,
            Some(ReadBack::Message(_, Some(_))) => ids.split_off(ids.len().min(1)),
            _ => Vec::new(),
        }
    }

    /// Other actions that have been sent, whose receipts name nothing yet, and that may have said the same.
    fn rivals(&self, action: &Action) -> Result<Vec<String>, StoreError> {
        let mine = sent(action);
        let said = |other: &Action| {
            let Sent { text, html, files } = sent(other);
            likeness(&mine, &Shown { text, html, files }) != Likeness::Different
        };
        let messages = |other: &Action| {
            let verb = self.manifest.actions.get(&other.verb);
            matches!(verb.and_then(|verb| verb.read_back.as_ref()), Some(ReadBack::Message(..)))
        };
        let open = self.store.outbox(&action.workspace)?.into_iter().filter(|other| other.id != action.id);
        let sent = open.filter(|other| matches!(other.state, State::Trying | State::Doubtful) || other.resends > 0);
        Ok(sent.filter(|other| messages(other) && said(other)).map(|other| other.conversation().to_owned()).collect())
    }
}

impl Wanted {
    /// What a message there is: whatever is before the fence, claimed, or somebody else's is something else.
    fn verdict(&self, row: &Row) -> Likeness {
        if row.place.is_some_and(|place| place <= self.past) || self.claimed.contains(&row.id) || row.own == Some(false)
        {
            return Likeness::Different;
        }
        match likeness(&self.sent, &row.shown) {
            Likeness::Alike if row.own == Some(true) && row.place.is_some() => Likeness::Alike,
            Likeness::Different if !row.edited => Likeness::Different,
            _ => Likeness::Unclear,
        }
    }

    /// What the haul of one conversation says, unless another action may have brought it about.
    fn judge(&self, haul: Haul, conversation: &str) -> Found {
        let rival = self.rivals.iter().any(|rival| rival.is_empty() || rival == conversation);
        match found(haul.matches, haul.unclear) {
            Found::One(_) if rival => Found::Unclear(1),
            found => found,
        }
    }
}
