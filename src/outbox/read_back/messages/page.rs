//! One page of a list of messages, as the manifest says where things stand in it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::super::{ReadError, Reader, records};
use crate::action::Action;
use crate::adapter::{Among, Messages};
use crate::outbox::likeness::Shown;

/// One page, newest first.
#[derive(Debug)]
pub struct Page {
    /// Its messages.
    pub rows: Vec<Row>,
    /// Where the next page begins; `None` behind the last one.
    pub next: Option<String>,
    /// Who is in the conversation, in small letters, where the answer tells.
    pub members: Option<BTreeSet<String>>,
}

/// One message.
#[derive(Debug)]
pub struct Row {
    pub id: String,
    /// Where it stands; `None` where the page does not tell.
    pub place: Option<u64>,
    /// Whether the agent wrote it; `None` where the page does not tell.
    pub own: Option<bool>,
    /// It was changed since.
    pub edited: bool,
    pub shown: Shown,
}

impl Reader<'_> {
    /// A page of a conversation, from the newest message or from before a place on. `None` where it is none.
    pub(super) async fn page(
        &self,
        action: &Action,
        rule: &Messages,
        among: Option<&Among>,
        conversation: &str,
        before: Option<&str>,
    ) -> Result<Option<Page>, ReadError> {
        let next = rule.next.as_ref().zip(before).map(|(next, before)| (next.name.as_str(), before));
        let about: Vec<_> = [("conversation", conversation)].into_iter().chain(next).collect();
        let (question, answer) = self.ask(&rule.list, action, &about).await?;
        let (items, places) = (records(question.list(&answer)), records(rule.place.items.find(&answer)));
        let Some((items, places)) = items.zip(places) else { return Ok(None) };
        let places: BTreeMap<String, &Value> =
            places.into_iter().filter_map(|place| Some((rule.place.of.text(place)?, place))).collect();
        let rows = items.into_iter().map(|item| self.row(rule, &places, item)).collect::<Option<Vec<_>>>();
        let members = among.and_then(|among| {
            let members = records(among.members.find(&answer))?.into_iter().map(|member| among.member.text(member));
            members.map(|member| Some(member?.trim().to_lowercase())).collect()
        });
        let next = rule.next.as_ref().and_then(|next| next.at.text(&answer));
        Ok(rows.map(|rows| Page { rows, next, members }))
    }

    fn row(&self, rule: &Messages, places: &BTreeMap<String, &Value>, item: &Value) -> Option<Row> {
        let id = rule.id.text(item)?;
        let place = places.get(&id);
        let me = &self.manifest.me;
        let own = |said: String| self.is_me(&me.logins, &said) || self.is_me(&me.ids, &said);
        let files = rule.files.as_ref().map_or_else(Vec::new, |files| {
            let items = records(files.items.find(item)).unwrap_or_default();
            items.into_iter().filter_map(|file| files.name.text(file)).collect()
        });
        Some(Row {
            place: place.and_then(|place| rule.place.at.text(place)?.parse().ok()),
            own: rule.author.text(item).map(own),
            edited: place.is_some_and(|place| rule.place.edited.find(place).is_some()),
            shown: Shown { text: rule.text.text(item), html: rule.html.text(item), files },
            id,
        })
    }
}
