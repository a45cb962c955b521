//! `agent-bridge man`.

use std::path::PathBuf;

use clap::{Args, CommandFactory};

use super::exit::{self, Fault};
use super::{Cli, show};

/// The manual page.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  agent-bridge man | man -l -\n  agent-bridge man --out ./man1")]
pub struct Man {
    /// Write a page for every command into this directory
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

impl Man {
    /// Writes it to stdout, or all of them into a directory.
    pub fn run(self) -> Result<(), Fault> {
        let failed =
            |error: std::io::Error| Fault::new(exit::CANNOT_CREATE, format!("cannot write the manual: {error}"));
        if let Some(out) = self.out {
            std::fs::create_dir_all(&out).map_err(failed)?;
            return clap_mangen::generate_to(Cli::command(), out).map_err(failed);
        }
        let mut page = Vec::new();
        clap_mangen::Man::new(Cli::command()).render(&mut page).map_err(failed)?;
        show::line(String::from_utf8_lossy(&page).trim_end())
    }
}
