//! The command line: one command, one file, same verbs as the API.

mod act;
mod ask;
mod check;
mod client;
mod completions;
mod consumer;
mod dead;
mod demo;
mod document;
pub mod exit;
mod join;
mod leave;
mod man;
mod receipt;
mod run;
mod send;
mod show;
mod sim;
mod status;
mod tail;
mod trace;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::config::Config;
use crate::config::places::{self, Places};
pub use exit::Fault;

/// Holds an agent's seats in many workspaces: one durable feed of events in, actions with receipts out.
#[derive(Debug, Parser)]
#[command(name = "agent-bridge", version, propagate_version = true)]
#[command(after_help = "Examples:\n  \
    agent-bridge join agentunited 'https://host/invite?token=…' --as acme\n  \
    agent-bridge run\n  agent-bridge tail\n  agent-bridge send acme 'Hello'")]
pub struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// The heading under which every command's help lists [`Global`].
const PLACES: &str = "Where things are";

/// Where things are, for every command.
#[derive(Clone, Debug, Default, Args)]
pub struct Global {
    /// The config file [default: ~/.config/agent-bridge/config.toml, else /etc/agent-bridge/config.toml]
    #[arg(long, global = true, help_heading = PLACES, value_name = "FILE", env = "AGENT_BRIDGE_CONFIG", hide_env = true)]
    config: Option<PathBuf>,
    /// The directory of the store [default: $STATE_DIRECTORY, else ~/.local/state/agent-bridge]
    #[arg(long, global = true, help_heading = PLACES, value_name = "DIR")]
    state: Option<PathBuf>,
    /// The directory of the sockets [default: $RUNTIME_DIRECTORY, else $XDG_RUNTIME_DIR/agent-bridge]
    #[arg(long, global = true, help_heading = PLACES, value_name = "DIR")]
    runtime: Option<PathBuf>,
    /// The daemon's control.sock
    #[arg(long, global = true, help_heading = PLACES, value_name = "PATH")]
    socket: Option<PathBuf>,
}

impl Global {
    fn load_config(&self) -> Result<Config, Fault> {
        Ok(Config::load(places::config_file(self.config.as_deref()).as_deref())?)
    }

    fn places(&self) -> Result<Places, Fault> {
        Ok(Places::find(self.state.as_deref(), self.runtime.as_deref())?)
    }
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the bridge until it is told to stop
    Run(run::Run),
    /// Look whether config, manifests and store are good, and say what `run` would run
    Check(check::Check),
    /// Take a seat in a workspace
    Join(join::Join),
    /// Give a seat up; its secrets are erased
    Leave(leave::Leave),
    /// How the bridge and its workspaces stand
    Status(status::Status),
    /// Watch the feed
    Tail(tail::Tail),
    /// Say something in a workspace
    Send(send::Send),
    /// Do anything a workspace's platform can
    Act(act::Act),
    /// Read from a workspace's platform: conversations, histories, people, files
    Ask(ask::Ask),
    /// Documents of a workspace: list, add, remove
    Document(document::DocumentCommand),
    /// Consumers: list, add, remove, set, enable, disable, secret
    Consumer(consumer::ConsumerCommand),
    /// Dead letters: list, show, retry, drop
    Dead(dead::DeadCommand),
    /// What became of an action
    Receipt(receipt::Receipt),
    /// Where an event or an action went, with times
    Trace(trace::Trace),
    /// See it work: simulated platforms, people who talk, an agent that answers
    Demo(demo::Demo),
    /// Serve a simulated platform on loopback, to try an agent without an account
    Sim(sim::Sim),
    /// Completions for a shell
    Completions(completions::Completions),
    /// The manual page
    Man(man::Man),
}

/// Reads the arguments, does what they say, and says how it went.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return refuse(&error),
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return report(&Fault::new(exit::SOFTWARE, format!("cannot start: {error}"))),
    };
    let done = runtime.block_on(cli.run());
    // A request that nobody waits for any more must not hold the exit up.
    runtime.shutdown_timeout(std::time::Duration::from_millis(500));
    done.map_or_else(|fault| report(&fault), |()| ExitCode::SUCCESS)
}

/// clap's own words, with the exit code of sysexits.
fn refuse(error: &clap::Error) -> ExitCode {
    // A closed pipe is all that can go wrong here.
    let _ = error.print();
    if error.use_stderr() { ExitCode::from(exit::USAGE) } else { ExitCode::SUCCESS }
}

fn report(fault: &Fault) -> ExitCode {
    if !fault.message.is_empty() {
        let style = clap::builder::Styles::styled();
        let (start, end) = (style.get_error().render(), style.get_error().render_reset());
        anstream::eprintln!("{start}error:{end} {}", fault.message);
    }
    ExitCode::from(fault.code)
}

impl Cli {
    async fn run(self) -> Result<(), Fault> {
        let global = &self.global;
        match self.command {
            Command::Run(command) => command.run(global).await,
            Command::Check(command) => command.run(global).await,
            Command::Join(command) => command.run(global).await,
            Command::Leave(command) => command.run(global).await,
            Command::Status(command) => command.run(global).await,
            Command::Tail(command) => command.run(global).await,
            Command::Send(command) => command.run(global).await,
            Command::Act(command) => command.run(global).await,
            Command::Ask(command) => command.run(global).await,
            Command::Document(command) => command.run(global).await,
            Command::Consumer(command) => command.run(global).await,
            Command::Dead(command) => command.run(global).await,
            Command::Receipt(command) => command.run(global).await,
            Command::Trace(command) => command.run(global).await,
            Command::Demo(command) => command.run().await.map_err(|error| exit::shown(&error)),
            Command::Sim(command) => command.run().await.map_err(|error| exit::shown(&error)),
            Command::Completions(command) => command.run(),
            Command::Man(command) => command.run(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_arguments_fit_together_and_every_command_has_an_example() {
        Cli::command().debug_assert();
        for command in Cli::command().get_subcommands() {
            let help = command.clone().render_long_help().to_string();
            assert!(help.contains("Example"), "{} has no example", command.get_name());
        }
    }
}
