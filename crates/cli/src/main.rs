//! The `specc` command line: the file system, the terminal, and nothing else. What a spec means and what comes of it is
//! decided in the other crates, which are pure.

mod args;
mod commands;
mod config;
mod output;
mod pipeline;
mod project;
mod report;

use clap::Parser;
use std::process::ExitCode;

/// Deep but bounded recursion (the parser refuses nesting beyond its limit) has to fit, in debug builds too.
const STACK: usize = 64 * 1024 * 1024;

fn main() -> ExitCode {
    let args = args::Args::parse();
    let _ = rayon::ThreadPoolBuilder::new().stack_size(STACK).build_global();
    let main = std::thread::Builder::new().stack_size(STACK).spawn(move || commands::run(args));
    match main.map(std::thread::JoinHandle::join) {
        Ok(Ok(code)) => code,
        _ => ExitCode::from(report::BROKEN),
    }
}
