//! Chance that can be had again: the same seed, the same choices (splitmix64).

use std::time::Duration;

/// Another seed than the system's, to repeat a failure.
const SEED: &str = "FAULT_SEED";

/// A source of choices.
#[derive(Clone, Debug)]
pub struct Chance(u64);

impl Chance {
    /// From the seed of `FAULT_SEED`, else a fresh one; says which, so that a failure can be repeated.
    pub fn told(row: u32) -> Self {
        let told = std::env::var(SEED).map(|seed| seed.parse().expect("FAULT_SEED is a number"));
        let seed = told.unwrap_or_else(|_| getrandom::u64().expect("the system's random source answers"));
        println!("row {row}: {SEED}={seed} chooses the same again");
        Self(seed)
    }

    /// From a seed.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Any number.
    pub const fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Any byte.
    pub const fn byte(&mut self) -> u8 {
        self.number().to_le_bytes()[0]
    }

    /// A number below `bound`, which is not 0.
    pub fn below(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound).expect("a usize fits");
        usize::try_from(self.number() % bound).expect("it is below a usize")
    }

    /// Some milliseconds below `bound`.
    pub fn millis(&mut self, bound: u64) -> Duration {
        Duration::from_millis(self.number() % bound)
    }

    /// Once in `times`.
    pub fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    /// One of several.
    pub fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }
}
