//! `specc build`

use super::package;
use super::stored::{GENERATED, State};
use super::types::What;
use super::widening;
use crate::args::{Build, Format, Lang, Part};
use crate::config::Config;
use crate::memory;
use crate::output::{FOLDER, File, Folder, Own, Stage, Written};
use crate::pipeline::{self, Clock, Compilation, Lap};
use crate::project::{self, Project};
use crate::report::{self, Failure, data, plural};
use rayon::prelude::*;
use specc_catalog::{Catalog, Hints, Kind, MARK, Object, Rename};
use specc_diag::codes;
use specc_diff::{RenameCandidate, Thing};
use specc_migrate::{ChangeError, Consent, Decide, KeepError, Layout, MigrationError, MigrationInput, Stamp, keep_old};
use specc_model::Target;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};

/// What a build goes on from.
pub struct Start {
    /// What earlier builds left.
    pub state: State,
    /// Files of the history that have to be there.
    pub history: Vec<File>,
    /// Files that go.
    pub stale: Vec<PathBuf>,
    /// The stored catalog and the list of checksums, for when nothing has to be migrated.
    pub stored: Vec<File>,
}

/// Writes everything that was asked for.
pub fn run(args: &Build, format: Format) -> Result<ExitCode, Failure> {
    let start = |out: &Path, config: &Config| {
        let state = State::read(out, config)?;
        Ok(Start { state, history: Vec::new(), stale: Vec::new(), stored: Vec::new() })
    };
    run_from(args, format, start)
}

/// Writes everything that was asked for, on top of what `start` says.
pub fn run_from(
    args: &Build,
    format: Format,
    start: impl FnOnce(&Path, &Config) -> Result<Start, Failure>,
) -> Result<ExitCode, Failure> {
    let mut clock = Clock::start();
    let project = Project::open(&args.place.project)?;
    let read = clock.lap("read");
    let files = project.files.len();
    let out = args.out.clone().unwrap_or_else(|| project.root.clone());
    let mut compilation = pipeline::compile_onto(project, &out, args.deny_warnings)?;
    // What lowering had in between makes room for the texts.
    memory::give_back();
    let mut timings = vec![read];
    timings.append(&mut compilation.timings);
    clock.lap("");
    report::diagnostics(&compilation.warnings, &compilation.accepted, &compilation.sources, Format::Text);
    let mut folder = Folder::take(&out, Own::of(&compilation.config))?;
    let Start { state, history, mut stale, stored } = start(&out, &compilation.config)?;
    folder.list(&state.own);
    folder.wrote_in(&state.folders);
    let wants = |part| args.only.is_empty() || args.only.contains(&part);
    // Each file is written aside as soon as it is made, so that they are never all in memory.
    let stage = Stage::new(&folder);
    history.into_iter().try_for_each(|file| stage.add(file.path, file.contents))?;
    let (migrations, (seeds, docs)) = rayon::join(
        || match wants(Part::Migrations) {
            true => migrations(
                args,
                &compilation,
                &Others::read(&out, compilation.config.migrations(), &stale)?,
                &state,
                &stage,
            ),
            false => Ok((Vec::new(), Vec::new())),
        },
        || {
            rayon::join(
                || if wants(Part::Seeds) { seeds(&compilation, &stage) } else { Ok(Vec::new()) },
                || {
                    let mut made = if wants(Part::Docs) { docs(&compilation, &stage)? } else { Vec::new() };
                    if wants(Part::Types) {
                        made.extend(types(&compilation, &stage)?);
                    }
                    Ok(made)
                },
            )
        },
    );
    let (migrated, heads) = migrations?;
    stale.retain(|path| !migrated.contains(path));
    let kept = stored.into_iter().filter(|file| !migrated.contains(&file.path));
    kept.into_iter().try_for_each(|file| stage.add(file.path, file.contents))?;
    let mut made = seeds?;
    made.extend(docs?);
    if wants(Part::Docs) {
        made.extend(guides(&compilation, &stage, &out, &stale, heads)?);
    }
    if args.only.is_empty() {
        let made: BTreeSet<_> = made.iter().map(|path| path.to_string_lossy().into_owned()).collect();
        stale.extend(state.generated.iter().filter(|path| !made.contains(*path)).map(PathBuf::from));
        let folders = compilation.config.generated();
        let head = folders.iter().fold(format!("# {MARK}\n"), |head, at| head + FOLDER + &at.to_string_lossy() + "\n");
        let list = made.into_iter().fold(head, |list, path| list + &path + "\n");
        stage.add(compilation.config.state().join(GENERATED), list)?;
    }
    timings.push(clock.lap("generate"));
    let written = stage.finish(&stale)?;
    timings.push(clock.lap("move"));
    summary(format, &compilation, files, &out, &written, &state.folders);
    if args.timings {
        show_timings(&timings);
    }
    // Freeing millions of small objects takes longer than it is worth: the process ends here.
    std::mem::forget(compilation);
    Ok(ExitCode::SUCCESS)
}

