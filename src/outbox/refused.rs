//! What a refusal means where the thing may have been done already: by this action's own request before it, or by others.

use super::courier::Courier;
use super::decide::{Doubt, Found, Tried};
use super::read_back::{ReadError, lasts};
use crate::action::Action;
use crate::store::StoreError;

impl Courier {
    /// The try as it counts. No document tells in which words a platform says that it has the thing already, so that is
    /// looked for.
    pub(super) async fn weighed(&self, action: &Action, tried: Tried) -> Result<Tried, StoreError> {
        let tried = self.there_already(action, tried).await?;
        Ok(self.gone_meanwhile(action, tried))
    }

    /// What lasts may be there by this action's lost request or by somebody else; what was sent again after two reads, by the
    /// first request, with which the platform was late.
    async fn there_already(&self, action: &Action, tried: Tried) -> Result<Tried, StoreError> {
        let again = action.resends > 0 && self.doubt(action) == Doubt::ReadBack;
        let verb = self.session.manifest().actions.get(&action.verb).filter(|verb| again || lasts(verb));
        let (Some(verb), Tried::Refused { status: Some(status), .. }) = (verb, &tried) else { return Ok(tried) };
        // Boxed: few tries need its room.
        match Box::pin(self.reader().look(action, verb)).await {
            Ok(Found::One(remote_ids)) => Ok(Tried::Done { remote_ids }),
            Ok(Found::Several(_) | Found::Unclear(_)) if again => {
                let why = format!("the platform refused ({status}), and may have been late with the request before");
                Ok(Tried::Lost { why, spoke: false })
            }
            Ok(_) => Ok(tried),
            Err(ReadError::Store(error)) => Err(error),
            Err(error) if error.refused() => Ok(tried),
            Err(error) => {
                let why = format!("the platform refused ({status}), and whether it is there cannot be read ({error})");
                Ok(Tried::Lost { why, spoke: false })
            }
        }
    }

    /// What is not there after a lost reply is what that request did.
    fn gone_meanwhile(&self, action: &Action, tried: Tried) -> Tried {
        let gone = self.session.manifest().actions.get(&action.verb).and_then(|verb| verb.gone_after_doubt);
        match tried {
            Tried::Refused { status: Some(status), .. } if gone == Some(status) && action.resends > 0 => {
                Tried::Done { remote_ids: Vec::new() }
            }
            tried => tried,
        }
    }
}
