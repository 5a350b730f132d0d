//! `exists path (condition)` in sqlparser's trees.

use crate::EXISTS_PATH;
use sqlparser::ast::{Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, Ident};

/// The word of a call that has no parentheses: `user`, `current_date`.
pub fn bare_word(call: &Function) -> Option<&Ident> {
    match (&call.args, &call.name.0[..]) {
        (FunctionArguments::None, [part]) => part.as_ident().filter(|ident| ident.quote_style.is_none()),
        _ => None,
    }
}

/// Whether `call` is `exists path (condition)`.
pub fn is_exists_path(call: &Function) -> bool {
    matches!(&call.name.0[..], [part] if part.as_ident().is_some_and(|i| i.value == EXISTS_PATH))
}

/// The path and the condition of `exists path (condition)`, and whether it says `including deleted`; `None` for every other
/// call.
pub fn exists_path(call: &Function) -> Option<(&[Ident], &Expr, bool)> {
    if !is_exists_path(call) {
        return None;
    }
    let FunctionArguments::List(list) = &call.args else {
        return None;
    };
    match &list.args[..] {
        [
            FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::CompoundIdentifier(path))),
            FunctionArg::Unnamed(FunctionArgExpr::Expr(condition)),
            rest @ ..,
        ] => Some((path, condition, !rest.is_empty())),
        _ => None,
    }
}
