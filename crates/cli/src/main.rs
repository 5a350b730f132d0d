//! The `specc` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    specc::run(std::env::args_os())
}