/// The names of the files in the folder of the migrations, by stamp.
struct Others {
    folder: PathBuf,
    names: BTreeMap<String, String>,
}

impl Others {
    fn read(out: &Path, folder: PathBuf, without: &[PathBuf]) -> Result<Self, Failure> {
        let names = project::listed(&out.join(&folder))?.into_iter();
        let names = names.filter_map(|path| Some(path.file_name()?.to_string_lossy().into_owned()));
        let names = names.filter(|name| name.ends_with(".sql") && !without.contains(&folder.join(name)));
        let names = names.filter_map(|name| Some((name.get(..14)?.to_owned(), name))).collect();
        Ok(Self { folder, names })
    }

    /// The stamp is the version under which a migration is known: no other file may have it.
    fn check(&self, path: &Path) -> Result<(), Failure> {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        match name.get(..14).and_then(|stamp| self.names.get(stamp)) {
            Some(other) if *other != name && path.parent() == Some(&self.folder) => {
                Err(Failure::broken(format!("--stamp: {other} has the stamp of {name}: take a later one")))
            }
            _ => Ok(()),
        }
    }
}

/// The paths of what was written, and name and first comment of each migration among it.
type Migrated = (Vec<PathBuf>, Vec<(String, String)>);

/// Writes what leads to the spec; nothing where it did not change.
fn migrations(
    args: &Build,
    compilation: &Compilation,
    others: &Others,
    state: &State,
    stage: &Stage<'_>,
) -> Result<Migrated, Failure> {
    let layout = match compilation.model.options.target {
        Target::Supabase => Layout::supabase(),
        Target::Postgres | Target::Citus => Layout::postgres(),
    };
    let layout = Layout {
        migrations: project::slashes(&compilation.config.migrations()),
        own: project::slashes(&compilation.config.state()),
        ..layout
    };
    let stamp: Stamp = match &args.stamp {
        Some(stamp) => stamp.parse().map_err(|error| Failure::broken(format!("--stamp: {error}")))?,
        None => {
            let now: Stamp = now().parse().map_err(|error| Failure::broken(format!("the clock: {error}")))?;
            // A change of several files takes several seconds' stamps.
            let last = specc_migrate::last_stamp(&state.recorded, &layout);
            last.map_or(now, |last| now.max(last.next()))
        }
    };
    let mut hints = compilation.hints.clone();
    let mut dropped = args.drop.clone();
    let kept = state.catalog.as_ref().map(|catalog| catalog.spec.as_slice()).unwrap_or_default();
    let decide = || widening::since(kept, &compilation.model);
    loop {
        let catalog = match &state.catalog {
            Some(last) if args.keep_old => {
                keep_old(&compilation.catalog, last, &hints.since(&last.said)).map_err(not_kept)?
            }
            _ => Cow::Borrowed(&compilation.catalog),
        };
        if let Some(last) = &state.catalog {
            may_change(compilation, last, &catalog, &hints)?;
        }
        let input = MigrationInput {
            project: &compilation.config.name,
            name: args.name.as_deref().unwrap_or_default(),
            catalog: &catalog,
            previous: state.catalog.as_ref(),
            stamp,
            layout: &layout,
            recorded: &state.recorded,
            hints: &hints,
            consent: Consent { data_loss: args.allow_data_loss, offline: args.offline_ok, dropped: &dropped },
            access: Some(Decide(&decide)),
        };
        let (failed, made, heads) = (Mutex::new(None), Mutex::new(Vec::new()), Mutex::new(Vec::new()));
        let take = |file: specc_migrate::OutputFile| {
            let path = Path::new(&file.path);
            if path.parent() == Some(&others.folder) && path.extension().is_some_and(|end| end == "sql") {
                let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                let head = (name, package::comment(&file.contents));
                heads.lock().unwrap_or_else(PoisonError::into_inner).push(head);
            }
            made.lock().unwrap_or_else(PoisonError::into_inner).push(PathBuf::from(&file.path));
            let added = others.check(Path::new(&file.path)).and_then(|()| stage.add(file.path.into(), file.contents));
            if let Err(failure) = added {
                failed.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(failure);
            }
        };
        match specc_migrate::each_file(&input, take) {
            Ok(()) => {
                let failed = failed.into_inner().unwrap_or_else(PoisonError::into_inner);
                let made = made.into_inner().unwrap_or_else(PoisonError::into_inner);
                let heads = heads.into_inner().unwrap_or_else(PoisonError::into_inner);
                return failed.map_or(Ok((made, heads)), Err);
            }
            Err(MigrationError::RenameCandidates(candidates)) if can_ask() => {
                ask(&candidates, &mut hints, &mut dropped)?
            }
            Err(error) => return Err(refused(error)),
        }
    }
}

