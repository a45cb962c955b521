//! MD5 (RFC 1321), for the checksum of uploads; proves nothing against an attacker.

/// How far each step turns its sum, by round.
const TURNS: [[u32; 4]; 4] = [[7, 12, 17, 22], [5, 9, 14, 20], [4, 11, 16, 23], [6, 10, 15, 21]];

/// The 16 bytes of a digest.
pub(crate) fn digest(bytes: &[u8]) -> [u8; 16] {
    let mut padded = bytes.to_vec();
    padded.push(0x80);
    padded.resize(padded.len().next_multiple_of(64), 0);
    // The length takes the last eight bytes, where they are free.
    if (bytes.len() % 64) >= 56 {
        padded.resize(padded.len() + 64, 0);
    }
    let end = padded.len() - 8;
    let bits = u64::try_from(bytes.len()).unwrap_or(u64::MAX).wrapping_mul(8);
    padded[end..].copy_from_slice(&bits.to_le_bytes());

    let table = table();
    let mut state = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476];
    for block in padded.chunks_exact(64) {
        let after = mix(state, block, &table);
        for (sum, part) in state.iter_mut().zip(after) {
            *sum = u32::wrapping_add(*sum, part);
        }
    }
    let mut out = [0; 16];
    for (four, word) in out.chunks_exact_mut(4).zip(state) {
        four.copy_from_slice(&word.to_le_bytes());
    }
    out
}

/// `floor(2^32 × abs(sin(i + 1)))`.
fn table() -> [u32; 64] {
    let mut step = 0.0_f64;
    std::array::from_fn(|_| {
        step += 1.0;
        // Between 0 and 2^32: the RFC asks for the integer part.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let part = (step.sin().abs() * 4_294_967_296.0) as u32;
        part
    })
}

fn mix([mut a, mut b, mut c, mut d]: [u32; 4], block: &[u8], table: &[u32; 64]) -> [u32; 4] {
    let word = |at: usize| block[at * 4..at * 4 + 4].iter().rev().fold(0, |sum, byte| (sum << 8) | u32::from(*byte));
    for (at, part) in table.iter().enumerate() {
        let (sum, from) = match at / 16 {
            0 => ((b & c) | (!b & d), at),
            1 => ((d & b) | (!d & c), (5 * at + 1) % 16),
            2 => (b ^ c ^ d, (3 * at + 5) % 16),
            _ => (c ^ (b | !d), (7 * at) % 16),
        };
        let turned = a.wrapping_add(sum).wrapping_add(*part).wrapping_add(word(from));
        (a, d, c) = (d, c, b);
        b = b.wrapping_add(turned.rotate_left(TURNS[at / 16][at % 4]));
    }
    [a, b, c, d]
}
