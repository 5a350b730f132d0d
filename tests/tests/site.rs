//! The site in a browser.
//!
//! The ignored test asks what a new colleague would ask (`fixtures/site/questions.txt`), in Chromium without a window:
//! `cargo test -p specc-tests --test all -- --ignored site::`. It needs Debian's package `chromium`, or the program that `CHROMIUM` names,
//! and installs playwright-core by npm. With `PICTURES=FOLDER` it leaves pictures of pages there: light, dark, and as on a phone.

#![allow(clippy::disallowed_methods)]

use serde_json::{Value, json};
use specc_tests::{root, specs};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

/// Question and addresses, by spec.
fn questions(spec: &str) -> Vec<(String, Vec<String>)> {
    let text = fs::read_to_string(root().join("fixtures/site/questions.txt")).expect("the questions");
    let lines = text.lines().filter_map(|line| line.strip_prefix(spec)?.strip_prefix(": "));
    let one = |line: &str| {
        let (question, addresses) = line.split_once(" -> ").expect("an answer");
        (question.to_owned(), addresses.split(" | ").map(str::to_owned).collect())
    };
    lines.map(one).collect()
}

/// Writes the site of a project.
fn site(project: &Path, out: &Path) {
    let text = |path: &Path| path.to_str().expect("a path").to_owned();
    let args = [
        "specc".to_owned(),
        "docs".to_owned(),
        "--site".to_owned(),
        "-C".to_owned(),
        text(project),
        "-o".to_owned(),
        text(out),
    ];
    let code = specc::run(&args);
    assert_eq!(format!("{code:?}"), format!("{:?}", std::process::ExitCode::SUCCESS), "{args:?}");
}

/// A project of so many entities in ten areas, each of which refers to two before it.
fn large(folder: &Path, count: usize) {
    fs::create_dir_all(folder).expect("a folder");
    fs::write(folder.join("specc.toml"), "name = \"large\"\n").expect("a file");
    for area in 0..10 {
        let mut text = String::new();
        for at in (area * count / 10)..((area + 1) * count / 10) {
            let _ = write!(
                text,
                "/// Things of the kind {at}.\nentity things_{at} {{\n  id: uuid key\n  name: text\n  state: text = 'open'\n"
            );
            for (name, to) in [("parent", at / 2), ("other", at.saturating_sub(7))].iter().filter(|(_, to)| *to < at) {
                let _ = writeln!(text, "  {name} -> things_{to}");
            }
            let role = ["anon", "authenticated"][at % 2];
            let _ = writeln!(text, "  policy {{ readers: allow select to {role} when state = 'open' }}\n}}\n");
        }
        fs::write(folder.join(format!("area_{area}.dbspec")), text).expect("a file");
    }
}

/// Runs the script over a site, and gives what it told.
fn ask(programs: &Path, name: &str, site: &Path, questions: &[&str], pages: &[&str]) -> Value {
    let program = std::env::var("CHROMIUM").unwrap_or_else(|_| "/usr/bin/chromium".to_owned());
    let asked = json!({ "program": program, "questions": questions, "pages": pages });
    fs::write(programs.join("asked.json"), asked.to_string()).expect("a file");
    let mut command = Command::new("node");
    command.arg("ask.mjs").arg(site).args(["asked.json", "told.json"]).current_dir(programs);
    if let Ok(pictures) = std::env::var("PICTURES") {
        command.arg(root().join(pictures).join(name));
    }
    let done = command.output().expect("node is there");
    assert!(done.status.success(), "{name}: {}", String::from_utf8_lossy(&done.stderr));
    serde_json::from_str(&fs::read_to_string(programs.join("told.json")).expect("a file")).expect("JSON")
}

#[test]
fn the_questions_are_there() {
    let all: usize = specs().iter().map(|spec| questions(spec).len()).sum();
    assert_eq!(all, 30);
}

#[test]
#[ignore = "needs Chromium, and installs programs by npm"]
fn a_new_colleague_finds_the_answers() {
    let programs = tempfile::tempdir().expect("a folder");
    let mut npm = Command::new("npm");
    npm.args(["install", "--no-audit", "--no-fund", "--silent", "playwright-core@1.65.1"]).current_dir(programs.path());
    assert!(npm.status().expect("npm is there").success(), "npm installs");
    fs::copy(root().join("fixtures/site/ask.mjs"), programs.path().join("ask.mjs")).expect("the script");
    let mut projects: Vec<(String, std::path::PathBuf)> =
        specs().into_iter().map(|name| (name.clone(), root().join("specs").join(name))).collect();
    let folder = programs.path().join("large");
    large(&folder, 300);
    projects.push(("large".to_owned(), folder));
    let mut missed = String::new();
    for (name, project) in projects {
        let out = programs.path().join(format!("site_{name}"));
        site(&project, &out);
        let asked = questions(&name);
        let texts: Vec<&str> = asked.iter().map(|(question, _)| question.as_str()).collect();
        let pages = [
            "index.html",
            "erd.html",
            "access.html",
            "workflows.html",
            "pages.html",
            "erd/events.html",
            "entities/registrations.html",
            "erd/area_3.html",
            "entities/things_150.html",
            "roles/authenticated.html",
            "dictionary.html",
        ];
        let told = ask(programs.path(), &name, &out, &texts, &pages);
        assert_eq!(told["wrong"], json!([]), "{name}");
        if name == "large" {
            let read = told["diagram"]["anon"].as_array().expect("a list");
            assert_eq!(read.len(), 150, "every other one is read by anon");
        }
        for (question, addresses) in asked {
            let hits = told["hits"][&question].as_array().expect("a list");
            let hits: Vec<&str> = hits.iter().take(3).filter_map(Value::as_str).collect();
            let is_answer = |hit: &&str| {
                addresses.iter().any(|to| *hit == to || to.find('#').is_none() && hit.starts_with(&format!("{to}#")))
            };
            if !hits.iter().any(is_answer) {
                let _ = writeln!(missed, "{name}: {question}: {hits:?}");
            }
        }
    }
    assert!(missed.is_empty(), "not among the first three hits:\n{missed}");
}
