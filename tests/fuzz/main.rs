//! The entries of `fuzz/` on their corpus and on some thousand damaged copies of it: a short run of what `cargo fuzz`
//! does for long (`fuzz/README.md`). `FAULT_SEED` begins elsewhere, `FUZZ_INPUTS` makes it longer.

mod entries;

#[path = "../support/chance.rs"]
#[allow(dead_code, reason = "each test binary uses its part")]
mod chance;

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use chance::Chance;

/// Damaged inputs of each entry, where `FUZZ_INPUTS` does not say otherwise.
const DAMAGED: usize = 1_500;
/// The longest damaged input. What is quadratic by right (lists of aliases) stays quick.
const LONGEST: usize = 24 << 10;
/// What parsers stumble over.
const PIECES: [&[u8]; 24] = [
    b"\n",
    b"\r\n",
    b"\n\n",
    b"data:",
    b"id:",
    b"event:",
    b":",
    b"{",
    b"}",
    b"[",
    b"]",
    b"\"",
    b"\\u0000",
    b"\\",
    b"\0",
    b"\xff",
    b"\xef\xbb\xbf",
    b"{secrets.password}",
    b"{settings.url}",
    b"*message",
    b"&a ",
    b"canary-0123456789",
    b"99999999999999999999",
    b"null",
];

/// The checked-in inputs of an entry.
fn corpus(name: &str) -> Vec<Vec<u8>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut folders = vec![root.join("fuzz/corpus").join(name)];
    if name == "manifest" {
        folders.extend([root.join("adapters"), root.join("tests/fixtures/adapters")]);
    }
    let mut files: Vec<_> = folders
        .iter()
        .flat_map(|folder| fs::read_dir(folder).expect("the corpus stands"))
        .map(|entry| entry.expect("a file of the corpus").path())
        .collect();
    files.sort();
    files.iter().map(|file| fs::read(file).expect("it is read")).collect()
}

/// The input with a few wounds: bytes changed, cut out, doubled, pieces put in, the end of another input.
fn damaged(input: &[u8], others: &[Vec<u8>], chance: &mut Chance) -> Vec<u8> {
    let mut input = input.to_vec();
    for _ in 0..=chance.below(4) {
        let at = chance.below(input.len() + 1);
        let end = (at + chance.below(40)).min(input.len());
        match chance.below(6) {
            0 if at < input.len() => input[at] = chance.byte(),
            1 => drop(input.drain(at..end)),
            2 => {
                let part = input[at..end].repeat(chance.below(8) + 1);
                input.splice(at..at, part);
            }
            3 => {
                let other = chance.pick(others);
                input.truncate(at);
                input.extend_from_slice(&other[chance.below(other.len() + 1)..]);
            }
            _ => drop(input.splice(at..at, chance.pick(&PIECES).iter().copied())),
        }
    }
    input.truncate(LONGEST);
    input
}

fn holds(name: &str, entry: fn(&[u8]), input: &[u8], which: &str) {
    let outcome = catch_unwind(AssertUnwindSafe(|| entry(input)));
    assert!(outcome.is_ok(), "{name}: {which}: {}", String::from_utf8_lossy(input).escape_debug());
}

/// All inputs of one entry.
fn short_run(name: &str) {
    let (_, entry) = entries::ALL.into_iter().find(|(entry, _)| *entry == name).expect("an entry of this name");
    let number =
        |variable: &str, normal| std::env::var(variable).map_or(normal, |text| text.parse().expect("a number"));
    let corpus = corpus(name);
    for (index, input) in corpus.iter().enumerate() {
        holds(name, entry, input, &format!("file {index} of the corpus"));
    }
    let first = number("FAULT_SEED", 1);
    for seed in (first..).take(number("FUZZ_INPUTS", DAMAGED)) {
        let mut chance = Chance::new(seed as u64);
        let whole: &Vec<u8> = chance.pick(&corpus);
        let input = damaged(whole, &corpus, &mut chance);
        holds(name, entry, &input, &format!("FAULT_SEED={seed}"));
    }
}

macro_rules! runs {
    ($($name:ident)*) => {
        $(#[test]
        fn $name() {
            short_run(stringify!($name));
        })*

        #[test]
        fn every_entry_has_a_run_and_a_target() {
            let targets = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/fuzz_targets");
            let runs = [$(stringify!($name)),*];
            for (name, _) in entries::ALL {
                assert!(runs.contains(&name) && targets.join(name).with_extension("rs").exists(), "{name}");
            }
        }
    };
}

runs!(
    event_stream frame cable socket_lines rpc manifest template config document_frame document_update
);

/// What is nested without end neither hangs its reader nor eats its stack; a manifest or a config is refused.
#[test]
fn what_is_nested_without_end_is_refused() {
    for (open, close) in [("[", "]"), ("{ a: ", "}"), ("- ", ""), ("? ", ""), ("&a [", "]"), ("!a ", "")] {
        let deep = [open.repeat(100_000), close.repeat(100_000)].concat();
        let error = agent_bridge::adapter::parse("deep.yaml", &deep).expect_err("no manifest is that deep");
        assert!(!error.message.is_empty());
    }
    for toml in [format!("a = {}", "[".repeat(100_000)), format!("{}a = 1", "a.".repeat(20_000))] {
        entries::run("config", toml.as_bytes());
    }
    let json = ["[".repeat(400_000), "]".repeat(400_000)].concat();
    entries::run("rpc", format!("{{\"id\":1,\"method\":\"act\",\"params\":{{\"args\":{json}}}}}").as_bytes());
    entries::run("frame", json.as_bytes());
    entries::run("cable", format!("\0{json}").as_bytes());
    let told = format!(
        r#"\0{{"identifier":"{{\\"channel\\":\\"AgentEventsChannel\\",\\"cursor\\":\\"MQ\\"}}","message":{json}}}"#
    );
    entries::run("cable", told.as_bytes());
    entries::run("frame", format!("xa{}1{}", "{\"data\":".repeat(120), "}".repeat(120)).as_bytes());
}
