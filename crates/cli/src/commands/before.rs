//! Whether a database is as its applied migrations left it: looked at before more of them run.

use super::database::Place;
use specc_catalog::Hints;
use specc_introspect::introspect;
use specc_postgres::Session;
use specc_runner::{Migrations, Options, Refused, State};
use specc_verify::Scratch;

/// Makes the applied migrations once more in a scratch database, and compares.
///
/// # Errors
/// What differs: somebody changed the database by hand since.
pub fn no_drift(
    session: &mut Session,
    place: &Place,
    migrations: &Migrations,
    options: &Options,
) -> Result<(), Refused> {
    let cannot = |error: &dyn std::fmt::Display| {
        Refused::new(format!("whether the database drifted cannot be found out: {error}"))
            .help("repair that, or leave out `--check-drift`")
    };
    let report = specc_runner::status(session, migrations, options.supabase).map_err(|error| cannot(&error))?;
    // In the middle of a migration nothing is as any file left it.
    if report
        .migrations
        .iter()
        .any(|entry| matches!(entry.state, State::Interrupted | State::Reverting | State::Running))
    {
        return Ok(());
    }
    let applied = report.migrations.iter().filter(|entry| entry.state == State::Applied);
    let Some(last) = applied.map(|entry| entry.stamp.clone()).max() else { return Ok(()) };
    let live = introspect(session, &specc_introspect::Options::default()).map_err(|error| cannot(&error))?;
    let scratch = Scratch::start(Some(live.server_version / 10_000), place.is_supabase());
    let (database, mut wanted) = scratch.and_then(|scratch| scratch.database()).map_err(|error| cannot(&error))?;
    let again = Options { to: Some(last), production: None, ..Options::default() };
    specc_runner::apply(&|| database.connect(), migrations, &again, &mut |_| Ok(()), &|_| {})
        .map_err(|error| cannot(&error))?;
    let wanted = introspect(&mut wanted, &specc_introspect::Options::default()).map_err(|error| cannot(&error))?;
    let hints = Hints::default();
    let difference = specc_diff::diff(&wanted.catalog, &live.catalog, &hints);
    if difference.is_empty() {
        return Ok(());
    }
    let lines: Vec<String> = specc_diff::lines(&difference).iter().take(20).map(|line| format!("\n  {line}")).collect();
    Err(Refused::new(format!(
        "the database is not as its migrations left it: {} objects differ (+ only in the database, - only in the migrations){}",
        difference.len(),
        lines.concat()
    ))
    .help("take into the spec what is right (`specc drift` compares with it), undo what is not, then apply; nothing was run"))
}
