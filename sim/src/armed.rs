//! Faults that wait for their turn: those of sockets and of webhooks are counted alike.

use serde::Deserialize;

/// A fault that waits for its turn.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Turn<F> {
    /// How many places where it could strike pass first.
    #[serde(default)]
    pub after: u32,
    /// How many it then strikes; `null` is each one from then on.
    #[serde(default = "once")]
    pub count: Option<u32>,
    /// What happens.
    pub fault: F,
}

// serde asks for the type of the field.
#[allow(clippy::unnecessary_wraps)]
fn once() -> Option<u32> {
    Some(1)
}

impl<F> Turn<F> {
    /// Strikes the next place, once.
    pub fn next(fault: F) -> Self {
        Self { after: 0, count: once(), fault }
    }

    /// Strikes every place from now on.
    pub fn always(fault: F) -> Self {
        Self { after: 0, count: None, fault }
    }

    fn spent(&self) -> bool {
        self.count == Some(0)
    }
}

/// The fault that strikes here: the first of those that can whose turn has come. The others that can count on.
pub(crate) fn strike<F: Clone>(turns: &mut Vec<Turn<F>>, can: impl Fn(&F) -> bool) -> Option<F> {
    let mut struck = None;
    for turn in turns.iter_mut().filter(|turn| can(&turn.fault)) {
        if turn.after > 0 {
            turn.after -= 1;
        } else if struck.is_none() {
            turn.count = turn.count.map(|left| left.saturating_sub(1));
            struck = Some(turn.fault.clone());
        }
    }
    turns.retain(|turn| !turn.spent());
    struck
}
