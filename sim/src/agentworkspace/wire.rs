//! The shapes in which the platform shows what it keeps.

use serde_json::{Value, json};

use super::{
    record::{CalendarEvent, Document, Mail, Mention, Suggestion, Thread},
    world::World,
};

/// How much of a mail a list shows, in characters.
const PREVIEW: usize = 100;

/// RFC 3339, to the second, UTC.
pub(crate) fn time(millis: u64) -> String {
    let at = i64::try_from(millis).ok().and_then(|it| jiff::Timestamp::from_millisecond(it).ok()).unwrap_or_default();
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// An event, without whose it is.
pub(crate) fn event(event: &CalendarEvent) -> Value {
    json!({
        "id": event.id,
        "title": event.title,
        "start": time(event.start),
        "end": time(event.end),
        "description": event.description,
        "location": event.location,
        "allDay": event.all_day,
        "rrule": event.rrule,
        "color": event.color,
    })
}

/// A mention, without whose it is.
pub(crate) fn mention(mention: &Mention) -> Value {
    json!({
        "id": mention.id,
        "authorName": mention.author,
        "context": mention.context,
        "status": mention.status,
        "createdAt": time(mention.created),
    })
}

/// A suggestion.
pub(crate) fn suggestion(suggestion: &Suggestion) -> Value {
    json!({
        "id": suggestion.id,
        "action": "replace",
        "search": suggestion.search,
        "replacement": suggestion.replacement,
        "author": suggestion.author,
        "status": suggestion.verdict,
    })
}

/// A thread as a list shows it.
pub(crate) fn thread(thread: &Thread) -> Value {
    let last = thread.mails.last();
    let preview: String = last.map(|it| it.text.chars().take(PREVIEW).collect()).unwrap_or_default();
    json!({
        "thread_id": thread.id,
        "subject": thread.subject,
        "preview": preview,
        "updated_at": time(last.map_or(0, |it| it.created)),
        "message_count": thread.mails.len(),
    })
}

/// One mail.
pub(crate) fn mail(mail: &Mail) -> Value {
    json!({
        "message_id": mail.id,
        "from": {"address": mail.from},
        "to": mail.to,
        "subject": mail.subject,
        "text": mail.text,
        "created_at": time(mail.created),
    })
}

impl World {
    /// A document as its agent sees it.
    pub(crate) fn document_json(&self, document: &Document) -> Value {
        json!({
            "id": document.id,
            "agentId": document.agent,
            "title": document.title,
            "type": document.kind,
            "content": self.content(&document.id),
            "createdAt": time(document.created),
            "updatedAt": time(document.updated),
        })
    }
}
