//! What an agent can do and ask, as a manifest tells it.

mod check;
mod keyed;
mod places;
mod question;
mod read_back;
mod uploads;

use serde::de::IntoDeserializer;
use serde::{Deserialize, Deserializer};

pub use check::{Check, Fault, Form, FormBy, Stands, Word};
pub use keyed::Idempotency;
pub use places::PlaceOf;
pub use question::{Beside, NotThere, Only, Question};
pub use read_back::{Among, FileNames, Inside, Messages, Next, Places, ReadBack, Record, Says};
pub use uploads::{Place, UPLOADS, Uploads};

use super::call::{Call, calling, needed};
use super::join::PlainCall;
use super::plain::{OneOrMany, Span, Table, read_table};
use crate::event::ConversationKind;

/// The argument by which an action names its files.
pub const FILES: &str = "files";

/// One verb.
#[expect(clippy::struct_excessive_bools, reason = "each is a key of the manifest")]
#[derive(Clone, Debug)]
pub struct Action {
    /// The request.
    pub call: Call,
    /// How files go with it; none: they cannot.
    pub files: Option<Files>,
    /// Where long text is cut into several.
    pub split: Option<Split>,
    /// What its arguments may be; what is not is refused before the call.
    pub check: Table<Check>,
    /// How a lost reply is found out.
    pub read_back: Option<ReadBack>,
    /// How fast it may go.
    pub pace: Option<Pace>,
    /// Only on the agent's own messages.
    pub own: bool,
    /// Doing it twice is the same as once, so a lost reply is simply tried again.
    pub repeatable: bool,
    /// This status means that it is done already.
    pub gone_is_done: Option<u16>,
    /// The same where a reply was lost before: without that it means what it says.
    pub gone_after_doubt: Option<u16>,
    /// What is known of the answer to a success.
    pub answer: Answer,
    /// The capability without which the grant does not have it.
    pub needs: Option<String>,
    /// Arguments (`files` among them) and the capabilities without which the grant does not have them.
    pub needs_with: Table<OneOrMany<String>>,
    /// The header that takes an idempotency key, with which a lost reply is asked for again.
    pub idempotency: Option<Idempotency>,
    /// How files are uploaded before it; none: they cannot.
    pub uploads: Option<Uploads>,
    /// Never stored, sent at once, never tried again.
    pub ephemeral: bool,
    /// It edits a live document; the request asks somebody to accept the same change, where the agent may not make it.
    pub live: bool,
    /// It replaces the whole text of a document, which may be open live; the arguments that say of which, and by what.
    pub rewrites: Option<Rewrites>,
    /// Arguments that are given all or none.
    pub together: Vec<String>,
    /// Arguments of which exactly one is given.
    pub one_of: Vec<String>,
    /// Arguments of which one is given at least.
    pub any_of: Vec<String>,
    /// Arguments that are lists of texts.
    pub lists: Vec<String>,
    /// Arguments that name a message where the platform wants its place, and how that is found.
    pub places: Table<PlaceOf>,
    /// The request in conversations that are held so, where it is another one; it takes the same arguments.
    pub held: Vec<(ConversationKind, Call)>,
    /// The fact that holds the conversation it is done in where none is named; none: the main direct one.
    pub main: Option<String>,
    /// The fact, a list, that keeps the id of what was made: a conversation that no list tells.
    pub keep: Option<String>,
}

/// How files go with an action: `multipart/form-data` (RFC 7578) instead of the JSON body.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Files {
    /// The form's field for a file.
    pub field: String,
    /// The form's field for the text.
    pub text_field: String,
    /// The largest file, in bytes.
    pub cap: u64,
    /// A file without text fails there.
    #[serde(default)]
    pub needs_text: bool,
}

/// The arguments of a verb that replaces the whole text of a document.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rewrites {
    /// The document's id.
    pub document: String,
    /// What it says from then on.
    pub text: String,
}

