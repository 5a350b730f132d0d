//! Bodies of functions, views and triggers: what is wrong in them is said at its place, and nothing is said of what is
//! right. The cases of `tests/bodies` are added to its `base.dbspec`, one at a time.

use specc_diag::{Diagnostic, Severity, Sources, has_errors};
use specc_model::Options;

const BASE: &str = include_str!("../bodies/base.dbspec");

fn findings(more: &str) -> (Vec<Diagnostic>, String) {
    let mut sources = Sources::new();
    let text = format!("{BASE}\n{more}");
    let id = sources.add("case.dbspec", text.as_str());
    let (file, mut found) = specc_syntax::parse(id, &text);
    let (model, more) = specc_model::analyze(vec![file], &mut sources, Options::default());
    found.extend(more);
    if !has_errors(&found) {
        found.extend(specc_lower::lower(&model).1);
    }
    (found, text)
}

/// Titles of the cases in a file, and what each adds.
fn cases(text: &str) -> Vec<(&str, String)> {
    let add = |text: &str| match text.trim_end().split_once(": ") {
        Some(("sql", body)) => format!("function f() -> setof bigint as $$ {body} $$"),
        Some(("pl", body)) => format!("function f() -> void language plpgsql as $$ {body} $$"),
        _ => text.to_owned(),
    };
    let parts = text.split("\n= ").skip(1);
    parts.filter_map(|part| part.split_once('\n')).map(|(title, text)| (title, add(text))).collect()
}

#[test]
fn what_is_wrong_is_said_at_its_place() {
    let cases = cases(include_str!("../bodies/wrong.txt"));
    assert!(cases.len() >= 90, "{} cases", cases.len());
    let mut failed = Vec::new();
    for (title, more) in cases {
        let words: Vec<&str> = title.split('|').map(str::trim).collect();
        let [title, code, under, part] = words[..] else { panic!("{title}") };
        let (found, text) = findings(&more);
        let shown = |d: &Diagnostic| text[d.span().start as usize..d.span().end as usize].to_owned();
        let fits = |d: &Diagnostic| {
            let words = format!("{} {}", d.message, d.help.as_deref().unwrap_or_default());
            d.code.name() == code && shown(d) == under && words.contains(part)
        };
        let errors: Vec<&Diagnostic> = found.iter().filter(|d| d.severity() == Severity::Error).collect();
        if !matches!(errors[..], [only] if fits(only)) {
            let said = found.iter().map(|d| format!("  {} `{}` {} ({:?})", d.code.name(), shown(d), d.message, d.help));
            failed.push(format!("{title}:\n{}", said.collect::<Vec<_>>().join("\n")));
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

#[test]
fn nothing_is_said_of_what_is_right() {
    let mut failed = Vec::new();
    for (title, more) in cases(include_str!("../bodies/right.txt")) {
        let (found, text) = findings(&more);
        let shown = |d: &Diagnostic| text[d.span().start as usize..d.span().end as usize].to_owned();
        let errors = found.iter().filter(|d| d.severity() == Severity::Error);
        failed.extend(errors.map(|d| format!("{title}: {} `{}` {}", d.code.name(), shown(d), d.message)));
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

/// Bodies as people write them, by the dozen: nothing is said of them, and they run.
#[test]
fn real_bodies_run() {
    let spec = include_str!("../bodies/real.dbspec");
    assert_eq!(specc_tests::findings(spec), []);
    let built = specc_tests::project(spec);
    for major in specc_tests::VERSIONS {
        let db = built.database(major, specc_tests::Rows::Base);
        let mut owner = db.connect().expect("a session");
        specc_tests::stage::run(&mut owner, "the bodies", include_str!("../bodies/real.sql"));
    }
}
