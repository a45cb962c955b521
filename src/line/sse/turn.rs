//! What can happen to an open line, and what is the same whether it is live or still catching up.

use super::Sse;
use super::dial::Fresh;
use crate::line::Dropped;
use crate::line::event_stream::Item;
use crate::line::history::{History, Read};
use crate::line::link::Cut;
pub(super) use crate::line::wait::{soonest, trouble};
use crate::store::{Health, StoreError};

/// What happened first.
pub(super) enum Turn {
    Burst(Result<Vec<Item>, Cut>),
    Read(Read),
    Fresh(Box<Result<Fresh, Dropped>>),
    Hint(String),
    Settled(Result<(), StoreError>),
    Store(Health),
    Wake,
}

impl Sse {
    pub(super) fn start_due(&mut self) -> Result<(), StoreError> {
        self.shaper.refresh()?;
        if let Some(history) = &mut self.history {
            history.start_due(&self.shaper.mapping())?;
        }
        Ok(())
    }

    pub(super) async fn common(&mut self, turn: Turn) -> Result<(), Dropped> {
        match turn {
            Turn::Read(read) => {
                self.shaper.knows_itself().await?;
                if let Some(history) = &mut self.history {
                    Box::pin(history.absorb(read, &mut self.shaper, &mut self.intake)).await?;
                }
            }
            Turn::Settled(settled) => settled?,
            Turn::Hint(conversation) => {
                if let Some(history) = &mut self.history {
                    history.soon(&conversation);
                }
            }
            Turn::Store(Health::Failed(why)) => return Err(StoreError::Failed(why).into()),
            Turn::Store(_) => return Err(StoreError::Full.into()),
            Turn::Burst(_) | Turn::Fresh(_) | Turn::Wake => {}
        }
        Ok(())
    }
}

pub(super) async fn next_read(history: &mut Option<History>) -> Read {
    match history {
        Some(history) => history.next().await,
        None => std::future::pending().await,
    }
}
