//! What is looked at before anything is changed.

use super::folder;
use super::target::Target;
use crate::commands::before;
use crate::commands::database::failure;
use crate::commands::prove;
use crate::commands::stored::Stored;
use crate::pipeline::Compilation;
use crate::report::{Failure, plural};
use specc_catalog::{Catalog, Kind};
use specc_deploy::look::{self, Subject};
use specc_deploy::{Looked, Plan, PlannedFile, Seed};
use specc_migrate::Record as Said;
use specc_postgres::Session;
use specc_runner::{Migration, Migrations, Options, Report, Script, State};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};

/// What was seen, and what would be done.
pub struct Seen {
    pub looked: Vec<Looked>,
    pub plan: Plan,
    /// The catalog that is there.
    pub found: Option<Catalog>,
    /// The last migration that was applied.
    pub last: Option<String>,
}

/// What is known before a database is asked.
pub struct Known<'a> {
    pub compilation: &'a Compilation,
    pub migrations: &'a Migrations,
    pub environment: &'a str,
    pub production: bool,
    pub backups: PathBuf,
    pub env_file: Option<PathBuf>,
    pub disk: Option<u64>,
    pub seed: Option<specc_runner::File>,
}

impl Known<'_> {
    /// The environment's file as the settings name it: the hash of a plan is the same on every machine.
    pub fn env_file_name(&self) -> Option<String> {
        let file = self.env_file.as_ref()?;
        Some(crate::project::slashes(file.strip_prefix(&self.compilation.root).unwrap_or(file)))
    }
}

/// Looks at the project: its spec, its migrations, its proofs, the places that are written to.
pub fn project(known: &Known<'_>) -> Result<Vec<Looked>, Failure> {
    let mut looked = vec![spec(known.compilation), built(known)?, access(known.compilation)];
    looked.push(match folder::probe(&known.backups) {
        Ok(()) => Looked::passed("disk", format!("{} takes files", known.backups.display())),
        Err(error) => Looked::failed(
            "disk",
            format!("{} takes no files: {error}", known.backups.display()),
            "make room, or name another folder with `--backups`",
        ),
    });
    if let Some(file) = &known.env_file {
        looked.push(env_file(&known.compilation.root, file));
    }
    Ok(looked)
}

/// Names that only work in quotes, clash or mislead, and what else the spec is warned of.
fn spec(compilation: &Compilation) -> Looked {
    let mut quoted = BTreeSet::new();
    for (id, _) in compilation.catalog.iter() {
        let named = matches!(id.kind, Kind::Table | Kind::View | Kind::Enum | Kind::Function | Kind::Schema);
        if named && specc_facts::needs_quotes(&id.name) {
            quoted.insert(id.to_string());
        }
    }
    for entity in compilation.model.entities.iter().filter(|entity| !entity.external) {
        let reserved = entity.fields.iter().filter(|field| specc_facts::needs_quotes(&field.name));
        quoted.extend(reserved.map(|field| format!("column {}.{}", entity.name.name, field.name)));
    }
    let warnings: Vec<String> =
        compilation.warnings.iter().map(|warning| format!("{}: {}", warning.code.name(), warning.message)).collect();
    if !quoted.is_empty() {
        let names: Vec<String> = quoted.into_iter().collect();
        return Looked::warned(
            "spec",
            format!("reserved words, which only work in quotes: {}", names.join(", ")),
            "give them other names: `was` keeps the rows",
        );
    }
    match warnings.first() {
        None => Looked::passed("spec", format!("{} objects, no warning", compilation.catalog.len())),
        Some(first) => Looked::warned(
            "spec",
            format!("{}, the first: {first}", plural(warnings.len(), "warning")),
            "`specc check` shows them",
        ),
    }
}

/// Whether the migrations are those of the spec as it is now.
fn built(known: &Known<'_>) -> Result<Looked, Failure> {
    let compilation = known.compilation;
    let Some(stored) = Stored::read(&compilation.root, &compilation.config)? else {
        return Ok(Looked::failed("migrations", "there is none", "`specc build` writes them"));
    };
    let recorded: BTreeMap<&str, &str> =
        stored.recorded.iter().map(|(path, sum)| (path.as_str(), sum.as_str())).collect();
    for migration in &known.migrations.all {
        match recorded.get(migration.up.path.as_str()) {
            Some(sum) if **sum != migration.checksum => {
                return Ok(Looked::failed(
                    "migrations",
                    format!("{} was edited after `specc build` wrote it", migration.up.path),
                    "restore it (git checkout)",
                ));
            }
            _ => {}
        }
        for file in migration.down.iter().chain(&migration.abandon) {
            let sum = recorded.get(file.path.as_str());
            if sum.is_some_and(|sum| specc_catalog::checksum(file.text.replace("\r\n", "\n")) != **sum) {
                return Ok(Looked::failed(
                    "migrations",
                    format!(
                        "{} was edited after `specc build` wrote it: the way back is not what was reviewed",
                        file.path
                    ),
                    "restore it (git checkout)",
                ));
            }
        }
    }
    let last = stored.catalog()?;
    let kept = compilation.with_kept(Some(&last));
    let difference = specc_diff::diff(&last, &kept, &compilation.hints);
    if !difference.is_empty() {
        let lines: Vec<String> = specc_diff::lines(&difference).iter().take(3).map(|line| format!("{line}")).collect();
        return Ok(Looked::failed(
            "migrations",
            format!("the spec says what no migration makes: {}", lines.join(", ")),
            "`specc build` writes a migration",
        ));
    }
    Ok(Looked::passed("migrations", format!("{}, as the spec has it", plural(known.migrations.all.len(), "file"))))
}

