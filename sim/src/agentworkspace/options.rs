//! The switches of one simulated platform: what the document leaves open, and what neither it nor the notes settle.

use std::{fmt, time::Duration};

use super::live::{Denial, Shape};
use crate::wall::{self, Wall};

/// How `X-Webhook-Signature` writes its HMAC-SHA256; the document does not say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Signing {
    /// Lower-case hexadecimal digits.
    #[default]
    Hex,
    /// `sha256=` and the digits.
    Prefixed,
    /// Base 64.
    Base64,
}

/// When the webhook of a mention goes out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Notify {
    /// Once the person clicked *Send*: the mention is `sent`.
    #[default]
    WhenSent,
    /// Already while the person types: the mention is `pending`; and once more when it is `sent`.
    WhenTyped,
}

/// Every switch; [`Default`] is the document with the simulator's own choices.
#[derive(Clone)]
pub struct Options {
    /// The status of what exists and is another agent's: the document names 404 and 403 for it.
    pub not_yours: u16,
    /// Whether mentions stand in another order at each reading; the document names none.
    pub shuffled: bool,
    /// How webhooks are signed.
    pub signing: Signing,
    /// When webhooks go out.
    pub notify: Notify,
    /// Waiting before each retry of a webhook; the document knows none.
    pub hook_retries: Vec<Duration>,
    /// How long one attempt of a webhook may last.
    pub hook_timeout: Duration,
    /// How long a presence lasts unless it is refreshed.
    pub presence_lasts: Duration,
    /// Life of a draft token.
    pub token_lifetime: Duration,
    /// Whether a live line ends when the draft token that opened it does.
    pub line_ends_with_token: bool,
    /// How the document server says no.
    pub denial: Denial,
    /// How long a live client may say nothing before the server closes; `None`: for ever.
    pub idle: Option<Duration>,
    /// The shared type of drafts that are made over REST.
    pub shape: Shape,
    /// What draft tokens name as their `serverUrl`; `None`: this platform itself. What is edited elsewhere is not known here.
    pub server_url: Option<String>,
    /// Wall time; stamps everything and decides what has expired.
    pub wall: Wall,
    /// What ids and tokens are made from; the same seed makes the same ones. `None`: random.
    pub seed: Option<u64>,
    /// The platform's origin until [`super::Sim::serve`] knows better.
    pub url: String,
    /// Log entries that are kept; older ones go first.
    pub log: usize,
    /// How often a person asks the agent of the newest draft for something, or edits it; `None` is never.
    pub auto: Option<Duration>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            not_yours: 404,
            shuffled: false,
            signing: Signing::Hex,
            notify: Notify::WhenSent,
            hook_retries: Vec::new(),
            hook_timeout: Duration::from_secs(10),
            presence_lasts: Duration::from_secs(30),
            token_lifetime: Duration::from_mins(1),
            line_ends_with_token: false,
            denial: Denial::Message,
            idle: None,
            shape: Shape::Text("content".into()),
            server_url: None,
            wall: wall::system(),
            seed: None,
            url: "http://agentworkspace.test".into(),
            log: 10_000,
            auto: None,
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options").field("signing", &self.signing).field("notify", &self.notify).finish_non_exhaustive()
    }
}
