//! `specc diff`

use super::build::refused;
use super::stored::Stored;
use super::widening;
use crate::args::{Diff, Format};
use crate::pipeline::{self, Clock, Compilation};
use crate::project::Project;
use crate::report::{Failure, data, plural, say};
use specc_catalog::{Catalog, Hints, Kind};
use specc_diff::{Difference, Line};
use specc_introspect::Introspected;
use specc_migrate::MigrationError;
use specc_migrate::{Arena, ChangeOptions, plan_change};
use specc_model::Target;
use specc_postgres::Address;
use specc_verify::Scratch;
use std::path::Path;
use std::process::ExitCode;

/// One side.
struct Side {
    catalog: Catalog,
    hints: Hints,
    /// As this major version of Postgres says it.
    live: Option<u32>,
}

/// What is known of a side before the other is.
enum Read {
    Whole(Box<Side>),
    Stored(Stored),
}

impl Read {
    fn whole(self) -> Result<Side, Failure> {
        match self {
            Read::Whole(side) => Ok(*side),
            Read::Stored(stored) => Ok(plain(stored.catalog()?)),
        }
    }
}

fn plain(catalog: Catalog) -> Side {
    Side { catalog, hints: Hints::default(), live: None }
}

/// Both sides as far as they are not written alike, where that is all that counts: a rename touches whatever mentions it,
/// a seed's rows may have come from another seed, and a database speaks its own dialect.
fn without_what_is_alike(stored: Stored, mut to: Side) -> Result<(Side, Side), Failure> {
    let has_seed = |catalog: &Catalog| catalog.iter().any(|(id, _)| id.kind == Kind::Seed);
    if to.live.is_none()
        && to.hints.renames.is_empty()
        && let Some((old, new)) = stored.apart(&to.catalog)
        && !has_seed(&old)
        && !has_seed(&new)
    {
        // As after a build: the process ends soon.
        std::mem::forget((std::mem::replace(&mut to.catalog, new), stored));
        return Ok((plain(old), to));
    }
    Ok((plain(stored.catalog()?), to))
}

/// Says what differs.
pub fn run(args: &Diff, format: Format) -> Result<ExitCode, Failure> {
    let mut clock = Clock::start();
    // A plan is made over whole catalogs.
    let plans = args.sql || format == Format::Json;
    // Both sides are read at once: the stored catalog is as large as the spec.
    let (from, to) = rayon::join(
        || read(&args.from, args, plans),
        || match &args.to {
            Some(to) => read(to, args, plans),
            None => spec(&args.place.project).map(|side| Read::Whole(Box::new(side))),
        },
    );
    let (mut from, mut to) = match (from?, to?) {
        (Read::Stored(stored), Read::Whole(to)) => without_what_is_alike(stored, *to)?,
        (from, to) => (from.whole()?, to.whole()?),
    };
    if let (Some(major), None) | (None, Some(major)) = (from.live, to.live) {
        // Both as Postgres says them, and the same one: each spells expressions in its own way.
        let other = if to.live.is_none() { &mut to } else { &mut from };
        let found = scratch(args, Some(major))?
            .canonical(&other.catalog)
            .map_err(|error| Failure::broken(error.to_string()))?;
        other.catalog = found.catalog;
    }
    let mut timings = vec![clock.lap("read both")];
    // Whether names have changed places already is told by a stored state alone.
    let said = if from.live.is_some() { to.hints.clone() } else { from.catalog.said.clone() };
    let hints = to.hints.since(&said);
    let difference = specc_diff::diff(&from.catalog, &to.catalog, &hints);
    timings.push(clock.lap("compare"));
    let arena = Arena::new();
    let options = ChangeOptions { offline: args.offline_ok, one: false };
    let plan = if difference.is_empty() || !plans {
        None
    } else {
        let plan = plan_change(&difference, &hints, &arena, options);
        Some(plan.map_err(|error| refused(MigrationError::Change(error)))?)
    };
    timings.push(clock.lap("plan"));
    let sql = plan.as_ref().map(|plan| {
        let mut out = String::new();
        plan.statements().for_each(|statement| specc_sql::print(statement, &mut out));
        out
    });
    let access = match specc_migrate::touches_access(&difference) {
        true => widening::between(&from.catalog.spec, &to.catalog.spec).lines,
        false => Vec::new(),
    };
    match format {
        Format::Json => {
            let mut said = as_json(&difference, sql.as_deref());
            said["access"] = access.as_slice().into();
            data(&said.to_string());
        }
        Format::Text if args.sql => data(sql.as_deref().unwrap_or_default().trim_end()),
        Format::Text => as_text(&difference),
    }
    if format == Format::Text && !args.sql {
        access.iter().for_each(|line| say(line));
    }
    if difference.is_empty() {
        eprintln!("nothing differs");
    }
    for candidate in &difference.rename_candidates {
        eprintln!(
            "`{}` looks like `{}` renamed: if it is, write `was {}` after its new name",
            candidate.new,
            candidate.gone,
            candidate.gone.name()
        );
    }
    if args.timings {
        super::build::show_timings(&timings);
    }
    let code = ExitCode::from(u8::from(args.exit_code && !difference.is_empty()));
    // As after a build: the process ends here.
    std::mem::forget((from, to));
    Ok(code)
}