/// Who can do what, decided.
fn access(compilation: &Compilation) -> Looked {
    let (open, asked) = prove::open(compilation);
    match open.first() {
        None => Looked::passed(
            "access",
            format!("{} asked, none with a counterexample that nobody accepts", plural(asked, "property")),
        ),
        Some(first) => Looked::failed(
            "access",
            format!("{}, the first: {}: {}", plural(open.len(), "finding"), first.code.name(), first.message),
            "`specc prove` shows them with counterexamples; mend the rules, or accept them with a reason",
        ),
    }
}

/// Whether what is secret would be committed.
fn env_file(root: &Path, file: &Path) -> Looked {
    let name = file.display();
    let inside =
        file.strip_prefix(root).is_ok_and(|rest| rest.components().all(|part| matches!(part, Component::Normal(_))));
    if !inside {
        return Looked::failed(
            "env_file",
            format!("{name} is not in the project's folder"),
            "name a file relative to specc.toml: `env_file = \".env.staging\"`",
        );
    }
    if let Some(folder) = file.parent().filter(|folder| !folder.as_os_str().is_empty() && !folder.is_dir()) {
        return Looked::failed(
            "env_file",
            format!("{} is no folder, so nothing can be written to {name}", folder.display()),
            "make the folder, or name another file",
        );
    }
    match folder::would_be_committed(file) {
        Some(true) => Looked::failed(
            "env_file",
            format!("git does not ignore {name}, which will hold passwords and keys"),
            format!("add a line to .gitignore: {}", file.file_name().unwrap_or_default().to_string_lossy()),
        ),
        Some(false) => Looked::passed("env_file", format!("git ignores {name}")),
        None => Looked::passed("env_file", format!("{name}: there is no repository of git here")),
    }
}

