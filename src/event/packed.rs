//! The small form of most of an event, for the disk: what a platform says stands in it twice, as its text and in `raw`.
//!
//! LZ4: its blocks are read back some times faster than a disk gives them.

/// Less than this stays as it is, in bytes: many such events share a page.
const WORTH: usize = 512;

/// What is stored behind the start of an event.
pub enum Rest<'a> {
    /// As it is delivered.
    Plain(&'a [u8]),
    /// As [`unpack`] reads it.
    Packed(&'a [u8]),
}

/// The small form; `None` where it would save less than an eighth.
pub fn pack(rest: &[u8]) -> Option<Vec<u8>> {
    if rest.len() < WORTH {
        return None;
    }
    let packed = lz4_flex::block::compress_prepend_size(rest);
    (packed.len() <= rest.len() / 8 * 7).then_some(packed)
}

/// Puts the start and what its small form says together again; `None` for what nobody packed.
pub fn unpack(start: &[u8], packed: &[u8]) -> Option<Vec<u8>> {
    let (length, block) = lz4_flex::block::uncompressed_size(packed).ok()?;
    // No block says more than this, however damaged: nobody takes memory by its word alone.
    if length > block.len().saturating_mul(255) {
        return None;
    }
    let mut event = vec![0; start.len() + length];
    event[..start.len()].copy_from_slice(start);
    let told = lz4_flex::block::decompress_into(block, &mut event[start.len()..]).ok()?;
    (told == length).then_some(event)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_says_it_all_twice_takes_about_half_and_what_gains_nothing_stays() {
        let mut state = 7_u64;
        let chance = |_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 56) as u8
        };
        let text: Vec<u8> = (0..2_000).map(chance).collect();
        assert_eq!(pack(&text), None);
        assert_eq!(pack(&vec![b'a'; WORTH - 1]), None);
        let twice = [&text[..], &text[..]].concat();
        let packed = pack(&twice).expect("smaller");
        assert!(packed.len() < 2_100, "{}", packed.len());
        assert_eq!(unpack(b"start", &packed).unwrap(), [b"start", &twice[..]].concat());
    }

    proptest! {
        #[test]
        fn what_nobody_packed_is_an_error_and_takes_no_room(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            if let Some(event) = unpack(b"", &bytes) {
                prop_assert!(event.len() <= bytes.len() * 255);
            }
        }
    }
}
