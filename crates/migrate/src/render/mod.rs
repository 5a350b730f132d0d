//! Plans as text: a header, then statements.

mod header;
mod printed;

pub(crate) use header::{File, Summary, elsewhere};
pub use printed::statement_checksum;
pub(crate) use printed::{Printed, newlines};

use crate::account::{Account, Gone, Note, RESET_LOCK_TIMEOUT, SET_LOCK_TIMEOUT, limits_locks};
use crate::misfits::is_alone;
use crate::place::NewPlace;
use crate::schedule::{Plan, Purpose, Stage, Step};
use rayon::prelude::*;
use specc_catalog::{Catalog, Kind, Object, ObjectId};
use specc_sql::{Loss, Statement, print};
use std::fmt::Write as _;
use std::ops::Range;

/// So many statements are printed by one task.
const CHUNK: usize = 1024;

/// A migration.
pub(crate) fn up(file: &File<'_>, plan: &Plan<'_>, stage: &Stage<'_>, catalog: &Catalog, summary: &Summary) -> Printed {
    let header = || {
        let account = Account::of(plan, stage);
        let (notes, warnings): (&[_], &[_]) = if file.number == 0 { (&plan.notes, &plan.warnings) } else { (&[], &[]) };
        let mut out = String::with_capacity(4096);
        header::up(&mut out, file, &account, summary, notes, warnings);
        (out, limits_locks(&account, stage))
    };
    let ((mut out, waits), body) = rayon::join(header, || parts(stage, catalog));
    let setting = |out: &mut String, sql| _ = writeln!(out, "\n{sql};");
    if waits {
        setting(&mut out, SET_LOCK_TIMEOUT);
    }
    if !has_headings(stage) {
        out.push('\n');
    }
    out.reserve_exact(body.iter().map(|part| part.text.len()).sum());
    let mut places = Vec::with_capacity(stage.steps.len());
    for part in body {
        let before = out.len();
        out.push_str(&part.text);
        places.extend(part.places.into_iter().map(|place| before + place.start..before + place.end));
    }
    if waits {
        setting(&mut out, RESET_LOCK_TIMEOUT);
    }
    Printed { text: out, places }
}

/// The text of what takes it back. `gone` is lost by the way there and does not come back.
pub(crate) fn down(file: &File<'_>, back: &Plan<'_>, gone: &[Gone], notes: &[String], catalog: &Catalog) -> String {
    let losses: Vec<Loss> = back.losses();
    let mut out = String::with_capacity(2048);
    let stays: Vec<&Note> = back.notes.iter().filter(|note| note.stays()).collect();
    header::down(&mut out, file, &losses, gone, notes, &stays);
    out.push('\n');
    for stage in &back.stages {
        append(&mut out, stage, catalog);
    }
    out
}

/// The text of what takes back a change from its middle. `gone` was lost on the way there.
pub(crate) fn abandon(
    file: &File<'_>,
    stamps: &[String],
    back: &Plan<'_>,
    losses: &[Loss],
    gone: &[Gone],
    catalog: &Catalog,
) -> String {
    let mut out = String::with_capacity(2048);
    header::abandon(&mut out, file, stamps, losses, gone);
    out.push('\n');
    for stage in &back.stages {
        append(&mut out, stage, catalog);
    }
    out
}

/// Appends the statements of a stage.
pub(crate) fn append(out: &mut String, stage: &Stage<'_>, catalog: &Catalog) {
    let parts = parts(stage, catalog);
    out.reserve_exact(parts.iter().map(|part| part.text.len()).sum());
    parts.into_iter().for_each(|part| out.push_str(&part.text));
}

/// Statements of a stage that were printed by one task.
struct Part {
    text: String,
    /// For each statement where it stands in the text.
    places: Vec<Range<usize>>,
}

/// The statements of a stage, in parts that are printed at once.
fn parts(stage: &Stage<'_>, catalog: &Catalog) -> Vec<Part> {
    let starts: Vec<_> = (0..stage.steps.len()).step_by(CHUNK).collect();
    let chunk = |&from: &usize| part(stage, catalog, from..(from + CHUNK).min(stage.steps.len()));
    starts.par_iter().map(chunk).collect()
}

/// Some of the statements, as they follow on those before.
fn part(stage: &Stage<'_>, catalog: &Catalog, range: Range<usize>) -> Part {
    let steps = &stage.steps;
    let from = range.start;
    let mut out = String::with_capacity(range.len() * 200);
    let mut places = Vec::with_capacity(range.len());
    let has_headings = has_headings(stage);
    let mut before = from.checked_sub(1).map(|at| (&steps[at], is_long(&steps[at].statement)));
    let mut last = before.filter(|_| has_headings).map(|(step, _)| heading(catalog, step));
    for step in &steps[range] {
        if has_headings {
            let heading = heading(catalog, step);
            if last != Some(heading) {
                rule(&mut out, heading);
                (last, before) = (Some(heading), None);
            }
        }
        let start = out.len();
        let alone = is_alone(stage, &step.statement);
        if alone {
            out.push_str("begin;\n");
        }
        let mut at = printed::append(&mut out, &step.statement);
        if alone {
            out.push_str("commit;\n");
        }
        let long = out[start..].trim_end().contains('\n');
        if before.is_some_and(|(other, was_long)| stands_apart(stage.purpose, other, step, long, was_long)) {
            out.insert(start, '\n');
            at = at.start + 1..at.end + 1;
        }
        places.push(at);
        before = Some((step, long));
    }
    Part { text: out, places }
}

