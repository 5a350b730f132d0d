//! `specc why` against a real server and against itself: in each database that it shows Postgres does what it says, and each
//! change of the spec that it names turns the answer.

#![allow(clippy::disallowed_methods, clippy::unwrap_used, clippy::print_stdout)]

use specc_diag::{FileId, Span};
use specc_model::effective::COMMANDS;
use specc_model::{ExprRef, Model, Options, Rls, RuleAction};
use specc_prove::{Answer, Asking, Case, Change, why};
use specc_tests::replay::{bare_spec, model_of, outcome};
use specc_tests::{root, spec_files, specs, versions_for};
use std::fmt::Write;

type Files = Vec<(String, String)>;

fn condition(model: &Model, asking: &Asking, text: &str) -> Option<ExprRef> {
    specc_model::condition(model, asking.entity, text, Span::new(FileId(0), 0, text.len())).ok()
}

/// What is asked of a spec: everything, and for each rule what it does not let through.
fn questions(model: &Model) -> Vec<Asking> {
    let mut all = Vec::new();
    for entity in model.entities.iter().filter(|entity| !entity.external && entity.rls != Rls::Off) {
        for role in ["anon", "authenticated"] {
            for command in COMMANDS {
                let plain =
                    Asking { role: role.into(), command, entity: entity.id, columns: Vec::new(), condition: None };
                let rules =
                    entity.rules.iter().filter(|rule| rule.actions.iter().any(|(action, _)| *action == command));
                let whens = rules.filter_map(|rule| rule.when.as_ref());
                let conditions = whens.filter_map(|when| condition(model, &plain, &format!("not ({})", when.text)));
                let conditions: Vec<_> = conditions.take(2).collect();
                all.extend(conditions.into_iter().map(|c| Asking { condition: Some(c), ..plain.clone() }));
                all.push(plain);
            }
        }
    }
    all
}

/// The files with a change made.
fn made(files: &Files, change: &Change) -> Files {
    let mut files = files.clone();
    let text = &mut files[change.edit.file.0 as usize - 1].1;
    match change.edit.span {
        Some(span) => text.replace_range(span.start as usize..span.end as usize, &change.edit.text),
        None => text.push_str(&change.edit.text),
    }
    files
}

fn said(model: &Model, asking: &Asking) -> String {
    let (entity, condition) = (&model.entity(asking.entity).name.name, asking.condition.as_ref());
    let condition = condition.map(|expr| expr.text.as_str()).unwrap_or_default();
    format!("{} {} {entity} {condition:?}", asking.role, asking.command.word())
}

/// Asks again after each of the first changes, in the files that they make.
fn turned(
    files: &Files,
    model: &Model,
    asking: &Asking,
    before: &Answer,
    changes: &[Change],
    wrong: &mut String,
) -> usize {
    let changes = &changes[..changes.len().min(3)];
    for change in changes {
        let (after, _) = model_of(&made(files, change), Options::default());
        let condition = asking.condition.as_ref().map(|expr| condition(&after, asking, &expr.text).unwrap());
        let again = Asking { condition, ..asking.clone() };
        let answer = specc_prove::answers(&after, &[again]).remove(0);
        let fits = match (change.whole, before) {
            (true, _) => answer == Answer::Always,
            (false, Answer::Never) => answer == Answer::Sometimes,
            (false, _) => matches!(answer, Answer::Sometimes),
        };
        if !fits {
            let _ = writeln!(
                wrong,
                "{}: {before:?} {answer:?} after {}\n{}",
                said(model, asking),
                change.text,
                change.edit.text
            );
        }
    }
    changes.len()
}

/// Cases with whether they are allowed, of some questions of a spec; some of those have their changes made.
fn asked(name: &str, wrong: &mut String) -> (Model, Vec<(String, Case, bool)>, usize) {
    let files = spec_files(name);
    let (model, _) = model_of(&files, Options::default());
    let mut cases = Vec::new();
    let mut changed = 0;
    for (at, asking) in questions(&model).iter().step_by(5).enumerate() {
        let found = why(&model, asking, |file| file.0 >= 1 && file.0 as usize <= files.len());
        let text = said(&model, asking);
        assert!(!found.reasons.is_empty() || matches!(found.answer, Answer::Unknown(_)), "{text}");
        cases.extend(found.allowed.map(|case| (text.clone(), case, true)));
        cases.extend(found.denied.map(|case| (text, case, false)));
        if at % 3 == 0 {
            changed += turned(&files, &model, asking, &found.answer, &found.changes, wrong);
        }
    }
    (model, cases, changed)
}