/// Looks at the database, and says what would be done to it. `applying`: a deployment has begun to apply, so nothing is as
/// any file left it.
pub fn database(known: &Known<'_>, target: &Target, applying: bool) -> Result<Seen, Failure> {
    let place = target.place();
    let options = options(known, target, None);
    let mut session = place.connect().map_err(crate::commands::database::broken)?;
    look::wait_briefly(&mut session).map_err(|error| Failure::broken(error.to_string()))?;
    let report = specc_runner::status(&mut session, known.migrations, place.is_supabase()).map_err(failure)?;
    let mut looked = vec![standing(&report, applying), production(known, &report)];
    let connect = || place.connect();
    let dry = Options { dry_run: true, ..options.clone() };
    let would = specc_runner::apply(&connect, known.migrations, &dry, &mut |_| Ok(()), &|_| {});
    let (ran, run) = match would {
        Ok(would) => (would.ran, would.plan),
        Err(error) if error.is_finding() => {
            looked.push(Looked::failed(
                "pending",
                error.to_string().replace('\n', " "),
                "`specc status` says how it stands",
            ));
            (Vec::new(), String::new())
        }
        Err(error) => return Err(failure(error)),
    };
    let pending: Vec<&Migration> =
        ran.iter().filter_map(|ran| known.migrations.all.iter().find(|one| one.stamp == ran.stamp)).collect();
    // What nobody may read is locked by somebody, or it takes too long: then nothing is known, and nothing goes on.
    let (live, unread) = match specc_introspect::introspect(&mut session, &specc_introspect::Options::default()) {
        Ok(found) => (found.catalog, None),
        Err(error) => {
            let _ = session.batch_execute("rollback");
            (Catalog::default(), Some(error.to_string()))
        }
    };
    let unread = unread.map(|error| {
        Looked::failed(
            "drift",
            format!("what is there cannot be read: {}", error.replace('\n', " ")),
            "a session may hold a lock on a table: `select * from pg_stat_activity` shows who, `pg_terminate_backend` ends it",
        )
    });
    looked.push(unread.or_else(|| names(known, &live, &report)).unwrap_or_else(|| {
        let is_new = report.migrations.iter().all(|entry| entry.state == State::Pending);
        let says = if is_new { "nothing is there" } else { "the database is as its migrations left it" };
        let compared = match is_new {
            true => before::is_new(&mut session, place),
            false => before::no_drift(&mut session, place, known.migrations, &options),
        };
        match compared {
            Ok(()) => Looked::passed("drift", says),
            Err(refused) => Looked::failed("drift", refused.to_string().replace('\n', " "), "`specc drift` shows it"),
        }
    }));
    looked.push(backup(&mut session, known, &live));
    let said: Vec<(&Migration, Option<Said>)> =
        pending.iter().map(|migration| (*migration, said(known.compilation, migration))).collect();
    look::only_look(&mut session).map_err(|error| Failure::broken(error.to_string()))?;
    looked.extend(look::all(&mut session, &subject(known, target, &said)));
    let files: Vec<PlannedFile> = ran
        .iter()
        .zip(&said)
        .map(|(ran, (migration, said))| PlannedFile {
            title: migration.title(),
            stamp: ran.stamp.clone(),
            checksum: migration.checksum.clone(),
            statements: ran.steps,
            transaction: ran.transaction,
            loses: losses(said.as_ref(), &ran.loses),
        })
        .collect();
    let last = report
        .migrations
        .iter()
        .filter(|entry| matches!(entry.state, State::Applied))
        .map(|entry| entry.stamp.clone())
        .max();
    let journal = serde_json::to_string(&report.migrations).unwrap_or_default();
    let server: String = session
        .query_one("select current_setting('server_version')", &[])
        .map_err(|error| Failure::broken(error.to_string()))?
        .get(0);
    // Rows to begin with are for a database that has nothing of the project.
    let seed = known.seed.as_ref().filter(|_| last.is_none() && !applying);
    let plan = Plan {
        project: known.compilation.config.name.clone(),
        environment: known.environment.to_owned(),
        target: place.address.to_string(),
        server: Some(server),
        create: None,
        backup: !files.is_empty() && has_rows(&live),
        files,
        run,
        wanted: super::sum(&known.compilation.catalog),
        found: super::sum(&live),
        journal: specc_catalog::checksum(journal),
        seed: seed.map(|file| Seed { path: file.path.clone(), checksum: specc_catalog::checksum(&file.text) }),
        env_file: known.env_file_name(),
        promoted_from: None,
    };
    Ok(Seen { looked, plan, found: Some(live), last })
}

/// How the runner is asked.
pub fn options(known: &Known<'_>, target: &Target, approve: Option<String>) -> Options {
    let place = target.place();
    Options {
        approve,
        allow_production: known.production,
        production: place.production(),
        supabase: place.is_supabase(),
        specc: env!("CARGO_PKG_VERSION").into(),
        ..Options::default()
    }
}

fn has_rows(live: &Catalog) -> bool {
    live.iter().any(|(id, _)| id.kind == Kind::Table)
}

/// What the database says of the files.
fn standing(report: &Report, applying: bool) -> Looked {
    let of = |state: State| -> Vec<String> {
        let those = report.migrations.iter().filter(|entry| entry.state == state);
        those.map(|entry| format!("{}_{}", entry.stamp, entry.name)).collect()
    };
    if let Some(who) = &report.running {
        return Looked::failed("history", format!("somebody applies migrations now: {who}"), "wait until that ends");
    }
    for state in [State::Edited, State::Missing, State::OutOfOrder, State::Reverting] {
        if let [first, ..] = of(state).as_slice() {
            return Looked::failed(
                "history",
                format!("{first} is {}", state.words()),
                "`specc status` says what to do",
            );
        }
    }
    if let ([first, ..], false) = (of(State::Interrupted).as_slice(), applying) {
        return Looked::failed(
            "history",
            format!("{first} began here and did not end"),
            "`specc apply` continues it, `specc apply --abandon` takes it back",
        );
    }
    let (applied, pending) = (of(State::Applied).len(), of(State::Pending).len() + of(State::Interrupted).len());
    Looked::passed("history", format!("{applied} applied, {pending} to be applied"))
}

/// Whether the database is what the environment takes it for.
fn production(known: &Known<'_>, report: &Report) -> Looked {
    match (&report.production, known.production) {
        (Some(why), false) => Looked::failed(
            "environment",
            format!("the database is production ({why}), and `{}` is not", known.environment),
            "look which database the URL leads to; if it is right, write `production = true` under the environment",
        ),
        (_, true) => Looked::passed("environment", "production"),
        (None, false) => Looked::passed("environment", "not production"),
    }
}

