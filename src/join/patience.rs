//! How long to wait before asking again whether a join was approved.

use std::time::Duration;

use super::Pause;
use crate::clock::millis;
use crate::retry::Waits;
use crate::retry::attempts::{self, Chance};

/// After an answer that could not be read, or none: not sooner than this.
const AGAIN: Duration = Duration::from_secs(5);

/// Waits as the manifest and the platform ask, up to a quarter longer, so that many do not ask together; after failures
/// longer and longer.
#[derive(Debug)]
pub struct Patience {
    failures: u32,
    longest: Duration,
    chance: Chance,
}

impl Patience {
    /// After failures it waits no longer than `longest`, unless the platform asks for more.
    pub fn new(longest: Duration) -> Self {
        Self { failures: 0, longest, chance: Chance::fresh() }
    }

    /// The next wait.
    pub fn next(&mut self, pause: &Pause) -> Duration {
        if pause.trouble.is_none() {
            self.failures = 0;
            if pause.sharp {
                return pause.again;
            }
            return pause.again + Duration::from_millis(self.chance.below(millis(pause.again) / 4 + 1));
        }
        self.failures += 1;
        let first = pause.again.max(AGAIN);
        let waits = Waits { first, longest: self.longest.max(first) };
        Duration::from_millis(attempts::wait(self.failures, waits, &mut self.chance))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_asks_as_often_as_it_should_and_less_while_nobody_answers() {
        let pause = |seconds, trouble: bool| Pause {
            again: Duration::from_secs(seconds),
            trouble: trouble.then(|| "down".to_owned()),
            sharp: false,
        };
        let longest = Duration::from_mins(5);
        for seed in 0..50 {
            let mut patience = Patience { chance: Chance::seeded(seed), ..Patience::new(longest) };
            let quiet = patience.next(&pause(8, false));
            assert!((8_000..=10_000).contains(&millis(quiet)), "{quiet:?}");
            let waits: Vec<_> = (0..9).map(|_| patience.next(&pause(8, true))).collect();
            assert!((32_000..=40_000).contains(&millis(waits[2])) && waits[8] == longest, "{waits:?}");
            assert!(patience.next(&pause(3_000, true)) >= Duration::from_mins(50), "what the platform asks for counts");
            assert!(patience.next(&pause(8, false)) <= Duration::from_secs(10), "an answer is forgiven all at once");
        }
    }
}
