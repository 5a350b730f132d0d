//! `specc status`

use super::database::{Place, broken, failure};
use crate::args::{Format, Status};
use crate::report::{FINDINGS, Failure, data, say};
use specc_runner::Production;
use std::process::ExitCode;

/// Says what was applied, what is pending and what is wrong.
pub fn run(args: &Status, format: Format) -> Result<ExitCode, Failure> {
    let place = Place::open(&args.place, &args.connection)?;
    let migrations = place.migrations()?;
    let mut session = place.connect().map_err(broken)?;
    let mut report = specc_runner::status(&mut session, &migrations, place.is_supabase()).map_err(failure)?;
    if let Some(Production(why)) = place.production() {
        report.production = Some(why);
    }
    match format {
        Format::Json => data(&serde_json::to_string(&report).unwrap_or_default()),
        Format::Text => report.to_string().trim_end().lines().for_each(say),
    }
    Ok(if args.exit_code && !report.is_clean() { ExitCode::from(FINDINGS) } else { ExitCode::SUCCESS })
}
