//! Numbers as lib0 writes them, for bytes that no real client sends.

/// A number as lib0 writes it.
pub fn number(into: &mut Vec<u8>, mut value: u64) {
    while value > 0x7f {
        into.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    into.push(value.to_le_bytes()[0]);
}

/// Some of them, one behind the other.
pub fn numbers(values: &[u64]) -> Vec<u8> {
    let mut into = Vec::new();
    for value in values {
        number(&mut into, *value);
    }
    into
}
