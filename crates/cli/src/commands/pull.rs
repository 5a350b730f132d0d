//! `specc pull`

use crate::args::{Connection, Format, Pull, PullFrom, PullTarget};
use crate::output::{self, File};
use crate::project::{self, CONFIG, Project};
use crate::report::{Failure, data, note, plural};
use specc_catalog::Catalog;
use specc_import::Tool;
use specc_introspect::{Introspected, LeftOut, introspect};
use specc_model::Target;
use specc_pull::{Options, Pulled, pull};
use specc_split::Dump;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Writes a database as a spec.
pub fn run(args: &Pull, format: Format) -> Result<ExitCode, Failure> {
    if args.out.join(CONFIG).exists() {
        return Err(Failure::broken(format!(
            "{} has a project in it already; name a new folder with `--out`",
            args.out.display()
        )));
    }
    let (found, name) = match args.from {
        Some(tool) => imported(args, tool)?,
        None => read(args.sql.as_deref(), args.target, &args.connection)?,
    };
    let name = args.name.clone().unwrap_or(name);
    let pulled = written(&found, name, target(args.target, &found, args.from.is_none()))?;
    let toml = [(CONFIG.to_owned(), pulled.toml.clone())];
    let files = toml.into_iter().chain(pulled.files.iter().cloned());
    output::write(&args.out, files.map(|(path, contents)| File { path: path.into(), contents }))?;
    summary(args, format, &found, &pulled);
    Ok(ExitCode::SUCCESS)
}

/// What the spec is for; a database says it itself, and so does a dump of one.
fn target(asked: Option<PullTarget>, found: &Introspected, says: bool) -> Target {
    match asked {
        Some(PullTarget::Supabase) => Target::Supabase,
        None if found.supabase && says => Target::Supabase,
        Some(PullTarget::Postgres) | None => Target::Postgres,
    }
}

/// The catalog as a spec.
fn written(found: &Introspected, name: String, target: Target) -> Result<Pulled, Failure> {
    let pulled = pull(&found.catalog, &Options::new(name, target));
    match pulled.problems.first() {
        None => Ok(pulled),
        Some(problem) => Err(Failure::broken(format!(
            "specc cannot write this database as a spec, which is a fault of specc: {problem}"
        ))),
    }
}

/// The project that a pull of a database, or of a file of SQL, would write. Nothing is written.
///
/// # Errors
/// As `specc pull`.
pub fn in_memory(sql: Option<&Path>, asked: Option<PullTarget>, connection: &Connection) -> Result<Project, Failure> {
    let (found, name) = read(sql, asked, connection)?;
    let pulled = written(&found, name, target(asked, &found, true))?;
    Project::of(pulled.toml, pulled.files)
}

/// The catalog of a database, or of what a file of SQL makes, and what it is for. Nothing is written.
///
/// # Errors
/// As `specc pull`.
pub fn catalog(
    sql: Option<&Path>,
    asked: Option<PullTarget>,
    connection: &Connection,
) -> Result<(Catalog, Target), Failure> {
    let (found, _) = read(sql, asked, connection)?;
    let target = target(asked, &found, true);
    Ok((found.catalog, target))
}

/// The catalog, and what the database is called.
fn read(
    sql: Option<&Path>,
    target: Option<PullTarget>,
    connection: &Connection,
) -> Result<(Introspected, String), Failure> {
    let broken = |error: &dyn std::fmt::Display| Failure::broken(error.to_string());
    if let Some(file) = sql {
        let text = std::fs::read_to_string(file)
            .map_err(|error| Failure::broken(format!("cannot read {}: {error}", file.display())))?;
        let dump = specc_split::dump(&text);
        let platform = match target {
            Some(target) => target == PullTarget::Supabase,
            None => is_of_supabase(&dump),
        };
        let scratch = super::scratch_near(dump.major, platform).map_err(|error| broken(&error))?;
        let mut found = scratch.load_dump(&dump).map_err(|error| broken(&error))?;
        if dump.copies > 0 {
            let why = "a spec keeps rows as `seed`; `specc backup` keeps all of them".into();
            found.left_out.push(LeftOut { what: format!("the rows of {}", plural(dump.copies, "table")).into(), why });
        }
        let name = file.file_stem().map_or_else(|| "pulled".into(), |stem| stem.to_string_lossy().into_owned());
        return Ok((found, name));
    }
    let address = super::database::address(connection, Path::new("."))?;
    let mut session = address.connect().map_err(|error| broken(&error))?;
    let found = introspect(&mut session, &specc_introspect::Options::default()).map_err(|error| broken(&error))?;
    Ok((found, address.database().to_string()))
}

