//! Embeds every manifest of `adapters/`, so that the binary needs no file beside it.
fn main() {}
