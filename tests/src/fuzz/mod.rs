//! What has to hold of any text: nothing panics, nothing takes long, places are in the text, and what is written can be read
//! again. The fuzzer under `tests/fuzz` and the test of the same name both ask this.

pub mod mutate;

use specc_catalog::{Catalog, Entry, Hints, from_json, to_json};
use specc_diag::{Diagnostic, FileId, RenderOptions, Sources, has_errors, render};
use specc_diff::diff;
use specc_migrate::plan_create;
use specc_model::effective::COMMANDS;
use specc_model::{Model, Options, Target};
use specc_prove::Asking;
use specc_sql::print;
use std::path::Path;
use std::time::{Duration, Instant};

/// Two seconds for a text of a few kilobytes; a build for tests is slower, and a machine may be busy.
const PATIENCE: Duration = Duration::from_secs(if cfg!(debug_assertions) { 10 } else { 2 });

/// What is fuzzed: its name, and what has to hold. An error says what does not.
pub struct Fuzzed {
    /// The name of the binary and of the folder of its corpus.
    pub name: &'static str,
    /// Holds a text against it.
    pub holds: fn(&str) -> Result<(), String>,
}

/// All of them.
pub const TARGETS: [Fuzzed; 6] = [
    Fuzzed { name: "spec", holds: spec },
    Fuzzed { name: "format", holds: format },
    Fuzzed { name: "lint", holds: lint },
    Fuzzed { name: "stored", holds: stored },
    Fuzzed { name: "access", holds: access },
    Fuzzed { name: "types", holds: types },
];

fn in_time<T>(what: &str, work: impl FnOnce() -> T) -> Result<T, String> {
    let start = Instant::now();
    let done = work();
    let took = start.elapsed();
    if took > PATIENCE { Err(format!("{what} takes {took:?}")) } else { Ok(done) }
}

fn holds(what: &str, condition: bool) -> Result<(), String> {
    if condition { Ok(()) } else { Err(what.to_owned()) }
}

/// Findings can be shown, and point into the text.
fn shown(said: &[Diagnostic], sources: &Sources, file: FileId, text: &str) -> Result<(), String> {
    for diagnostic in said {
        for label in diagnostic.labels.iter().filter(|label| label.span.file == file) {
            let place = text.get(label.span.start as usize..label.span.end as usize);
            holds(&format!("a place outside the text: {}", diagnostic.message), place.is_some())?;
        }
        render(diagnostic, sources, RenderOptions::default());
    }
    Ok(())
}

/// A spec, from its text to the statements that make its database.
///
/// # Errors
/// What does not hold.
pub fn spec(text: &str) -> Result<(), String> {
    let target = if text.contains("auth.") { Target::Supabase } else { Target::Postgres };
    let mut sources = Sources::new();
    let file = sources.add("fuzz.dbspec", text.to_owned());
    let (tree, mut said) = in_time("parsing", || specc_syntax::parse(file, text))?;
    let options = Options { target, ..Options::default() };
    let (model, more) = in_time("checking", || specc_model::analyze(vec![tree], &mut sources, options))?;
    said.extend(more);
    if has_errors(&said) {
        return shown(&said, &sources, file, text);
    }
    let (mut catalog, more) = in_time("lowering", || specc_lower::lower(&model))?;
    said.extend(more);
    shown(&said, &sources, file, text)?;
    if has_errors(&said) {
        return Ok(());
    }
    for seed in in_time("seeding", || specc_seed::generate(&model, "base"))? {
        catalog.insert(Entry::new(seed));
    }
    let stored = from_json(&to_json(&catalog)).map_err(|error| format!("what is stored cannot be read: {error}"))?;
    holds("what is stored is another catalog", diff(&stored, &catalog, &Hints::default()).is_empty())?;
    let Ok(plan) = in_time("planning", || plan_create(&catalog))? else { return Ok(()) };
    let mut sql = String::new();
    plan.statements().for_each(|statement| print(statement, &mut sql));
    let pieces = specc_split::split(&sql).map_err(|error| format!("what is written cannot be split: {error}"))?;
    let ends = pieces.iter().map(|piece| piece.text.len()).sum::<usize>() <= sql.len();
    holds("statements are longer than their text", ends)
}

