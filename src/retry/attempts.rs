//! Waits by a count of attempts that is stored, so that a restart begins where it was: doubling, with chance on top and
//! never past the longest.

use super::Waits;
use crate::clock::millis;

/// The longest wait that anybody can ask for, in milliseconds: 1 h. A constant: what asks is not the operator.
pub const LONGEST: u64 = 3_600_000;

/// A small source of chance (splitmix64): jitter needs no secrecy, and tests can fix it.
#[derive(Clone, Debug)]
pub struct Chance(u64);

impl Chance {
    /// Chance that always runs the same way.
    pub const fn seeded(seed: u64) -> Self {
        Self(seed)
    }

    /// Chance from the system.
    pub fn fresh() -> Self {
        let mut seed = [0_u8; 8];
        getrandom::fill(&mut seed).expect("the system's random source answers");
        Self::seeded(u64::from_le_bytes(seed))
    }

    /// A number below `bound`; 0 where that is 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)).checked_rem(bound).unwrap_or(0)
    }
}

/// Milliseconds to wait after `attempts` failures (at least 1): from the first, doubling to the longest, up to a quarter
/// more.
pub fn wait(attempts: u32, waits: Waits, chance: &mut Chance) -> u64 {
    let (first, longest) = (millis(waits.first), millis(waits.longest));
    let doubled = first.saturating_mul(1_u64.checked_shl(attempts.saturating_sub(1)).unwrap_or(u64::MAX));
    let base = doubled.min(longest);
    (base + chance.below(base / 4 + 1)).min(longest)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn waits_double_from_a_second_to_an_hour_and_never_past_it() {
        let mut chance = Chance::seeded(1);
        let waits = Waits { first: Duration::from_secs(1), longest: Duration::from_hours(1) };
        for attempts in 1..200 {
            let base = 1_000_u64.saturating_mul(1 << (attempts - 1).min(20)).min(LONGEST);
            let waited = wait(attempts, waits, &mut chance);
            assert!((base..=LONGEST).contains(&waited) && waited <= base + base / 4, "{attempts}: {waited}");
        }
    }
}
