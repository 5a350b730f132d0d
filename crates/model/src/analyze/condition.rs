//! A condition that stands in no file: somebody asks about the rows that satisfy it.

use super::access::user_claims;
use crate::formula::Node;
use crate::scope::Scope;
use crate::types::*;
use crate::typing::{Expect, Place, Typing};
use specc_diag::{Diagnostic, Span, codes};
use specc_syntax::ast::{At, RawExpr};
use std::sync::Arc;

/// What `text`, which stands `at`, means as the condition of a rule of `entity`.
///
/// # Errors
/// What is wrong with it.
pub fn condition(model: &Model, entity: EntityId, text: &str, at: Span) -> Result<ExprRef, Vec<Diagnostic>> {
    let raw = RawExpr { text: text.into(), at: At(at) };
    let mut found = Vec::new();
    user_claims(&raw, &mut found);
    let ast = specc_expr::parse_expr(text, at).map_err(|broken| vec![broken])?;
    let scope = Scope::of(entity);
    let formula = Typing::new(model).check(&scope, &ast, text, at, Expect::condition(Place::Policy), &mut found);
    if let Node::AsIs(_) = formula.node {
        let message = "what SQL that stays as it is asks of a row is not known here";
        found.push(
            Diagnostic::new(codes::BAD_EXPRESSION, at, message).help("write the condition without `sql $$ … $$`"),
        );
    }
    match specc_diag::has_errors(&found) {
        false => Ok(Arc::new(Expr { formula, text: text.into(), span: at })),
        true => Err(found),
    }
}
