//! Loads each `.sql` file under some folders, reads the database, makes it again from what was read, and reads that: the
//! two have to be equal. A folder is loaded on the platform where a file speaks of it.
//!
//! `cargo run -p specc-introspect --example fixed_point -- [--version 15] [--only NAME] [--show] DIR …`

#![allow(clippy::disallowed_methods, clippy::print_stdout)]

#[path = "../tests/support/mod.rs"]
mod support;

use specc_postgres::Cluster;
use std::path::{Path, PathBuf};
use support::{Ground, again, counts, load, read};

fn files(dir: &Path, out: &mut Vec<PathBuf>) {
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

fn main() {
    let mut arguments = std::env::args().skip(1);
    let (mut version, mut only, mut show, mut dirs) = (15, None, false, Vec::new());
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--version" => version = arguments.next().and_then(|v| v.parse().ok()).expect("a version"),
            "--only" => only = arguments.next(),
            "--show" => show = true,
            _ => dirs.push(PathBuf::from(argument)),
        }
    }
    let mut all = Vec::new();
    dirs.iter().for_each(|dir| files(dir, &mut all));
    all.sort();
    let cluster = Cluster::start(version).unwrap_or_else(|error| panic!("{error}"));
    let (mut equal, mut total, mut typed, mut blocks) = (0, 0, 0, 0);
    for path in all {
        let name = path.display().to_string();
        if only.as_ref().is_some_and(|only| !name.contains(only.as_str())) {
            continue;
        }
        let text = std::fs::read_to_string(&path).expect("text");
        // A dump has a few words for psql.
        let text: String = text.lines().filter(|line| !line.starts_with('\\')).flat_map(|line| [line, "\n"]).collect();
        let platform = ["auth.", "storage.", "to anon", "TO anon"].iter().any(|word| text.contains(word));
        let mut ground = if platform { Ground::Platform } else { Ground::Plain };
        let mut loaded = load(&cluster, ground, &text);
        if platform && loaded.as_ref().is_err_and(|error| error.contains("42501")) {
            ground = Ground::Above;
            loaded = load(&cluster, ground, &text);
        }
        let first = match loaded {
            Ok((db, mut session)) => {
                let first = read(&mut session);
                drop((session, db));
                first
            }
            Err(error) => {
                println!("NOT LOADED {name}: {error}");
                continue;
            }
        };
        total += 1;
        for left in &first.left_out {
            if show {
                println!("  left out: {}: {}", left.what, left.why);
            }
        }
        let sql = counts(&first.catalog).get("sql block").copied().unwrap_or(0);
        blocks += sql;
        typed += first.catalog.len() - sql;
        if show {
            println!("{name}: {:?}", counts(&first.catalog));
            println!("{}", support::script(&first.catalog).unwrap_or_default());
        }
        match again(&cluster, ground, &first.catalog) {
            Ok(found) if found.is_empty() => equal += 1,
            Ok(found) => println!("DIFFERS {name}\n  {}", found.join("\n  ")),
            Err(error) => println!("FAILS {name}: {error}"),
        }
    }
    println!("{equal} of {total} equal; {typed} objects typed, {blocks} as blocks");
}
