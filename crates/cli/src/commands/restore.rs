//! `specc restore`

use super::backup::beside;
use super::database::{Place, broken, failure, summary, tell};
use crate::args::{Format, Restore};
use crate::report::{Failure, plural};
use specc_runner::{Manifest, RestoreOptions, TableOptions};
use std::process::ExitCode;
use std::time::Duration;

/// Restores a backup, or one table of it, and compares what came back.
pub fn run(args: &Restore, format: Format) -> Result<ExitCode, Failure> {
    let place = Place::open(&args.place, &args.connection)?;
    let path = beside(&args.file);
    let text = std::fs::read_to_string(&path).map_err(|error| {
        Failure::broken(format!(
            "cannot read {}: {error}; `specc backup` writes it next to the dump; without it a restore cannot be checked",
            path.display()
        ))
    })?;
    let manifest = Manifest::from_json(&text).map_err(failure)?;
    let mut session = place.connect().map_err(broken)?;
    let wait = Duration::from_secs(args.wait);
    if let Some(table) = &args.table {
        let options = TableOptions {
            table: table.clone(),
            into: args.into.clone(),
            clean: args.clean,
            allow_production: args.allow_production,
            production: place.production(),
            wait,
        };
        let done =
            specc_runner::restore_table(&mut session, &args.file, &manifest, &options, &tell).map_err(failure)?;
        let words = format!(
            "{}: {} rows of the backup in {}, {} put back, {} deleted, {} newer ones kept",
            place.address, done.rows, done.table, done.changed, done.deleted, done.newer
        );
        summary(format, &done, &words);
        return Ok(ExitCode::SUCCESS);
    }
    let options = RestoreOptions {
        clean: args.clean,
        allow_production: args.allow_production,
        production: place.production(),
        no_owner: args.no_owner,
        wait,
    };
    let done =
        specc_runner::restore(&mut session, &place.address, &args.file, &manifest, &options, &tell).map_err(failure)?;
    let words = format!(
        "{}: restored from {}, taken {}; {} and {} rows are as they were",
        place.address,
        args.file.display(),
        manifest.taken,
        plural(done.tables, "table"),
        done.rows
    );
    summary(format, &done, &words);
    Ok(ExitCode::SUCCESS)
}