/// What a spec means, where it means something.
fn meaning(text: &str, sources: &mut Sources, file: FileId) -> Option<Model> {
    let target = if text.contains("auth.") { Target::Supabase } else { Target::Postgres };
    let (tree, said) = specc_syntax::parse(file, text);
    let (model, more) = specc_model::analyze(vec![tree], sources, Options { target, ..Options::default() });
    (!has_errors(&said) && !has_errors(&more)).then_some(model)
}

/// Rules, promises and scenarios, to what is proven of them, the tests that are made of them and the answers to questions.
///
/// # Errors
/// What does not hold.
pub fn access(text: &str) -> Result<(), String> {
    let mut sources = Sources::new();
    let file = sources.add("fuzz.dbspec", text.to_owned());
    let Some(model) = meaning(text, &mut sources, file) else { return Ok(()) };
    let found = in_time("proving", || specc_prove::prove_strictly(&model))?;
    for finding in found.iter().filter(|finding| finding.span.file == file) {
        let place = text.get(finding.span.start as usize..finding.span.end as usize);
        holds(&format!("a place outside the text: {}", finding.claim), place.is_some())?;
        if let specc_prove::Verdict::Counterexample(Some(case)) = &finding.verdict {
            holds("a case without words", !case.lines(&model).is_empty())?;
        }
    }
    let again = specc_prove::prove_strictly(&model);
    let word = |found: &[specc_prove::Finding]| -> Vec<String> {
        found
            .iter()
            .map(|f| format!("{} {} {:?}", f.code.name(), f.claim, std::mem::discriminant(&f.verdict)))
            .collect()
    };
    holds("proving twice differs", word(&found) == word(&again))?;
    let matrix = in_time("making tests", || specc_prove::matrix(&model, &[], &|_| true))?;
    let samples = specc_trial::samples_of(&model, &Default::default());
    in_time("writing tests", || specc_trial::access(&model, &matrix, &samples).runs.len())?;
    in_time("reading scenarios", || specc_scenario::whole(&model).len())?;
    let mut asked = Vec::new();
    for entity in &model.entities {
        for role in specc_prove::roles(&model) {
            let asking = |command| Asking {
                role: role.name.clone(),
                command,
                entity: entity.id,
                columns: Vec::new(),
                condition: None,
            };
            asked.extend(COMMANDS.map(asking));
        }
    }
    in_time("answering", || specc_prove::answers(&model, &asked).len())?;
    if let Some(asking) = asked.get(text.len() % asked.len().max(1)) {
        in_time("explaining", || specc_prove::why(&model, asking, |_| true).reasons.len())?;
    }
    Ok(())
}

/// Types of a spec, and of whatever else is held against them.
///
/// # Errors
/// What does not hold.
pub fn types(text: &str) -> Result<(), String> {
    let mut sources = Sources::new();
    let file = sources.add("fuzz.dbspec", text.to_owned());
    specc_types::difference(text, "export type Database = {}");
    let Some(model) = meaning(text, &mut sources, file) else { return Ok(()) };
    let (catalog, said) = specc_lower::lower(&model);
    if has_errors(&said) {
        return Ok(());
    }
    let around = specc_lower::external(&model);
    let mut schemas: Vec<_> = catalog.iter().map(|(id, _)| id.schema.clone()).filter(|s| !s.is_empty()).collect();
    schemas.sort();
    schemas.dedup();
    for strict in [false, true] {
        let options = specc_types::Options { schemas: schemas.clone(), strict };
        let types = in_time("writing types", || specc_types::typescript(&catalog, &around, &options))?;
        let types = types.map_err(|missing| format!("no schema {missing}"))?;
        holds("types differ from themselves", specc_types::difference(&types.text, &types.text).is_none())?;
        in_time("comparing types", || specc_types::difference(text, &types.text).is_some())?;
    }
    Ok(())
}

/// A spec that is laid out means what it meant, and is laid out.
///
/// # Errors
/// What does not hold.
pub fn format(text: &str) -> Result<(), String> {
    let (tree, _) = specc_syntax::parse(FileId(0), text);
    let Ok(once) = in_time("formatting", || specc_syntax::fmt(text))? else { return Ok(()) };
    let (again, findings) = specc_syntax::parse(FileId(0), &once);
    holds("a formatted text means something else", !has_errors(&findings) && again.items == tree.items)?;
    holds("formatting loses a comment", again.comments.len() == tree.comments.len())?;
    holds("formatting twice differs", specc_syntax::fmt(&once).ok().as_ref() == Some(&once))
}

