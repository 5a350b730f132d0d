//! `specc apply`

use super::database::{Place, failure, summary, tell};
use super::{backup, before};
use crate::args::{Apply, Format};
use crate::report::{Failure, plural, say};
use specc_postgres::Session;
use specc_runner::{Applied, Options, Ran, Scope};
use std::process::ExitCode;
use std::time::Duration;

/// Runs what is pending, or takes back what came later.
pub fn run(args: &Apply, format: Format) -> Result<ExitCode, Failure> {
    let place = Place::open(&args.place, &args.connection)?;
    let migrations = place.migrations()?;
    for name in &migrations.ignored {
        eprintln!("warning: {name} is not a migration: its name is not a stamp, `_`, a name and `.sql`");
    }
    let options = Options {
        to: args.to.clone(),
        down_to: args.down_to.clone(),
        abandon: args.abandon,
        edited: place.recorded(&migrations)?,
        allow_edited: args.allow_edited,
        approve: args.approve.as_ref().map(|hash| hash.trim().to_lowercase()),
        dry_run: args.dry_run,
        adopt: args.adopt,
        out_of_order: args.out_of_order,
        allow_production: args.allow_production,
        allow_data_loss: args.allow_data_loss,
        production: place.production(),
        supabase: place.is_supabase(),
        wait: Duration::from_secs(args.wait),
        lock_timeout: Duration::from_secs_f64(args.lock_timeout),
        lock_retries: args.lock_retries,
        mark_done: args.mark_done.clone(),
        run_again: args.run_again.clone(),
        specc: env!("CARGO_PKG_VERSION").into(),
        ..Options::default()
    };
    let connect = || place.connect();
    if args.backup && !args.dry_run {
        let dry = Options { dry_run: true, ..options.clone() };
        let would = specc_runner::apply(&connect, &migrations, &dry, &mut |_| Ok(()), &tell).map_err(failure)?;
        if !would.ran.is_empty() {
            let file = backup::file_name(&place, Scope::Whole);
            backup::write(&place, &file, Scope::Whole, &[], None)?;
            eprintln!("backed up to {}", file.display());
        }
    }
    let mut before = |session: &mut Session| match (args.adopt, args.check_drift) {
        (true, _) => before::is_made_already(session, &place, &migrations, &options),
        (_, true) => before::no_drift(session, &place, &migrations, &options),
        _ => Ok(()),
    };
    let done = specc_runner::apply(&connect, &migrations, &options, &mut before, &tell).map_err(failure)?;
    if format == Format::Json {
        summary(format, &done, "");
        return Ok(ExitCode::SUCCESS);
    }
    if args.dry_run {
        for ran in &done.ran {
            say(&line(ran));
        }
        if !done.plan.is_empty() {
            say(&format!("hash {}", done.plan));
        }
    }
    eprintln!("{}", words(&done, &place.address.to_string()));
    Ok(ExitCode::SUCCESS)
}

fn line(ran: &Ran) -> String {
    let how = if ran.transaction { "in one transaction" } else { "step by step" };
    let mut line = format!("{}_{}: {} {how}", ran.stamp, ran.name, plural(ran.steps, "statement"));
    for loss in &ran.loses {
        line += &format!("\n  loses {loss}");
    }
    line
}

fn words(done: &Applied, place: &str) -> String {
    if !done.adopted.is_empty() && done.ran.is_empty() {
        let files = plural(done.adopted.len(), "migration");
        return format!("{place}: took over {files} that it had already; nothing was run");
    }
    let files = plural(done.ran.len(), "migration");
    match (done.ran.is_empty(), done.dry_run, done.down) {
        (true, _, false) => format!("{place}: nothing to apply"),
        (true, _, true) => format!("{place}: nothing to take back"),
        (false, true, false) => format!("{place}: would apply {files}; nothing was changed"),
        (false, true, true) => format!("{place}: would take back {files}; nothing was changed"),
        (false, false, false) => format!("{place}: applied {files}"),
        (false, false, true) => format!("{place}: took back {files}"),
    }
}
