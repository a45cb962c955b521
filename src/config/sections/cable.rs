//! `[lines.cable]`: how long a cable waits.

use serde::{Deserialize, Serialize};

use crate::config::measure::Span;
use crate::line::action_cable::Limits;

/// `[lines.cable]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Cable {
    /// Opening one takes no longer.
    pub open: Span,
    /// From there to `welcome`.
    pub welcome: Span,
    /// Without any message for so long it is dead.
    pub stale: Span,
    /// A subscription that is not answered is sent again after this.
    pub resend: Span,
    /// Not answered for so long, the cable is dropped.
    pub subscribe: Span,
    /// After an error of the channel, before it subscribes again.
    pub settle: Span,
    /// Where the cable is refused or not there it is tried again after this, or up to a quarter sooner.
    pub rarely: Span,
}

impl Default for Cable {
    fn default() -> Self {
        let Limits { open, welcome, stale, resend, subscribe, settle, rarely } = Limits::default();
        Self {
            open: Span(open),
            welcome: Span(welcome),
            stale: Span(stale),
            resend: Span(resend),
            subscribe: Span(subscribe),
            settle: Span(settle),
            rarely: Span(rarely),
        }
    }
}

impl Cable {
    /// As a cable takes it.
    pub fn limits(&self) -> Limits {
        Limits {
            open: self.open.0,
            welcome: self.welcome.0,
            stale: self.stale.0,
            resend: self.resend.0,
            subscribe: self.subscribe.0,
            settle: self.settle.0,
            rarely: self.rarely.0,
        }
    }
}