/// A migration of anybody.
///
/// # Errors
/// What does not hold.
pub fn lint(text: &str) -> Result<(), String> {
    let files = [("20260101000000_a.sql".to_owned(), text.to_owned())];
    let options = specc_lint::Options { all: true, ..specc_lint::Options::default() };
    let report = in_time("linting", || specc_lint::lint(&files, &options))?;
    let read = text.strip_prefix('\u{feff}').unwrap_or(text);
    for finding in &report.findings {
        let place = read.get(finding.span().start as usize..finding.span().end as usize);
        holds(&format!("a place outside the text: {}", finding.message), place.is_some())?;
    }
    specc_lint::text(&report, RenderOptions::default());
    if let Ok(pieces) = in_time("splitting", || specc_split::split(text))? {
        holds("a statement that is not in the text", pieces.iter().all(|piece| text.contains(piece.text)))?;
    }
    let _ = in_time("reading", || specc_runner::Script::read(text))?;
    Ok(())
}

/// What an earlier build left, or somebody made of it: the catalog, the settings, a manifest.
///
/// # Errors
/// What does not hold.
pub fn stored(text: &str) -> Result<(), String> {
    let none = Catalog::new();
    if let Ok(catalog) = in_time("reading", || from_json(text))? {
        let written = to_json(&catalog);
        let again = from_json(&written).map_err(|error| format!("what was read cannot be written: {error}"))?;
        holds("what was written is another catalog", to_json(&again) == written)?;
        let hints = Hints::default();
        in_time("comparing", || diff(&catalog, &none, &hints).len())?;
        in_time("comparing", || specc_catalog::apart(text, &none).is_some())?;
        let _ = in_time("planning", || plan_create(&catalog).is_ok())?;
    }
    let mut sources = Sources::new();
    let file = sources.add("specc.toml", text.to_owned());
    match in_time("reading settings", || specc::Config::parse(file, text))? {
        Ok(config) => drop(config.options()),
        Err(error) => shown(&[error], &sources, file, text)?,
    }
    Ok(())
}

/// The texts that a target begins with: its corpus, and what the repository has of the kind.
///
/// # Panics
/// Where there are none.
pub fn samples(target: &str) -> Vec<String> {
    let (folders, end): (&[&str], &str) = match target {
        "access" => (&["specs", "tests/access"], "dbspec"),
        "spec" | "format" | "types" => {
            (&["specs", "tests/diagnostics", "tests/syntax", "tests/changes", "crates/model/std"], "dbspec")
        }
        "lint" => (&["tests/lint", "tests/changes"], "sql"),
        _ => (&["specs", "fixtures"], "toml"),
    };
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let of = |folder: &str, end: Option<&str>| {
        let files = walkdir::WalkDir::new(root.join(folder)).sort_by_file_name().into_iter().flatten();
        let files = files.filter(|file| file.file_type().is_file());
        let files = files.filter(|file| end.is_none_or(|end| file.path().extension().is_some_and(|e| e == end)));
        files.filter_map(|file| std::fs::read_to_string(file.path()).ok()).collect::<Vec<_>>()
    };
    let mut found: Vec<String> = folders.iter().flat_map(|folder| of(folder, Some(end))).collect();
    found.extend(of(&format!("tests/fuzz/corpus/{target}"), None));
    if target == "stored" {
        found.extend(of("tests/cases", Some("dbspec")).iter().filter_map(|text| catalog_of(text)));
    }
    assert!(!found.is_empty(), "no samples for {target}");
    found
}

fn catalog_of(text: &str) -> Option<String> {
    let mut sources = Sources::new();
    let file = sources.add("sample.dbspec", text.to_owned());
    let (tree, _) = specc_syntax::parse(file, text);
    let options = Options { target: Target::Postgres, ..Options::default() };
    let (model, said) = specc_model::analyze(vec![tree], &mut sources, options);
    (!has_errors(&said)).then(|| to_json(&specc_lower::lower(&model).0))
}
