//! What sqlparser reads and Postgres does not, and how deep a tree is.

use crate::parse::MAX_DEPTH;
use sqlparser::ast::{BinaryOperator, CastKind, Expr, Spanned, Value, Visit, Visitor};
use sqlparser::tokenizer::Span;
use std::ops::ControlFlow;

/// Why a tree is refused.
pub(crate) enum Refused {
    TooDeep,
    /// What, what instead, where.
    NotPostgres(String, &'static str, Span),
}

pub(crate) fn expr(expr: &Expr) -> Result<(), Refused> {
    match expr {
        Expr::Identifier(_) | Expr::CompoundIdentifier(_) => Ok(()),
        _ => walk(expr, false),
    }
}

pub(crate) fn node(node: &impl Visit) -> Result<(), Refused> {
    walk(node, true)
}

fn walk(node: &impl Visit, parameters: bool) -> Result<(), Refused> {
    let mut walk = Walk { depth: 0, parameters };
    match node.visit(&mut walk) {
        ControlFlow::Break(refused) => Err(refused),
        ControlFlow::Continue(()) => Ok(()),
    }
}

struct Walk {
    depth: usize,
    parameters: bool,
}

impl Visitor for Walk {
    type Break = Refused;

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<Refused> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return ControlFlow::Break(Refused::TooDeep);
        }
        let (what, help) = match expr {
            Expr::Value(v) => match &v.value {
                Value::Placeholder(name) if !self.parameters || !name.starts_with('$') => {
                    (format!("`{name}` is a placeholder, and nothing fills it in"), "write the value or the name")
                }
                Value::DoubleQuotedString(_) => ("this is not a string".into(), "strings stand in `'…'`"),
                _ => return ControlFlow::Continue(()),
            },
            Expr::Cast { kind: CastKind::TryCast | CastKind::SafeCast, .. } => {
                ("Postgres has no such cast".into(), "write `cast(… as …)` or `…::type`")
            }
            Expr::Convert { .. } => ("Postgres has no such `convert`".into(), "write `cast(… as …)` or `…::type`"),
            Expr::RLike { .. } => ("Postgres has no `rlike` or `regexp`".into(), "write `~` for a regular expression"),
            Expr::MemberOf(_) => ("Postgres has no `member of`".into(), "write `… = any (…)`"),
            Expr::Prior(_) | Expr::OuterJoin(_) | Expr::Lambda(_) | Expr::Map(_) | Expr::Dictionary(_) => {
                ("Postgres has no such expression".into(), "write it in Postgres's SQL")
            }
            Expr::JsonAccess { .. } => ("`:` does not reach into JSON".into(), "write `->` or `->>`"),
            Expr::BinaryOp { op: BinaryOperator::Xor | BinaryOperator::DuckIntegerDivide, .. } => {
                ("Postgres has no such operator".into(), "write `<>` for an exclusive or, `/` for a division")
            }
            _ => return ControlFlow::Continue(()),
        };
        ControlFlow::Break(Refused::NotPostgres(what, help, expr.span()))
    }

    fn post_visit_expr(&mut self, _: &Expr) -> ControlFlow<Refused> {
        self.depth -= 1;
        ControlFlow::Continue(())
    }
}
