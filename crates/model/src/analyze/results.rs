//! Whether what a body gives back is what its function says.

use super::environment::Known;
use crate::types::*;
use crate::typing::kinds::{coerces, describe, key};
use smol_str::SmolStr;
use specc_analysis::{Analysis, Gives};
use specc_catalog::DataType;
use specc_diag::{Diagnostic, Span, codes};
use specc_facts::Context;
use specc_syntax::ast;

/// How a function gives back.
pub(crate) fn gives(f: &Function) -> Gives {
    let outs = f.params.iter().any(|p| matches!(&*p.mode, "out" | "inout"));
    match &f.returns {
        _ if f.procedure => Gives::Procedure,
        Some(Returns::Pseudo(word)) => match word.as_str() {
            "void" if !outs => Gives::Nothing,
            "event_trigger" => Gives::EventTrigger,
            "trigger" => Gives::Trigger,
            _ => Gives::Unknown,
        },
        Some(Returns::Table(_)) => Gives::Set { outs: true },
        Some(Returns::SetOf(_)) => Gives::Set { outs },
        _ if outs => Gives::Outs,
        Some(Returns::Type(_)) => Gives::Value,
        None => Gives::Unknown,
    }
}

/// What each row has.
enum Wanted {
    Value(Type),
    Columns(Vec<Type>),
    /// A row of a table or a composite type, whole or by its columns.
    Row(Type, Vec<Type>),
}

fn wanted(model: &Model, f: &Function) -> Option<Wanted> {
    let outs = f.params.iter().filter(|p| matches!(&*p.mode, "out" | "inout")).map(|p| p.ty.clone());
    let mut outs: Vec<Type> = outs.collect();
    if let Some(Returns::Table(columns)) = &f.returns {
        outs.extend(columns.iter().map(|(_, ty)| ty.clone()));
    }
    match (&f.returns, &outs[..]) {
        _ if f.procedure => None,
        (_, [one]) => Some(Wanted::Value(one.clone())),
        (_, [_, ..]) => Some(Wanted::Columns(outs)),
        (Some(Returns::Type(ty) | Returns::SetOf(ty)), []) => match &ty.base {
            Base::Builtin(name) if specc_facts::is_pseudo_type(name) => None,
            Base::Unknown => None,
            // A view, or what a block of SQL makes: its columns are not followed.
            Base::Named(name) if !name.schema.is_empty() => None,
            Base::Row(id) if ty.dims == 0 => {
                let columns = model.entity(*id).fields.iter().map(|f| f.ty.clone());
                (!model.entity(*id).external).then(|| Wanted::Row(ty.clone(), columns.collect()))
            }
            Base::Composite(id) if ty.dims == 0 => {
                let fields = &model.composites[id.0 as usize].fields;
                Some(Wanted::Row(ty.clone(), fields.iter().map(|f| f.1.clone()).collect()))
            }
            _ => Some(Wanted::Value(ty.clone())),
        },
        _ => None,
    }
}

/// Reports rows that have other columns than the function says.
pub(crate) fn check(
    known: &Known<'_>,
    f: &Function,
    found: &Analysis,
    body: &ast::SqlBody,
    name: Span,
    out: &mut Vec<Diagnostic>,
) {
    let model = known.model;
    let sql = f.language == "sql";
    let Some(wanted) = wanted(model, f) else { return };
    let mut bad = |span: Span, message: String, help: &str| {
        out.push(Diagnostic::new(codes::BAD_FUNCTION, span, message).help(help));
    };
    if sql && found.given.is_empty() {
        return bad(
            name,
            format!("function `{}` gives back a value, and its body is empty", f.name.name),
            "write `select …`",
        );
    }
    for given in &found.given {
        let Some(columns) = &given.columns else { continue };
        let span = body.at.0.part_of(&body.text, given.start, given.end);
        let types: Vec<&Type> = match &wanted {
            Wanted::Value(ty) => vec![ty],
            Wanted::Row(..) if columns.len() == 1 && is_row(known, &columns[0], &wanted) => continue,
            Wanted::Columns(types) | Wanted::Row(_, types) => types.iter().collect(),
        };
        if columns.is_empty() && sql {
            let message = "the last statement gives no rows, and the function gives back a value".to_owned();
            bad(span, message, "end with `select …`, add `returning …`, or declare `-> void`");
            continue;
        }
        if columns.len() != types.len() {
            let message = format!("{}, and the function gives back {}", count(columns.len()), types.len());
            bad(span, message, "select as many columns as the function gives back, in their order");
            continue;
        }
        for ((name, ty), wanted) in columns.iter().zip(types) {
            let Some(ty) = ty.as_ref().map(|ty| known.type_of(ty)) else { continue };
            let fits =
                if sql { coerces(key(model, &ty), key(model, wanted), Context::Assignment) } else { same(&ty, wanted) };
            if !fits {
                let (from, to) = (describe(model, &ty), describe(model, wanted));
                let message = format!("`{name}` is `{from}`, and the function gives back `{to}`");
                bad(span, message, &format!("cast it: `{}::{to}`", if name == "?column?" { "…" } else { name }));
            }
        }
    }
}

fn count(columns: usize) -> String {
    if columns == 1 { "1 column is given".to_owned() } else { format!("{columns} columns are given") }
}

/// A single column may be the row as a whole.
fn is_row(known: &Known<'_>, (_, ty): &(SmolStr, Option<DataType>), wanted: &Wanted) -> bool {
    let Wanted::Row(row, columns) = wanted else { return false };
    let found = ty.as_ref().map(|ty| known.type_of(ty));
    found.is_none_or(|found| found.base == row.base || found.base == Base::Unknown && columns.len() != 1)
}

/// `return query` casts nothing; what is not built in is left alone.
fn same(found: &Type, wanted: &Type) -> bool {
    match (&found.base, &wanted.base) {
        (Base::Builtin(a), Base::Builtin(b)) => a == b && (found.dims > 0) == (wanted.dims > 0),
        _ => true,
    }
}
