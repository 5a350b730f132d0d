//! Analyzes the files or folders named and prints what is wrong: `cargo run --example analyze -- specs/starter`.

#![allow(clippy::disallowed_methods, clippy::print_stderr, clippy::print_stdout)]

use specc_diag::{RenderOptions, Sources, render};
use std::path::{Path, PathBuf};
use std::time::Instant;

fn collect(path: &Path, files: &mut Vec<PathBuf>) {
    if path.is_dir() {
        let mut inside: Vec<_> = std::fs::read_dir(path).into_iter().flatten().flatten().map(|e| e.path()).collect();
        inside.sort();
        inside.iter().for_each(|p| collect(p, files));
    } else if path.extension().is_some_and(|e| e == "dbspec") {
        files.push(path.to_owned());
    }
}

fn main() {
    let mut paths = Vec::new();
    std::env::args().skip(1).for_each(|arg| collect(Path::new(&arg), &mut paths));
    for _ in 0..3 {
        let mut sources = Sources::new();
        let mut found = Vec::new();
        let start = Instant::now();
        let mut files = Vec::new();
        for path in &paths {
            let text = std::fs::read_to_string(path).expect("a readable file");
            let id = sources.add(path.display().to_string(), text.as_str());
            let (file, findings) = specc_syntax::parse(id, &text);
            files.push(file);
            found.extend(findings);
        }
        let parsed = start.elapsed();
        let start = Instant::now();
        let (model, findings) = specc_model::analyze(files, &mut sources, specc_model::Options::default());
        let took = start.elapsed();
        found.extend(findings);
        if std::env::var_os("QUIET").is_none() {
            for finding in &found {
                eprint!("{}", render(finding, &sources, RenderOptions::default()));
            }
        }
        println!(
            "{} entities, {} relations, {} findings; parsed in {parsed:?}, analyzed in {took:?}",
            model.entities.len(),
            model.relations.len(),
            found.len()
        );
        if std::env::var_os("QUIET").is_none() {
            break;
        }
    }
}
