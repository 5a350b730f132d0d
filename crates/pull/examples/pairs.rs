//! For each folder with an `old.sql` and a `new.sql`: loads both, pulls both into specs, builds those, plans the change from
//! one build to the other, runs it on the old database and compares with the new one; then goes back and compares with
//! the old one. Any other folder with several files of SQL has the states of one database, in the order of their names: it
//! is walked from the first to the last, and back.
//!
//! `cargo run -p specc-pull --example pairs -- [--version 15] [--only NAME] [--show] DIR …`
//!
//! The online way is planned where there is one, else the way for an unused database, and the summary counts both.

#![allow(clippy::disallowed_methods, clippy::print_stdout)]

#[path = "../../introspect/tests/support/mod.rs"]
mod support;

use specc_catalog::{Catalog, Hints, Kind};
use specc_diag::{Severity, Sources};
use specc_diff::diff;
use specc_migrate::{Arena, ChangeError, ChangeOptions, Plan, plan_change};
use specc_model::Target;
use specc_postgres::{Cluster, Session};
use specc_pull::{Options, pull};
use specc_sql::{Transaction, print};
use std::path::{Path, PathBuf};
use support::{Ground, load, read};

/// The states of each folder.
fn folders(dir: &Path, out: &mut Vec<Vec<PathBuf>>) {
    if dir.join("old.sql").is_file() {
        return out.push(vec![dir.join("old.sql"), dir.join("new.sql")]);
    }
    let entries = std::fs::read_dir(dir).unwrap_or_else(|error| panic!("{}: {error}", dir.display()));
    let (folder, file): (Vec<_>, Vec<_>) = entries.flatten().map(|entry| entry.path()).partition(|path| path.is_dir());
    let mut states: Vec<PathBuf> =
        file.into_iter().filter(|path| path.extension().is_some_and(|end| end == "sql")).collect();
    states.sort();
    if states.len() > 1 {
        out.push(states);
    }
    folder.iter().for_each(|path| folders(path, out));
}

/// The catalog that the pulled files mean.
fn built(found: &Catalog) -> Result<Catalog, String> {
    let options = Options::new("pair", Target::Postgres);
    let pulled = pull(found, &options);
    if let Some(problem) = pulled.problems.first() {
        return Err(format!("pulling leaves a problem: {problem}"));
    }
    let mut sources = Sources::new();
    let (mut trees, mut findings) = (Vec::new(), Vec::new());
    for (name, text) in &pulled.files {
        let file = sources.add(name.clone(), text.clone());
        let (tree, found) = specc_syntax::parse(file, text);
        trees.push(tree);
        findings.extend(found);
    }
    let (model, found) = specc_model::analyze(trees, &mut sources, options.model());
    findings.extend(found);
    let (catalog, found) = specc_lower::lower(&model);
    findings.extend(found);
    match findings.iter().find(|finding| finding.severity() == Severity::Error) {
        Some(first) => Err(format!("the pulled files have an error: {}", first.message)),
        None => Ok(catalog),
    }
}

fn run(session: &mut Session, plan: &Plan<'_>, show: bool) -> Result<(), String> {
    for stage in &plan.stages {
        let mut texts: Vec<String> = Vec::new();
        for statement in stage.statements() {
            let mut text = String::new();
            print(statement, &mut text);
            texts.push(text);
        }
        if show {
            println!("-- {:?}", stage.purpose);
            texts.iter().for_each(|text| print!("{text}"));
        }
        let alone = stage.transaction == Transaction::Outside;
        if !alone {
            texts.insert(0, "begin".into());
            texts.push("commit".into());
        }
        for text in &texts {
            if let Err(error) = session.batch_execute(text) {
                let said = error.as_db_error().map_or_else(|| error.to_string(), |db| db.message().to_string());
                let _ = session.batch_execute("rollback");
                return Err(format!("{said}\n    {}", text.trim()));
            }
        }
    }
    Ok(())
}

fn differences(a: &Catalog, b: &Catalog) -> Result<(), String> {
    let hints = Hints::default();
    let found = diff(a, b, &hints);
    if found.is_empty() {
        return Ok(());
    }
    Err(specc_diff::lines(&found).iter().map(|line| format!("\n    {line}")).collect())
}

