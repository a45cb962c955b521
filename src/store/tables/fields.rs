//! Reads and writes the fields of a row.

use crate::store::fault::Fault;

/// A text behind its length.
pub(super) fn put_text(row: &mut Vec<u8>, text: &str) {
    put_bytes(row, text.as_bytes());
}

/// Bytes behind their length.
pub(super) fn put_bytes(row: &mut Vec<u8>, bytes: &[u8]) {
    let length = u32::try_from(bytes.len()).expect("no frame is 4 GiB long");
    row.extend_from_slice(&length.to_le_bytes());
    row.extend_from_slice(bytes);
}

/// Reads a row field by field.
pub struct Fields<'a>(pub &'a [u8]);

impl<'a> Fields<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], Fault> {
        let (field, rest) = self.0.split_at_checked(count).ok_or(Fault::Row("a row's length"))?;
        self.0 = rest;
        Ok(field)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        self.take(N)?.try_into().map_err(|_| Fault::Row("a row's length"))
    }

    /// One byte.
    pub fn u8(&mut self) -> Result<u8, Fault> {
        Ok(self.array::<1>()?[0])
    }

    /// Four bytes.
    pub fn u32(&mut self) -> Result<u32, Fault> {
        self.array().map(u32::from_le_bytes)
    }

    /// Eight bytes.
    pub fn u64(&mut self) -> Result<u64, Fault> {
        self.array().map(u64::from_le_bytes)
    }

    /// A text behind its length.
    pub fn text(&mut self) -> Result<&'a str, Fault> {
        std::str::from_utf8(self.bytes()?).map_err(|_| Fault::Row("a row's text"))
    }

    /// Bytes behind their length.
    pub fn bytes(&mut self) -> Result<&'a [u8], Fault> {
        let length = self.u32()? as usize;
        self.take(length)
    }
}
