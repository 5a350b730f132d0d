//! What a function asks whose body is one query, and what a view asks: as formulas, so that who asks through them can be
//! looked at.

use super::exprs::Exprs;
use crate::formula::{Formula, Node};
use crate::scope::Scope;
use crate::types::*;
use crate::typing::{Expect, Place};
use smol_str::SmolStr;
use specc_analysis::Returned;
use specc_diag::Span;
use specc_syntax::ast;
use std::sync::Arc;

/// The query as a scalar subquery over the parameters; none where the body is anything else. Findings are those of the body,
/// which are reported elsewhere.
pub(super) fn asked(
    exprs: &Exprs<'_>,
    d: &ast::FunctionDecl,
    function: &Function,
    only: Option<Returned>,
) -> Option<ExprRef> {
    let (start, text) = body(&function.language, &function.body, only).filter(|_| !function.procedure)?;
    let read = |shadowed: &[SmolStr]| {
        let known = |param: &&Param| !param.name.is_empty() && !shadowed.contains(&param.name);
        let values = function.params.iter().enumerate().filter(|(_, param)| known(param));
        let values = values.map(|(at, param)| (param.name.clone(), at, param.ty.clone())).collect();
        let scope = Scope { values, ..Scope::default() };
        query(exprs, &text, d.body.at.0, start, &scope, Place::Predicate)
    };
    let asked = read(&[])?;
    // A parameter that is called as a column of a table that is read is the column, in the body of a function. Which of
    // several tables it is a column of is not known.
    let asked = match shadowed(exprs.model, &asked.formula, function)? {
        names if names.is_empty() => Some(asked),
        names => read(&names),
    }?;
    // Of several rows a function that returns one value returns that of the first.
    Some(if matches!(function.returns, Some(Returns::Type(_))) { first_row(&asked) } else { asked })
}

/// The same, of the first row alone.
fn first_row(asked: &ExprRef) -> ExprRef {
    fn mark(formula: &mut Formula) {
        match &mut formula.node {
            Node::Nested(inner) => mark(inner),
            Node::Sql(sql) => {
                if let [select] = sql.selects.as_mut_slice() {
                    select.first = true;
                }
            }
            _ => {}
        }
    }
    let mut first = Expr::clone(asked);
    mark(&mut first.formula);
    Arc::new(first)
}

/// What a function asks that calls itself, or is called by what it calls, is not looked into: it has no end.
pub(super) fn leave_circles(functions: &mut [Function]) {
    let called = |function: &Function| {
        let mut called = Vec::new();
        // Those of its queries are among what can be changed only.
        let mut asked = function.asks.as_ref().map(|asks| asks.formula.clone());
        asked.iter_mut().for_each(|formula| {
            formula.each_mut(|part| {
                if let Node::Call(call) = &part.node {
                    called.extend(call.declared);
                }
            });
        });
        called
    };
    let calls: Vec<Vec<usize>> = functions.iter().map(called).collect();
    for (at, function) in functions.iter_mut().enumerate() {
        let mut seen = vec![false; calls.len()];
        let mut rest = calls[at].clone();
        while let Some(next) = rest.pop() {
            if !std::mem::replace(&mut seen[next], true) {
                rest.extend(&calls[next]);
            }
        }
        if seen[at] {
            function.asks = None;
        }
    }
}

/// The only statement of a body as a query, and where it starts: of SQL itself, or what a block of PL/pgSQL returns that
/// does nothing else.
fn body(language: &str, body: &str, only: Option<Returned>) -> Option<(usize, String)> {
    match (language, only) {
        ("sql", _) => {
            let text = body.trim().trim_end_matches(';').trim_end();
            let is_query = ["select", "with"].iter().any(|word| first_word(text).eq_ignore_ascii_case(word));
            (is_query && !text.contains(';')).then(|| (body.len() - body.trim_start().len(), text.to_owned()))
        }
        ("plpgsql", Some(Returned { start, end, query })) => {
            let prefix = if query { "" } else { "select " };
            Some((start.saturating_sub(prefix.len()), format!("{prefix}{}", body.get(start..end)?)))
        }
        _ => None,
    }
}

fn first_word(text: &str) -> &str {
    text.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default()
}

/// The query of a view as a scalar subquery; none where it is not understood, or wrong, which is reported elsewhere.
pub(super) fn of_view(exprs: &Exprs<'_>, d: &ast::ViewDecl) -> Option<ExprRef> {
    let text = &d.body.text;
    let start = text.len() - text.trim_start().len();
    let text = text.trim().trim_end_matches(';').trim_end();
    query(exprs, text, d.body.at.0, start, &Scope::default(), Place::Query)
}

/// A query that starts so far behind the start of the body.
fn query(exprs: &Exprs<'_>, text: &str, body: Span, start: usize, scope: &Scope, place: Place) -> Option<ExprRef> {
    // Its first byte is the parenthesis, which stands before the query.
    let at = Span::new(body.file, (body.start as usize + start).saturating_sub(1), body.end as usize);
    let raw = ast::RawExpr { text: format!("({text})").into(), at: ast::At(at) };
    let mut unheard = Vec::new();
    let asked = exprs.get(&raw, scope, Expect::any(place), &mut unheard)?;
    (!specc_diag::has_errors(&unheard)).then_some(asked)
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
