//! `specc audit`

use super::database::{Place, broken};
use super::flows::MADE;
use crate::args::{Asked, Audit, FailOn};
use crate::pipeline::{self, Compilation};
use crate::project::{self, CONFIG, Project};
use crate::report::{FINDINGS, Failure, data};
use sha2::{Digest, Sha256};
use specc_audit::baseline::Baseline;
use specc_audit::check::{Check, Need, Section, Severity};
use specc_audit::keys::Text;
use specc_audit::since::Earlier;
use specc_audit::{Change, Differences, Folder, Limits, Spec, Standing, Subject, Tool, report};
use specc_catalog::{Catalog, Hints, Kind};
use specc_diff::{Line, Sign, lines};
use specc_postgres::{Address, Session};
use specc_runner::State;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

/// Endings of files that reach clients.
const CODE: [&str; 17] = [
    "ts", "tsx", "js", "jsx", "mjs", "cjs", "vue", "svelte", "html", "astro", "dart", "swift", "kt", "java", "json",
    "yaml", "yml",
];

/// Examines the database, and writes the report.
pub fn run(args: &Audit, format: Asked) -> Result<ExitCode, Failure> {
    if format == Asked::Github {
        return Err(super::not_written("audit", "text, json, markdown, html, sarif and junit"));
    }
    let wanted = wanted(&args.only)?;
    if args.list {
        return Ok(list(&wanted, format));
    }
    let baseline = args.baseline.as_deref().map(read_baseline).transpose()?;
    let earlier = args.since.as_deref().map(read_earlier).transpose()?;
    let compilation = compilation(args)?;
    let address = super::database::address(&args.connection, &args.place.project)?;
    let start = Instant::now();
    let mut session = address.connect().map_err(broken)?;
    let root = compilation.as_ref().map_or(args.place.project.as_path(), |compilation| compilation.root.as_path());
    let subject = Subject {
        spec: compilation.as_ref().map(|compilation| spec(args, compilation, &address, &wanted)),
        folders: folders(root, compilation.is_none())?,
        code: (!args.code.is_empty()).then(|| code(&args.code)).transpose()?,
        projects: args.organization.as_ref().map(|organization| projects(args, organization)),
        watched: watched(&args.monitoring.clone().unwrap_or_else(|| root.join(super::monitoring::FOLDER)))?,
        clients: args.client.iter().filter(|role| !role.is_empty()).cloned().collect(),
        exposed: (!args.exposed.is_empty()).then(|| args.exposed.clone()).or_else(|| exposed(root)),
    };
    let limits = Limits {
        statement: milliseconds(args.timeout),
        lock: milliseconds(args.lock_timeout),
        rows: u64::from(args.scan_rows),
        transaction: milliseconds(args.long_transaction) / 1000,
    };
    let examined = specc_audit::examine(&mut session, &subject, &limits, &|check| is_wanted(check, &wanted));
    let mut found = examined.map_err(|error| Failure::broken(error.to_string()))?;
    if let Some(baseline) = &baseline {
        baseline.apply(&mut found);
    }
    if let Some(earlier) = earlier {
        earlier.apply(&mut found);
    }
    if let Some(since) = found.since.as_ref().filter(|since| since.database != found.database) {
        eprintln!(
            "warning: the earlier report is of `{}`, and this one of `{}`: what differs between the two came or went",
            since.database, found.database
        );
    }
    let seconds = start.elapsed().as_secs_f64();
    if let Some(dir) = &args.evidence {
        write_all(dir, &report::evidence(&found))?;
    }
    if let Some(dir) = &args.issues {
        write_all(dir, &report::issues(&found))?;
    }
    if let (Some(file), Some(reason)) = (&args.write_baseline, &args.reason) {
        write_new(file, &Baseline::of(&found, reason, args.until.as_deref()))?;
    }
    match format {
        Asked::Text | Asked::Github => data(report::text(&found).trim_end()),
        Asked::Json => data(&report::json(&found).to_string()),
        Asked::Markdown => data(report::markdown(&found).trim_end()),
        Asked::Html => data(report::html(&found).trim_end()),
        Asked::Sarif => data(&report::sarif(&found, env!("CARGO_PKG_VERSION"), CONFIG).to_string()),
        Asked::Junit => data(specc_diag::junit("specc audit", &report::cases(&found), seconds).trim_end()),
    }
    let level = match args.fail_on {
        FailOn::Error => Some(Severity::Error),
        FailOn::Warning => Some(Severity::Warning),
        FailOn::Info => Some(Severity::Info),
        FailOn::Never => None,
    };
    Ok(if level.is_some_and(|level| found.fails(level)) { ExitCode::from(FINDINGS) } else { ExitCode::SUCCESS })
}

