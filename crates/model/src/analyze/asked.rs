//! What a function asks whose body is one query: as a formula, so that conditions that call it can be looked into.

use super::exprs::Exprs;
use crate::formula::{Formula, Node};
use crate::scope::Scope;
use crate::types::*;
use crate::typing::{Expect, Place};
use specc_syntax::ast;

/// The query as a scalar subquery over the parameters; none where the body is anything else. Findings are those of the body,
/// which are reported elsewhere.
pub(super) fn asked(exprs: &Exprs<'_>, d: &ast::FunctionDecl, function: &Function) -> Option<ExprRef> {
    let text = function.body.trim().trim_end_matches(';').trim_end();
    let is_query = text.get(..6).is_some_and(|word| word.eq_ignore_ascii_case("select")) && !text.contains(';');
    if function.procedure || function.language != "sql" || !is_query {
        return None;
    }
    let values = function.params.iter().enumerate().filter(|(_, param)| !param.name.is_empty());
    let values = values.map(|(at, param)| (param.name.clone(), at, param.ty.clone())).collect();
    let scope = Scope { values, ..Scope::default() };
    let raw = ast::RawExpr { text: format!("({text})").into(), at: d.body.at };
    let mut unheard = Vec::new();
    let asked = exprs.get(&raw, &scope, Expect::any(Place::Predicate), &mut unheard)?;
    let reads = !specc_diag::has_errors(&unheard) && !is_ambiguous(exprs.model, &asked.formula, function);
    reads.then_some(asked)
}

/// Whether a parameter is called as a column of a table that is read: in a function's body that is the column.
fn is_ambiguous(model: &Model, formula: &Formula, function: &Function) -> bool {
    let mut found = false;
    formula.visit(|part| {
        let Node::Sql(sql) = &part.node else { return };
        for entity in sql.tables() {
            found |= function.params.iter().any(|param| model.entity(entity).field(&param.name).is_some());
        }
    });
    found
}
