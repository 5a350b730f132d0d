//! Plans as text: a header, then statements under headings.

use crate::creation::{Plan, Step};
use crate::down::{Undone, reverse};
use crate::header::{self, Context};
use rayon::prelude::*;
use specc_catalog::{Kind, Object, ObjectId};
use specc_sql::{Statement, print};

/// Under which heading a step stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Heading<'a> {
    Words(&'static str),
    /// The part of the spec, the schema and the name.
    Relation(&'a str, &'a str, &'a str),
}

/// The text of a migration.
pub(crate) fn render_up(plan: &Plan<'_>, steps: &[Step<'_>], context: &Context<'_>) -> String {
    let (header, body) = rayon::join(
        || {
            let mut out = String::with_capacity(4096);
            header::up(&mut out, plan, steps, context);
            out
        },
        || {
            let numbered: Vec<_> = (0..steps.len()).step_by(CHUNK).collect();
            let chunk = |&from: &usize| statements(plan, steps, from, (from + CHUNK).min(steps.len()));
            numbered.par_iter().map(chunk).collect::<Vec<_>>()
        },
    );
    joined(header, &body)
}

/// So many statements are printed by one task.
const CHUNK: usize = 1024;

/// The statements from one place to another, as they follow on those before.
fn statements(plan: &Plan<'_>, steps: &[Step<'_>], from: usize, to: usize) -> String {
    let mut out = String::with_capacity((to - from) * 200);
    let mut before = from.checked_sub(1).map(|at| &steps[at]);
    let mut last = before.map(|step| heading(plan, step));
    for step in &steps[from..to] {
        let heading = heading(plan, step);
        if last != Some(heading) {
            rule(&mut out, heading);
            last = Some(heading);
        } else if before.is_some_and(|before| stands_apart(before, step)) {
            out.push('\n');
        }
        print(&step.statement, &mut out);
        before = Some(step);
    }
    out
}

fn joined(mut head: String, parts: &[String]) -> String {
    head.reserve_exact(parts.iter().map(String::len).sum());
    parts.iter().for_each(|part| head.push_str(part));
    head
}

/// The text of what takes it back.
pub(crate) fn render_down(plan: &Plan<'_>, context: &Context<'_>) -> String {
    let back = reverse(plan, context.parts);
    let mut out = String::with_capacity(2048);
    header::down(&mut out, &back, context);
    out.push('\n');
    let chunk = |steps: &[Undone<'_>]| {
        let mut out = String::with_capacity(steps.len() * 80);
        for undone in steps {
            match undone {
                Undone::Step(step) => print(&step.statement, &mut out),
                Undone::Says(why) => {
                    out.push_str("-- ");
                    out.push_str(&why.replace('\n', " "));
                    out.push('\n');
                }
            }
        }
        out
    };
    joined(out, &back.par_chunks(CHUNK).map(chunk).collect::<Vec<_>>())
}

/// One-line statements of one object stand together, all else has a line between.
fn stands_apart(before: &Step<'_>, step: &Step<'_>) -> bool {
    if before.object == step.object {
        return matches!(before.statement, Statement::CreateTable { .. })
            || matches!(before.statement, Statement::Create(Object::Function(_) | Object::View(_)));
    }
    let small = |statement: &Statement<'_>| match statement {
        Statement::Grant(_) | Statement::Revoke(_) => true,
        Statement::Create(object) => {
            matches!(
                object,
                Object::Schema(_)
                    | Object::Extension(_)
                    | Object::Index(_)
                    | Object::Publication(_)
                    | Object::PublicationTable(_)
            )
        }
        _ => false,
    };
    !(small(&before.statement) && small(&step.statement))
}

fn heading<'a>(plan: &Plan<'a>, step: &Step<'_>) -> Heading<'a> {
    let catalog = plan.catalog;
    let Some((id, entry)) = catalog.at(step.object as usize) else { return Heading::Words("more") };
    let relation = |id: &'a ObjectId, area: &'a str| Heading::Relation(area, &id.schema, &id.name);
    Heading::Words(match &entry.object {
        Object::Table(_) => return relation(id, &entry.area),
        Object::Index(_) | Object::Policy(_) | Object::Seed(_) | Object::Grant(_) => {
            if let Some((id, entry)) = plan.home(step.object).and_then(|home| catalog.at(home as usize))
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
                header::push_plain(out, area);
                out.push_str(": ");
            }
            header::push_plain(out, schema);
            out.push('.');
            header::push_plain(out, name);
        }
    }
    out.push(' ');
    let width = out.len() - start;
    out.push_str(&DASHES[..WIDTH.saturating_sub(width).max(4)]);
    out.push_str("\n\n");
}
