//! How events went: by which lines they were seen, and how they left each consumer.

use redb::{ReadableTable, TableDefinition};

use super::Store;
use super::apply::{Applying, from_json, to_json};
use super::fault::{Fault, StoreError};
use super::record::{Exception, How, Sighting, Way};
use super::tables::{self, Fields, IdRow, cost, feed_arrival, feed_event, id_key};
use crate::event::Lines;

/// A row of [`tables::WAYS`]: first, at, first and last offer (u64 each; 0 where unknown), attempts (u32), how (u8), and
/// where there are any, the failures as JSON.
fn way_row(way: &Way) -> Result<Vec<u8>, Fault> {
    let (from, to) = way.offered.unwrap_or_default();
    let mut row = Vec::with_capacity(37);
    for number in [way.first, way.at, from, to] {
        row.extend_from_slice(&number.to_le_bytes());
    }
    row.extend_from_slice(&way.attempts.to_le_bytes());
    row.push(match way.how {
        How::Acked => 0,
        How::Rejected => 1,
        How::Dead => 2,
    });
    if !way.failures.is_empty() {
        row.extend_from_slice(&to_json(&way.failures)?);
    }
    Ok(row)
}

/// Reads it back.
fn way_of(row: &[u8]) -> Result<Way, Fault> {
    let mut row = Fields(row);
    let (first, at, from, to, attempts) = (row.u64()?, row.u64()?, row.u64()?, row.u64()?, row.u32()?);
    let how = match row.u8()? {
        0 => How::Acked,
        1 => How::Rejected,
        2 => How::Dead,
        _ => return Err(Fault::Row("how an event left")),
    };
    let failures = if row.0.is_empty() { Vec::new() } else { from_json(row.0)? };
    Ok(Way { first, offered: (to > 0).then_some((from, to)), at, attempts, how, failures })
}

impl Applying<'_> {
    /// Remembers how a run left. Where the consumer knows nothing of it (a dead letter that is acked late), what was
    /// remembered of its attempts stays.
    pub(super) fn way(&mut self, consumer: &str, last: u64, way: Way) -> Result<(), Fault> {
        let mut way = Way { at: self.feed.tally.at, ..way };
        if way.attempts == 0 {
            let before = self.tx.open_table(tables::WAYS)?.get((consumer, last))?.map(|row| way_of(row.value()));
            if let Some(Way { offered, attempts, failures, .. }) = before.transpose()? {
                way = Way { offered, attempts, failures, ..way };
            }
        }
        self.set_counted(tables::WAYS, (consumer, last), consumer.len() + 8, Some(&way_row(&way)?))
    }

    /// How events left consumers is forgotten with the events.
    pub(super) fn trim_ways(&mut self, seq: u64) -> Result<(), Fault> {
        let names: Vec<String> = {
            let consumers = self.tx.open_table(tables::CONSUMERS)?;
            consumers.iter()?.map(|entry| Ok(entry?.0.value().to_owned())).collect::<Result<_, Fault>>()?
        };
        names.iter().try_for_each(|name| self.forget_rows(tables::WAYS, name, seq))
    }

    /// Forgets a consumer's rows up to and with `seq`, in a table that counts towards the budget.
    pub(super) fn forget_rows(
        &mut self,
        table: TableDefinition<(&'static str, u64), &'static [u8]>,
        consumer: &str,
        seq: u64,
    ) -> Result<(), Fault> {
        let mut freed = 0;
        self.tx.open_table(table)?.retain_in((consumer, 0)..=(consumer, seq), |_, row| {
            freed += cost(consumer.len() + 8, row.len());
            false
        })?;
        self.feed.tally.bytes = self.feed.tally.bytes.saturating_sub(freed);
        Ok(())
    }
}

impl Store {
    /// How an event left a consumer, with the last event of its run; `None` where it did not, was passed over, or
    /// left before such rows were kept.
    pub fn way(&self, consumer: &str, seq: u64) -> Result<Option<(u64, Way)>, StoreError> {
        self.shared.look(|tx| {
            let ways = tx.open_table(tables::WAYS)?;
            let Some(entry) = ways.range((consumer, seq)..=(consumer, u64::MAX))?.next() else { return Ok(None) };
            let (place, row) = entry?;
            let way = way_of(row.value())?;
            Ok((way.first <= seq).then(|| (place.value().1, way)))
        })
    }

    /// What is special about one event for one consumer.
    pub fn exception(&self, consumer: &str, seq: u64) -> Result<Option<Exception>, StoreError> {
        self.shared.look(|tx| {
            let row = tx.open_table(tables::EXCEPTIONS)?.get((consumer, seq))?;
            row.map(|row| from_json(row.value())).transpose()
        })
    }

    /// Everything up to here is settled for the consumer, but for its waiting exceptions.
    pub fn mark(&self, consumer: &str) -> Result<u64, StoreError> {
        self.shared.look(|tx| Ok(tx.open_table(tables::MARKS)?.get(consumer)?.map_or(0, |mark| mark.value())))
    }

    /// When an event of the feed was committed, and by what it was seen; `None` once it has left the feed.
    pub fn sighting(&self, seq: u64) -> Result<Option<Sighting>, StoreError> {
        self.shared.look(|tx| {
            let feed = tx.open_table(tables::FEED)?;
            let Some(row) = feed.get(seq)? else { return Ok(None) };
            let (at, arrival) = feed_arrival(row.value())?;
            let id = feed_event(seq, row.value())?.id();
            let ids = tx.open_table(tables::IDS)?;
            let known = ids.get(&*id_key(&id))?.map(|row| IdRow::decode(row.value()).map(|row| row.lines));
            let first = arrival.map_or(Lines::default(), |arrival| Lines::default().with(arrival.via));
            Ok(Some(Sighting { at, arrival, lines: known.transpose()?.unwrap_or(first) }))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Failure;

    #[test]
    fn a_way_reads_back_with_and_without_its_failures() {
        let failures = vec![Failure { offered_at: Some(3), at: 4, why: "500".into() }];
        for (offered, how, failures) in [
            (Some((5, 6)), How::Acked, Vec::new()),
            (None, How::Rejected, failures.clone()),
            (None, How::Dead, failures),
        ] {
            let way = Way { first: 1, offered, at: 7, attempts: 2, how, failures };
            assert_eq!(way_of(&way_row(&way).unwrap()).unwrap(), way);
        }
        assert!(way_of(&[0; 36]).is_err());
    }
}
