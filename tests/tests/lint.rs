//! What specc writes stands before its own linter.

use specc_diag::{RenderOptions, Severity};
use specc_lint::{Options, lint, text};
use specc_tests::{Layout, root, spec, specs};
use std::fs;

/// Findings in first migrations, each with the reason why it stays: the code, and a part of what is said.
const FIRST: [(&str, &str, &str); 2] = [
    ("L021", "`auth.users`", "`specc apply` waits three seconds where a file does not say"),
    ("L021", "`storage.objects`", "the same"),
];

#[test]
fn first_migrations() {
    let mut wrong = Vec::new();
    for name in specs() {
        let built = spec(&name);
        let exposed = if built.layout() == Layout::Supabase { vec!["public".into()] } else { Vec::new() };
        let mut report = lint(&built.migrations(), &Options { all: true, exposed });
        assert!(report.statements > 50, "{name}: {} statements", report.statements);
        report.findings.retain(|finding| {
            let known =
                |(code, part, _): &(&str, &str, &str)| *code == finding.rule.code && finding.message.contains(part);
            finding.level != Severity::Advice && !FIRST.iter().any(known)
        });
        if !report.findings.is_empty() {
            wrong.push(format!("{name}:\n{}", text(&report, RenderOptions::default())));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What may be found in a change that was not asked for with `--offline-ok`.
const CHANGE: [(&str, &str); 11] = [
    ("L002", "the build says itself that it fails where there are rows"),
    ("L004", "the old type is in a migration that is not looked at here; it is known to be free"),
    ("L018", "a new partition is made in place"),
    ("L021", "`specc apply` waits three seconds where a file does not say"),
    ("L022", "the author asked for it"),
    ("L026", "the author asked for it"),
    ("L030", "the author asked for it"),
    ("L031", "the author asked for it"),
    ("L034", "what depends on it is dropped by name before"),
    ("L053", "the condition is taken as the author wrote it"),
    ("L058", "the author asked for it"),
];

/// What may be found where `--allow-data-loss` was given.
const LOSS: [(&str, &str); 3] = [
    ("L020", "a materialized view is made anew with what it reads"),
    ("L032", "the rows may be lost"),
    ("L033", "the values may be lost"),
];

/// What may be found where `--offline-ok` was given: that somebody waits.
const OFFLINE: [&str; 12] =
    ["L001", "L004", "L005", "L006", "L008", "L009", "L010", "L011", "L016", "L019", "L020", "L022"];

#[test]
fn changes() {
    let mut wrong = Vec::new();
    let mut cases = 0;
    let folders = fs::read_dir(root().join("tests/changes")).expect("the cases");
    for dir in folders.map(|entry| entry.expect("a folder").path()) {
        let Ok(up) = fs::read_to_string(dir.join("up.sql")) else { continue };
        let options = fs::read_to_string(dir.join("options.toml")).unwrap_or_default();
        let options: toml::Table = options.parse().expect("options");
        let is = |option: &str| options.get(option).and_then(toml::Value::as_bool).unwrap_or_default();
        let supabase = options.get("target").and_then(toml::Value::as_str) == Some("supabase");
        let exposed = if supabase { vec!["public".into()] } else { Vec::new() };
        let report = lint(&files(&up), &Options { all: false, exposed });
        cases += 1;
        for finding in report.findings.iter().filter(|finding| finding.level != Severity::Advice) {
            let code = finding.rule.code;
            let expected = CHANGE.iter().any(|(known, _)| *known == code)
                || (is("allow_data_loss") && LOSS.iter().any(|(known, _)| *known == code))
                || (is("offline") && OFFLINE.contains(&code));
            if !expected {
                wrong.push(format!("{}: {code} {}", dir.display(), finding.message));
            }
        }
    }
    assert!(cases > 250, "{cases} cases");
    wrong.sort();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The files that stand in one snapshot, each behind a line with its name.
fn files(up: &str) -> Vec<(String, String)> {
    let mut files: Vec<(String, String)> = Vec::new();
    for line in up.split_inclusive('\n') {
        let name = line.trim().strip_prefix("-- ").filter(|name| name.ends_with(".sql") && name.starts_with("2026"));
        match (name, files.last_mut()) {
            (Some(name), _) => files.push((name.into(), String::new())),
            (None, Some((_, text))) => text.push_str(line),
            (None, None) => panic!("no name before {line:?}"),
        }
    }
    files
}
