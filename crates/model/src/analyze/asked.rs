//! What a function asks whose body is one query: as a formula, so that conditions that call it can be looked into.

use super::exprs::Exprs;
use crate::formula::{Formula, Node};
use crate::scope::Scope;
use crate::types::*;
use crate::typing::{Expect, Place};
use smol_str::SmolStr;
use specc_syntax::ast;

/// The query as a scalar subquery over the parameters; none where the body is anything else. Findings are those of the body,
/// which are reported elsewhere.
pub(super) fn asked(exprs: &Exprs<'_>, d: &ast::FunctionDecl, function: &Function) -> Option<ExprRef> {
    let text = function.body.trim().trim_end_matches(';').trim_end();
    let is_query = text.get(..6).is_some_and(|word| word.eq_ignore_ascii_case("select")) && !text.contains(';');
    if function.procedure || function.language != "sql" || !is_query {
        return None;
    }
    let raw = ast::RawExpr { text: format!("({text})").into(), at: d.body.at };
    let read = |shadowed: &[SmolStr]| {
        let known = |param: &&Param| !param.name.is_empty() && !shadowed.contains(&param.name);
        let values = function.params.iter().enumerate().filter(|(_, param)| known(param));
        let values = values.map(|(at, param)| (param.name.clone(), at, param.ty.clone())).collect();
        let scope = Scope { values, ..Scope::default() };
        let mut unheard = Vec::new();
        let asked = exprs.get(&raw, &scope, Expect::any(Place::Predicate), &mut unheard)?;
        (!specc_diag::has_errors(&unheard)).then_some(asked)
    };
    let asked = read(&[])?;
    // A parameter that is called as a column of a table that is read is the column, in the body of a function. Which of
    // several tables it is a column of is not known.
    match shadowed(exprs.model, &asked.formula, function) {
        Some(names) if names.is_empty() => Some(asked),
        Some(names) => read(&names),
        None => None,
    }
}

/// Parameters that are called as a column of the only table that is read; none where there are several tables.
fn shadowed(model: &Model, formula: &Formula, function: &Function) -> Option<Vec<SmolStr>> {
    let mut tables = Vec::new();
    formula.visit(|part| {
        if let Node::Sql(sql) = &part.node {
            tables.extend(sql.tables());
        }
    });
    tables.sort();
    tables.dedup();
    let is_column = |param: &&Param| tables.iter().any(|entity| model.entity(*entity).field(&param.name).is_some());
    let names: Vec<SmolStr> = function.params.iter().filter(is_column).map(|param| param.name.clone()).collect();
    (names.is_empty() || tables.len() == 1).then_some(names)
}
