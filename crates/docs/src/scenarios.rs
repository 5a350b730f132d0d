//! `scenarios.md`: what people see and do, as the spec shows it.

use crate::book::Book;
use crate::text;
use smol_str::SmolStr;
use specc_model::{
    Actor, EntityId, FieldIx, Scenario, ScenarioPart, ScenarioStepKind, SeedRow, SeedSet, SeedValue, SeenRows, Try,
};
use std::fmt::Write;

/// The page.
pub fn page(book: &Book<'_>) -> String {
    let mut out = String::from("# Scenarios\n\nExamples of what people see and do, each over rows of the seeds.\n\n");
    for scenario in &book.model.scenarios {
        section(book, scenario, &mut out);
    }
    out
}

fn section(book: &Book<'_>, scenario: &Scenario, out: &mut String) {
    let _ = writeln!(out, "## {}\n", text::title(&scenario.text));
    if let Some(doc) = &scenario.doc {
        let _ = writeln!(out, "{}\n", text::sentence(doc));
    }
    let rows = if scenario.env == "base" { String::new() } else { format!(" and of {}", text::code(&scenario.env)) };
    let _ = writeln!(out, "With the rows of {}{rows}.\n", text::code("base"));
    text::head(out, &["Who", "Does", "What comes of it"]);
    for part in &scenario.parts {
        match part {
            ScenarioPart::Given(set) => given(book, set, out),
            ScenarioPart::As(actor) => steps(book, actor, out),
        }
    }
    out.push('\n');
}

fn given(book: &Book<'_>, set: &SeedSet, out: &mut String) {
    for row in &set.rows {
        let label = row.label.as_ref().map(|label| format!("{} ", text::code(label))).unwrap_or_default();
        let count = row.count.map(|count| format!("{count} rows ")).unwrap_or_default();
        let what = format!("{label}{count}of {}{}", book.link(row.entity, ""), values(book, row.entity, &row.fields));
        text::row(out, [String::new(), what, "is there".to_owned()]);
    }
}

fn steps(book: &Book<'_>, actor: &Actor, out: &mut String) {
    let who = match &actor.viewer {
        Some((_, label)) => text::code(label),
        None => format!("role {}", text::code(&actor.role)),
    };
    let claims = actor.claims.as_ref().map(|claims| format!(" with {}", text::code(claims))).unwrap_or_default();
    for step in &actor.steps {
        let (what, comes) = match &step.kind {
            ScenarioStepKind::Rows(entity, seen) => (format!("reads {}", book.link(*entity, "")), rows(seen)),
            ScenarioStepKind::Try { deny, what, code } => {
                let comes = match (deny, code) {
                    (false, _) => "is let through".to_owned(),
                    (true, None) => "is denied".to_owned(),
                    (true, Some(code)) => format!("is refused with {}", text::code(code)),
                };
                (tried(book, what), comes)
            }
        };
        text::row(out, [format!("{who}{claims}"), what, comes]);
    }
}

fn rows(seen: &SeenRows) -> String {
    match seen {
        SeenRows::None => "sees no rows".to_owned(),
        SeenRows::All => "sees all rows".to_owned(),
        SeenRows::Count(count) => format!("sees {}", text::count(*count as usize, "row", "rows")),
        SeenRows::Only(labels) => {
            let labels: Vec<String> = labels.iter().map(|label| text::code(label)).collect();
            format!("sees {} and no other", text::and(&labels))
        }
    }
}

fn tried(book: &Book<'_>, what: &Try) -> String {
    let of = |entity: EntityId, label: &SmolStr| format!("{} of {}", text::code(label), book.link(entity, ""));
    let with = |row: &SeedRow| values(book, row.entity, &row.fields);
    match what {
        Try::Insert(row) => format!("adds a row of {}{}", book.link(row.entity, ""), with(row)),
        Try::Update(label, row) => format!("changes {}{}", of(row.entity, label), with(row)),
        Try::Delete(entity, label) => format!("removes {}", of(*entity, label)),
        Try::Call(at, args) => {
            let name = text::short(book.model, &book.model.functions[*at].name);
            let args: Vec<String> = args.iter().map(value).collect();
            format!("calls {}", text::code(&format!("{name}({})", args.join(", "))))
        }
    }
}

/// `: title 'x', author_id ana`
fn values(book: &Book<'_>, entity: EntityId, fields: &[(FieldIx, SeedValue)]) -> String {
    let name = |field: FieldIx| &book.model.entity(entity).fields[field].name;
    let all: Vec<String> = fields.iter().map(|(at, given)| format!("{} {}", name(*at), value(given))).collect();
    if all.is_empty() { String::new() } else { format!(": {}", text::code(&all.join(", "))) }
}

fn value(value: &SeedValue) -> String {
    match value {
        SeedValue::Expr(expr) => expr.text.to_string(),
        SeedValue::Label { label, .. } => label.to_string(),
        SeedValue::Any(_) => "any row".to_owned(),
        SeedValue::Fake(kind) => format!("a made-up {kind}"),
        SeedValue::Between(low, high) => format!("between {} and {}", low.text, high.text),
        SeedValue::OneOf(values) => {
            let texts: Vec<&str> = values.iter().map(|value| value.text.as_str()).collect();
            format!("one of {}", texts.join(", "))
        }
    }
}