/// A line for each object, and for each attribute that differs.
pub fn as_text(difference: &Difference<'_>) {
    for mut line in specc_diff::lines(difference) {
        let attributes = std::mem::take(&mut line.attributes);
        say(&line.to_string());
        attributes.iter().for_each(|attribute| say(&format!("    {attribute}")));
    }
    for change in &difference.rows {
        let (sign, table) = (if change.put { '+' } else { '-' }, &change.seed.table);
        say(&format!("{sign} {} of {}.{}", plural(change.seed.rows.len(), "seed row"), table.schema, table.name));
    }
}

/// The same as JSON.
pub fn as_json(difference: &Difference<'_>, sql: Option<&str>) -> serde_json::Value {
    let object = |line: Line| {
        let attributes: Vec<_> = line
            .attributes
            .iter()
            .map(|attribute| serde_json::json!({ "path": attribute.path, "from": attribute.from, "to": attribute.to }))
            .collect();
        serde_json::json!({
            "sign": line.sign.char().to_string(), "object": line.id.to_string(), "to": line.to, "attributes": attributes,
        })
    };
    let rows = |put: bool| -> usize {
        difference.rows.iter().filter(|change| change.put == put).map(|change| change.seed.rows.len()).sum()
    };
    serde_json::json!({
        "changes": specc_diff::lines(difference).into_iter().map(object).collect::<Vec<_>>(),
        "rows_put": rows(true), "rows_taken": rows(false),
        "sql": sql,
    })
}

/// `last`, a database URL, a file of SQL, or a project folder.
fn read(what: &str, args: &Diff, plans: bool) -> Result<Read, Failure> {
    let broken = |error: &dyn std::fmt::Display| Failure::broken(error.to_string());
    let live = |found: Introspected| {
        let side = Side { live: Some(found.server_version / 10_000), ..plain(found.catalog) };
        Ok(Read::Whole(Box::new(side)))
    };
    if what == "last" {
        let (root, config) = crate::project::settings(&args.place.project)?;
        let Some(stored) = Stored::read(&root, &config)? else {
            return Ok(Read::Whole(Box::new(plain(Catalog::new()))));
        };
        return if plans { Ok(Read::Whole(Box::new(plain(stored.catalog()?)))) } else { Ok(Read::Stored(stored)) };
    }
    // What is meant as an address is not repeated as a path: there may be a password in it.
    if what.contains("//") || what.contains(['@', '=']) && !Path::new(what).exists() {
        let address = Address::resolve(Some(what), |name| std::env::var(name).ok()).map_err(|error| broken(&error))?;
        let mut session = address.connect().map_err(|error| broken(&error))?;
        let found = specc_introspect::introspect(&mut session, &specc_introspect::Options::default());
        return live(found.map_err(|error| broken(&error))?);
    }
    if what.ends_with(".sql") {
        let text =
            std::fs::read_to_string(what).map_err(|error| Failure::broken(format!("cannot read {what}: {error}")))?;
        return live(scratch(args, None)?.load_dump(&specc_split::dump(&text)).map_err(|error| broken(&error))?);
    }
    spec(Path::new(what)).map(|side| Read::Whole(Box::new(side)))
}

/// A server to ask, with the platform if the project is for one.
fn scratch(args: &Diff, major: Option<u32>) -> Result<Scratch, Failure> {
    let platform = crate::project::settings(&args.place.project)
        .is_ok_and(|(_, config)| config.options().target == Target::Supabase);
    super::scratch_near(major, platform).map_err(|error| Failure::broken(error.to_string()))
}

fn spec(folder: &Path) -> Result<Side, Failure> {
    let Compilation { catalog, hints, model, sources, .. } = pipeline::compile(Project::open(folder)?, false)?;
    // Freeing millions of small objects takes longer than it is worth.
    std::mem::forget((model, sources));
    Ok(Side { catalog, hints, live: None })
}
