//! A contract against what was served.

use std::collections::BTreeSet;

use agent_bridge_sim::{
    contract,
    log::Entry,
    platform::{Platform, Sim},
};

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

/// Each answer has the status of the lines that it served, and has such a line, but for those that a fault gave.
fn agree<F>(contract: &'static str, log: &[Entry<F>]) {
    for entry in log {
        let (asked, status) = (format!("{} {}", entry.method, entry.route), entry.status.to_string());
        assert!(!entry.lines.is_empty() || !entry.faults.is_empty(), "{asked}: {status} stands nowhere");
        for id in &entry.lines {
            let line =
                contract::lines(contract).find(|it| it.id == *id).unwrap_or_else(|| panic!("{id} stands nowhere"));
            let family = line.status.strip_suffix("xx").is_some_and(|first| status.starts_with(first));
            assert!(family || ["-", &status].contains(&line.status), "{id}: {status}");
        }
    }
}

/// What a story served; each answer is as its line of the contract says.
pub fn close<W: Platform>(contract: &'static str, sim: &Sim<W>, served: &mut BTreeSet<&'static str>) {
    agree(contract, &sim.log());
    served.extend(sim.served());
}
