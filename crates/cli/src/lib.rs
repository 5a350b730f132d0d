//! The `specc` command line: the file system, the terminal, and nothing else. What a spec means and what comes of it is
//! decided in the other crates, which are pure.

#![allow(clippy::disallowed_methods, clippy::print_stderr, reason = "this crate is the file system and the terminal")]

mod args;
mod commands;
mod config;
mod git;
mod memory;
mod output;
mod pipeline;
mod project;
mod report;

pub use config::Config;

use clap::Parser;
use std::ffi::OsString;
use std::process::ExitCode;

/// Deep but bounded recursion (the parser refuses nesting beyond its limit) has to fit, in debug builds too.
const STACK: usize = 64 * 1024 * 1024;

/// Runs `specc` with these arguments, the program's name first, and gives its exit code: 0 done and clean, 1 findings, 2 bad
/// usage or a broken environment.
pub fn run(args: impl IntoIterator<Item = impl Into<OsString> + Clone>) -> ExitCode {
    let args = match args::Args::try_parse_from(args) {
        Ok(args) => args,
        Err(error) => {
            let text = error.render();
            // A word that is no argument may be an address with a password.
            if error.use_stderr() && text.to_string().contains("//") {
                eprintln!("{}", report::without_passwords(&text.to_string()).trim_end());
            } else {
                let _ = error.print();
            }
            return ExitCode::from(error.exit_code() as u8);
        }
    };
    let _ = rayon::ThreadPoolBuilder::new().stack_size(STACK).build_global();
    let main = std::thread::Builder::new().stack_size(STACK).spawn(move || commands::run(args));
    match main.map(std::thread::JoinHandle::join) {
        Ok(Ok(code)) => report::unwritten().unwrap_or(code),
        _ => ExitCode::from(report::BROKEN),
    }
}
