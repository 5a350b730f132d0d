//! Every folder of `tests/diagnostics` is a project with something wrong; what is said about it is a snapshot beside it.
//!
//! The first line of the first file may hold options: `// target: postgres`.

use specc_diag::{Code, RenderOptions, Sources, render, sort};
use specc_model::{Options, Target};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/diagnostics")
}

fn cases() -> Vec<PathBuf> {
    let mut cases: Vec<PathBuf> = std::fs::read_dir(folder())
        .expect("the folder of cases")
        .map(|entry| entry.expect("a readable entry").path())
        .filter(|path| path.is_dir())
        .collect();
    cases.sort();
    cases
}

fn files(case: &Path) -> Vec<(String, String)> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(case)
        .expect("a readable folder")
        .map(|entry| entry.expect("a readable entry").path())
        .filter(|path| path.extension().is_some_and(|e| e == "dbspec"))
        .collect();
    files.sort();
    let name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    files.iter().map(|path| (name(path), std::fs::read_to_string(path).expect("UTF-8"))).collect()
}

/// Text of all findings, and their codes.
fn findings(case: &Path) -> (String, BTreeSet<Code>) {
    let mut sources = Sources::new();
    let mut options = Options::default();
    let (mut parsed, mut found) = (Vec::new(), Vec::new());
    for (name, text) in files(case) {
        if text.starts_with("// target: postgres") {
            options.target = Target::Postgres;
        }
        let id = sources.add(name, text.as_str());
        let (file, findings) = specc_syntax::parse(id, &text);
        parsed.push(file);
        found.extend(findings);
    }
    let (_, findings) = specc_model::analyze(parsed, &mut sources, options);
    found.extend(findings);
    sort(&mut found);
    let text = found.iter().map(|d| render(d, &sources, RenderOptions::default())).collect::<Vec<_>>().join("\n");
    (text, found.iter().map(|d| d.code).collect())
}

/// Said by a later stage, which tests them itself.
const LATER: &[&str] = &["E0124", "E0602", "W0605"];

#[test]
fn what_is_said() {
    let mut failed = Vec::new();
    for case in cases() {
        let (text, codes) = findings(&case);
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
            if !LATER.contains(&&*code) && !codes.iter().any(|c| c.name() == code) {
                failed.push(format!("{name}: {code} is not said"));
            }
        });
    }
    assert!(failed.is_empty(), "changed or wrong:\n{}", failed.join("\n"));
}

#[test]
fn every_code_is_reached() {
    let reached: BTreeSet<Code> = cases().iter().flat_map(|case| findings(case).1).collect();
    // the project file and the encoding of files are looked at before there is a text
    let later = |c: &Code| c.name().starts_with("E09") || c.name() == "E0007" || LATER.contains(&c.name());
    let missing: Vec<&str> = Code::all().filter(|c| !reached.contains(c) && !later(c)).map(|c| c.name()).collect();
    assert!(missing.is_empty(), "no case says {}", missing.join(", "));
}

#[test]
fn every_finding_has_a_way_out() {
    for case in cases() {
        let mut sources = Sources::new();
        let mut parsed = Vec::new();
        let mut options = Options::default();
        for (name, text) in files(&case) {
            if text.starts_with("// target: postgres") {
                options.target = Target::Postgres;
            }
            let id = sources.add(name, text.as_str());
            parsed.push(specc_syntax::parse(id, &text).0);
        }
        let count = parsed.len() as u32;
        let (_, findings) = specc_model::analyze(parsed, &mut sources, options);
        for finding in findings {
            // a literal that cannot be read, or text that is not SQL, says by itself what is wrong
            let sql = finding.code.name().starts_with("E00") || finding.code.name().starts_with("E02");
            assert!(sql || finding.help.is_some(), "{case:?}: {finding:?} has no help");
            assert!(finding.span().file.0 < count, "{case:?}: {finding:?} is not in the author's files");
            let first = finding.message.chars().next().unwrap_or('A');
            assert!(!first.is_uppercase() && !finding.message.ends_with('.'), "{case:?}: {}", finding.message);
        }
    }
}
