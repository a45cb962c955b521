//! What stands between the library and everybody else: its panics as words, and a state vector read within bounds.

use std::panic::{AssertUnwindSafe, catch_unwind};

use yrs::{ClientID, StateVector};

use super::DocumentError;
use super::varint::Reader;

/// A state vector; a count that its bytes cannot hold is refused first.
pub(super) fn state_vector(bytes: &[u8]) -> Result<StateVector, DocumentError> {
    let wrong = |why| DocumentError::malformed("state vector", why);
    let mut reader = Reader::new(bytes);
    let count = reader.count(2).map_err(|cut| wrong(cut.0))?;
    let mut clocks = Vec::new();
    for _ in 0..count {
        let client = reader.number().map_err(|cut| wrong(cut.0))?;
        let clock = reader.number().map_err(|cut| wrong(cut.0))?;
        let clock = i32::try_from(clock).ok().and_then(|clock| u32::try_from(clock).ok());
        clocks.push((ClientID::new(client), clock.ok_or(wrong("a clock runs over"))?));
    }
    Ok(clocks.into_iter().collect())
}

/// The library's panics as words.
pub(super) fn guarded<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
        format!("the library gave up: {}", text.unwrap_or("without a word"))
    })
}
