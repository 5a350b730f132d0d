//! The program, as tests run it.

use std::path::Path;
use std::process::Command;

/// Runs it in a folder: its exit code, stdout and stderr. Nothing around it names a project or a database.
pub fn run(dir: &Path, args: &[&str]) -> (i32, String, String) {
    run_with(dir, args, &[])
}

/// As `run`, with these variables.
pub fn run_with(dir: &Path, args: &[&str], variables: &[(&str, &str)]) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_specc"));
    let command = command.args(args).current_dir(dir).env("NO_COLOR", "1");
    let out = command
        .env_remove("SPECC_PROJECT")
        .env_remove("DATABASE_URL")
        .envs(variables.iter().copied())
        .output()
        .expect("it runs");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    (out.status.code().expect("no signal ended it"), text(out.stdout), text(out.stderr))
}