/// Where long text is cut, on character boundaries.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Split {
    /// Which argument.
    pub field: String,
    /// The longest part, in bytes of UTF-8; at least 16.
    pub bytes: usize,
}

/// What is known of the answer to a success.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// It holds what `take` takes; one that does not is a lost reply.
    #[default]
    Documented,
    /// No document shows it: one without an id is a success all the same.
    Undocumented,
}

/// How fast an action may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pace {
    /// What is counted together.
    pub per: PacePer,
    /// At most one in this time.
    pub every: Span,
}

/// What is counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PacePer {
    /// Each conversation for itself.
    Conversation,
    /// The whole workspace.
    Workspace,
}

calling!(RawAction {
    files: Option<Files>,
    split: Option<Split>,
    check: Table<Check>,
    read_back: Option<ReadBack>,
    pace: Option<Pace>,
    own: bool,
    repeatable: bool,
    gone_is_done: Option<u16>,
    needs: Option<String>,
    needs_with: Table<OneOrMany<String>>,
    idempotency: Option<Idempotency>,
    uploads: Option<Uploads>,
    ephemeral: bool,
    live: bool,
    rewrites: Option<Rewrites>,
    together: Vec<String>,
    one_of: Vec<String>,
    any_of: Vec<String>,
    lists: Vec<String>,
    places: Table<PlaceOf>,
    answer: Answer,
    gone_after_doubt: Option<u16>,
    keep: Option<String>,
    held: Table<PlainCall>,
    main: Option<String>,
});

impl<'de> Deserialize<'de> for Action {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read_table(deserializer, Self::of)
    }
}

impl Action {
    fn of(mut raw: RawAction) -> Result<Self, String> {
        let call = raw.call().and_then(needed)?;
        if raw.split.as_ref().is_some_and(|split| split.bytes < 16) {
            return Err("`split.bytes` is at least 16".to_owned());
        }
        let RawAction { files, split, check, read_back, pace, own, repeatable, gone_is_done, gone_after_doubt, .. } =
            raw;
        let RawAction { needs, needs_with, idempotency, uploads, ephemeral, live, rewrites, answer, .. } = raw;
        let RawAction { together, one_of, any_of, lists, places, keep, main, .. } = raw;
        let held = held(&raw.held, &call)?;
        let action = Self {
            call,
            files,
            split,
            check,
            read_back,
            pace,
            own,
            repeatable,
            gone_is_done,
            gone_after_doubt,
            answer,
            needs,
            needs_with,
            idempotency,
            uploads,
            ephemeral,
            live,
            rewrites,
            together,
            one_of,
            any_of,
            lists,
            places,
            held,
            main,
            keep,
        };
        Ok(action)
    }

    /// Whether a success always tells the id of what it made.
    pub fn names_what_it_made(&self) -> bool {
        self.answer == Answer::Documented && self.call.take.has("id") && self.gone_is_done.is_none()
    }

    /// The same with the request for conversations that are held so, where that is another one.
    pub fn held_so(&self, kind: Option<ConversationKind>) -> Option<Box<Self>> {
        let (_, call) = self.held.iter().find(|(held, _)| Some(*held) == kind)?;
        Some(Box::new(Self { call: call.clone(), ..self.clone() }))
    }
}

/// Requests by kind of conversation; what they do not say themselves of the answer holds for all.
fn held(table: &Table<PlainCall>, all: &Call) -> Result<Vec<(ConversationKind, Call)>, String> {
    let mut held = Vec::new();
    for (name, PlainCall(call)) in table.iter() {
        let word = IntoDeserializer::<serde::de::value::Error>::into_deserializer(name);
        let kind = ConversationKind::deserialize(word).map_err(|error| format!("`held`: {error}"))?;
        let mut call = call.clone();
        if call.take.is_empty() {
            call.take = all.take.clone();
        }
        call.outcomes.extend(all.outcomes.iter().cloned());
        held.push((kind, call));
    }
    Ok(held)
}
