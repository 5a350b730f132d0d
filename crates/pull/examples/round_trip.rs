//! Loads each `.sql` file under some folders, reads the database, pulls it into files, builds those, loads the build into
//! an empty database and reads that: the two have to be equal.
//!
//! `cargo run -p specc-pull --example round_trip -- [--version 15] [--only NAME] [--show] [--blocks] [--times] DIR …`

#![allow(clippy::disallowed_methods, clippy::print_stdout)]

#[path = "../../introspect/tests/support/mod.rs"]
mod support;

use specc_catalog::{Catalog, Object};
use specc_diag::{Severity, Sources};
use specc_model::Target;
use specc_postgres::Cluster;
use specc_pull::{Options, Pulled, pull};
use std::path::{Path, PathBuf};
use std::time::Instant;
use support::{Ground, differences, load, open, read, script};

fn files(dir: &Path, out: &mut Vec<PathBuf>) {
    if dir.is_file() {
        return out.push(dir.to_owned());
    }
    let entries = std::fs::read_dir(dir).unwrap_or_else(|error| panic!("{}: {error}", dir.display()));
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() {
            files(&path, out);
        } else if path.extension().is_some_and(|end| end == "sql") {
            out.push(path);
        }
    }
}

/// What the files mean.
fn build(pulled: &Pulled, options: &Options) -> Result<Catalog, String> {
    let mut sources = Sources::new();
    let (mut trees, mut found) = (Vec::new(), Vec::new());
    for (name, text) in &pulled.files {
        let file = sources.add(name.clone(), text.clone());
        let (tree, findings) = specc_syntax::parse(file, text);
        trees.push(tree);
        found.extend(findings);
    }
    let (model, findings) = specc_model::analyze(trees, &mut sources, options.model());
    found.extend(findings);
    let (catalog, findings) = specc_lower::lower(&model);
    found.extend(findings);
    found.retain(|finding| finding.severity() == Severity::Error);
    match found.first() {
        Some(first) => Err(format!("the files have an error: {}", first.message)),
        None => Ok(catalog),
    }
}

fn round(cluster: &Cluster, ground: Ground, first: &Catalog, pulled: &Pulled, options: &Options) -> Result<(), String> {
    if let Some(problem) = pulled.problems.first() {
        return Err(format!("pulling leaves a problem: {problem}"));
    }
    let script = script(&build(pulled, options)?)?;
    let (db, mut session) = open(cluster, ground);
    specc_postgres::load_sql(&mut session, &script).map_err(|error| format!("the build does not load: {error}"))?;
    let second = read(&mut session).catalog;
    drop((session, db));
    let found = differences(first, &second);
    if found.is_empty() { Ok(()) } else { Err(format!("differs:\n  {}", found.join("\n  "))) }
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let (mut version, mut only, mut show, mut blocks, mut times) = (15, None, false, false, false);
    let mut dirs = Vec::new();
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--version" => version = arguments.next().and_then(|v| v.parse().ok()).expect("a version"),
            "--only" => only = arguments.next(),
            "--show" => show = true,
            "--blocks" => blocks = true,
            "--times" => times = true,
            _ => dirs.push(PathBuf::from(argument)),
        }
    }
    let mut all = Vec::new();
    dirs.iter().for_each(|dir| files(dir, &mut all));
    all.sort();
    let cluster = Cluster::start(version).unwrap_or_else(|error| panic!("{error}"));
    let (mut equal, mut total, mut typed, mut untyped, mut in_blocks, mut tables) = (0, 0, 0, 0, 0, 0);
    for path in all {
        let name = path.display().to_string();
        if only.as_ref().is_some_and(|only| !name.contains(only.as_str())) {
            continue;
        }
        let text = std::fs::read_to_string(&path).expect("text");
        // A dump has a few words for psql.
        let text: String = text
            .lines()
            .filter(|line| !line.starts_with('\\') && !line.starts_with("COMMENT ON EXTENSION"))
            .flat_map(|line| [line, "\n"])
            .collect();
        let platform = ["auth.", "storage.", "to anon", "TO anon"].iter().any(|word| text.contains(word));
        let (ground, target) =
            if platform { (Ground::Platform, Target::Supabase) } else { (Ground::Plain, Target::Postgres) };
        let first = match load(&cluster, ground, &text) {
            Ok((db, mut session)) => {
                let start = Instant::now();
                let first = read(&mut session).catalog;
                if times {
                    println!("  {name}: {} objects read in {:.1?}", first.len(), start.elapsed());
                }
                drop((session, db));
                first
            }
            Err(error) => {
                println!("NOT LOADED {name}: {error}");
                continue;
            }
        };
        total += 1;
        let options = Options::new("round", target);
        let start = Instant::now();
        let pulled = pull(&first, &options);
        if times {
            println!("  {name}: {} files pulled in {:.1?}", pulled.files.len(), start.elapsed());
        }
        typed += pulled.typed.values().sum::<usize>();
        for block in &pulled.blocks {
            let own = first.get(&block.object).is_some_and(|entry| matches!(entry.object, Object::Sql(_)));
            untyped += usize::from(own);
            in_blocks += usize::from(!own);
            tables += usize::from(block.object.kind == specc_catalog::Kind::Table && !own);
            if blocks && !own {
                println!("  block {name} {}: {}", block.object, block.why);
            }
        }
        if show {
            println!("{}", pulled.toml);
            for (file, text) in &pulled.files {
                println!("======== {file}\n{text}");
            }
        }
        match round(&cluster, ground, &first, &pulled, &options) {
            Ok(()) => equal += 1,
            Err(error) => println!("FAILS {name}: {error}"),
        }
    }
    println!(
        "{equal} of {total} equal; {typed} objects typed, {in_blocks} in blocks ({tables} tables), \
         {untyped} that no typed object says"
    );
}