fn has_headings(stage: &Stage<'_>) -> bool {
    stage.purpose.is_first()
}

fn is_long(statement: &Statement<'_>) -> bool {
    let mut text = String::new();
    print(statement, &mut text);
    text.trim_end().contains('\n')
}

/// Short statements about one thing stand together, long ones have a line between.
fn stands_apart(purpose: Purpose, before: &Step<'_>, step: &Step<'_>, long: bool, was_long: bool) -> bool {
    match purpose {
        Purpose::Back if step.object.is_some() => long || was_long,
        Purpose::Phase(_) | Purpose::Back => {
            let (table, other) = (step.statement.table(), before.statement.table());
            long || was_long || table.is_none() || table != other
        }
        Purpose::Part(_) | Purpose::All if before.object == step.object => {
            matches!(before.statement, Statement::CreateTable { .. } | Statement::TakeLocks(_))
                || matches!(before.statement, Statement::Create(Object::Function(_) | Object::View(_)))
        }
        Purpose::Part(_) | Purpose::All => !(is_simple(&before.statement) && is_simple(&step.statement)),
    }
}

/// Whether those of one kind make a list.
fn is_simple(statement: &Statement<'_>) -> bool {
    match statement {
        Statement::Grant(_) | Statement::Revoke(_) => true,
        Statement::Create(object) => matches!(
            object,
            Object::Schema(_)
                | Object::Extension(_)
                | Object::Index(_)
                | Object::Publication(_)
                | Object::PublicationTable(_)
        ),
        _ => false,
    }
}

/// Under which heading a step of a first migration stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Heading<'a> {
    Words(&'static str),
    /// The part of the spec, the schema and the name.
    Relation(&'a str, &'a str, &'a str),
}

fn heading<'a>(catalog: &'a Catalog, step: &Step<'_>) -> Heading<'a> {
    let at = |place: NewPlace| catalog.at(place.index());
    let Some((id, entry)) = step.object.and_then(at) else { return Heading::Words("more") };
    let relation = |id: &'a ObjectId, area: &'a str| Heading::Relation(area, &id.schema, &id.name);
    Heading::Words(match &entry.object {
        Object::Table(_) => return relation(id, &entry.area),
        Object::Index(_) | Object::Policy(_) | Object::Seed(_) | Object::Grant(_) => {
            if let Some((id, entry)) = step.home.and_then(at)
                && matches!(id.kind, Kind::Table | Kind::View)
            {
                return relation(id, &entry.area);
            }
            match &entry.object {
                Object::Grant(grant) => match grant.on.kind {
                    Kind::Table | Kind::View => return relation(&grant.on, ""),
                    Kind::Schema => "schemas",
                    Kind::Function => "functions",
                    Kind::Sequence => "sequences",
                    _ => "types",
                },
                object => match object.table() {
                    Some(table) => return Heading::Relation("", &table.schema, &table.name),
                    None => "more",
                },
            }
        }
        Object::Schema(_) | Object::Extension(_) => "schemas and extensions",
        Object::Role(_) => "roles",
        Object::Enum(_) | Object::Domain(_) | Object::Composite(_) => "types",
        Object::Sequence(_) => "sequences",
        Object::Constraint(_) => "constraints that had to wait for what they need",
        Object::Function(_) => "functions",
        Object::View(_) => "views",
        Object::Trigger(_) => "triggers",
        Object::Publication(_) | Object::PublicationTable(_) => "publications",
        Object::Bucket(_) => "storage buckets",
        Object::Job(_) => "scheduled jobs",
        Object::Sql(_) => "sql blocks",
    })
}

/// A comment over the width of the page.
fn rule(out: &mut String, heading: Heading<'_>) {
    const WIDTH: usize = 100;
    const DASHES: &str =
        "----------------------------------------------------------------------------------------------------";
    out.push('\n');
    let start = out.len();
    out.push_str("-- ");
    match heading {
        Heading::Words(words) => out.push_str(words),
        Heading::Relation(area, schema, name) => {
            if !area.is_empty() {
                push_plain(out, area);
                out.push_str(": ");
            }
            push_plain(out, schema);
            out.push('.');
            push_plain(out, name);
        }
    }
    out.push(' ');
    let width = out.len() - start;
    out.push_str(&DASHES[..WIDTH.saturating_sub(width).max(4)]);
    out.push_str("\n\n");
}

/// Lists name no more than this.
pub(crate) const NAMED: usize = 24;

/// Appends text that must stay on its line.
pub(crate) fn push_plain(out: &mut String, text: &str) {
    if text.contains(char::is_control) {
        out.extend(text.chars().map(|c| if c.is_control() { ' ' } else { c }));
    } else {
        out.push_str(text);
    }
}

/// `3 tables`
pub(crate) fn count(n: usize, word: &str) -> String {
    let plural = match word {
        "index" => "indexes",
        "policy" => "policies",
        "published table" => "published tables",
        _ if n != 1 => return format!("{n} {word}s"),
        _ => word,
    };
    format!("{n} {}", if n == 1 { word } else { plural })
}

/// The first few, and how many more.
pub(crate) fn list(names: &[String]) -> String {
    let mut text = names[..names.len().min(NAMED)].join(", ");
    if names.len() > NAMED {
        text.push_str(&format!(" and {} more", names.len() - NAMED));
    }
    text
}