fn milliseconds(seconds: f64) -> u64 {
    std::time::Duration::try_from_secs_f64(seconds)
        .map_or(1, |time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX).max(1))
}

/// The names that are asked for, each of a check or a section.
fn wanted(only: &[String]) -> Result<Vec<String>, Failure> {
    let names = || specc_audit::all().map(|check| check.name).chain(Section::ALL.map(Section::word));
    for name in only {
        if !names().any(|known| known == name) {
            let near =
                specc_diag::nearest(name, names()).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
            return Err(Failure::broken(format!("--only: there is no check and no section `{name}`{near}")));
        }
    }
    Ok(only.to_vec())
}

fn is_wanted(check: &Check, wanted: &[String]) -> bool {
    wanted.is_empty() || wanted.iter().any(|name| name == check.name || name == check.section.word())
}

fn list(wanted: &[String], format: Asked) -> ExitCode {
    let all: Vec<&Check> = specc_audit::all().filter(|check| is_wanted(check, wanted)).collect();
    if format == Asked::Json {
        let each = all.iter().map(|check| {
            serde_json::json!({
                "name": check.name, "section": check.section, "severity": check.severity, "looks_for": check.asks,
                "why": check.why,
            })
        });
        data(&serde_json::Value::Array(each.collect()).to_string());
    } else {
        all.iter().for_each(|check| {
            data(&format!(
                "{:<12} {:<8} {:<36} {}",
                check.section.word(),
                check.severity.word(),
                check.name,
                check.asks
            ));
        });
    }
    ExitCode::SUCCESS
}

/// The projects of an organisation, each with the environments of the settings that lead to its host.
fn projects(args: &Audit, organization: &str) -> Result<Vec<specc_audit::projects::Project>, String> {
    let management = super::deploy::management(&args.api)
        .ok_or("there is no token in SUPABASE_ACCESS_TOKEN: make one under Account → Access Tokens")?;
    let words = |error: specc_deploy::management::ApiError| error.to_string();
    let settings = Project::open(&args.place.project).ok().map(|project| project.config);
    let environments = |project: &specc_deploy::management::Project| {
        let host = project.host.as_deref().unwrap_or_default();
        settings.as_ref().map_or_else(Vec::new, |config| config.environments_of(&project.reference, host))
    };
    let known = management.organizations().map_err(words)?;
    if !known.iter().any(|one| one.slug == organization) {
        let known: Vec<_> = known.iter().map(|one| format!("`{}`", one.slug)).collect();
        return Err(format!("the token sees no organisation `{organization}`, but {}", known.join(", ")));
    }
    let all = management.projects().map_err(words)?.into_iter().filter(|one| one.organization == organization);
    let one = |one: specc_deploy::management::Project| specc_audit::projects::Project {
        unhealthy: management.health(&one.reference).map_err(words).map(|services| {
            services.into_iter().filter(|service| !service.is_healthy()).map(|service| service.name).collect()
        }),
        environments: environments(&one),
        name: one.name,
        reference: one.reference,
        region: one.region,
        status: one.status,
    };
    Ok(all.map(one).collect())
}

/// The project, unless there is none here or it is not wanted.
fn compilation(args: &Audit) -> Result<Option<Compilation>, Failure> {
    let start = &args.place.project;
    let is_there =
        || start.canonicalize().is_ok_and(|start| start.ancestors().any(|folder| folder.join(CONFIG).is_file()));
    if args.no_spec || start == Path::new(".") && !is_there() {
        return Ok(None);
    }
    pipeline::compile(Project::open(start)?, false).map(Some)
}

