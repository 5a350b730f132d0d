//! One module for each command.

mod access;
mod apply;
mod audit;
mod backup;
mod before;
mod bench;
mod bench_measured;
mod build;
mod check;
mod database;
mod deploy;
mod diff;
mod docs;
mod drift;
mod drill;
mod explain;
mod flows;
mod fmt;
mod init;
mod lint;
mod live;
mod merge_file;
mod monitoring;
mod package;
mod prove;
mod pull;
mod rebase;
mod requirements;
mod reset;
mod restore;
mod seed;
mod smoke;
mod status;
mod stored;
mod test;
mod tested;
mod trying;
mod types;
mod verify;
mod why;
mod widening;

use crate::args::{Args, Command, Format, OnScratch};
use crate::report::{self, Failure};
use clap::CommandFactory;
use specc_postgres::Address;
use specc_verify::{Scratch, ScratchError, Server};
use std::process::ExitCode;

/// A private server to run on what the project says; of the version that somebody asks for. Says on stderr where the kernel does not confine it.
///
/// # Errors
/// Where the machine has no Postgres that can be started.
fn scratch(asked: Option<u32>, platform: bool) -> Result<Scratch, ScratchError> {
    // What is asked of one version says nothing of another.
    told(asked.map_or_else(|| Scratch::start(None, platform), |major| Scratch::exactly(major, platform))?)
}

fn told(scratch: Scratch) -> Result<Scratch, ScratchError> {
    if let Some(lacks) = scratch.lacks() {
        eprintln!("note: the scratch server has {lacks} (docs/security.md)");
    }
    Ok(scratch)
}

/// A private server for what comes from a server of this version: the nearest that there is.
///
/// # Errors
/// Where the machine has no Postgres that can be started.
fn scratch_near(major: Option<u32>, platform: bool) -> Result<Scratch, ScratchError> {
    told(Scratch::start(major, platform)?)
}

/// A private server to compare a database with, which has what such a database has by itself.
///
/// # Errors
/// Where the machine has no Postgres that can be started.
fn scratch_like(major: u32, platform: bool) -> Result<Scratch, ScratchError> {
    if platform {
        return scratch_near(Some(major), true);
    }
    told(Scratch::start_bare(Some(major))?)
}

/// The server for scratch databases that the arguments ask for.
///
/// # Errors
/// Where there is none.
fn server(args: &OnScratch, with_platform: bool) -> Result<Server, Failure> {
    let broken = |error: ScratchError| Failure::broken(error.to_string());
    let Some(url) = &args.scratch_url else {
        return Ok(Server::Private(scratch(args.postgres, with_platform).map_err(broken)?));
    };
    let address = Address::resolve(Some(url), |name| std::env::var(name).ok());
    let address = address.map_err(|error| Failure::broken(format!("--scratch-url: {error}")))?;
    let server = Server::Named(Box::new(address), with_platform);
    if let Some(role) = server.superuser().map_err(broken)? {
        eprintln!(
            "warning: `{role}` is a superuser of that server: what this project says can run programs on its machine and read \
             its files; without `--scratch-url`, or with a role that is no superuser, it cannot"
        );
    }
    Ok(server)
}

/// A command does not write the format that is asked for.
fn not_written(command: &str, forms: &str) -> Failure {
    Failure::broken(format!("`specc {command}` writes {forms}"))
}

/// Runs the command and gives its exit code.
pub fn run(args: Args) -> ExitCode {
    if let Command::Lint(lint) = &args.command {
        let format = args.format.format().unwrap_or(Format::Text);
        return lint::run(lint, args.format).unwrap_or_else(|failure| failure.report(format));
    }
    if let Command::Test(test) = &args.command {
        let format = args.format.format().unwrap_or(Format::Text);
        return test::run(test, args.format).unwrap_or_else(|failure| failure.report(format));
    }
    if let Command::Prove(prove) = &args.command {
        let format = args.format.format().unwrap_or(Format::Text);
        return prove::run(prove, args.format).unwrap_or_else(|failure| failure.report(format));
    }
    if let Command::Flows(flows) = &args.command {
        let format = args.format.format().unwrap_or(Format::Text);
        return flows::run(flows, args.format).unwrap_or_else(|failure| failure.report(format));
    }
    if let Command::Audit(audit) = &args.command {
        let format = args.format.format().unwrap_or(Format::Text);
        return audit::run(audit, args.format).unwrap_or_else(|failure| failure.report(format));
    }
    if let Command::Smoke(smoke) = &args.command {
        let format = args.format.format().unwrap_or(Format::Text);
        return smoke::run(smoke, args.format).unwrap_or_else(|failure| failure.report(format));
    }
    let Some(format) = args.format.format() else {
        return Failure::broken(
            "only `specc lint`, `specc flows`, `specc test`, `specc smoke`, `specc prove` and `specc audit` can write such a format; \
             the others write text and json",
        )
        .report(Format::Text);
    };
    let done = match args.command {
        Command::Init(init) => init::run(&init),
        Command::Fmt(fmt) => fmt::run(&fmt),
        Command::Check(check) => check::run(&check, format),
        Command::Build(build) => build::run(&build, format),
        Command::Rebase(rebase) => rebase::run(&rebase, format),
        Command::MergeFile(files) => merge_file::run(&files),
        Command::Pull(pull) => pull::run(&pull, format),
        Command::Drift(drift) => drift::run(&drift, format),
        Command::Why(why) => why::run(&why, format),
        Command::Docs(docs) => docs::run(&docs, format),
        Command::Types(types) => types::run(&types, format),
        Command::Monitoring(monitoring) => monitoring::run(&monitoring, format),
        Command::Diff(diff) => diff::run(&diff, format),
        Command::Apply(apply) => apply::run(&apply, format),
        Command::Status(status) => status::run(&status, format),
        Command::Reset(reset) => reset::run(&reset, format),
        Command::Seed(args) => seed::run(&args, format),
        Command::Backup(backup) => backup::run(&backup, format),
        Command::Restore(restore) => restore::run(&restore, format),
        Command::Deploy(args) => deploy::run(&args, format),
        Command::Rollback(args) => deploy::rollback::run(&args, format),
        Command::Promote(args) => deploy::promote(&args, format),
        Command::Plan(args) => requirements::run(&args, format),
        Command::Drill(drill) => drill::run(&drill, format),
        Command::Lint(_)
        | Command::Flows(_)
        | Command::Test(_)
        | Command::Smoke(_)
        | Command::Prove(_)
        | Command::Audit(_) => Ok(ExitCode::SUCCESS),
        Command::Bench(bench) => bench::run(&bench, format),
        Command::Verify(verify) => verify::run(&verify, format),
        Command::Explain(explain) => explain::run(&explain, format),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Args::command(), "specc", &mut script);
            report::data(String::from_utf8_lossy(&script).trim_end());
            Ok(ExitCode::SUCCESS)
        }
    };
    done.unwrap_or_else(|failure| failure.report(format))
}
