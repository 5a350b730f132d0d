//! Every code has a page: its wrong example reports this code and no other, its right example nothing. Only internal errors
//! have none.
//!
//! An example is the blocks under `Wrong:` or `Right:`: a `toml` block is the project file, a `dbspec` block the spec, and
//! a `sh` block runs in the project's folder, and a `console` block is the command that is to report, where it is not the usual
//! one. What stands under `Before:` is built first, and then the example.

#![allow(clippy::disallowed_methods)]

use specc_diag::Code;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The language and the text of each block under this line.
fn blocks(code: Code, title: &str) -> Vec<(&'static str, &'static str)> {
    let Some((_, example)) = code.page().split_once(title) else { return Vec::new() };
    let end = ["\nWrong:", "\nRight:"].iter().filter_map(|next| example.find(next)).min();
    let mut fences = example[..end.unwrap_or(example.len())].split("```").skip(1).step_by(2);
    std::iter::from_fn(|| fences.next()?.split_once('\n')).collect()
}

fn run(program: &str, args: &[&str], dir: &Path) -> (bool, String) {
    let mut command = Command::new(program);
    let command = command.args(args).current_dir(dir).env_remove("SPECC_PROJECT").env_remove("SPECC_STAMP");
    let out = command.output().expect("a program that runs");
    (out.status.success(), String::from_utf8(out.stdout).expect("UTF-8") + &String::from_utf8_lossy(&out.stderr))
}

fn write(dir: &Path, example: &[(&str, &str)]) {
    for (language, text) in example {
        match *language {
            "toml" => fs::write(dir.join("specc.toml"), text).expect("a file"),
            "dbspec" => fs::write(dir.join("notes.dbspec"), text).expect("a file"),
            "console" => {}
            "sh" => assert!(run("sh", &["-c", text], dir).0, "{text}"),
            other => panic!("a block of `{other}`"),
        }
    }
}

/// Builds or checks the example in a folder of its own: whether it is without a finding, and the codes of the findings.
fn report(code: Code, example: &[(&str, &str)]) -> (bool, BTreeSet<String>, String) {
    let specc = env!("CARGO_BIN_EXE_specc");
    let dir = tempfile::tempdir().expect("a folder");
    let dir = dir.path();
    write(dir, &[("toml", "name = \"shop\"\n"), ("dbspec", "entity notes { id: uuid key, rls off }\n")]);
    if example.iter().any(|(language, _)| *language == "sh") {
        fs::remove_file(dir.join("notes.dbspec")).expect("the file");
    }
    let before = blocks(code, "Before:\n");
    let (ok, text) = if code.is_of_proofs() && !before.is_empty() {
        write(dir, &before);
        let (ok, text) = run(specc, &["build", "--stamp", "20260101000000"], dir);
        assert!(ok, "{}: {text}", code.name());
        write(dir, example);
        run(specc, &["prove", "--against", "last", "--format", "json"], dir)
    } else if code.is_of_proofs() {
        write(dir, example);
        let mut args = vec!["prove", "--format", "json"];
        args.extend(specc_prove::STRICT.contains(&code).then_some("--strict"));
        run(specc, &args, dir)
    } else if before.is_empty() {
        write(dir, example);
        run(specc, &["check", "--format", "json", "--deny-warnings"], dir)
    } else {
        write(dir, &before);
        let (ok, text) = run(specc, &["build", "--stamp", "20260101000000", "--deny-warnings"], dir);
        assert!(ok, "{}: {text}", code.name());
        write(dir, example);
        match example.iter().find(|(language, _)| *language == "console") {
            Some((_, command)) => {
                let words = command.split_whitespace().skip(1).chain(["--format", "json"]);
                run(specc, &words.collect::<Vec<_>>(), dir)
            }
            None => run(specc, &["build", "--format", "json", "--stamp", "20260102000000", "--deny-warnings"], dir),
        }
    };
    let json: serde_json::Value = serde_json::from_str(text.lines().next().unwrap_or_default()).unwrap_or_default();
    let findings = json["diagnostics"].as_array().cloned().unwrap_or_default();
    let codes = findings.iter().chain([&json]).filter_map(|finding| finding["code"].as_str().map(str::to_owned));
    (ok, codes.collect(), text)
}

#[test]
fn the_wrong_example_reports_the_code_and_the_right_one_nothing() {
    let mut failed = Vec::new();
    for code in Code::all() {
        // An internal error is reached by none that is known.
        if code.page().contains("\nNo example: ") {
            continue;
        }
        let (wrong, right) = (blocks(code, "Wrong:\n"), blocks(code, "Right:\n"));
        if wrong.is_empty() || right.is_empty() {
            failed.push(format!("{}: an example is missing", code.name()));
            continue;
        }
        let (ok, codes, text) = report(code, &wrong);
        if ok || codes != BTreeSet::from([code.name().to_owned()]) {
            failed.push(format!("{}: the wrong example reports {codes:?}\n{text}", code.name()));
        }
        let (ok, codes, text) = report(code, &right);
        if !ok || !codes.is_empty() {
            failed.push(format!("{}: the right example reports {codes:?}\n{text}", code.name()));
        }
        for (_, text) in right.iter().filter(|(language, _)| *language == "dbspec") {
            if specc_syntax::fmt(text).as_deref().ok() != Some(text) {
                failed.push(format!("{}: the right example is not laid out as `specc fmt` does", code.name()));
            }
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

#[test]
fn a_page_has_a_title_and_a_reason() {
    for code in Code::all() {
        let (name, title, why) = (code.name(), code.title(), code.why());
        assert!(!title.is_empty() && !title.ends_with('.'), "{name}: {title}");
        assert!(why.len() > 15 && code.page().starts_with("Why: "), "{name}: {why}");
    }
}

/// No page is left of a code that is gone.
#[test]
fn a_page_belongs_to_a_code() {
    let pages = fs::read_dir(root().join("crates/diag/pages")).expect("the pages");
    for page in pages.map(|entry| entry.expect("a page").path()) {
        let name = page.file_stem().expect("a name").to_string_lossy();
        assert!(Code::find(&name).is_some_and(|code| code.name() == name), "{} is no code", page.display());
    }
}

#[test]
fn the_list_in_the_docs_is_that_of_the_codes() {
    let path = root().join("docs/diagnostics.md");
    let page = fs::read_to_string(&path).expect("the page");
    let table = Code::table("../crates/diag/pages");
    if std::env::var_os("DOCS_UPDATE").is_some() {
        let start = page.find("| code |").expect("the table");
        fs::write(&path, format!("{}{table}", &page[..start])).expect("the page");
    } else {
        assert!(page.ends_with(&table), "the table of docs/diagnostics.md is old; DOCS_UPDATE=1 writes it");
    }
}

#[test]
fn explain_prints_the_page() {
    let (ok, text) = run(env!("CARGO_BIN_EXE_specc"), &["explain", "e0101"], &root());
    assert!(ok && text.starts_with("E0101: unknown entity\n\nWhy: "), "{text}");
    assert!(text.contains("Wrong:\n") && text.contains("-> profiles"), "{text}");
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}
