//! One module for each command.

mod build;
mod check;
mod explain;
mod fmt;
mod init;

use crate::args::{Args, Command};
use clap::CommandFactory;
use std::process::ExitCode;

/// Runs the command and gives its exit code.
pub fn run(args: Args) -> ExitCode {
    let format = args.format;
    let done = match args.command {
        Command::Init(init) => init::run(&init),
        Command::Fmt(fmt) => fmt::run(&fmt),
        Command::Check(check) => check::run(&check, format),
        Command::Build(build) => build::run(&build, format),
        Command::Explain(explain) => explain::run(&explain, format),
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Args::command(), "specc", &mut std::io::stdout());
            Ok(ExitCode::SUCCESS)
        }
    };
    done.unwrap_or_else(|failure| failure.report(format))
}
