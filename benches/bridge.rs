//! Measures the real daemon between a simulated platform and an agent, each a process of its own, and beside each
//! figure its floor. Fails unless the ids that came out are the ids that went in.
//!
//! `cargo bench --bench bridge -- [throughput|latency|actions|cable|documents|idle|reopen …] [--write-docs] [--docs-only]`

// Figures are shown with three digits: what a float loses of a count is far below.
#![allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]

mod bridge {
    pub mod actions;
    pub mod agent;
    pub mod cable;
    pub mod documents;
    pub mod floor;
    pub mod home;
    pub mod idle;
    pub mod latency;
    pub mod lounge;
    pub mod peer;
    pub mod pipe;
    pub mod plain_http;
    pub mod platform;
    pub mod prefill;
    pub mod process;
    pub mod reopen;
    pub mod report;
    pub mod sizes;
    pub mod studio;
    pub mod throughput;
}

use anyhow::{Context, bail};
use bridge::report::Report;
use bridge::sizes::Sizes;
use bridge::{actions, cable, documents, idle, latency, lounge, pipe, platform, reopen, report, studio, throughput};

type Scenario = fn(&Sizes, &mut Report) -> anyhow::Result<()>;

/// In the order in which they run.
const SCENARIOS: [(&str, Scenario); 7] = [
    ("throughput", throughput::run),
    ("latency", latency::run),
    ("reopen", reopen::run),
    ("actions", actions::run),
    ("cable", cable::run),
    ("documents", documents::run),
    ("idle", idle::run),
];

fn main() -> anyhow::Result<()> {
    let mut words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    match words.first().map(String::as_str) {
        // This same program, as a process beside the one that measures.
        Some("--platform") => return platform::serve(),
        Some("--lounge") => return lounge::serve(),
        Some("--studio") => return studio::serve(),
        Some("--replicas") => return documents::replicas(&words[1..]),
        Some("--pipe") => return pipe::serve(&words[1..]),
        _ => {}
    }
    let mut flag = |name: &str| {
        let before = words.len();
        words.retain(|word| word != name);
        before != words.len()
    };
    let (write_docs, docs_only) = (flag("--write-docs"), flag("--docs-only"));
    if docs_only {
        return report::write_docs();
    }
    let known = |word: &String| SCENARIOS.iter().any(|(name, _)| name == word);
    if let Some(stranger) = words.iter().find(|word| !known(word)) {
        let names: Vec<_> = SCENARIOS.iter().map(|(name, _)| *name).collect();
        bail!("there is no scenario `{stranger}`; there are {}", names.join(", "));
    }
    let measured = measure(&words);
    bridge::prefill::remove();
    measured?;
    if write_docs { report::write_docs() } else { Ok(()) }
}

/// Runs the scenarios that were named, or all.
fn measure(wanted: &[String]) -> anyhow::Result<()> {
    let (sizes, mut report) = (Sizes::from_env()?, Report::begin());
    for (name, run) in SCENARIOS.iter().filter(|(name, _)| wanted.is_empty() || wanted.iter().any(|it| it == name)) {
        eprintln!("{name} …");
        let ran = run(&sizes, &mut report).with_context(|| format!("scenario `{name}`"));
        // What a scenario found before it failed is worth keeping.
        report.write()?;
        ran?;
    }
    report.print();
    Ok(())
}
