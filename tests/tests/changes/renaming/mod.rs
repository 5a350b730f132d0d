//! Renaming changes nothing: a random spec under other names. The way there is renames, and bodies made again where
//! Postgres keeps text; no row and no value moves, and what is made from nothing differs in names alone.

mod moving;
mod pages;
pub mod permuting;
mod spec;

use crate::changes::given::{Given, compile};
use crate::changes::run::Way;
use spec::Spec;
use specc_catalog::{Hints, to_json};
use specc_diag::Sources;
use specc_diff::diff;
use specc_migrate::{Arena, ChangeOptions, plan_change};
use specc_model::{Options, Target};
use specc_prove::Verdict;
use specc_scenario::Act;
use specc_sql::{Alter, Statement, print};
use specc_tests::Dice;

/// Whether a statement only gives a name, or makes again what Postgres keeps as text.
fn only_renames(statement: &Statement<'_>) -> bool {
    match statement {
        Statement::Alter(alter) => {
            matches!(
                alter,
                Alter::Rename { .. }
                    | Alter::RenamePart { .. }
                    | Alter::RenameDomainCheck { .. }
                    | Alter::NameRequired { .. }
            )
        }
        Statement::Replace(object) => matches!(object, specc_catalog::Object::Function(_)),
        // A policy says which rules it is made of.
        Statement::Comment { .. } => true,
        // What it takes to do so.
        Statement::TakeLocks(_) => true,
        _ => false,
    }
}

fn printed(statement: &Statement<'_>) -> String {
    let mut out = String::new();
    print(statement, &mut out);
    out
}

/// What goes wrong when the spec of `seed` is renamed.
pub fn check(seed: u64) -> Vec<String> {
    let mut dice = Dice::new(seed);
    let spec = Spec::random(&mut dice, seed);
    let [before, after] = spec.texts();
    let wrong = both(&spec, seed, &before, &after);
    if wrong.is_empty() {
        return Vec::new();
    }
    vec![format!("renaming {seed}: {}\n--- before\n{before}--- after\n{after}", wrong.join("\n"))]
}

fn both(spec: &Spec, seed: u64, before: &str, after: &str) -> Vec<String> {
    let given = |text: &str| compile("case", text, Target::Postgres, true);
    let (from, to) = match (given(before), given(after)) {
        (Ok(from), Ok(to)) => (from, to),
        (from, to) => return from.err().into_iter().chain(to.err()).collect(),
    };
    let mut wrong = plan(&from, &to);
    wrong.extend(same_but_names(spec, &from, &to));
    let typed = !spec.has_names_of_types();
    let beside = |given: &Given, text: &str| beside(given, text, typed, seed.is_multiple_of(3));
    let ([was_made, was_told], [is_made, is_told]) = (beside(&from, before), beside(&to, after));
    // Names in types stand in single quotes where they need some.
    let was = |text: &str| spec.exchanged(text).replace('\'', "");
    let is = |text: &str| spec.bare(text).replace('\'', "");
    wrong.extend(differences(&words(&was(&was_made)), &words(&is(&is_made))));
    wrong.extend(differences(&pages::lines(&was(&was_told)), &pages::lines(&is(&is_told))));
    let major = if seed.is_multiple_of(5) { 18 } else { 15 };
    let way = Way { data_loss: false, ..Way::empty(&from, &to, major) };
    match way.go() {
        Ok(outcome) => {
            wrong.extend(outcome.wrong);
            wrong.extend(outcome.summary.split_once("refused: ").map(|(_, why)| format!("refused: {why}")));
        }
        Err(stopped) => wrong.push(stopped),
    }
    wrong
}

/// The plan has renames only.
fn plan(from: &Given, to: &Given) -> Vec<String> {
    let difference = diff(&from.catalog, &to.catalog, &to.hints);
    let arena = Arena::new();
    let planned = match plan_change(&difference, &to.hints, &arena, ChangeOptions { offline: false, one: false }) {
        Ok(planned) => planned,
        Err(error) => return vec![error.to_string()],
    };
    let mut wrong: Vec<String> = planned
        .statements()
        .filter(|statement| !only_renames(statement))
        .map(|statement| format!("more than a rename: {}", printed(statement).trim()))
        .collect();
    wrong.extend(planned.losses().iter().map(|loss| format!("loses {loss}")));
    wrong
}

