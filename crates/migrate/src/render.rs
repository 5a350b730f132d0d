//! Plans as text: a header, then statements under headings.

use crate::down::{Undone, reverse};
use crate::header::{self, Context};
use crate::plan::{Plan, Step};
use specc_catalog::{Catalog, Kind, Object};
use specc_sql::{Statement, print};

/// Under which heading a step stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Heading {
    Words(&'static str),
    Object(u32),
}

/// The text of a migration.
pub(crate) fn render_up(plan: &Plan<'_>, steps: &[Step<'_>], context: &Context<'_>) -> String {
    let mut out = String::with_capacity(4096 + steps.len() * 200);
    header::up(&mut out, plan, steps, context);
    let mut last = None;
    let mut before: Option<&Step<'_>> = None;
    for step in steps {
        let heading = heading(plan.catalog, step);
        if last != Some(heading) {
            rule(&mut out, plan.catalog, heading);
            last = Some(heading);
        } else if before.is_some_and(|before| stands_apart(before, step)) {
            out.push('\n');
        }
        print(&step.statement, &mut out);
        before = Some(step);
    }
    out
}

/// The text of what takes it back.
pub(crate) fn render_down(plan: &Plan<'_>, context: &Context<'_>) -> String {
    let back = reverse(plan, context.parts);
    let mut out = String::with_capacity(2048 + back.len() * 80);
    header::down(&mut out, plan, &back, context);
    out.push('\n');
    for undone in &back {
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

fn heading(catalog: &Catalog, step: &Step<'_>) -> Heading {
    let kind = catalog.at(step.object as usize).map_or(Kind::Sql, |(id, _)| id.kind);
    Heading::Words(match kind {
        Kind::Table => return Heading::Object(step.object),
        Kind::Index | Kind::Policy | Kind::Grant | Kind::Seed => match step.owner.or_else(|| table_of(catalog, step)) {
            Some(owner) => match catalog.at(owner as usize).map_or(Kind::Sql, |(id, _)| id.kind) {
                Kind::Table | Kind::View => return Heading::Object(owner),
                Kind::Schema => "schemas",
                Kind::Function => "functions",
                Kind::Sequence => "sequences",
                _ => "types",
            },
            None => "platform",
        },
        Kind::Schema | Kind::Extension => "schemas and extensions",
        Kind::Role => "roles",
        Kind::Enum | Kind::Domain | Kind::Composite => "types",
        Kind::Sequence => "sequences",
        Kind::Constraint => "constraints that had to wait for what they need",
        Kind::Function => "functions",
        Kind::View => "views",
        Kind::Trigger => "triggers",
        Kind::Publication | Kind::PublicationTable => "publications",
        Kind::Bucket => "storage buckets",
        Kind::Job => "scheduled jobs",
        Kind::Sql => "sql blocks",
    })
}

fn table_of(catalog: &Catalog, step: &Step<'_>) -> Option<u32> {
    let table = step.statement.table()?;
    catalog.find(specc_catalog::IdRef::table(table)).map(|index| index as u32)
}

/// A comment over the width of the page.
fn rule(out: &mut String, catalog: &Catalog, heading: Heading) {
    const WIDTH: usize = 100;
    const DASHES: &str =
        "----------------------------------------------------------------------------------------------------";
    out.push('\n');
    let start = out.len();
    out.push_str("-- ");
    match heading {
        Heading::Words(words) => out.push_str(words),
        Heading::Object(object) => {
            if let Some((id, entry)) = catalog.at(object as usize) {
                if !entry.area.is_empty() {
                    header::push_plain(out, &entry.area);
                    out.push_str(": ");
                }
                header::push_plain(out, &id.schema);
                out.push('.');
                header::push_plain(out, &id.name);
            }
        }
    }
    out.push(' ');
    let width = out[start..].chars().count();
    out.push_str(&DASHES[..WIDTH.saturating_sub(width).max(4)]);
    out.push_str("\n\n");
}