/// Whether the tables of base rows let them be changed.
fn may_change(compilation: &Compilation, last: &Catalog, now: &Catalog, hints: &Hints) -> Result<(), Failure> {
    if !last.iter().any(|(id, _)| id.kind == Kind::Seed) {
        return Ok(());
    }
    let difference = specc_diff::diff(last, now, &hints.since(&last.said));
    let rows = difference.rows.iter().map(|change| (&change.seed, change.put));
    let found = specc_seed::refused(&compilation.model, [&difference.from, now], rows);
    if found.is_empty() { Ok(()) } else { Err(Failure::Findings(found, compilation.sources.clone())) }
}

/// Why there is no migration, and what to do.
pub fn refused(error: MigrationError) -> Failure {
    let (code, help) = match &error {
        MigrationError::Stamp(_) => return Failure::broken(format!("--stamp: {error}")),
        MigrationError::Cycle(_) => (codes::DEPENDENCY_CYCLE, ""),
        MigrationError::Change(specc_migrate::ChangeError::Stalls(_)) => {
            (codes::STALL, "\nif nobody uses the database meanwhile, build with `--offline-ok`")
        }
        MigrationError::Change(specc_migrate::ChangeError::ByOrder(_)) => (
            codes::BY_ORDER,
            "\nname the columns there (`insert into t (a, b) …`, `select … into r.a, r.b`, `returns table (…)`), or write the columns of \
             the table in the spec in the order that the table has, and the body by that",
        ),
        MigrationError::Change(specc_migrate::ChangeError::Unexpected(_)) => {
            (codes::UNEXPECTED_CHANGE, "\nthis is a fault of specc, not of the spec: please report it")
        }
        MigrationError::Change(specc_migrate::ChangeError::NoCast(_)) => (
            codes::NO_CAST,
            "\nsay what each value becomes: write `using (expression)` behind the column's type, over the row as it was",
        ),
        MigrationError::Change(_) => (
            codes::IMPOSSIBLE_CHANGE,
            "\nchange the spec in a way that keeps what is there (a new column or table next to the old one), or drop it and create it \
             again in two builds",
        ),
        MigrationError::RenameCandidates(_) => (codes::PROBABLE_RENAME, ""),
        MigrationError::Loss(_) => (codes::DATA_LOSS, "\nif that is meant, build with `--allow-data-loss`"),
    };
    Failure::Refused(Some(code), format!("{error}{help}"))
}

/// Why the old columns of a change cannot stay.
fn not_kept(error: KeepError) -> Failure {
    match error {
        KeepError::Unexpected(error) => refused(ChangeError::Unexpected(error).into()),
        KeepError::Columns(all) => {
            let lines: String = all.iter().map(|one| format!("\n  {one}")).collect();
            let text = format!(
                "the old values of these columns cannot be kept beside the new ones:{lines}\nbuild without `--keep-old`, or change \
                 these columns in a build of their own"
            );
            Failure::Refused(Some(codes::NOT_KEPT), text)
        }
    }
}

