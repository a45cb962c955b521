//! Arguments in, exit code out.

use std::process::ExitCode;

fn main() -> ExitCode {
    agent_bridge::cli::main()
}