/// What the project says, and how the database differs from it.
fn spec<'c>(args: &Audit, compilation: &'c Compilation, address: &Address, wanted: &[String]) -> Spec<'c> {
    let session = || -> Result<Session, Failure> {
        let mut session = address.connect().map_err(broken)?;
        let limits = format!(
            "set default_transaction_read_only to on; set lock_timeout to {}; set statement_timeout to {}",
            milliseconds(args.lock_timeout),
            milliseconds(args.timeout)
        );
        session.batch_execute(&limits).map_err(|error| broken(error.into()))?;
        Ok(session)
    };
    // A scratch server is started only for what is asked.
    let is_asked = specc_audit::all().any(|check| is_wanted(check, wanted) && check.needs.contains(&Need::Canonical));
    let differences = session().and_then(|mut session| {
        if !is_asked {
            return Ok(Differences::default());
        }
        let (live, scratch, wanted) = super::drift::sides(compilation, &mut session)?;
        let found = scratch.read_again(&live.catalog, &wanted.catalog);
        let hints = Hints::default();
        let difference = specc_diff::diff(&wanted.catalog, &found, &hints);
        let mut access =
            if difference.is_empty() { Vec::new() } else { specc_migrate::access_changes(&difference, None) };
        // That nobody may do more or less is no finding.
        access.retain(|line| line != specc_migrate::AS_BEFORE);
        let objects = lines(&difference).into_iter().map(|line| change(line, &found)).collect();
        Ok(Differences { objects, access: access.iter().map(ToString::to_string).collect() })
    });
    let migrations = session().and_then(|mut session| {
        let place = Place::open(&args.place, &args.connection)?;
        let status = specc_runner::status(&mut session, &place.migrations()?, place.is_supabase());
        let status = status.map_err(super::database::failure)?;
        let is_open = |entry: &&specc_runner::Entry| !matches!(entry.state, State::Applied | State::Running);
        Ok(status.migrations.iter().filter(is_open).map(standing).collect())
    });
    Spec {
        catalog: &compilation.catalog,
        differences: differences.map_err(words),
        migrations: migrations.map_err(words),
    }
}

fn standing(entry: &specc_runner::Entry) -> Standing {
    Standing {
        name: format!("{}_{}", entry.stamp, entry.name),
        state: entry.state.words().to_owned(),
        detail: entry.detail.clone().unwrap_or_else(|| entry.state.words().to_owned()),
    }
}

/// Why the project could not be compared, for a report.
fn words(failure: Failure) -> String {
    match failure {
        Failure::Broken(words) | Failure::Refused(_, words) => words.replace('\n', " "),
        Failure::Findings(..) => "the spec has errors: `specc check` says which".to_owned(),
    }
}

/// An object that differs; the spec is the old side.
fn change(line: Line, found: &Catalog) -> Change {
    let how = match (line.sign, line.attributes.is_empty()) {
        (Sign::Added, _) => "only in the database".to_owned(),
        (Sign::Removed, _) => "only in the spec".to_owned(),
        (Sign::Renamed, true) => {
            format!("called `{}` in the database", line.to.as_deref().unwrap_or_default())
        }
        (Sign::Changed | Sign::Renamed, _) => {
            // What runs, and what somebody remarked, may have a key in it, and the report is passed on.
            let is_told = |path: &str| {
                !matches!(line.id.kind, Kind::Function | Kind::Trigger | Kind::Job | Kind::View | Kind::Sql)
                    && !path.ends_with("comment")
            };
            let attributes = line.attributes.iter().map(|one| match is_told(&one.path) {
                true => one.to_string(),
                false => format!("{} (`specc drift` shows it)", one.path),
            });
            format!("from the spec to the database, {}", attributes.collect::<Vec<_>>().join("; "))
        }
    };
    let table = match line.id.kind {
        Kind::Table | Kind::Constraint | Kind::Trigger | Kind::Policy => {
            Some(specc_sql::quote::qualified(&line.id.schema, &line.id.name))
        }
        Kind::Index => found.get(&line.id).and_then(|entry| match &entry.object {
            specc_catalog::Object::Index(index) => {
                Some(specc_sql::quote::qualified(&index.table.schema, &index.table.name))
            }
            _ => None,
        }),
        _ => None,
    };
    Change { kind: line.id.kind, object: line.id.to_string(), table, how }
}

/// The schemas of the API, where the settings of Supabase's CLI say them.
pub(super) fn exposed(root: &Path) -> Option<Vec<String>> {
    let text = project::text(&root.join("supabase/config.toml")).ok()?;
    let settings: toml::Table = text.parse().ok()?;
    let all = settings.get("api")?.get("schemas")?.as_array()?;
    Some(all.iter().filter_map(|name| name.as_str().map(str::to_owned)).collect())
}

