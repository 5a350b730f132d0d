//! Tests that passed, as files of pgTAP that run by themselves.

use crate::{Got, HARNESS, Outcome, Privilege, Run, Suite, Verdict, Wanted, verdict};
use specc_model::{Model, RuleAction};
use specc_prove::Expected;
use specc_sql::quote::literal;
use std::collections::BTreeMap;
use std::fmt::Write;

/// How the name of a file of tests ends.
pub const TEST_FILE: &str = ".test.sql";

/// A file for each entity: its name, and its text. `mark`: a line that says whose files these are. `results`: what came of
/// each run of a suite; those that passed are in the files.
pub fn pgtap(
    model: &Model,
    mark: &str,
    suites: &[(Suite, Vec<Result<Outcome, String>>)],
    privileges: &[(&Privilege, bool)],
) -> Vec<(String, String)> {
    let mut files: BTreeMap<&str, (usize, String)> = BTreeMap::new();
    for (privilege, _) in privileges.iter().filter(|(privilege, there)| privilege.expected == *there) {
        let (count, body) = files.entry(&privilege.entity).or_default();
        let (of, column) = match &privilege.column {
            Some(column) => ("column", format!("{}, ", literal(column))),
            None => ("table", String::new()),
        };
        let command = privilege.command.word();
        let name = format!(
            "{} {command}{}{}",
            privilege.role,
            if column.is_empty() { "" } else { " of " },
            privilege.column.as_deref().unwrap_or_default()
        );
        let _ = writeln!(
            body,
            "select is(has_{of}_privilege({}, {}, {column}{}), {}, {});",
            literal(&privilege.role),
            literal(&privilege.table),
            literal(command),
            privilege.expected,
            described(&name)
        );
        *count += 1;
    }
    for (suite, results) in suites {
        for (run, result) in suite.runs.iter().zip(results) {
            let Ok(outcome) = result else { continue };
            let passed = |(one, got): (&crate::Try, &Got)| verdict(&one.expected, got) == Verdict::Passed;
            if run.tries.iter().zip(&outcome.got).all(passed) {
                let (count, body) = files.entry(&run.entity).or_default();
                tests(body, run, outcome);
                *count += run.tries.len();
            }
        }
    }
    let mut named: BTreeMap<String, usize> = BTreeMap::new();
    let empty = emptied(model);
    let mut file = |(entity, (count, body)): (&str, (usize, String))| {
        // Names that differ in what a file name cannot have.
        let name = entity.replace(|c: char| !c.is_alphanumeric() && c != '_', "_");
        // Where a file system tells no capitals from small letters, they are two files too.
        let nth = named.entry(name.to_lowercase()).and_modify(|nth| *nth += 1).or_insert(1);
        let name = if *nth == 1 { format!("{name}{TEST_FILE}") } else { format!("{name}.{nth}{TEST_FILE}") };
        let harness = HARNESS.trim_end();
        let text = format!(
            "-- {mark}\nbegin;\nset local standard_conforming_strings = on;\n{empty}{harness};\n{SAID}\nselect plan({count});\n{body}select * from finish();\nrollback;\n"
        );
        (name, text)
    };
    files.into_iter().map(&mut file).collect()
}

/// What came of a statement, as exactly as it is wanted: without the message of an error, without what refused it where that
/// is not asked, and one of several errors where versions say it otherwise.
const SAID: &str = "create function pg_temp.specc_said(outcome text, wanted text) returns text language sql as
$$ select case
  when wanted like '% or %' and split_part(outcome, ' ', 2) = any (string_to_array(substr(wanted, 7), ' or ')) then wanted
  when wanted ~ '^error [^ ]+ ' then regexp_replace(outcome, '^(error [^ ]+ [^ ]+) .*', E'\\\\1')
  else regexp_replace(outcome, '^(error [^ ]+) .*', E'\\\\1') end $$;";

/// The tests begin without rows; all of it is rolled back.
fn emptied(model: &Model) -> String {
    let mut out = String::new();
    let table = |id| specc_prove::table(model, id);
    let own: Vec<String> = model.entities.iter().filter(|entity| !entity.external).map(|e| table(e.id)).collect();
    if !own.is_empty() {
        let _ = writeln!(out, "truncate {} cascade;", own.join(", "));
    }
    // Those that the spec refers to belong to somebody else, who may not let us truncate them.
    for table in crate::referred(model) {
        let _ = writeln!(out, "delete from {table};");
    }
    out
}

/// What a test is about, as its line says it: a number sign begins a word for who reads the results, such as `# TODO`, which
/// makes a failure one that is expected.
fn described(words: &str) -> String {
    literal(&specc_diag::one_line(words).replace('\\', "\\\\").replace('#', "\\#"))
}

fn array(items: impl IntoIterator<Item = String>) -> String {
    let all: Vec<String> = items.into_iter().collect();
    format!("array[{}]::text[]", all.join(", "))
}

fn tests(body: &mut String, run: &Run, outcome: &Outcome) {
    let wanted = |(one, got): (&crate::Try, &Got)| match (&one.expected, got) {
        (Wanted::Access(Expected::Rows(rows)) | Wanted::Rows(rows), _) => format!("rows {rows}"),
        (Wanted::Access(Expected::Denied), _) => "error 42501".to_owned(),
        (Wanted::Access(Expected::Kept), _) => "error 23503".to_owned(),
        (Wanted::Refused { states, by }, Got::Error(state, name, _)) => match (states.len(), by.is_empty()) {
            (1, false) => format!("error {state} {name}"),
            _ => format!("error {}", states.join(" or ")),
        },
        (Wanted::Refused { .. }, Got::Rows(rows)) => format!("rows {rows}"),
    };
    let or_null = |said: Option<&str>| said.map_or_else(|| "null".to_owned(), literal);
    let names = run.tries.iter().map(|one| {
        if !one.about.is_empty() {
            return described(&one.about);
        }
        let aim = run.aims.iter().find(|(span, _)| span.is_none()).map(|(_, words)| format!(": {words}"));
        let command = if one.command == RuleAction::Select { "reads" } else { one.command.word() };
        described(&format!("{} {command}{}", run.role, aim.unwrap_or_default()))
    });
    let _ = writeln!(
        body,
        "\nselect is(pg_temp.specc_said(got, wanted), wanted, about) from unnest(\n  pg_temp.specc_trial(\n    {},\n    {},\n    {}, {}, {}, {},\n    {},\n    {}\n  ),\n  {},\n  {}\n) with ordinality as t (got, wanted, about, nth) order by nth;",
        array(run.tables.iter().map(|table| literal(table))),
        literal(&run.load),
        or_null(run.emptied.as_deref()),
        or_null(outcome.quiet.then_some(run.table.as_str())),
        or_null(run.only.as_deref()),
        literal(&run.role),
        array(run.settings.iter().map(|setting| literal(setting))),
        array(run.tries.iter().map(|one| literal(&one.sql))),
        array(run.tries.iter().zip(&outcome.got).map(|pair| literal(&wanted(pair)))),
        array(names)
    );
}
