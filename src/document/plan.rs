//! From what the agent wants to the least that must change, with what the policy above has to know. Nothing is done here.

use std::collections::HashSet;

use super::edit::{Assessment, Edit, EditError, Inverse, Place};
use super::find::{Hit, find, units};
use super::markdown;
use super::outline::{Block, Reading, Style};
use super::root::Kind;

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Within a block, in UTF-16 units. In an empty plain document there is no block yet.
    Words { block: usize, at: usize, remove: usize, insert: String },
    /// New blocks before the holder's child of this number.
    Blocks { before: u32, parts: Vec<markdown::Part> },
}

/// What a step adds, at most.
pub(super) struct Size {
    pub(super) blocks: usize,
    pub(super) bytes: usize,
}

impl Step {
    pub(super) fn size(&self) -> Size {
        match self {
            // Taking out makes no blocks that were not there.
            Self::Words { insert, .. } => Size { blocks: if insert.is_empty() { 0 } else { 32 }, bytes: insert.len() },
            Self::Blocks { parts, .. } => Size {
                blocks: parts.iter().map(|part| 12 + 8 * part.runs.len()).sum(),
                bytes: parts.iter().map(|part| 64 + part.text().len()).sum(),
            },
        }
    }
}

/// A step with what is known of it beforehand.
pub(super) struct Plan {
    pub(super) step: Step,
    pub(super) assessment: Assessment,
    pub(super) inverse: Inverse,
}

/// Plans an edit of the document as it reads now.
pub(super) fn plan(reading: &Reading, edit: &Edit, own: &HashSet<u64>) -> Result<Plan, EditError> {
    let step = match edit {
        Edit::Append(text) => append(reading, text),
        Edit::Insert { at, text } => insert(reading, at, text)?,
        Edit::Replace { quote, with } => replace(reading, quote, with)?,
        Edit::Delete(quote) => replace(reading, quote, "")?,
    };
    let (assessment, inverse) = match &step {
        Step::Words { block, at, remove, insert } => {
            if insert.is_empty() && *remove == 0 {
                return Err(EditError::Nothing);
            }
            words(reading, (*block, *at, *remove), insert, own)?
        }
        Step::Blocks { before, parts } => {
            if parts.is_empty() {
                return Err(EditError::Nothing);
            }
            let block = reading.blocks.iter().position(|block| block.top >= *before).unwrap_or(reading.blocks.len());
            let take_out = parts.iter().map(markdown::Part::text).collect::<Vec<_>>().join("\n");
            let assessment = Assessment { touches_others: false, removed: 0, whole: reading.units() };
            (assessment, Inverse { block, at: 0, take_out, put_in: String::new() })
        }
    };
    Ok(Plan { step, assessment, inverse })
}

fn append(reading: &Reading, text: &str) -> Step {
    if reading.kind == Kind::Fragment {
        return Step::Blocks { before: reading.children, parts: markdown::parts(text) };
    }
    let before = reading.blocks.first().map(Block::text).unwrap_or_default();
    let gap = match &*before {
        "" => "",
        before if before.ends_with("\n\n") => "",
        before if before.ends_with('\n') => "\n",
        _ => "\n\n",
    };
    let insert = if text.is_empty() { String::new() } else { format!("{gap}{text}") };
    Step::Words { block: 0, at: units(&before), remove: 0, insert }
}

fn insert(reading: &Reading, place: &Place, text: &str) -> Result<Step, EditError> {
    let fragment = reading.kind == Kind::Fragment;
    let words = |hit: Hit, at| Step::Words { block: hit.block, at, remove: 0, insert: text.to_owned() };
    let (hit, behind) = match place {
        Place::Start | Place::End if fragment => {
            let before = if *place == Place::Start { 0 } else { reading.children };
            return Ok(Step::Blocks { before, parts: markdown::parts(text) });
        }
        Place::Start => return Ok(words(Hit { block: 0, start: 0, end: 0 }, 0)),
        Place::End => {
            let end = reading.units();
            return Ok(words(Hit { block: 0, start: end, end }, end));
        }
        Place::After(quote) => (find(reading, quote)?, true),
        Place::Before(quote) => (find(reading, quote)?, false),
    };
    if one_line(&reading.blocks[hit.block]) && text.contains('\n') {
        let before = reading.blocks[hit.block].top + u32::from(behind);
        return Ok(Step::Blocks { before, parts: markdown::parts(text) });
    }
    Ok(words(hit, if behind { hit.end } else { hit.start }))
}

/// Whether a new line in the block would be no new line.
const fn one_line(block: &Block) -> bool {
    !matches!(block.style, Style::Plain | Style::Code)
}

/// Takes out and puts in only what differs, whole characters at a time.
fn replace(reading: &Reading, quote: &str, with: &str) -> Result<Step, EditError> {
    let hit = find(reading, quote)?;
    if one_line(&reading.blocks[hit.block]) && with.contains('\n') && !quote.contains('\n') {
        return Err(EditError::SeveralLines);
    }
    let same = |(a, b): &(char, char)| a == b;
    let head: usize = quote.chars().zip(with.chars()).take_while(same).map(|(c, _)| c.len_utf8()).sum();
    let (old, new) = (&quote[head..], &with[head..]);
    let tail: usize = old.chars().rev().zip(new.chars().rev()).take_while(same).map(|(c, _)| c.len_utf8()).sum();
    let (old, new) = (&old[..old.len() - tail], &new[..new.len() - tail]);
    let at = hit.start + units(&quote[..head]);
    Ok(Step::Words { block: hit.block, at, remove: units(old), insert: new.to_owned() })
}

/// What a change of words would do.
fn words(
    reading: &Reading,
    (block, at, remove): (usize, usize, usize),
    insert: &str,
    own: &HashSet<u64>,
) -> Result<(Assessment, Inverse), EditError> {
    let (mut start, mut touches_others, mut put_in) = (0, false, String::new());
    for span in reading.blocks.get(block).into_iter().flat_map(|block| &block.spans) {
        let end = start + units(&span.text);
        let (from, to) = (at.max(start), (at + remove).min(end));
        if from < to {
            let whole = from == start && to == end;
            if span.at.is_none() && (span.atom.is_none() || !whole) {
                return Err(EditError::NotText);
            }
            touches_others |= !own.contains(&span.author);
            let part: Vec<u16> = span.text.encode_utf16().skip(from - start).take(to - from).collect();
            put_in.push_str(&String::from_utf16_lossy(&part));
        }
        start = end;
    }
    let assessment = Assessment { touches_others, removed: remove, whole: reading.units() };
    Ok((assessment, Inverse { block, at, take_out: insert.to_owned(), put_in }))
}
