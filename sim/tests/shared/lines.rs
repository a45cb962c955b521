//! A contract against what was served.

use std::collections::BTreeSet;

use agent_bridge_sim::contract;

/// Every line was served, and nothing else.
pub fn all_served(contract: &'static str, served: &BTreeSet<&'static str>) {
    assert_eq!(contract::unserved(contract, served), Vec::<&str>::new());
    let listed: BTreeSet<_> = contract::lines(contract).map(|line| line.id).collect();
    assert_eq!(served.difference(&listed).collect::<Vec<_>>(), Vec::<&&str>::new());
}

/// Every line is whole and named once.
pub fn whole(contract: &'static str) {
    let lines: Vec<_> = contract::lines(contract).collect();
    let written = contract.lines().filter(|it| !it.is_empty() && !it.starts_with('#'));
    assert_eq!(lines.len(), written.count(), "a line lacks a field");
    let names: BTreeSet<_> = lines.iter().map(|line| line.id).collect();
    assert_eq!(names.len(), lines.len(), "a name stands twice");
}
