//! The rows of a consumer: itself, its mark, what stands beside the mark, and what its acks carried.

use redb::ReadableTable;

use super::{Applying, from_json, pairs_of, to_json};
use crate::action::ActionId;
use crate::consumer::{Consumer, From};
use crate::store::fault::Fault;
use crate::store::record::Exception;
use crate::store::tables;

impl Applying<'_> {
    pub(super) fn consumer(&mut self, consumer: &Consumer) -> Result<(), Fault> {
        let row = to_json(consumer)?;
        let known = self.tx.open_table(tables::CONSUMERS)?.insert(&*consumer.name, &row[..])?.is_some();
        if known {
            return Ok(());
        }
        // A late word of an earlier consumer of this name must not count for this one.
        self.forget_marks(&consumer.name)?;
        let head = self.feed.tally.head;
        let mark = match consumer.from {
            From::Now => head,
            From::Start => self.feed.oldest()?.saturating_sub(1),
            From::Seq(seq) => seq.min(head),
            From::Time(at) => self.feed.since(at)?.saturating_sub(1),
        };
        self.tx.open_table(tables::MARKS)?.insert(&*consumer.name, mark)?;
        Ok(())
    }

    pub(super) fn forget_consumer(&mut self, name: &str) -> Result<(), Fault> {
        self.tx.open_table(tables::CONSUMERS)?.remove(name)?;
        self.tx.open_table(tables::MARKS)?.remove(name)?;
        self.forget_marks(name)?;
        let owner = format!("consumer:{name}");
        let (from, to) = pairs_of(&owner);
        self.tx.open_table(tables::SECRETS)?.retain_in(from..(&*to, ""), |_, _| false)?;
        Ok(())
    }

    fn forget_marks(&mut self, consumer: &str) -> Result<(), Fault> {
        let all = || (consumer, 0)..=(consumer, u64::MAX);
        self.tx.open_table(tables::EXCEPTIONS)?.retain_in(all(), |_, _| false)?;
        self.tx.open_table(tables::ACKED)?.retain_in(all(), |_, _| false)?;
        for table in [tables::DEAD, tables::WAYS] {
            self.forget_rows(table, consumer, u64::MAX)?;
        }
        Ok(())
    }

    /// Up to the mark nothing stands as settled: it is settled by the mark.
    pub(super) fn except(&self, consumer: &str, seq: u64, exception: Option<&Exception>) -> Result<(), Fault> {
        let mark = self.tx.open_table(tables::MARKS)?.get(consumer)?.map_or(0, |mark| mark.value());
        let row = exception.filter(|exception| **exception != Exception::Settled || seq > mark).map(to_json);
        self.set(tables::EXCEPTIONS, (consumer, seq), row.transpose()?.as_deref())?;
        Ok(())
    }

    /// Looks only at what the mark moves past: beneath it there may be very many that wait, and one ack must not cost
    /// a look at each.
    pub(super) fn mark(&self, consumer: &str, seq: u64) -> Result<(), Fault> {
        let before = self.tx.open_table(tables::MARKS)?.insert(consumer, seq)?.map_or(0, |mark| mark.value());
        if seq <= before {
            return Ok(());
        }
        let mut damaged = false;
        self.tx.open_table(tables::EXCEPTIONS)?.retain_in((consumer, before + 1)..=(consumer, seq), |_, row| {
            match from_json(row) {
                Ok(Exception::Settled | Exception::Gap) => false,
                Ok(Exception::Waiting { .. }) => true,
                Err(_) => {
                    damaged = true;
                    true
                }
            }
        })?;
        if damaged { Err(Fault::Row("an exception")) } else { Ok(()) }
    }

    /// The first ack of (consumer, seq) counts.
    pub(super) fn acked(&self, consumer: &str, seq: u64, actions: &[ActionId]) -> Result<(), Fault> {
        let mut acked = self.tx.open_table(tables::ACKED)?;
        if acked.get((consumer, seq))?.is_some() {
            return Ok(());
        }
        let first = |id| self.renamed.iter().find(|(came, _)| came == id).map_or(id, |(_, first)| first);
        let actions: Vec<&ActionId> = actions.iter().map(first).collect();
        let mut row = self.feed.tally.at.to_le_bytes().to_vec();
        row.extend_from_slice(&to_json(&actions)?);
        acked.insert((consumer, seq), &row[..])?;
        Ok(())
    }
}