#[test]
fn what_is_shown_is_what_postgres_does_and_what_would_turn_it_turns_it() {
    let (mut wrong, mut tried, mut changed) = (String::new(), 0, 0);
    for (nth, name) in specs().into_iter().enumerate() {
        let (model, cases, turned) = asked(&name, &mut wrong);
        changed += turned;
        for &major in versions_for(nth) {
            let (_db, mut session) = bare_spec(&name, major);
            for (text, case, allowed) in &cases {
                let Some(got) = outcome(&mut session, case, &model, false) else { continue };
                tried += 1;
                let fits = match got.last().unwrap() {
                    Ok(rows) => (*rows > 0) == *allowed,
                    Err(error) => !allowed && error.starts_with("42501"),
                };
                if !fits {
                    let _ = writeln!(
                        wrong,
                        "{name}: {text}: {allowed}, {major} {got:?}\n  {}",
                        case.lines(&model).join("\n  ")
                    );
                }
            }
        }
    }
    println!("{tried} databases, {changed} changes");
    assert!(wrong.is_empty(), "\n{wrong}");
    assert!(tried > 150 && changed > 40, "{tried} {changed}");
}

/// Rules of many authors: with nulls, columns, views, functions, arrays, keys of several columns.
#[test]
fn what_would_turn_it_turns_it_in_specs_of_many_authors() {
    let folders = std::fs::read_dir(root().join("tests/access")).unwrap().map(|folder| folder.unwrap().path());
    let mut folders: Vec<_> = folders.filter(|path| !has_options(path)).collect();
    folders.sort();
    let (mut wrong, mut looked, mut changed) = (String::new(), 0, 0);
    for folder in folders.iter().step_by(7) {
        let files = vec![("a.dbspec".to_owned(), std::fs::read_to_string(folder.join("leaky.dbspec")).unwrap())];
        let (model, _) = model_of(&files, Options::default());
        for asking in with_nulls_and_columns(&model, questions(&model)) {
            let found = why(&model, &asking, |file| file.0 == 1);
            looked += 1;
            let again = specc_prove::answers(&model, std::slice::from_ref(&asking)).remove(0);
            // Whether there is such a row at all is asked where reasons are.
            if again != found.answer && found.answer != Answer::NoRow {
                let _ = writeln!(wrong, "{}: {:?} {again:?}", said(&model, &asking), found.answer);
            }
            if found.reasons.is_empty() && !matches!(found.answer, Answer::Unknown(_)) {
                let _ = writeln!(wrong, "{}: no reason", said(&model, &asking));
            }
            changed += turned(&files, &model, &asking, &found.answer, &found.changes, &mut wrong);
        }
    }
    println!("{looked} questions, {changed} changes");
    assert!(wrong.is_empty(), "\n{wrong}");
    assert!(looked > 300 && changed > 150, "{looked} {changed}");
}

fn has_options(folder: &std::path::Path) -> bool {
    std::fs::read_to_string(folder.join("expect.toml")).unwrap().contains("options")
}

/// Every third of some questions, and the same of rows where a rule's condition is null, and of one column.
fn with_nulls_and_columns(model: &Model, questions: Vec<Asking>) -> Vec<Asking> {
    let mut all = Vec::new();
    for asking in questions.into_iter().step_by(3) {
        let rules = model.entity(asking.entity).rules.iter();
        let whens = rules.filter_map(|rule| rule.when.as_ref()).take(1);
        let null = whens.filter_map(|when| condition(model, &asking, &format!("({}) is null", when.text)));
        all.extend(null.map(|null| Asking { condition: Some(null), ..asking.clone() }));
        all.push(Asking { columns: vec![model.entity(asking.entity).fields.len() - 1], ..asking.clone() });
        all.push(asking);
    }
    all
}

/// A rule that is not asked about is not turned by what turns another.
#[test]
fn a_change_opens_no_more_than_it_says() {
    let name = "starter";
    let files = spec_files(name);
    let (model, _) = model_of(&files, Options::default());
    let own = |file: FileId| file.0 >= 1 && file.0 as usize <= files.len();
    let mut looked = 0;
    for asking in questions(&model) {
        for change in why(&model, &asking, own).changes.iter().take(2) {
            let (after, _) = model_of(&made(&files, change), Options::default());
            for entity in after.entities.iter().filter(|entity| !entity.external) {
                for role in ["anon", "authenticated"] {
                    for command in COMMANDS {
                        let own = entity.id == asking.entity && role == asking.role && command == asking.command;
                        let listed = change.opens.iter();
                        let mut listed =
                            listed.filter(|o| o.entity == entity.id && o.role == role && o.command == command);
                        if own || listed.next().is_some() {
                            continue;
                        }
                        let of = Asking {
                            role: role.into(),
                            command,
                            entity: entity.id,
                            columns: Vec::new(),
                            condition: None,
                        };
                        let [was, is] =
                            [&model, &after].map(|m| specc_prove::answers(m, std::slice::from_ref(&of)).remove(0));
                        // Whoever may read more may also change more of what she reads.
                        let reads = matches!(command, RuleAction::Update | RuleAction::Delete)
                            && change.opens.iter().any(|o| o.command == RuleAction::Select);
                        assert!(
                            was == is || reads,
                            "{} {}: {} {was:?} {is:?}",
                            said(&model, &asking),
                            change.text,
                            said(&model, &of)
                        );
                        looked += 1;
                    }
                }
            }
        }
    }
    assert!(looked > 100, "{looked}");
}
