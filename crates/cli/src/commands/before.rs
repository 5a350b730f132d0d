//! Whether a database is as migrations make it: looked at before more of them run, and before some are taken as applied.

use super::database::Place;
use super::stored::Stored;
use specc_catalog::{Catalog, Hints};
use specc_introspect::introspect;
use specc_postgres::Session;
use specc_runner::{Migrations, Options, Refused, State};

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
    let report = specc_runner::status(session, migrations, options.supabase)
        .map_err(|error| unknown(&error, "--check-drift"))?;
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
    match differences(session, place, migrations, Some(last)) {
        Ok(None) => Ok(()),
        Ok(Some(what)) => Err(Refused::new(format!("the database is not as its migrations left it: {what}")).help(
            "put what is intended into the spec (`specc drift` compares with it), undo the rest, then apply; nothing was run",
        )),
        Err(error) => Err(unknown(&error, "--check-drift")),
    }
}

/// Makes all migrations that are to be taken over in a scratch database, and compares.
///
/// # Errors
/// What differs: the database has not what they make.
pub fn is_made_already(
    session: &mut Session,
    place: &Place,
    migrations: &Migrations,
    options: &Options,
) -> Result<(), Refused> {
    match differences(session, place, migrations, options.to.clone()) {
        Ok(None) => Ok(()),
        Ok(Some(what)) => Err(Refused::new(format!("the database differs from what the migrations make: {what}"))
            .help(
                "bring the spec to what is there (`specc pull`), or the database to the spec; nothing was taken over",
            )),
        Err(error) => Err(unknown(&error, "--adopt")),
    }
}

/// Compares a database in which nothing of the project is with one that is new.
///
/// # Errors
/// What is there: it would be drift from the first migration on.
pub fn is_new(session: &mut Session, place: &Place) -> Result<(), Refused> {
    let mut differences = || -> Result<Vec<String>, Box<dyn std::error::Error>> {
        let live = introspect(session, &specc_introspect::Options::default())?;
        let scratch = super::scratch_like(live.server_version / 10_000, place.is_supabase())?;
        let made: Result<Catalog, Box<dyn std::error::Error>> = scratch.within(|| {
            let (_database, mut session) = scratch.database()?;
            Ok(introspect(&mut session, &specc_introspect::Options::default())?.catalog)
        });
        let made = made?;
        let found = scratch.read_again(&live.catalog, &made);
        let hints = Hints::default();
        let difference = specc_diff::diff(&made, &found, &hints);
        Ok(specc_diff::lines(&difference).iter().take(20).map(|line| format!("\n  {line}")).collect())
    };
    match differences() {
        Ok(lines) if lines.is_empty() => Ok(()),
        Ok(lines) => Err(Refused::new(format!("there is what no migration of this project made:{}", lines.concat())).help(
            "put what is intended into the spec (`specc pull` writes one), and take the rest out of the database, or use another one",
        )),
        Err(error) => Err(Refused::new(format!("the database cannot be compared with a new one: {error}"))),
    }
}

fn unknown(error: &dyn std::fmt::Display, flag: &str) -> Refused {
    Refused::new(format!("the database cannot be compared with its migrations: {error}"))
        .help(format!("repair that, or leave out `{flag}`"))
}

/// Whether a step asks for rights that only a superuser has, or somebody else.
fn is_denied(error: &specc_runner::Error) -> bool {
    matches!(error, specc_runner::Error::Failed(failed) if failed.said.code == "42501")
}

/// The role that a step names and the server has not.
fn lacks_role(error: &specc_runner::Error) -> Option<&str> {
    match error {
        specc_runner::Error::Failed(failed) => specc_verify::missing_role(&failed.said.message),
        _ => None,
    }
}

/// How the database differs from what the migrations up to `last` make in a scratch database.
fn differences(
    session: &mut Session,
    place: &Place,
    migrations: &Migrations,
    last: Option<String>,
) -> Result<Option<String>, Box<dyn std::error::Error>> {
    let live = introspect(session, &specc_introspect::Options::default())?;
    let scratch = super::scratch_like(live.server_version / 10_000, place.is_supabase())?;
    // What the build keeps of all migrations together, where it is whole.
    let newest = migrations.all.last().map(|migration| migration.stamp.as_str());
    let stored = match last.as_deref() {
        Some(last) if Some(last) < newest => None,
        _ => Stored::read(&place.root, &place.config).ok().flatten().and_then(|stored| stored.catalog().ok()),
    };
    let again = Options { to: last, production: None, ..Options::default() };
    let make = || -> Result<Catalog, Box<dyn std::error::Error>> {
        let (database, mut wanted) = scratch.database()?;
        specc_runner::apply(&|| database.connect(), migrations, &again, &mut |_| Ok(()), &|_| {})?;
        let mut made = introspect(&mut wanted, &specc_introspect::Options::default())?.catalog;
        stored.iter().for_each(|stored| specc_verify::own(&mut made, stored));
        Ok(made)
    };
    let made = loop {
        let made = scratch.within(make);
        match made.as_ref().err().and_then(|error| error.downcast_ref()).and_then(lacks_role) {
            // Roles that are others' are the server's: the scratch server may not have them yet.
            Some(role) => scratch.role(role)?,
            None => break made,
        }
    };
    let wanted = match (made, stored) {
        (Err(error), Some(stored)) if error.downcast_ref().is_some_and(is_denied) => {
            crate::report::note(&format!(
                "note: the owner of a scratch database may not run these migrations, so the database is compared with what the \
                 last build says that they make; `specc verify` compares the two\n  {}",
                error.to_string().lines().next().unwrap_or_default()
            ));
            scratch.canonical(&stored)?.catalog
        }
        (made, _) => made?,
    };
    let found = scratch.read_again(&live.catalog, &wanted);
    let hints = Hints::default();
    let difference = specc_diff::diff(&wanted, &found, &hints);
    if difference.is_empty() {
        return Ok(None);
    }
    let lines: Vec<String> = specc_diff::lines(&difference).iter().take(20).map(|line| format!("\n  {line}")).collect();
    Ok(Some(format!(
        "{} objects differ (+ only in the database, - only in the migrations){}",
        difference.len(),
        lines.concat()
    )))
}
