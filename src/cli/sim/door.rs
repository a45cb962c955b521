//! Somebody at the terminal lets agents in, or does not.

use agent_bridge_sim::speakeasy::Sim;
use tokio::io::{AsyncBufReadExt, BufReader};

use crate::cli::show;

/// Asks about each request, and reads the answer from standard input; ends where nobody can answer any more. `/_sim/approve`
/// and `/_sim/deny` go on working beside it.
pub async fn keep(sim: &Sim, quiet: bool) {
    let mut answers = BufReader::new(tokio::io::stdin()).lines();
    loop {
        let (request, who) = sim.wait_some(|world| world.pending().map(|it| (it.id, named(&it.agent_name)))).await;
        if !quiet {
            println!("{who} asks to be let in: y and Enter lets it in, n declines");
        }
        let decided = sim.wait_for(|world| world.pending().is_none_or(|it| it.id != request));
        let answer = tokio::select! {
            () = decided => continue,
            answer = answers.next_line() => answer,
        };
        let Ok(Some(answer)) = answer else { break };
        decide(sim, request, answer.trim(), quiet);
    }
    if !quiet {
        println!("nobody can answer here: standard input has ended; what is left is /_sim");
    }
}

/// A name that an agent chose, fit for a terminal.
fn named(name: &str) -> String {
    format!("`{}`", show::clean(name))
}

fn decide(sim: &Sim, request: u64, answer: &str, quiet: bool) {
    let said = match answer.to_ascii_lowercase().as_str() {
        "y" | "yes" => {
            sim.approve(request);
            "let in"
        }
        "n" | "no" => {
            sim.deny(request);
            "declined"
        }
        _ => return,
    };
    if !quiet {
        println!("{said}");
    }
}