fn can_ask() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// Asks for each whether it was renamed.
fn ask(candidates: &[RenameCandidate], hints: &mut Hints, dropped: &mut Vec<String>) -> Result<(), Failure> {
    for candidate in candidates {
        eprint!("was `{}` renamed to `{}`? [y/n] ", candidate.gone, candidate.new);
        let mut answer = String::new();
        let read = std::io::stdin().read_line(&mut answer).map_err(|error| Failure::broken(error.to_string()))?;
        match answer.trim() {
            "y" | "yes" => {
                eprintln!("  write `was {}` after its new name, so that the next build knows", candidate.was());
                let (id, part) = match &candidate.new {
                    Thing::Table(table) => (table.id(), None),
                    Thing::Column(table, column) => (table.id(), Some(column.clone())),
                    Thing::Label(ty, label) => (ty.clone(), Some(label.clone())),
                };
                hints.renames.push(Rename {
                    id,
                    part,
                    was: candidate.gone.name().into(),
                    was_in: candidate.was_in().cloned(),
                });
            }
            "n" | "no" => dropped.push(candidate.gone.to_string()),
            _ if read == 0 => return Err(refused(MigrationError::RenameCandidates(candidates.to_vec()))),
            _ => return ask(candidates, hints, dropped),
        }
    }
    Ok(())
}

/// The time as a stamp, UTC. The only clock that specc reads.
fn now() -> String {
    jiff::Timestamp::now().strftime("%Y%m%d%H%M%S").to_string()
}

/// Returns the paths.
fn seeds(compilation: &Compilation, stage: &Stage<'_>) -> Result<Vec<PathBuf>, Failure> {
    let envs: Vec<_> = compilation.model.seeds.iter().map(|s| &s.env).filter(|env| *env != "base").collect();
    envs.par_iter()
        .map(|env| {
            let seeds = specc_seed::generate(&compilation.model, env);
            let contents = specc_migrate::seed_file(&compilation.config.name, env, &compilation.catalog, &seeds);
            let path = compilation.config.seeds().join(format!("{env}.sql"));
            stage.add(path.clone(), contents).map(|()| path)
        })
        .collect()
}

/// Returns the paths.
fn docs(compilation: &Compilation, stage: &Stage<'_>) -> Result<Vec<PathBuf>, Failure> {
    let folder = compilation.config.docs();
    let options = package::options(compilation);
    let done = Mutex::new(Vec::new());
    specc_docs::each_file(&compilation.model, &compilation.catalog, &options, |file| {
        let path = folder.join(file.path);
        let result = stage.add(path.clone(), file.contents).map(|()| path);
        done.lock().unwrap_or_else(PoisonError::into_inner).push(result);
    });
    done.into_inner().unwrap_or_else(PoisonError::into_inner).into_iter().collect()
}

/// Writes the guides, if the settings name a folder for them; returns the paths. `new` is name and first comment of each
/// migration of this build.
fn guides(
    compilation: &Compilation,
    stage: &Stage<'_>,
    out: &Path,
    stale: &[PathBuf],
    new: Vec<(String, String)>,
) -> Result<Vec<PathBuf>, Failure> {
    let Some(folder) = compilation.config.guides() else { return Ok(Vec::new()) };
    let at = compilation.config.migrations();
    let mut migrations = package::migrations(&out.join(&at))?;
    migrations.retain(|(name, _)| !stale.contains(&at.join(name)) && new.iter().all(|(other, _)| other != name));
    migrations.extend(new);
    migrations.sort();
    let files = package::files(compilation, &folder, &compilation.config.docs(), migrations)?;
    let add = |file: specc_docs::DocFile| {
        let path = folder.join(file.path);
        stage.add(path.clone(), file.contents).map(|()| path)
    };
    files.into_par_iter().map(add).collect()
}

