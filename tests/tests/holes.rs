//! `specc prove` on holes that people leave, each beside the same thing done right.
//!
//! A folder `tests/access/<area>_<hole>/` has `leaky.dbspec`, `sound.dbspec`, and `expect.toml` with what is found in the
//! first: `code = "A0009"`, `entity = "members"`, and where need be `options = "derive = false"`, lines of `specc.toml`.
//! The counterexample is tried on a real server, where each of its statements has to pass. In the second nothing is found
//! that it does not accept. `HOLES=name` takes only the folders with that in their name.

#![allow(clippy::disallowed_methods, clippy::unwrap_used, clippy::print_stdout)]

use specc_model::{Model, Options, Target};
use specc_prove::{Case, Finding, Verdict};
use specc_tests::build::{Layout, build};
use specc_tests::replay::{BARE, model_of, outcome};
use specc_tests::{root, versions_for};
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// A folder.
struct Hole {
    name: String,
    path: PathBuf,
    code: String,
    entity: String,
    options: String,
}

fn holes() -> Vec<Hole> {
    let wanted = std::env::var("HOLES").unwrap_or_default();
    let folders = std::fs::read_dir(root().join("tests/access")).unwrap().map(|folder| folder.unwrap().path());
    let mut found: Vec<Hole> = folders
        .map(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            let text = std::fs::read_to_string(path.join("expect.toml")).unwrap_or_else(|_| panic!("{name}"));
            let expected: toml::Table = text.parse().unwrap_or_else(|error| panic!("{name}: {error}"));
            let said = |key: &str| expected.get(key).and_then(|v| v.as_str()).unwrap_or_default().to_owned();
            let other = expected.keys().find(|key| !["code", "entity", "options"].contains(&key.as_str()));
            assert_eq!(other, None, "{name}");
            Hole { code: said("code"), entity: said("entity"), options: said("options"), name, path }
        })
        .filter(|hole| hole.name.contains(&wanted))
        .collect();
    found.sort_by(|a, b| a.name.cmp(&b.name));
    found
}

impl Hole {
    fn text(&self, file: &str) -> String {
        std::fs::read_to_string(self.path.join(file)).unwrap_or_else(|_| panic!("{}: {file}", self.name))
    }

    fn has_option(&self, line: &str) -> bool {
        self.options.lines().any(|l| l.trim() == line)
    }

    /// What is found in a file that the file does not accept, as code, entity and what is wrong; and what is not known.
    fn findings(&self, file: &str) -> (Model, Vec<Finding>, Vec<String>) {
        let target = if self.has_option("target = \"postgres\"") { Target::Postgres } else { Target::Supabase };
        let options = Options { target, derive: !self.has_option("derive = false"), ..Options::default() };
        let (model, acceptances) = model_of(&[(format!("{}/{file}", self.name), self.text(file))], options);
        let (mut open, mut other) = (Vec::new(), Vec::new());
        let strict = specc_prove::STRICT.iter().any(|code| code.name() == self.code);
        let mut all = if strict { specc_prove::prove_strictly(&model) } else { specc_prove::prove(&model) };
        all.retain(|finding| match &finding.verdict {
            Verdict::Counterexample(_) => {
                open.push(specc_diag::Diagnostic::new(finding.code, finding.span, finding.wrong.clone()));
                true
            }
            Verdict::Proven { .. } => false,
            Verdict::Checked { .. } | Verdict::OutOfFragment { .. } | Verdict::TooLarge => {
                other.push(format!("not known: {} {}", finding.code.name(), finding.claim));
                false
            }
        });
        specc_diag::accept(&mut open, acceptances);
        let is_open = |finding: &Finding| {
            open.iter().any(|d| d.code == finding.code && d.span() == finding.span && *d.message == *finding.wrong)
        };
        all.retain(is_open);
        // An acceptance that accepts nothing.
        other.extend(open.iter().filter(|d| !d.code.is_of_proofs()).map(|d| d.message.to_string()));
        (model, all, other)
    }
}

