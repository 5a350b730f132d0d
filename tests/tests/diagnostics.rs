//! Every folder of `tests/diagnostics` is a project with something wrong; what is said about it is a snapshot beside it.
//! Together with the tests of the command line, they say every code of the table.
//!
//! The first line of a file may hold an option: `// target: postgres`.

#![allow(clippy::disallowed_methods)]

use specc_diag::{Code, Diagnostic, RenderOptions, Severity, Sources, has_errors, render, sort};
use specc_model::{Options, Target};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// What the command line says itself, in snapshots of its own tests.
const COMMANDS: [&str; 2] = ["crates/cli/tests/snapshots", "crates/cli/tests/files/snapshots"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn entries(folder: &Path, wanted: impl Fn(&Path) -> bool) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut found: Vec<PathBuf> = entries.map(|e| e.expect("a readable entry").path()).filter(|p| wanted(p)).collect();
    found.sort();
    found
}

fn cases() -> Vec<PathBuf> {
    entries(&root().join("tests/diagnostics"), Path::is_dir)
}

fn has_ending(path: &Path, ending: &str) -> bool {
    path.extension().is_some_and(|e| e == ending)
}

/// What is found in a case, in the order and at the point where the command line stops.
fn findings(case: &Path) -> (Vec<Diagnostic>, Sources) {
    let mut sources = Sources::new();
    let mut options = Options::default();
    let (mut parsed, mut found, mut acceptances) = (Vec::new(), Vec::new(), Vec::new());
    for path in entries(case, |path| has_ending(path, "dbspec")) {
        let text = std::fs::read_to_string(&path).expect("UTF-8");
        if text.starts_with("// target: postgres") {
            options.target = Target::Postgres;
        }
        if text.starts_with("// target: citus") {
            options.target = Target::Citus;
        }
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let id = sources.add(name, text.as_str());
        let (file, findings) = specc_syntax::parse(id, &text);
        acceptances.extend(file.accepts.iter().cloned());
        parsed.push(file);
        found.extend(findings);
    }
    let broken = has_errors(&found);
    let (model, mut more) = specc_model::analyze(parsed, &mut sources, options);
    if broken {
        more.retain(|d| !d.code.may_follow_from_broken_text());
    }
    found.extend(more);
    if !has_errors(&found) {
        found.extend(specc_lower::lower(&model).1);
    }
    if !has_errors(&found) {
        specc_diag::accept(&mut found, acceptances);
    }
    sort(&mut found);
    (found, sources)
}

#[test]
fn what_is_said() {
    let mut failed = Vec::new();
    for case in cases() {
        let (found, sources) = findings(&case);
        let text = found.iter().map(|d| render(d, &sources, RenderOptions::default())).collect::<Vec<_>>().join("\n");
        let mut settings = insta::Settings::clone_current();
        settings.set_snapshot_path(&case);
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        settings.remove_description();
        settings.bind(|| {
            let name = case.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let run = || insta::assert_snapshot!("said", text);
            if std::panic::catch_unwind(std::panic::AssertUnwindSafe(run)).is_err() {
                failed.push(name.clone());
            }
            // a folder is called after the code that it is about
            let code = name.split('_').next().unwrap_or_default().to_uppercase();
            if !found.iter().any(|d| d.code.name() == code) {
                failed.push(format!("{name}: {code} is not said"));
            }
        });
    }
    assert!(failed.is_empty(), "changed or wrong:\n{}", failed.join("\n"));
}

/// The codes in a snapshot: each stands at the start of a line, or after `error: `.
fn said(snapshot: &Path) -> BTreeSet<Code> {
    let text = std::fs::read_to_string(snapshot).expect("a snapshot");
    let lines = text.lines().map(|line| line.trim_start_matches("error: "));
    lines.filter_map(|line| Code::find(line.split([':', ' ']).next().unwrap_or_default())).collect()
}

#[test]
fn every_code_is_reached() {
    let is_snapshot = |path: &Path| has_ending(path, "snap");
    let mut snapshots: Vec<PathBuf> = cases().iter().flat_map(|case| entries(case, is_snapshot)).collect();
    snapshots.extend(COMMANDS.iter().flat_map(|folder| entries(&root().join(folder), is_snapshot)));
    let reached: BTreeSet<Code> = snapshots.iter().flat_map(|path| said(path)).collect();
    // What is asked of access has its examples run (`crates/cli/tests/pages.rs`).
    let missing = Code::all().filter(|code| !reached.contains(code) && !code.is_of_proofs());
    let missing: Vec<&str> = missing.map(|code| code.name()).collect();
    assert!(missing.is_empty(), "no case says {}", missing.join(", "));
}

#[test]
fn there_are_many_cases_and_some_with_several_errors() {
    let counts: Vec<usize> = cases()
        .iter()
        .map(|case| findings(case).0.iter().filter(|d| d.severity() == Severity::Error).count())
        .collect();
    assert!(counts.len() >= 120, "{} cases", counts.len());
    let several = counts.iter().filter(|n| **n >= 3).count();
    assert!(several >= 5, "{several} cases have three or more errors");
}

#[test]
fn every_finding_reads_well() {
    let mut poor = Vec::new();
    for case in cases() {
        let name = case.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let count = entries(&case, |path| has_ending(path, "dbspec")).len() as u32;
        for finding in findings(&case).0 {
            let mut is_poor =
                |why: &str| poor.push(format!("{name}: {why}: {} {}", finding.code.name(), finding.message));
            if finding.span().file.0 >= count {
                is_poor("it is not in the author's files");
            }
            // text that is not SQL, or a type that does not fit, may say by itself what is wrong
            let plain = ["E0001", "E0002", "E0004", "E0005", "E0201", "E0203", "E0205", "E0206", "E0207"];
            if finding.help.is_none() && !plain.contains(&finding.code.name()) {
                is_poor("it does not say what to write instead");
            }
            let texts = [Some(&finding.message), finding.help.as_ref()];
            for text in texts.into_iter().flatten().chain(finding.labels.iter().map(|l| &l.text)) {
                if text.starts_with(char::is_uppercase) && !text.starts_with("SQL") || text.ends_with('.') {
                    is_poor("it is written as a sentence");
                }
                if text.matches('`').count() % 2 == 1 && !text.contains("` is") {
                    is_poor("a backtick is missing");
                }
            }
        }
    }
    assert!(poor.is_empty(), "{}", poor.join("\n"));
}
