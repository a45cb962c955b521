//! What is fuzzed: each entry takes any bytes and panics where a promise about them does not hold. The same entries run
//! under `cargo fuzz` (`fuzz/`) and, on a few thousand inputs, in the normal tests (`tests/fuzz`).

mod adapters;
mod cable;
mod documents;
mod platform;
mod socket;

/// An entry under the name of its target and its corpus.
pub type Entry = (&'static str, fn(&[u8]));

/// Every entry.
pub const ALL: [Entry; 10] = [
    ("event_stream", platform::event_stream),
    ("frame", platform::frame),
    ("cable", cable::cable),
    ("socket_lines", socket::lines),
    ("rpc", socket::call),
    ("manifest", adapters::manifest),
    ("template", adapters::template),
    ("config", adapters::config),
    ("document_frame", documents::frame),
    ("document_update", documents::update),
];

/// Runs one entry.
pub fn run(name: &str, input: &[u8]) {
    let (_, entry) = ALL.into_iter().find(|(entry, _)| *entry == name).expect("an entry of this name");
    entry(input);
}

/// The first `N` bytes, which choose how the rest is read; zeros where there are fewer.
fn choices<const N: usize>(input: &[u8]) -> ([usize; N], &[u8]) {
    let chosen = std::array::from_fn(|index| input.get(index).copied().map_or(0, usize::from));
    (chosen, input.get(N..).unwrap_or_default())
}
