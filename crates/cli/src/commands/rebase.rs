//! `specc rebase`: after a merge, this branch's migrations planned anew on top of what the other branch has.

use super::build::{self, Start};
use super::stored::{self, State, Stored};
use crate::args::{Format, Rebase};
use crate::config::Config;
use crate::git::Repository;
use crate::output::{self, File};
use crate::project::{self, slashes};
use crate::report::{Failure, plural};
use specc_catalog::checksum;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Takes the other branch's history and builds on it.
pub fn run(args: &Rebase, format: Format) -> Result<ExitCode, Failure> {
    let start = |out: &Path, config: &Config| {
        let repository = Repository::of(out)?;
        let onto = onto(&repository, args.onto.as_deref())?;
        let start = start(&repository, &onto, out, config)?;
        let is_migration = |path: &&PathBuf| path.parent() == Some(&config.migrations());
        match start.stale.iter().filter(is_migration).count() {
            0 => eprintln!("this branch has no migrations that {} does not have", onto.name),
            count => eprintln!(
                "{} of this branch planned anew; a database that ran one of them goes back first (`specc apply --down-to`, \
                 with the files as they were), or is made anew",
                plural(count, "migration")
            ),
        }
        Ok(start)
    };
    build::run_from(&args.build, format, start)
}

/// Whose history stays.
struct Onto {
    name: String,
    commit: String,
}

fn onto(repository: &Repository, asked: Option<&str>) -> Result<Onto, Failure> {
    let found =
        |name: &str| Ok::<_, Failure>(repository.commit(name)?.map(|commit| Onto { name: name.to_owned(), commit }));
    if let Some(name) = asked {
        return found(name)?.ok_or_else(|| Failure::broken(format!("--onto: git knows no commit `{name}`")));
    }
    if let Some(merged) = found("MERGE_HEAD")? {
        return Ok(merged);
    }
    // While git rebases, what is there is the other branch's, and this branch's commits come one by one.
    if repository.commit("REBASE_HEAD")?.is_some()
        && let Some(head) = found("HEAD")?
    {
        return Ok(head);
    }
    Err(Failure::broken("no merge is going on: say whose migrations stay, as in `specc rebase --onto main`"))
}

fn start(repository: &Repository, onto: &Onto, out: &Path, config: &Config) -> Result<Start, Failure> {
    let (catalog_path, sums_path) = (config.state().join("catalog.json"), config.state().join("checksums.toml"));
    let there = |path: &Path| Path::new(&onto.name).join(path);
    let read = |path: &Path| repository.text(&onto.commit, &slashes(path));
    let (catalog_text, sums) = (read(&catalog_path)?, read(&sums_path)?);
    let files = ((there(&catalog_path), catalog_text.clone()), (there(&sums_path), sums.clone()));
    let Some(stored) = Stored::of(files.0, files.1)? else {
        // Without this every migration of this branch would go, and one from nothing would come.
        return Err(Failure::broken(format!(
            "{} has no {}: there is nothing to plan on top of",
            onto.name,
            catalog_path.display()
        )));
    };
    let catalog = Some(stored.catalog()?);
    let recorded = stored.recorded;
    let mut history = Vec::new();
    for (path, sum) in recorded.iter().filter(|(path, _)| Path::new(path) != catalog_path) {
        let is_as_it_was = project::text(&out.join(path)).is_ok_and(|text| checksum(&text) == *sum);
        if is_as_it_was {
            continue;
        }
        match read(Path::new(path))? {
            Some(text) if checksum(&text) == *sum => history.push(File { path: path.into(), contents: text }),
            _ => return Err(stored::damaged(&there(Path::new(path)), "is not as the last build left it")),
        }
    }
    let stale = pending(out, config, &recorded)?;
    let stored = [(catalog_path, catalog_text), (sums_path, sums)];
    let stored: Vec<File> =
        stored.into_iter().filter_map(|(path, text)| Some(File { path, contents: text? })).collect();
    // Both sides stand in these files now; what is in them comes from one side and from the build.
    let conflicting = stored.iter().chain(&history).map(|file| slashes(&file.path));
    let own = conflicting.chain(stale.iter().map(|path| slashes(path))).collect();
    let (generated, folders) = stored::generated(out, config)?;
    let mut state = State { catalog, recorded, generated, folders, own };
    state.own.extend(state.generated.iter().cloned());
    state.own.push(slashes(&config.state().join(stored::GENERATED)));
    Ok(Start { state, history, stale, stored })
}

/// The files of migrations that the other branch does not have: each with its way back and its plan.
fn pending(out: &Path, config: &Config, recorded: &[(String, String)]) -> Result<Vec<PathBuf>, Failure> {
    let theirs: BTreeSet<&Path> = recorded.iter().map(|(path, _)| Path::new(path)).collect();
    let own = |name: &str| config.state().join(name);
    let plans = own("plans");
    let mut found = Vec::new();
    for folder in [config.migrations(), own("down"), own("abandon")] {
        for path in output::marked_in(&out.join(&folder))? {
            found.extend(path.file_name().map(|name| folder.join(name)));
        }
    }
    let names = found.iter().filter(|path| path.parent() == Some(&config.migrations()));
    let plans: Vec<PathBuf> = (names.filter_map(|path| path.file_stem()))
        .map(|name| plans.join(name).with_extension("json"))
        .filter(|path| out.join(path).is_file())
        .collect();
    found.extend(plans);
    found.retain(|path| !theirs.contains(path.as_path()));
    Ok(found)
}
