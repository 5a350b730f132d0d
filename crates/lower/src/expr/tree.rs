//! Looking into expressions.

use smol_str::SmolStr;
use specc_expr::EXISTS_PATH;
use specc_sql::quote;
use sqlparser::ast::{self, Ident, ObjectName, ObjectNamePart};

/// SQL that is finished, as an expression: an identifier without quotes prints as it is.
pub(crate) fn verbatim(sql: impl Into<String>) -> ast::Expr {
    ast::Expr::Identifier(Ident::new(sql))
}

/// The identifiers of a name, or `None` for any other expression.
pub(crate) fn parts(expr: &ast::Expr) -> Option<Vec<&str>> {
    match expr {
        ast::Expr::Identifier(ident) => Some(vec![&ident.value]),
        ast::Expr::CompoundIdentifier(idents) => Some(idents.iter().map(|i| i.value.as_str()).collect()),
        _ => None,
    }
}

/// Path and condition of `exists path (condition)`.
pub(crate) fn exists_path(expr: &ast::Expr) -> Option<(&ast::Expr, &ast::Expr)> {
    let ast::Expr::Function(call) = expr else { return None };
    if single(&call.name)? != EXISTS_PATH {
        return None;
    }
    match arguments(call).as_slice() {
        [path, condition] => Some((path, condition)),
        _ => None,
    }
}

/// The plain arguments of a call.
pub(crate) fn arguments(call: &ast::Function) -> Vec<&ast::Expr> {
    let ast::FunctionArguments::List(list) = &call.args else { return Vec::new() };
    let plain = list.args.iter().filter_map(|arg| match arg {
        ast::FunctionArg::Unnamed(ast::FunctionArgExpr::Expr(expr)) => Some(expr),
        _ => None,
    });
    plain.collect()
}

/// The name of an object without a schema.
pub(super) fn single(name: &ObjectName) -> Option<&str> {
    match name.0.as_slice() {
        [ObjectNamePart::Identifier(ident)] => Some(&ident.value),
        _ => None,
    }
}

pub(super) fn part(name: &str) -> ObjectNamePart {
    ObjectNamePart::Identifier(Ident {
        value: name.to_string(),
        quote_style: quote::needs_quotes(name).then_some('"'),
        span: sqlparser::tokenizer::Span::empty(),
    })
}

/// The name that an identifier means: in lowercase unless quoted.
pub(super) fn folded(ident: &Ident) -> SmolStr {
    if ident.quote_style.is_some() { SmolStr::new(&ident.value) } else { ident.value.to_lowercase().into() }
}

pub(super) fn collect_tables(body: &ast::SetExpr, found: &mut impl FnMut(&ObjectName, Option<&Ident>)) {
    match body {
        ast::SetExpr::Select(select) => {
            for from in &select.from {
                let joined = from.joins.iter().map(|j| &j.relation);
                for factor in std::iter::once(&from.relation).chain(joined) {
                    match factor {
                        ast::TableFactor::Table { name, alias, .. } => found(name, alias.as_ref().map(|a| &a.name)),
                        ast::TableFactor::Derived { alias: Some(alias), .. }
                        | ast::TableFactor::TableFunction { alias: Some(alias), .. }
                        | ast::TableFactor::Function { alias: Some(alias), .. } => {
                            found(&ObjectName(vec![ObjectNamePart::Identifier(alias.name.clone())]), Some(&alias.name));
                        }
                        _ => {}
                    }
                }
            }
        }
        ast::SetExpr::SetOperation { left, right, .. } => {
            collect_tables(left, found);
            collect_tables(right, found);
        }
        _ => {}
    }
}

/// Whether an expression has to stand in parentheses next to `and`.
pub(crate) fn is_loose(expr: &ast::Expr) -> bool {
    matches!(
        expr,
        ast::Expr::BinaryOp { op: ast::BinaryOperator::Or, .. }
            | ast::Expr::UnaryOp { op: ast::UnaryOperator::Not, .. }
    )
}
