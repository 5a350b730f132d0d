//! For how long rows stay.

use super::super::expand::Expanded;
use super::super::fields::{anchor, list, unknown_field};
use super::super::project::Project;
use crate::formula::{Formula, Node};
use crate::types::*;
use specc_diag::{Diagnostic, codes};
use specc_facts::{Family, family};
use specc_syntax::ast::{MemberKind, RetainDecl, TriggerTiming};

const UNITS: &[&str] = &["year", "month", "week", "day", "hour", "minute"];

/// Reads `retain` of each entity, when its triggers are known.
pub(super) fn retain(project: &Project<'_>, model: &mut Model, expanded: &[Expanded<'_>], out: &mut Vec<Diagnostic>) {
    for (at, members) in expanded.iter().enumerate() {
        let mut found: Option<Retain> = None;
        for mem in &members.members {
            let MemberKind::Retain(d) = &mem.member.kind else { continue };
            let entity = &model.entities[at];
            let before = out.len();
            match &found {
                Some(first) => {
                    let message = format!("`{}` says twice for how long its rows stay", entity.name.name);
                    let again = Diagnostic::new(codes::BAD_RETAIN, d.at.0, message).label("again here");
                    out.push(again.also(first.span, "first here").help("keep one of the two"));
                }
                None => found = one(entity, d, out),
            }
            anchor(project, mem.via.as_ref(), &entity.name.name, &mut out[before..]);
        }
        model.entities[at].retain = found;
    }
}

fn one(entity: &Entity, d: &RetainDecl, out: &mut Vec<Diagnostic>) -> Option<Retain> {
    let name = &entity.name.name;
    let mut bad = |span, message: String, help: String| {
        out.push(Diagnostic::new(codes::BAD_RETAIN, span, message).help(help));
    };
    let unit = |word: &str| UNITS.iter().any(|unit| word == *unit || word.strip_suffix('s') == Some(unit));
    if let Some((_, word)) = d.spans.iter().find(|(_, word)| !unit(&word.text)) {
        let message = format!("`{}` is no unit of time", word.text);
        bad(word.at.0, message, "units are years, months, weeks, days, hours and minutes".into());
        return None;
    }
    if d.spans.iter().all(|(number, _)| *number == 0) {
        bad(d.at.0, "no time at all deletes every row".into(), "say for how long rows stay: `retain 2 years`".into());
        return None;
    }
    if entity.external {
        bad(d.at.0, format!("`{name}` is not made here, so nothing of it is deleted"), "remove `retain`".into());
        return None;
    }
    if entity.key.is_none() {
        let message = format!("`{name}` has no key, by which rows are deleted a few at a time");
        bad(d.at.0, message, "give it a key: `id: uuid = gen_random_uuid() key`".into());
        return None;
    }
    let field = match &d.from {
        Some(column) => match entity.field(&column.text) {
            None => {
                out.push(unknown_field(entity, &column.text, column.at.0));
                return None;
            }
            Some(field) if !is_time(&entity.fields[field].ty) => {
                let message = format!("`{}` holds no date or time", column.text);
                bad(column.at.0, message, "name a column of type `date`, `timestamp` or `timestamptz`".into());
                return None;
            }
            Some(field) => field,
        },
        None => match creation_times(entity).as_slice() {
            [one] => *one,
            [] => {
                let message = format!("no column of `{name}` says when a row was made");
                bad(d.at.0, message, "name the column that counts: `retain 2 years from created_at`".into());
                return None;
            }
            several => {
                let names: Vec<&str> = several.iter().map(|at| entity.fields[*at].name.as_str()).collect();
                let message = format!("several columns of `{name}` may say when a row was made: {}", list(&names));
                bad(d.at.0, message, format!("name the one that counts: `retain 2 years from {}`", names[0]));
                return None;
            }
        },
    };
    let spans: Vec<String> = d.spans.iter().map(|(number, unit)| format!("{number} {}", unit.text)).collect();
    Some(Retain { interval: spans.join(" ").into(), field, span: d.at.0 })
}

fn is_time(ty: &Type) -> bool {
    ty.dims == 0 && matches!(&ty.base, Base::Builtin(name) if family(name) == Family::Moment)
}

/// Columns that hold the time of the insert: the time of the statement is their default, and no trigger sets them when a row
/// is changed.
fn creation_times(entity: &Entity) -> Vec<FieldIx> {
    let now = |formula: &Formula| match &formula.bare().node {
        Node::Call(call) => matches!(
            &*call.function.name,
            "now"
                | "current_timestamp"
                | "current_date"
                | "transaction_timestamp"
                | "statement_timestamp"
                | "clock_timestamp"
                | "localtimestamp"
        ),
        _ => false,
    };
    // A function that several tables' triggers share is not known to write to this one.
    let sets = |field: &Field| field.name.contains("updated") || field.name.contains("changed");
    let touched = |at: FieldIx| {
        entity.triggers.iter().any(|trigger| {
            trigger.timing == TriggerTiming::Before
                && trigger.writes.contains(&(entity.id, at))
                && trigger.events.iter().any(|(event, _)| event == "update")
        })
    };
    (0..entity.fields.len())
        .filter(|at| {
            let field = &entity.fields[*at];
            let is_now = field.default.as_ref().is_some_and(|default| now(&default.formula));
            is_time(&field.ty) && is_now && !touched(*at) && !sets(field)
        })
        .collect()
}
