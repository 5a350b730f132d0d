//! Every folder of `tests/lint` is a rule: what `bad` has is found and said as in the snapshot, and in `good` nothing is.

#![allow(clippy::disallowed_methods, clippy::unwrap_used)]

use specc_diag::{RenderOptions, Severity};
use specc_lint::{Options, RULES, lint, rule, text};
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/lint")
}

fn sorted(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut all: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    all.sort();
    all
}

/// `bad.sql`, or the files of the folder `bad`.
fn files(case: &Path, which: &str) -> Vec<(String, String)> {
    let folder = case.join(which);
    let paths = if folder.is_dir() { sorted(&folder) } else { vec![case.join(format!("{which}.sql"))] };
    let name = |path: &Path| path.strip_prefix(case).unwrap().to_string_lossy().into_owned();
    paths.iter().map(|path| (name(path), fs::read_to_string(path).unwrap())).collect()
}

fn code(case: &Path) -> String {
    let name = case.file_name().unwrap().to_string_lossy().into_owned();
    name.split('_').next().unwrap().to_uppercase()
}

#[test]
fn every_rule_finds_the_bad_and_leaves_the_good() {
    let mut wrong = Vec::new();
    for case in sorted(&root()) {
        let code = code(&case);
        let name = case.file_name().unwrap().to_string_lossy().into_owned();
        let options = Options { all: rule(&code).is_some_and(|rule| rule.optional), ..Options::default() };
        let bad = lint(&files(&case, "bad"), &options);
        if !bad.findings.iter().any(|finding| finding.rule.code == code) {
            wrong.push(format!("{name}: {code} is not found"));
        }
        let good = lint(&files(&case, "good"), &options);
        if !good.findings.is_empty() {
            wrong.push(format!("{name}: found in what is good:\n{}", text(&good, RenderOptions::default())));
        }
        let mut settings = insta::Settings::clone_current();
        settings.set_snapshot_path(&case);
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        settings.remove_description();
        settings.bind(|| {
            let run = || insta::assert_snapshot!("said", text(&bad, RenderOptions::default()));
            if std::panic::catch_unwind(std::panic::AssertUnwindSafe(run)).is_err() {
                wrong.push(format!("{name}: the snapshot differs"));
            }
        });
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_rule_has_a_folder_and_a_page() {
    let folders: Vec<String> = sorted(&root()).iter().map(|case| code(case)).collect();
    let codes: Vec<&str> = RULES.iter().map(|rule| rule.code).collect();
    assert_eq!(folders, codes, "a folder for each rule, and a rule for each folder");
    for rule in RULES {
        assert!(!rule.title().is_empty() && !rule.title().ends_with('.'), "{}: {:?}", rule.code, rule.title());
        let page = rule.page();
        for part in ["Finds ", "Why: ", "Instead"] {
            assert!(page.contains(part), "{} does not say {part:?}:\n{page}", rule.code);
        }
        assert!(rule.why().len() > 40 && !rule.why().contains('\n'), "{}: {}", rule.code, rule.why());
        assert_eq!(rule.optional, rule.level == Severity::Advice && rule.code != "L000", "{}", rule.code);
    }
}

/// What a page says to write is not what its rule finds.
#[test]
fn pages_follow_their_own_advice() {
    let mut blocks = 0;
    for rule in RULES {
        let page = rule.page();
        for block in page.split("```sql\n").skip(1).map(|rest| rest.split("```").next().unwrap()) {
            blocks += 1;
            // a comment that speaks of a later transaction ends the file
            let mut files: Vec<(String, String)> = vec![("1.sql".into(), String::new())];
            for line in block.split_inclusive('\n') {
                if line.starts_with("-- ") && line.contains("transaction") && !line.contains("no-transaction") {
                    files.push((format!("{}.sql", files.len() + 1), String::new()));
                }
                files.last_mut().unwrap().1.push_str(line);
            }
            let found = lint(&files, &Options { all: true, ..Options::default() });
            let own: Vec<_> = found.findings.iter().filter(|finding| finding.rule.code == rule.code).collect();
            assert!(own.is_empty(), "{}: {}\n{block}", rule.code, own[0].message);
        }
    }
    assert!(blocks > 25, "{blocks} blocks");
}

#[test]
fn what_is_said_reads_well() {
    let mut poor = Vec::new();
    for case in sorted(&root()) {
        for finding in lint(&files(&case, "bad"), &Options { all: true, ..Options::default() }).findings {
            let code = finding.rule.code;
            if finding.help.is_none() && code != "L000" {
                poor.push(format!("{code} does not say what to write: {}", finding.message));
            }
            for said in [Some(&finding.message), finding.help.as_ref()].into_iter().flatten() {
                if said.starts_with(char::is_uppercase) || said.ends_with('.') || said.matches('`').count() % 2 == 1 {
                    poor.push(format!("{code}: {said}"));
                }
            }
        }
    }
    assert!(poor.is_empty(), "{}", poor.join("\n"));
}

/// The table of the page is the table of the rules.
#[test]
fn the_page_lists_all_rules() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/linting.md");
    let page = fs::read_to_string(&path).unwrap();
    let table = specc_lint::table();
    if std::env::var_os("DOCS_UPDATE").is_some() {
        let start = page.find("| code |").unwrap();
        let end = page[start..].find("\n\n").map_or(page.len(), |at| start + at + 1);
        fs::write(&path, format!("{}{table}{}", &page[..start], &page[end..])).unwrap();
    } else {
        assert!(
            page.contains(&table),
            "the table of docs/linting.md is not that of the rules; DOCS_UPDATE=1 writes it"
        );
    }
}
