//! `specc drift`

use super::database::Place;
use super::diff::{as_json, as_text};
use super::stored::Stored;
use crate::args::{Drift, Format};
use crate::pipeline::{self, Compilation};
use crate::project::Project;
use crate::report::{Failure, data, say};
use specc_catalog::Hints;
use specc_introspect::Introspected;
use specc_model::Target;
use specc_postgres::Session;
use specc_verify::Scratch;
use std::process::ExitCode;

/// Says what the database has that the spec has not, and the other way round.
pub fn run(args: &Drift, format: Format) -> Result<ExitCode, Failure> {
    let compilation = pipeline::compile(Project::open(&args.place.project)?, false)?;
    let place = Place::open(&args.place, &args.connection)?;
    let mut session = place.connect().map_err(super::database::broken)?;
    let (live, scratch, wanted) = sides(&compilation, &mut session)?;
    let found = scratch.read_again(&live.catalog, &wanted.catalog);
    let hints = Hints::default();
    let difference = specc_diff::diff(&wanted.catalog, &found, &hints);
    let access = specc_migrate::access_changes(&difference, None);
    if format == Format::Json {
        let mut value = as_json(&difference, None);
        value["access"] = access.iter().map(String::as_str).collect();
        value["invalid_indexes"] = live.invalid_indexes.iter().map(ToString::to_string).collect();
        data(&value.to_string());
    } else {
        as_text(&difference);
        if !difference.is_empty() {
            say(&format!("access in the database, compared with the spec: {}", access.join("; ")));
        }
        for index in &live.invalid_indexes {
            say(&format!("! {index} is invalid: a concurrent build was interrupted; `specc apply` rebuilds it"));
        }
    }
    if difference.is_empty() && live.invalid_indexes.is_empty() {
        eprintln!("no drift: the database is as the spec says");
        return Ok(ExitCode::SUCCESS);
    }
    eprintln!(
        "{} objects differ (+ only in the database, - only in the spec, ~ in both, but different)",
        difference.len()
    );
    Ok(ExitCode::from(crate::report::FINDINGS))
}

/// What is there, the server that spells expressions as that one does, and what should be there as it spells it.
///
/// # Errors
/// Where the database cannot be read, or this machine has no Postgres.
pub fn sides(
    compilation: &Compilation,
    session: &mut Session,
) -> Result<(Introspected, Scratch, Introspected), Failure> {
    let broken = |error: &dyn std::fmt::Display| Failure::broken(error.to_string());
    let live = specc_introspect::introspect(session, &specc_introspect::Options::default());
    let live = live.map_err(|error| broken(&error))?;
    // Both sides as Postgres says them: it spells expressions in its own way.
    let major = live.server_version / 10_000;
    let scratch = super::scratch_like(major, compilation.model.options.target == Target::Supabase);
    let scratch = scratch.map_err(|error| broken(&error))?;
    if scratch.major() != major {
        eprintln!(
            "warning: the database is Postgres {major}, and this machine has {}: expressions may be spelled differently",
            scratch.major()
        );
    }
    let stored = Stored::read(&compilation.root, &compilation.config)?;
    let last = stored.map(|stored| stored.catalog()).transpose()?;
    let kept = compilation.with_kept(last.as_ref());
    let wanted = scratch.canonical(&kept).map_err(|error| broken(&error))?;
    Ok((live, scratch, wanted))
}
