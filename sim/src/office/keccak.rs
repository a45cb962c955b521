//! Keccak-256 as Ethereum has it (the original padding, not that of SHA-3), for texts that fit in one block.

/// Bytes of a block: 1600 bits of state less twice 256.
const RATE: usize = 136;

const ROUNDS: [u64; 24] = [
    0x0000_0000_0000_0001,
    0x0000_0000_0000_8082,
    0x8000_0000_0000_808a,
    0x8000_0000_8000_8000,
    0x0000_0000_0000_808b,
    0x0000_0000_8000_0001,
    0x8000_0000_8000_8081,
    0x8000_0000_0000_8009,
    0x0000_0000_0000_008a,
    0x0000_0000_0000_0088,
    0x0000_0000_8000_8009,
    0x0000_0000_8000_000a,
    0x0000_0000_8000_808b,
    0x8000_0000_0000_008b,
    0x8000_0000_0000_8089,
    0x8000_0000_0000_8003,
    0x8000_0000_0000_8002,
    0x8000_0000_0000_0080,
    0x0000_0000_0000_800a,
    0x8000_0000_8000_000a,
    0x8000_0000_8000_8081,
    0x8000_0000_0000_8080,
    0x0000_0000_8000_0001,
    0x8000_0000_8000_8008,
];
/// Where each lane goes, and how far it turns on the way there.
const LANES: [(usize, u32); 24] = [
    (10, 1),
    (7, 3),
    (11, 6),
    (17, 10),
    (18, 15),
    (3, 21),
    (5, 28),
    (16, 36),
    (8, 45),
    (21, 55),
    (24, 2),
    (4, 14),
    (15, 27),
    (23, 41),
    (19, 56),
    (13, 8),
    (12, 25),
    (2, 43),
    (20, 62),
    (14, 18),
    (22, 39),
    (9, 61),
    (6, 20),
    (1, 44),
];

/// The digest of the 40 digits of an address.
pub(super) fn keccak256(digits: &[u8; 40]) -> [u8; 32] {
    let mut block = [0; RATE];
    block[..digits.len()].copy_from_slice(digits);
    block[digits.len()] ^= 0x01;
    block[RATE - 1] ^= 0x80;
    let mut state = [0; 25];
    for (lane, bytes) in state.iter_mut().zip(block.chunks_exact(8)) {
        *lane = bytes.iter().rev().fold(0, |lane, byte| lane << 8 | u64::from(*byte));
    }
    for constant in ROUNDS {
        round(&mut state, constant);
    }
    let mut digest = [0; 32];
    for (bytes, lane) in digest.chunks_exact_mut(8).zip(state) {
        bytes.copy_from_slice(&lane.to_le_bytes());
    }
    digest
}

fn round(state: &mut [u64; 25], constant: u64) {
    let column = |state: &[u64; 25], x: usize| (0..5).fold(0, |sum, y| sum ^ state[x + 5 * y]);
    let sums: [u64; 5] = std::array::from_fn(|x| column(state, x));
    for (at, lane) in state.iter_mut().enumerate() {
        *lane ^= sums[(at + 4) % 5] ^ sums[(at + 1) % 5].rotate_left(1);
    }
    let mut moving = state[1];
    for (to, turn) in LANES {
        moving = std::mem::replace(&mut state[to], moving.rotate_left(turn));
    }
    for row in state.chunks_exact_mut(5) {
        let old: [u64; 5] = std::array::from_fn(|x| row[x]);
        for x in 0..5 {
            row[x] ^= !old[(x + 1) % 5] & old[(x + 2) % 5];
        }
    }
    state[0] ^= constant;
}
