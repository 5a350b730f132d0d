//! `specc build`

use crate::args::{Build, Format, Part};
use crate::output::{Stage, Written};
use crate::pipeline::{self, Clock, Lap, Meant};
use crate::project::Project;
use crate::report::{self, Failure, data, plural};
use rayon::prelude::*;
use specc_catalog::{Catalog, Object};
use specc_migrate::{Layout, MigrationError, MigrationInput, Stamp};
use specc_model::Target;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};

/// The list of generated files that are made anew by each build, so that those nothing generates any more are removed.
const GENERATED: &str = "generated.txt";

/// Writes everything that was asked for.
pub fn run(args: &Build, format: Format) -> Result<ExitCode, Failure> {
    let mut clock = Clock::start();
    let project = Project::open(&args.place.project)?;
    let read = clock.lap("read");
    let files = project.files.len();
    let mut meant = pipeline::understand(project, args.deny_warnings)?;
    let mut timings = vec![read];
    timings.append(&mut meant.timings);
    clock.lap("");
    report::diagnostics(&meant.warnings, &meant.sources, if format == Format::Json { Format::Text } else { format });
    let out = args.out.clone().unwrap_or_else(|| meant.root.clone());
    let state = State::read(&out, &meant)?;
    let wants = |part| args.only.is_empty() || args.only.contains(&part);
    // Each file is written aside as soon as it is made, so that they are never all in memory.
    let stage = Stage::new(&out);
    let (migrations, (seeds, docs)) = rayon::join(
        || if wants(Part::Migrations) { migrations(args, &meant, &state, &stage) } else { Ok(()) },
        || {
            rayon::join(
                || if wants(Part::Seeds) { seeds(&meant, &stage) } else { Ok(Vec::new()) },
                || if wants(Part::Docs) { docs(&meant, &stage) } else { Ok(Vec::new()) },
            )
        },
    );
    migrations?;
    let mut made = seeds?;
    made.extend(docs?);
    let mut stale = Vec::new();
    if args.only.is_empty() {
        let made: BTreeSet<_> = made.iter().map(|path| path.to_string_lossy().into_owned()).collect();
        stale = state.generated.iter().filter(|path| !made.contains(*path)).map(PathBuf::from).collect();
        let list = made.into_iter().fold(String::new(), |list, path| list + &path + "\n");
        stage.add(meant.config.state().join(GENERATED), &list)?;
    }
    timings.push(clock.lap("generate"));
    let written = stage.finish(&stale)?;
    timings.push(clock.lap("move"));
    summary(format, &meant, files, &out, &written);
    if args.timings {
        show_timings(&timings);
    }
    // Freeing millions of small objects takes longer than it is worth: the process ends here.
    std::mem::forget(meant);
    Ok(ExitCode::SUCCESS)
}

/// What earlier builds left in the output folder.
struct State {
    catalog: Option<Catalog>,
    /// Path and SHA-256 of each migration file.
    recorded: Vec<(String, String)>,
    /// Paths of seeds and docs.
    generated: Vec<String>,
}

impl State {
    fn read(out: &Path, meant: &Meant) -> Result<Self, Failure> {
        let own = out.join(meant.config.state());
        let catalog = match read(&own.join("catalog.json"))? {
            Some(text) => Some(
                specc_catalog::from_json(&text)
                    .map_err(|error| Failure::broken(format!("{}: {error}", own.join("catalog.json").display())))?,
            ),
            None => None,
        };
        let recorded = match read(&own.join("checksums.toml"))? {
            Some(text) => checksums(&text)
                .map_err(|error| Failure::broken(format!("{}: {error}", own.join("checksums.toml").display())))?,
            None => Vec::new(),
        };
        let generated = read(&own.join(GENERATED))?.unwrap_or_default();
        let generated = generated.lines().filter(|line| !line.is_empty()).map(str::to_string).collect();
        let state = Self { catalog, recorded, generated };
        state.check(out)?;
        Ok(state)
    }

    /// Migrations are history: one that was edited or lost after it was written is an error, since what was reviewed and
    /// perhaps applied is not what lies there now.
    fn check(&self, out: &Path) -> Result<(), Failure> {
        for (path, sum) in self.recorded.iter().filter(|(path, _)| path.ends_with(".sql")) {
            let why = match read(&out.join(path))? {
                None => "is missing",
                Some(text) if specc_catalog::checksum(&text) != *sum => "was edited after it was written",
                Some(_) => continue,
            };
            return Err(Failure::broken(format!(
                "E0904: {path} {why}; bring it back as it was (git checkout), or remove all migrations and specc's own folder to start anew"
            )));
        }
        Ok(())
    }
}

fn read(path: &Path) -> Result<Option<String>, Failure> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Failure::broken(format!("cannot read {}: {error}", path.display()))),
    }
}

fn checksums(text: &str) -> Result<Vec<(String, String)>, String> {
    #[derive(serde::Deserialize)]
    struct Checksums {
        files: BTreeMap<String, String>,
    }
    let parsed: Checksums = toml::from_str(text).map_err(|error| error.message().to_string())?;
    Ok(parsed.files.into_iter().collect())
}

