//! Ids and tokens from one seed: the same seed and the same script make the same ids.

use base64::{
    Engine as _,
    engine::general_purpose::{URL_SAFE, URL_SAFE_NO_PAD},
};

/// A source of ids; not a source of secrets that anything outside the simulator should trust.
#[derive(Debug)]
pub(crate) struct Ids {
    state: u64,
}

impl Ids {
    /// From `seed`, or from the system's randomness.
    pub(crate) fn new(seed: Option<u64>) -> Self {
        let state = seed.unwrap_or_else(|| getrandom::u64().unwrap_or(0x5eed));
        Self { state }
    }

    /// Sebastiano Vigna's splitmix64.
    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn bytes(&mut self) -> [u8; 32] {
        let mut out = [0; 32];
        for chunk in out.chunks_exact_mut(8) {
            chunk.copy_from_slice(&self.next().to_be_bytes());
        }
        out
    }

    /// A version 4 UUID.
    pub(crate) fn uuid(&mut self) -> String {
        let high = (self.next() & !0xf000) | 0x4000;
        let low = (self.next() & !(0b11 << 62)) | (0b10 << 62);
        uuid(high, low)
    }

    /// An invite token: it ends in `=`, which a link shows as `%3D`.
    pub(crate) fn invite(&mut self) -> String {
        format!("inv_{}", URL_SAFE.encode(self.bytes()))
    }

    /// A secret with the given prefix, such as `au_`.
    pub(crate) fn secret(&mut self, prefix: &str) -> String {
        format!("{prefix}{}", URL_SAFE_NO_PAD.encode(self.bytes()))
    }

    /// A code that a person can read out: four letters, four digits.
    pub(crate) fn code(&mut self) -> String {
        let bytes = self.bytes();
        let sign = |at: usize| if at < 4 { b'A' + bytes[at] % 26 } else { b'0' + bytes[at] % 10 };
        (0..8).map(|at| char::from(sign(at))).collect()
    }

    /// The id of a Yjs client: 32 bits, as Yjs itself makes them.
    pub(crate) fn client(&mut self) -> u64 {
        self.next() >> 32
    }

    /// A signing key.
    pub(crate) fn signing_key(&mut self) -> [u8; 32] {
        self.bytes()
    }
}

/// 128 bits in the usual 8-4-4-4-12 digits.
pub(crate) fn uuid(high: u64, low: u64) -> String {
    format!(
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        high >> 32,
        (high >> 16) & 0xffff,
        high & 0xffff,
        low >> 48,
        low & 0xffff_ffff_ffff
    )
}

/// Whether the platform's database would take `text` for an id; anything else is a 500 there.
pub(crate) fn well_formed(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}
