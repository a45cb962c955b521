//! Every line of `sim/contract/agentunited.txt` is served by the simulator and answered visibly by the real bridge.

mod acting;
mod ledger;
mod reading;
mod refusing;
mod seats;
mod streams;

use std::collections::BTreeSet;

use agent_bridge_sim::agentunited::Sim;
use agent_bridge_sim::contract::{AGENTUNITED, lines};

use ledger::Ledger;
use tokio::task::JoinSet;

#[tokio::test(flavor = "multi_thread")]
async fn every_line_of_the_contract_is_served_and_answered() {
    let mut scenes = JoinSet::new();
    scenes.spawn(seats::invites());
    scenes.spawn(seats::credentials());
    scenes.spawn(streams::documented());
    scenes.spawn(streams::observed());
    scenes.spawn(streams::relay());
    scenes.spawn(reading::all());
    scenes.spawn(acting::all());
    scenes.spawn(acting::crash());
    scenes.spawn(refusing::all());
    let (mut served, mut answered, mut wrong) = (BTreeSet::new(), BTreeSet::new(), Vec::new());
    while let Some(scene) = scenes.join_next().await {
        let Ledger { sims, rows, failures } = scene.unwrap_or_else(|panic| Ledger::broken(&panic.to_string()));
        served.extend(sims.iter().flat_map(Sim::served));
        answered.extend(rows);
        wrong.extend(failures);
    }
    let known: Vec<&str> = lines(AGENTUNITED).map(|line| line.id).collect();
    wrong.extend(known.iter().filter(|id| !served.contains(*id)).map(|id| format!("{id}: not served")));
    wrong.extend(known.iter().filter(|id| !answered.contains(*id)).map(|id| format!("{id}: no reaction checked")));
    wrong.extend(answered.iter().filter(|id| !known.contains(id)).map(|id| format!("{id}: not in the contract")));
    assert!(wrong.is_empty(), "{} of {} lines:\n{}", wrong.len(), known.len(), wrong.join("\n"));
}