/// Whether a dump is of a project on Supabase: it names what the platform has, and does not make it.
fn is_of_supabase(dump: &Dump) -> bool {
    let makes = dump.schemas.iter().any(|schema| specc_facts::is_schema_of_supabase(schema));
    !makes && dump.names.iter().any(|(schema, name)| specc_facts::is_of_supabase(schema.as_deref(), name))
}

/// What a database has that another tool made from its schema, and what the file is called.
fn imported(args: &Pull, tool: PullFrom) -> Result<(Introspected, String), Failure> {
    let file = match &args.file {
        Some(file) => file.clone(),
        None => newest_snapshot()?,
    };
    let text = std::fs::read_to_string(&file)
        .map_err(|error| Failure::broken(format!("cannot read {}: {error}", file.display())))?;
    let tool = match tool {
        PullFrom::Prisma => Tool::Prisma,
        PullFrom::Dbml => Tool::Dbml,
        PullFrom::Drizzle => Tool::Drizzle,
    };
    let broken = |error: &dyn std::fmt::Display| Failure::broken(format!("{}: {error}", file.display()));
    let imported = specc_import::import(tool, &text).map_err(|error| broken(&error))?;
    let scratch = super::scratch(None, args.target == Some(PullTarget::Supabase)).map_err(|error| broken(&error))?;
    let mut found = scratch.canonical(&imported.catalog).map_err(|error| broken(&error))?;
    let left_out = imported.left_out.into_iter().map(|left| LeftOut { what: left.what.into(), why: left.why.into() });
    found.left_out.splice(0..0, left_out);
    let name = match tool {
        Tool::Drizzle => "pulled".into(),
        _ => file.file_stem().map_or_else(|| "pulled".into(), |stem| stem.to_string_lossy().into_owned()),
    };
    Ok((found, name))
}

/// The last of Drizzle's snapshots in this folder.
fn newest_snapshot() -> Result<PathBuf, Failure> {
    let folder = Path::new("drizzle/meta");
    let is_snapshot = |path: &PathBuf| path.to_string_lossy().ends_with("_snapshot.json");
    let found = project::listed(folder)?.into_iter().filter(is_snapshot).max();
    found.ok_or_else(|| Failure::broken(format!("{} has no snapshot; name the file", folder.display())))
}

fn summary(args: &Pull, format: Format, found: &Introspected, pulled: &Pulled) {
    let typed: usize = pulled.typed.values().sum();
    if format == Format::Json {
        let blocks: Vec<_> = pulled
            .blocks
            .iter()
            .map(|block| serde_json::json!({ "block": block.name, "object": block.object.to_string(), "why": block.why }))
            .collect();
        let kinds: std::collections::BTreeMap<_, _> = pulled.typed.iter().map(|(kind, n)| (kind.word(), n)).collect();
        let left_out: Vec<_> =
            found.left_out.iter().map(|left| serde_json::json!({ "what": left.what, "why": left.why })).collect();
        let files: Vec<_> = pulled.files.iter().map(|file| &file.0).collect();
        data(
            &serde_json::json!({ "files": files, "typed": kinds, "blocks": blocks, "left_out": left_out }).to_string(),
        );
        return;
    }
    eprintln!("wrote {} to {}", plural(pulled.files.len() + 1, "file"), args.out.display());
    eprintln!("{typed} objects in constructs, {} in sql blocks", pulled.blocks.len());
    for block in &pulled.blocks {
        note(&format!("  sql {}: {} ({})", block.name, block.object, block.why));
    }
    for left in &found.left_out {
        note(&format!("  left out: {} ({})", left.what, left.why));
    }
    for index in &found.invalid_indexes {
        note(&format!("  left out: {index} (it is invalid: a concurrent build was interrupted)"));
    }
}