/// Names that the first migration wants and somebody else has.
fn names(known: &Known<'_>, live: &Catalog, report: &Report) -> Option<Looked> {
    let is_new = report.migrations.iter().all(|entry| entry.state == State::Pending);
    let taken: Vec<String> = live
        .iter()
        .filter(|(id, _)| {
            matches!(id.kind, Kind::Table | Kind::View | Kind::Enum | Kind::Domain | Kind::Function | Kind::Sequence)
        })
        .filter(|(id, _)| is_new && known.compilation.catalog.contains(id))
        .map(|(id, _)| id.to_string())
        .collect();
    if taken.is_empty() {
        return None;
    }
    Some(Looked::failed(
        "drift",
        format!("there already, and no migration of this project made it: {}", taken.join(", ")),
        "`specc apply --adopt` takes over what the migrations would make; else give one of them another name",
    ))
}

/// Whether a dump can be made: the program, the rights.
fn backup(session: &mut Session, known: &Known<'_>, live: &Catalog) -> Looked {
    if !has_rows(live) {
        return Looked::passed("backup", "there are no tables yet");
    }
    let query = "select current_setting('server_version_num')::int4 / 10000, \
         array(select format('%I.%I', n.nspname, c.relname) from pg_class c join pg_namespace n on n.oid = c.relnamespace \
           where c.relkind in ('r', 'p') and n.nspname = any ($1) and not has_table_privilege(c.oid, 'select') order by 1)";
    let schemas: BTreeSet<&str> =
        live.iter().filter(|(id, _)| id.kind == Kind::Table).map(|(id, _)| id.schema.as_str()).collect();
    let schemas: Vec<&str> = schemas.into_iter().collect();
    let row = match session.query_one(query, &[&schemas]) {
        Ok(row) => row,
        Err(error) => return Looked::unknown("backup", error.to_string(), "connect as who may ask"),
    };
    let (major, unreadable): (i32, Vec<String>) = (row.get(0), row.get(1));
    if let Err(error) = specc_postgres::programs::for_server(u32::try_from(major).unwrap_or_default()) {
        return Looked::failed(
            "backup",
            format!("no dump can be made: {error}"),
            "install Postgres's own programs here",
        );
    }
    match unreadable.as_slice() {
        [] => Looked::passed("backup", format!("into {}", known.backups.display())),
        all => Looked::failed("backup", format!("no dump can be made of {}", all.join(", ")), "connect as their owner"),
    }
}

/// What the build said beside a file, as long as it is the file of which that was said.
fn said(compilation: &Compilation, migration: &Migration) -> Option<Said> {
    let path = compilation.config.state().join("plans").join(format!("{}.json", migration.title()));
    let text = crate::project::text(&compilation.root.join(path)).ok()?;
    Said::read(&text).ok().filter(|said| said.sum == migration.checksum)
}

fn losses(said: Option<&Said>, declared: &[String]) -> Vec<String> {
    let lost = |lost: &specc_migrate::Lost| match &lost.column {
        Some(column) => format!("the values of {}.{column}", lost.table),
        None => format!("all rows of {}", lost.table),
    };
    let mut all: Vec<String> = said.iter().flat_map(|said| &said.loses).map(lost).collect();
    all.extend(declared.iter().filter(|one| !all.contains(one)).cloned().collect::<Vec<_>>());
    all
}

fn subject(known: &Known<'_>, target: &Target, said: &[(&Migration, Option<Said>)]) -> Subject {
    let mut subject = Subject { disk: known.disk, remote: target.is_remote(), ..Subject::default() };
    let extensions = known.compilation.catalog.iter().filter(|(id, _)| id.kind == Kind::Extension);
    subject.extensions = extensions.map(|(id, _)| id.name.to_string()).collect();
    let model = &known.compilation.model;
    // Who is a member of the platform's own roles is the platform's matter.
    subject.roles = match model.options.target {
        specc_model::Target::Supabase => {
            model.roles.iter().filter(|role| !role.external).map(|role| role.name.to_string()).collect()
        }
        _ => specc_model::effective::known_roles(model).iter().map(ToString::to_string).collect(),
    };
    for (migration, said) in said {
        let Some(said) = said else { continue };
        let script = Script::read(&migration.up.text).ok();
        for statement in &said.statements {
            subject.rewrites.extend(statement.rewrites.clone());
            let waits = statement.locks.iter().filter(|(_, lock)| *lock != "access share");
            subject.locks.extend(waits.map(|(table, lock)| (table.clone(), lock.to_string())));
            let only_reads = statement.locks.values().all(|lock| lock == "access share");
            let is_question =
                only_reads && statement.rewrites.is_none() && !statement.fills && !statement.scans.is_empty();
            let step = script.iter().flat_map(|script| &script.steps).find(|step| step.line == statement.line);
            if let (true, Some(step)) = (is_question, step) {
                subject.reads.push((migration.title(), step.text.clone()));
            }
        }
    }
    subject
}