fn migrations(args: &Build, meant: &Meant, state: &State, stage: &Stage<'_>) -> Result<(), Failure> {
    let stamp = args.stamp.clone().unwrap_or_else(now);
    let stamp: Stamp = stamp.parse().map_err(|error| Failure::broken(format!("--stamp: {error}")))?;
    let slashes = |path: PathBuf| path.to_string_lossy().replace('\\', "/");
    let layout = match meant.model.options.target {
        Target::Supabase => Layout::supabase(),
        Target::Postgres => Layout::postgres(),
    };
    let layout =
        Layout { migrations: slashes(meant.config.migrations()), own: slashes(meant.config.state()), ..layout };
    let input = MigrationInput {
        project: &meant.config.name,
        name: &args.name,
        catalog: &meant.catalog,
        previous: state.catalog.as_ref(),
        stamp,
        layout: &layout,
        recorded: &state.recorded,
    };
    let failed = Mutex::new(None);
    let take = |file: specc_migrate::OutputFile| {
        if let Err(failure) = stage.add(file.path.into(), &file.contents) {
            failed.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(failure);
        }
    };
    specc_migrate::each_file(&input, take).map_err(|error| match error {
        MigrationError::Cycle(cycle) => Failure::broken(format!("E0413: {cycle}")),
        MigrationError::Changed(changed) => Failure::broken(format!(
            "E0903: {changed}\nchanging what an earlier migration made is not built yet; until no database has that migration, \
             remove it and specc's own folder, and build anew"
        )),
    })?;
    failed.into_inner().unwrap_or_else(PoisonError::into_inner).map_or(Ok(()), Err)
}

/// The time as a stamp, UTC. The only clock that specc reads.
fn now() -> String {
    jiff::Timestamp::now().strftime("%Y%m%d%H%M%S").to_string()
}

/// Returns the paths.
fn seeds(meant: &Meant, stage: &Stage<'_>) -> Result<Vec<PathBuf>, Failure> {
    let envs: Vec<_> = meant.model.seeds.iter().map(|s| &s.env).filter(|env| *env != "base").collect();
    envs.par_iter()
        .map(|env| {
            let seeds = specc_seed::generate(&meant.model, env);
            let contents = specc_migrate::seed_file(&meant.config.name, env, &meant.catalog, &seeds);
            let path = meant.config.seeds().join(format!("{env}.sql"));
            stage.add(path.clone(), &contents).map(|()| path)
        })
        .collect()
}

/// Returns the paths.
fn docs(meant: &Meant, stage: &Stage<'_>) -> Result<Vec<PathBuf>, Failure> {
    let folder = meant.config.docs();
    let options = specc_docs::Options { project: meant.config.name.as_str().into() };
    let done = Mutex::new(Vec::new());
    specc_docs::each_file(&meant.model, &meant.catalog, &options, |file| {
        let path = folder.join(file.path);
        let result = stage.add(path.clone(), &file.contents).map(|()| path);
        done.lock().unwrap_or_else(PoisonError::into_inner).push(result);
    });
    done.into_inner().unwrap_or_else(PoisonError::into_inner).into_iter().collect()
}

fn summary(format: Format, meant: &Meant, files: usize, out: &Path, written: &Written) {
    let count = |want: fn(&Object) -> bool| meant.catalog.iter().filter(|(_, e)| want(&e.object)).count();
    let (tables, policies) = (count(|o| matches!(o, Object::Table(_))), count(|o| matches!(o, Object::Policy(_))));
    if format == Format::Json {
        let paths = |list: &[PathBuf]| list.iter().map(|p| p.to_string_lossy().into_owned()).collect::<Vec<_>>();
        data(
            &serde_json::json!({
                "project": meant.config.name, "tables": tables, "policies": policies,
                "out": out.to_string_lossy(), "unchanged": written.unchanged,
                "written": paths(&written.changed), "removed": paths(&written.removed),
            })
            .to_string(),
        );
        return;
    }
    let name = &meant.config.name;
    eprintln!(
        "{name}: {}, {}, from {}",
        plural(tables, "table"),
        words(policies, "policy", "policies"),
        plural(files, "file")
    );
    if written.changed.is_empty() && written.removed.is_empty() {
        eprintln!("nothing changed, nothing written");
        return;
    }
    eprintln!(
        "wrote {} to {}, {} as before, {} removed",
        plural(written.changed.len(), "file"),
        out.display(),
        written.unchanged,
        written.removed.len()
    );
    let migrations = meant.config.migrations();
    for path in written.changed.iter().filter(|p| p.starts_with(&migrations)) {
        eprintln!("  {}", out.join(path).display());
    }
    eprintln!("  {}  (start here)", out.join(meant.config.docs()).join("README.md").display());
}

fn words(n: usize, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}

fn show_timings(timings: &[Lap]) {
    for Lap { stage, time, memory } in timings {
        let memory = memory.map(|mb| format!("{mb:>8} MB")).unwrap_or_default();
        eprintln!("  {stage:<12} {:>8.1} ms{memory}", time.as_secs_f64() * 1000.0);
    }
    if let Some(peak) = pipeline::memory("VmHWM:") {
        eprintln!("  peak memory {peak} MB");
    }
}
