//! What is shown of the agent, from what is known of each event that it deals with: pure.

use crate::attention::{Held, Stage};

/// What the agent does about an event, as the platform is shown it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Doing {
    Reads,
    Thinks,
    Acts,
    /// It is done with all of them.
    Done,
}

/// What an event's own actions say.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Own {
    pub any: bool,
    pub open: bool,
}

/// What the agent does about one event.
pub(super) fn doing(held: &Held, own: Own) -> Doing {
    match held.stage {
        Stage::Acked if own.open => Doing::Acts,
        Stage::Acked => Doing::Done,
        _ if own.any => Doing::Acts,
        Stage::Extended => Doing::Thinks,
        Stage::Handed => Doing::Reads,
    }
}

/// What is shown of a conversation: of several events the furthest that is not done.
pub(super) fn shown(all: &[Doing]) -> Option<Doing> {
    let busy = all.iter().filter(|doing| **doing != Doing::Done).max();
    busy.or_else(|| all.first()).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_follows_the_event_and_its_own_actions() {
        let held = |stage| Held { conversation: "doc".to_owned(), since: 0, stage, said: None };
        let (none, open, over) = (Own::default(), Own { any: true, open: true }, Own { any: true, open: false });
        for (stage, own, wanted) in [
            (Stage::Handed, none, Doing::Reads),
            (Stage::Handed, open, Doing::Acts),
            (Stage::Extended, none, Doing::Thinks),
            (Stage::Extended, over, Doing::Acts),
            (Stage::Acked, none, Doing::Done),
            (Stage::Acked, open, Doing::Acts),
            (Stage::Acked, over, Doing::Done),
        ] {
            assert_eq!(doing(&held(stage), own), wanted, "{stage:?} {own:?}");
        }
        assert_eq!(shown(&[Doing::Done, Doing::Reads, Doing::Thinks]), Some(Doing::Thinks));
        assert_eq!((shown(&[Doing::Done]), shown(&[])), (Some(Doing::Done), None));
    }
}