fn said(finding: &Finding, model: &Model) -> String {
    let lines = match &finding.verdict {
        Verdict::Counterexample(Some(case)) => case.lines(model).join("\n      "),
        _ => String::new(),
    };
    format!("{} {}: {}\n      {lines}", finding.code.name(), finding.entity, finding.wrong)
}

/// What is wrong with a case on the servers.
fn replayed(hole: &Hole, versions: &[u32], case: &Case, model: &Model) -> Vec<String> {
    let dir = tempfile::tempdir().unwrap();
    let layout = if hole.has_option("target = \"postgres\"") { Layout::Postgres } else { Layout::Supabase };
    write_project(dir.path(), hole, &hole.text("leaky.dbspec"));
    let built = build(dir.path());
    assert_eq!(built.layout(), layout);
    let mut wrong = Vec::new();
    for &major in versions {
        let db = built.bare_database(major);
        let mut session = db.connect().unwrap();
        for (name, text) in built.migrations() {
            specc_postgres::load_sql(&mut session, &text)
                .unwrap_or_else(|error| panic!("{} {name}: {error}", hole.name));
        }
        session.batch_execute(BARE).unwrap();
        // Whoever may not read changes rows all the same, by a statement that names none.
        let tries = [false, true].map(|blind| outcome(&mut session, case, model, blind));
        // Where a refusal tells of a row, it is the refusal.
        let tells = |one: &Result<u64, String>| {
            hole.code == "A0040" && matches!(one, Err(e) if e.starts_with("23505") || e.starts_with("23P01"))
        };
        let passes = |got: &Vec<Result<u64, String>>| {
            let passed = |one: &Result<u64, String>| matches!(one, Ok(rows) if *rows > 0) || tells(one);
            got.len() == case.steps.len() && got.iter().all(passed)
        };
        if !tries.iter().flatten().any(passes) {
            wrong.push(format!("{major}: {tries:?}"));
        }
    }
    wrong
}

fn write_project(dir: &Path, hole: &Hole, text: &str) {
    std::fs::write(dir.join("specc.toml"), format!("name = \"hole\"\n{}\n", hole.options)).unwrap();
    std::fs::write(dir.join("hole.dbspec"), text).unwrap();
}

/// All that is wrong with a folder.
fn tried(hole: &Hole, versions: &[u32]) -> Vec<String> {
    let mut wrong = Vec::new();
    let (model, found, other) = hole.findings("leaky.dbspec");
    other.iter().for_each(|other| println!("{} leaky: {other}", hole.name));
    match found.iter().find(|f| f.code.name() == hole.code && f.entity == hole.entity) {
        None => {
            wrong.push(format!("no {} on {}; found:", hole.code, hole.entity));
            wrong.extend(found.iter().map(|f| format!("  {}", said(f, &model))));
        }
        Some(first) => {
            if let Verdict::Counterexample(Some(case)) = &first.verdict {
                let failed = replayed(hole, versions, case, &model);
                wrong.extend(failed.into_iter().map(|what| format!("replay: {what}\n  {}", said(first, &model))));
            }
        }
    }
    let (model, found, other) = hole.findings("sound.dbspec");
    other.iter().for_each(|other| println!("{} sound: {other}", hole.name));
    wrong.extend(found.iter().map(|f| format!("sound is accused: {}", said(f, &model))));
    wrong
}

#[test]
fn what_leaks_is_found_and_what_is_sound_is_not_accused() {
    let mut wrong = String::new();
    let holes = holes();
    for (nth, hole) in holes.iter().enumerate() {
        let found = std::panic::catch_unwind(|| tried(hole, versions_for(nth)))
            .unwrap_or_else(|_| vec!["it cannot be read".to_owned()]);
        for what in found {
            let _ = writeln!(wrong, "{}: {what}", hole.name);
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
    assert!(!holes.is_empty());
}