/// The stored catalogs are the same, word for word, with the names exchanged. What is ordered by name may stand elsewhere.
fn same_but_names(spec: &Spec, from: &Given, to: &Given) -> Vec<String> {
    // What was said of the way is no part of what is there.
    let stored = |given: &Given| {
        let mut catalog = given.catalog.clone();
        catalog.said = Hints::default();
        to_json(&catalog)
    };
    differences(&words(&spec.exchanged(&stored(from))), &words(&spec.bare(&stored(to))))
}

/// The lines of a text, whatever their order.
fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = text.lines().map(|line| in_order(line.trim().trim_end_matches(','))).collect();
    words.sort();
    words
}

/// What is made of a spec beside its catalog: the statements of its scenarios, the types of its tables, its warnings and
/// which of them are accepted, and, where `proved`, what is proven of its promises; and the pages of its docs.
fn beside(given: &Given, text: &str, typed: bool, proved: bool) -> [String; 2] {
    let mut sources = Sources::new();
    let file = sources.add("case", text.to_owned());
    let (mut tree, _) = specc_syntax::parse(file, text);
    let accepts = std::mem::take(&mut tree.accepts);
    let options = Options { target: Target::Postgres, ..Options::default() };
    let (model, mut found) = specc_model::analyze(vec![tree], &mut sources, options);
    found.extend(specc_lower::lower(&model).1);
    let accepted = specc_diag::accept(&mut found, accepts);
    let mut out: Vec<String> = found.iter().map(|finding| finding.code.name().to_owned()).collect();
    out.push(format!("{} accepted", accepted.len()));
    for script in specc_scenario::whole(&model) {
        for act in script.acts {
            match act {
                Act::Given { statements, .. } => out.extend(statements),
                Act::Step(step) => out.push(format!("{} as {}: {:?}", step.statement, step.session.role, step.ask)),
            }
        }
    }
    if typed {
        let around = specc_lower::external(&model);
        let types = specc_types::typescript(&given.catalog, &around, &specc_types::Options::default());
        out.push(types.map_or_else(|missing| missing.to_string(), |types| types.text));
    }
    if proved && model.entities.iter().any(|entity| !entity.promises.is_empty()) {
        let proven = specc_prove::prove(&model).into_iter();
        out.extend(
            proven.map(|finding| {
                format!("{}: {}", finding.code.name(), matches!(finding.verdict, Verdict::Proven { .. }))
            }),
        );
    }
    [out.join("\n"), pages::pages(model, &given.catalog)]
}

/// What one list has and the other has not.
fn differences(was: &[String], is: &[String]) -> Vec<String> {
    let lacks = was.iter().filter(|word| is.binary_search(word).is_err()).map(|word| format!("is gone: {word}"));
    let more = is.iter().filter(|word| was.binary_search(word).is_err()).map(|word| format!("is new: {word}"));
    lacks.chain(more).take(12).collect()
}

/// A line with each list in it, and what a type may be (`a | b`), in the order of its items.
fn in_order(line: &str) -> String {
    if let Some((name, either)) = line.split_once(": ").filter(|(_, either)| either.contains(" | ")) {
        let mut either: Vec<&str> = either.split(" | ").collect();
        either.sort_unstable();
        return format!("{name}: {}", either.join(" | "));
    }
    let mut out = String::new();
    for (at, part) in line.split('[').enumerate() {
        let (list, rest) = part.split_once(']').unwrap_or(("", part));
        let mut items: Vec<&str> = list.split(',').collect();
        items.sort_unstable();
        out.push_str(if at == 0 { "" } else { "[" });
        out.push_str(&items.join(","));
        out.push_str(rest);
    }
    out
}
