//! What a block holds (`Content*.js` of Yjs 13, `Any` of lib0).

use super::{Scanner, Wrong, later};
use crate::document::varint::Cut;

/// Values inside values; the library reads them recursively.
const VALUE_DEPTH: u16 = 32;
/// Documents inside a document: no editor makes them, and each takes a thousand bytes.
const SUBDOCUMENTS: usize = 16;

impl Scanner<'_> {
    /// The content's length in clocks.
    pub(super) fn content(&mut self, kind: u8) -> Result<u32, Wrong> {
        match kind {
            1 => return Ok(self.clock()?),
            2 => return Err(Wrong::Newer("content of the oldest kind".to_owned())),
            3 => drop(self.reader.buffer()?),
            4 => {
                let units = self.reader.string()?.encode_utf16().count();
                return Ok(later(0, units as u64)?);
            }
            5 => self.json()?,
            6 => {
                self.reader.string()?;
                self.json()?;
            }
            7 => self.node()?,
            8 => {
                let count = self.reader.count(1)?;
                (0..count).try_for_each(|_| self.value(0))?;
                return Ok(later(0, count as u64)?);
            }
            9 => {
                self.documents += 1;
                if self.documents > SUBDOCUMENTS {
                    return Err(Wrong::Large("the number of documents inside", SUBDOCUMENTS));
                }
                self.reader.string()?;
                self.value(0)?;
            }
            other => return Err(Wrong::Newer(format!("content of kind {other}"))),
        }
        Ok(1)
    }

    fn json(&mut self) -> Result<(), Wrong> {
        let text = self.reader.string()?;
        serde_json::from_str::<serde::de::IgnoredAny>(text).map_err(|_| Cut("a value is no JSON"))?;
        Ok(())
    }

    fn node(&mut self) -> Result<(), Wrong> {
        match self.reader.number()? {
            0 | 1 | 2 | 4 | 6 => {}
            3 => drop(self.reader.string()?),
            other => return Err(Wrong::Newer(format!("a shared type of kind {other}"))),
        }
        Ok(())
    }

    fn value(&mut self, depth: u16) -> Result<(), Wrong> {
        if depth > VALUE_DEPTH {
            return Err(Wrong::Large("the depth of a value", VALUE_DEPTH.into()));
        }
        match self.reader.byte()? {
            120 | 121 | 126 | 127 => {}
            125 => self.reader.skip_signed()?,
            124 => drop(self.reader.take(4)?),
            122 | 123 => drop(self.reader.take(8)?),
            119 => drop(self.reader.string()?),
            118 => {
                for _ in 0..self.reader.count(2)? {
                    self.reader.string()?;
                    self.value(depth + 1)?;
                }
            }
            117 => {
                for _ in 0..self.reader.count(1)? {
                    self.value(depth + 1)?;
                }
            }
            116 => drop(self.reader.buffer()?),
            other => return Err(Wrong::Newer(format!("a value of kind {other}"))),
        }
        Ok(())
    }
}