/// Whether the online way was taken all along.
fn walk(cluster: &Cluster, states: &[PathBuf], show: bool) -> Result<bool, String> {
    let mut databases = Vec::new();
    let mut catalogs = Vec::new();
    for path in states {
        let text = std::fs::read_to_string(path).map_err(|error| error.to_string())?;
        let (database, mut session) =
            load(cluster, Ground::Plain, &text).map_err(|error| format!("not loaded: {error}"))?;
        catalogs.push(read(&mut session).catalog);
        // The first is the one that is walked.
        if databases.is_empty() {
            databases.push((database, session));
        }
    }
    let Some((_, session)) = databases.first_mut() else { return Ok(true) };
    let builds = catalogs.iter().map(built).collect::<Result<Vec<_>, _>>()?;
    let hints = Hints::default();
    let mut all_online = true;
    for (step, catalog) in builds.windows(2).zip(&catalogs[1..]) {
        let change = diff(&step[0], &step[1], &hints);
        if show {
            specc_diff::lines(&change).iter().for_each(|line| println!("{line}"));
        }
        let arena = Arena::new();
        let plan = |options| plan_change(&change, &hints, &arena, options);
        let online = plan(ChangeOptions::default());
        let is_online = !matches!(online, Err(ChangeError::Stalls(_)));
        all_online &= is_online;
        let up = if is_online { online } else { plan(ChangeOptions { offline: true, one: false }) };
        run(session, &up.map_err(|error| format!("no way: {error}"))?, show).map_err(|error| format!("up: {error}"))?;
        differences(&read(session).catalog, catalog).map_err(|error| format!("after up:{error}"))?;
    }
    for at in (1..builds.len()).rev() {
        let arena = Arena::new();
        let change = diff(&builds[at], &builds[at - 1], &hints);
        let down = plan_change(&change, &hints, &arena, ChangeOptions { offline: true, one: true });
        run(session, &down.map_err(|error| format!("no way back: {error}"))?, show)
            .map_err(|error| format!("down: {error}"))?;
        // An extension that a change made stays, since it may have been there before; the way back says so.
        let back = read(session).catalog;
        let mut expected = catalogs[at - 1].clone();
        let later = |id: &_| catalogs[at..].iter().any(|catalog| catalog.contains(id));
        for (id, entry) in back.iter().filter(|(id, _)| id.kind == Kind::Extension && later(id)) {
            if !expected.contains(id) {
                expected.insert(entry.clone());
            }
        }
        differences(&back, &expected).map_err(|error| format!("after down:{error}"))?;
    }
    Ok(all_online)
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let (mut version, mut only, mut show, mut dirs) = (15, None, false, Vec::new());
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--version" => version = arguments.next().and_then(|v| v.parse().ok()).expect("a version"),
            "--only" => only = arguments.next(),
            "--show" => show = true,
            _ => folders(Path::new(&argument), &mut dirs),
        }
    }
    dirs.sort();
    let cluster = Cluster::start(version).unwrap_or_else(|error| panic!("{error}"));
    let (mut equal, mut online, mut failed, mut unloaded) = (0, 0, 0, 0);
    for states in dirs {
        let name = states.first().and_then(|path| path.parent()).unwrap_or(Path::new("")).display().to_string();
        if only.as_ref().is_some_and(|only| !name.contains(only.as_str())) {
            continue;
        }
        match walk(&cluster, &states, show) {
            Ok(is_online) => {
                equal += 1;
                online += usize::from(is_online);
            }
            Err(error) if error.starts_with("not loaded") => {
                unloaded += 1;
                println!("NOT LOADED {name}: {error}");
            }
            Err(error) => {
                failed += 1;
                println!("FAILS {name}: {error}");
            }
        }
    }
    let all = equal + failed;
    let share = if all == 0 { 0.0 } else { 100.0 * f64::from(equal) / f64::from(all) };
    println!(
        "{equal} of {all} equal both ways ({share:.1} %), {online} of them online; {unloaded} not loaded by this server"
    );
}