/// Returns the paths of the files that the settings name.
fn types(compilation: &Compilation, stage: &Stage<'_>) -> Result<Vec<PathBuf>, Failure> {
    let around = specc_lower::external(&compilation.model);
    let asked = super::types::asked(&compilation.config);
    let files = compilation.config.types_files().into_iter().map(|(lang, path)| (What::of(lang), path));
    let mut files: Vec<(What, PathBuf)> = files.collect();
    if let Some(folder) = compilation.config.openapi() {
        let roles = specc_types::roles(&compilation.catalog).into_iter();
        let roles = roles.map(|role| What { lang: Lang::Openapi, role: role.to_string() });
        files.extend(roles.map(|what| {
            let path = folder.join(what.file());
            (what, path)
        }));
    }
    for (what, path) in &files {
        let types = super::types::made(what, &compilation.catalog, &around, &asked)?;
        for doubt in &types.doubts {
            report::note(&format!("warning: {}: {doubt}", path.display()));
        }
        stage.add(path.clone(), types.text)?;
    }
    Ok(files.into_iter().map(|(_, path)| path).collect())
}

fn summary(
    format: Format,
    compilation: &Compilation,
    files: usize,
    out: &Path,
    written: &Written,
    earlier: &[PathBuf],
) {
    let count = |want: fn(&Object) -> bool| compilation.catalog.iter().filter(|(_, e)| want(&e.object)).count();
    let (tables, policies) = (count(|o| matches!(o, Object::Table(_))), count(|o| matches!(o, Object::Policy(_))));
    if format == Format::Json {
        let paths = |list: &[PathBuf]| list.iter().map(|p| p.to_string_lossy().into_owned()).collect::<Vec<_>>();
        data(
            &serde_json::json!({
                "project": compilation.config.name, "tables": tables, "policies": policies,
                "out": out.to_string_lossy(), "unchanged": written.unchanged,
                "written": paths(&written.changed), "removed": paths(&written.removed),
                "accepted": report::accepted_json(&compilation.accepted, &compilation.sources),
            })
            .to_string(),
        );
        return;
    }
    let name = &compilation.config.name;
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
    let migrations = compilation.config.migrations();
    for path in written.removed.iter().filter(|p| p.starts_with(&migrations)) {
        eprintln!("  removed {}", out.join(path).display());
    }
    let own = Own::of(&compilation.config);
    for (folder, count) in earlier.iter().filter(|folder| !own.is_place(folder)).filter_map(|folder| {
        let count = written.removed.iter().filter(|path| path.starts_with(folder)).count();
        (count > 0).then_some((folder, count))
    }) {
        eprintln!(
            "  removed {} from {}: specc.toml names another place now",
            plural(count, "file"),
            out.join(folder).display()
        );
    }
    for path in written.changed.iter().filter(|p| p.starts_with(&migrations)) {
        eprintln!("  {}", out.join(path).display());
    }
    eprintln!("  {}  (start here)", out.join(compilation.config.docs()).join("README.md").display());
}

fn words(n: usize, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}

/// Where the time and the memory went.
pub fn show_timings(timings: &[Lap]) {
    for Lap { stage, time, memory } in timings {
        let memory = memory.map(|mb| format!("{mb:>8} MB")).unwrap_or_default();
        eprintln!("  {stage:<12} {:>8.1} ms{memory}", time.as_secs_f64() * 1000.0);
    }
    if let Some(peak) = memory::of("VmHWM:") {
        eprintln!("  peak memory {peak} MB");
    }
}

#[cfg(test)]
mod tests {
    use super::refused;
    use crate::report::Failure;
    use specc_catalog::{Kind, ObjectId};
    use specc_migrate::{ChangeError, MigrationError, Unexpected};

    #[test]
    fn a_fault_of_the_planner_has_a_code() {
        let object = Some(ObjectId::new(Kind::Table, "public", "notes"));
        let unexpected = Unexpected { object, case: "a key without an index" };
        let Failure::Refused(Some(code), text) = refused(MigrationError::Change(ChangeError::Unexpected(unexpected)))
        else {
            panic!("it is refused with a code");
        };
        let mut settings = insta::Settings::clone_current();
        settings.set_snapshot_path("../../tests/snapshots");
        settings.bind(|| insta::assert_snapshot!(format!("error: {code:?}: {text}")));
    }
}