/// The migrations that tools have here. Those of a project of specc are the runner's to look at.
fn folders(root: &Path, with_supabase: bool) -> Result<Vec<Folder>, Failure> {
    let sum = |path: &Path| -> Result<String, Failure> {
        let bytes = project::bytes(path)
            .map_err(|error| Failure::broken(format!("cannot read {}: {error}", path.display())))?;
        Ok(Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect())
    };
    let name = |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let mut all = Vec::new();
    let prisma = root.join("prisma/migrations");
    if prisma.is_dir() {
        let mut migrations = Vec::new();
        for path in project::listed(&prisma)? {
            let file = path.join("migration.sql");
            if file.is_file() {
                migrations.push((name(&path), sum(&file)?));
            }
        }
        all.push(Folder { tool: Tool::Prisma, migrations });
    }
    let sql = |folder: &Path| -> Result<Vec<PathBuf>, Failure> {
        let mut paths = project::listed(folder)?;
        paths.retain(|path| path.extension().is_some_and(|end| end == "sql") && path.is_file());
        paths.sort();
        Ok(paths)
    };
    let drizzle = root.join("drizzle");
    if drizzle.join("meta").is_dir() {
        let one = |path: PathBuf| Ok((name(&path), sum(&path)?));
        let migrations = sql(&drizzle)?.into_iter().map(one).collect::<Result<_, Failure>>()?;
        all.push(Folder { tool: Tool::Drizzle, migrations });
    }
    let supabase = root.join("supabase/migrations");
    if with_supabase && supabase.is_dir() {
        let stamp = |path: PathBuf| name(&path).split('_').next().unwrap_or_default().to_owned();
        let migrations = sql(&supabase)?.into_iter().map(|path| (stamp(path), String::new())).collect();
        all.push(Folder { tool: Tool::Supabase, migrations });
    }
    Ok(all)
}

/// The tables that the monitoring of this folder watches; none where there is none.
fn watched(folder: &Path) -> Result<Option<Vec<String>>, Failure> {
    let file = folder.join("queries.yaml");
    match project::text(&file) {
        Ok(text) => Ok(specc_monitor::watched(&text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Failure::broken(format!("cannot read {}: {error}", file.display()))),
    }
}

/// The code in the folders, by path.
fn code(folders: &[PathBuf]) -> Result<Vec<Text>, Failure> {
    let is_made = |entry: &walkdir::DirEntry| {
        let name = entry.file_name().to_string_lossy();
        let hidden = name.starts_with('.') && !matches!(&*name, "." | "..");
        entry.depth() > 0 && entry.file_type().is_dir() && (hidden || MADE.contains(&&*name))
    };
    let mut files = Vec::new();
    for folder in folders {
        for entry in walkdir::WalkDir::new(folder).sort_by_file_name().into_iter().filter_entry(|entry| !is_made(entry))
        {
            let entry = entry.map_err(|error| Failure::broken(error.to_string()))?;
            let name = entry.file_name().to_string_lossy();
            let is_code = name.rsplit_once('.').is_some_and(|(_, end)| CODE.contains(&end));
            if entry.file_type().is_file() && is_code {
                // What cannot be read is said to be so.
                let bytes = std::fs::read(entry.path()).ok().filter(|bytes| bytes.len() <= specc_flows::LONGEST);
                let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
                files.push(Text { path: project::slashes(entry.path()), text });
            }
        }
    }
    Ok(files)
}

fn read_baseline(file: &Path) -> Result<Baseline, Failure> {
    let named = |why: String| Failure::broken(format!("{}: {why}", file.display()));
    let text = project::text(file).map_err(|error| named(error.to_string()))?;
    Baseline::read(&text).map_err(named)
}

fn read_earlier(file: &Path) -> Result<Earlier, Failure> {
    let named = |why: String| Failure::broken(format!("--since {}: {why}", file.display()));
    let text = project::text(file).map_err(|error| named(error.to_string()))?;
    Earlier::read(&text).map_err(named)
}

/// Writes a file that is not there yet: what somebody wrote stays.
fn write_new(file: &Path, text: &str) -> Result<(), Failure> {
    let failed = |error: std::io::Error| {
        let more = if error.kind() == std::io::ErrorKind::AlreadyExists {
            ": remove it first, or name another file"
        } else {
            ""
        };
        Failure::broken(format!("cannot write {}: {error}{more}", file.display()))
    };
    let mut made = std::fs::File::create_new(file).map_err(failed)?;
    made.write_all(text.as_bytes()).map_err(failed)
}

fn write_all(dir: &Path, files: &[report::Evidence]) -> Result<(), Failure> {
    if dir.exists() && !project::listed(dir)?.is_empty() {
        return Err(Failure::broken(format!("{} has files in it: name a folder that is not there yet", dir.display())));
    }
    std::fs::create_dir_all(dir).map_err(|error| Failure::broken(format!("cannot make {}: {error}", dir.display())))?;
    files.iter().try_for_each(|file| write_new(&dir.join(&file.name), &file.text))
}
