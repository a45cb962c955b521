//! `agent-bridge run`.

use clap::Args;

use super::{Fault, Global};
use crate::daemon;

/// Run the bridge until it is told to stop.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  agent-bridge run\n  agent-bridge --state ./state --runtime ./run run")]
pub struct Run {}

impl Run {
    /// Runs it.
    pub async fn run(self, global: &Global) -> Result<(), Fault> {
        let (config, places) = (global.load_config()?, global.places()?);
        daemon::log::start(&config.log)?;
        Ok(daemon::run(config, places).await?)
    }
}
