//! lib0's numbers, strings and buffers: little-endian groups of seven bits, 53 bits at most, as JavaScript counts.

/// The largest number that JavaScript counts exactly; client ids and clocks stay below it.
pub(super) const LARGEST: u64 = (1 << 53) - 1;

/// The bytes end too early, or are not what was looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cut(pub(super) &'static str);

/// Reads from the front of some bytes; takes no memory of its own.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(super) const fn left(&self) -> usize {
        self.0.len()
    }

    pub(super) fn byte(&mut self) -> Result<u8, Cut> {
        let (first, rest) = self.0.split_first().ok_or(Cut("they end too early"))?;
        self.0 = rest;
        Ok(*first)
    }

    pub(super) fn number(&mut self) -> Result<u64, Cut> {
        let (mut number, mut shift) = (0_u64, 0_u32);
        loop {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if number > LARGEST {
                return Err(Cut("a number is over 53 bits"));
            }
            if byte & 0x80 == 0 {
                return Ok(number);
            }
            shift += 7;
            if shift > 49 {
                return Err(Cut("a number is over 53 bits"));
            }
        }
    }

    /// A signed number, whose first byte holds the sign and six bits; only passed over.
    pub(super) fn skip_signed(&mut self) -> Result<(), Cut> {
        for _ in 0..9 {
            if self.byte()? & 0x80 == 0 {
                return Ok(());
            }
        }
        Err(Cut("a number is over 53 bits"))
    }

    pub(super) fn take(&mut self, length: usize) -> Result<&'a [u8], Cut> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(Cut("they end too early"))?;
        self.0 = rest;
        Ok(taken)
    }

    /// Bytes under their length.
    pub(super) fn buffer(&mut self) -> Result<&'a [u8], Cut> {
        let length = self.number()?;
        self.take(usize::try_from(length).unwrap_or(usize::MAX))
    }

    pub(super) fn string(&mut self) -> Result<&'a str, Cut> {
        std::str::from_utf8(self.buffer()?).map_err(|_| Cut("a string is no UTF-8"))
    }

    /// How many things follow, each of at least `least` bytes: a count that the bytes cannot hold is refused before
    /// anything is made for it.
    pub(super) fn count(&mut self, least: usize) -> Result<usize, Cut> {
        let count = usize::try_from(self.number()?).unwrap_or(usize::MAX);
        if count > self.left() / least {
            return Err(Cut("it counts more than there is"));
        }
        Ok(count)
    }
}

pub(super) fn put_number(into: &mut Vec<u8>, mut number: u64) {
    while number > 0x7f {
        into.push(u8::try_from(number & 0x7f).unwrap_or_default() | 0x80);
        number >>= 7;
    }
    into.push(u8::try_from(number).unwrap_or_default());
}

pub(super) fn put_buffer(into: &mut Vec<u8>, bytes: &[u8]) {
    put_number(into, bytes.len() as u64);
    into.extend_from_slice(bytes);
}
