//! Where a quote stands: once, within one block, or not at all.

use super::{EditError, Reading};

/// A quote's place, in UTF-16 units of its block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Hit {
    pub(super) block: usize,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// UTF-16 units of a text.
pub(super) fn units(text: &str) -> usize {
    text.encode_utf16().count()
}

/// The one place of a quote.
pub(super) fn find(reading: &Reading, quote: &str) -> Result<Hit, EditError> {
    if quote.is_empty() {
        return Err(EditError::QuoteEmpty);
    }
    let (mut hit, mut count) = (None, 0_usize);
    for (block, text) in reading.blocks.iter().map(super::Block::text).enumerate() {
        for at in places(&text, quote) {
            count += 1;
            let start = units(&text[..at]);
            hit.get_or_insert_with(|| Hit { block, start, end: start + units(quote) });
        }
    }
    match hit {
        Some(hit) if count == 1 => Ok(hit),
        Some(_) => Err(EditError::QuoteNotUnique(count)),
        None if across(reading, quote) => Err(EditError::QuoteAcrossBlocks),
        None => Err(EditError::QuoteMissing),
    }
}

/// Every place, those that overlap included: "aa" stands twice in "aaa". At most a thousand are looked for.
fn places(text: &str, quote: &str) -> Vec<usize> {
    let step = quote.chars().next().map_or(1, char::len_utf8);
    let (mut from, mut found) = (0, Vec::new());
    while let Some(at) = text.get(from..).and_then(|rest| rest.find(quote)).filter(|_| found.len() < 1_000) {
        found.push(from + at);
        from += at + step;
    }
    found
}

/// Whether it stands where blocks are put one after the other, whatever is between them.
fn across(reading: &Reading, quote: &str) -> bool {
    let bare = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let (quote, whole) = (bare(quote), bare(&reading.text()));
    let blocks: Vec<String> = reading.blocks.iter().map(super::Block::text).collect();
    !quote.is_empty() && (whole.contains(&quote) || bare(&blocks.join(" ")).contains(&quote))
}
