//! `agent-bridge completions`.

use clap::{Args, CommandFactory};

use super::{Cli, Fault, show};

/// Completions for a shell.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  agent-bridge completions bash > ~/.local/share/bash-completion/completions/agent-bridge"
)]
pub struct Completions {
    /// Which shell
    shell: clap_complete::Shell,
}

impl Completions {
    /// Writes them to stdout.
    pub fn run(self) -> Result<(), Fault> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "agent-bridge", &mut script);
        show::line(String::from_utf8_lossy(&script).trim_end())
    }
}
