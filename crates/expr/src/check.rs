//! What sqlparser reads and Postgres does not, and how deep a tree is.

use crate::mend::LOCAL;
use crate::parse::MAX_DEPTH;
use crate::tree::{Look, Tree};
use sqlparser::ast::{BinaryOperator, CastKind, Expr, Spanned, Value};
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

pub(crate) fn node(node: &impl Tree) -> Result<(), Refused> {
    walk(node, true)
}

fn walk(node: &impl Tree, parameters: bool) -> Result<(), Refused> {
    let mut walk = Walk { depth: 0, parameters, refused: None };
    node.walk(&mut walk);
    walk.refused.map_or(Ok(()), Err)
}

struct Walk {
    depth: usize,
    parameters: bool,
    refused: Option<Refused>,
}

impl Look for Walk {
    fn expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            self.refused = Some(Refused::TooDeep);
            return ControlFlow::Break(());
        }
        let (what, help) = match expr {
            Expr::Value(v) => match &v.value {
                Value::Placeholder(name) if name != LOCAL && (!self.parameters || !name.starts_with('$')) => {
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
        self.refused = Some(Refused::NotPostgres(what, help, expr.span()));
        ControlFlow::Break(())
    }

    fn expr_ends(&mut self, _: &Expr) {
        self.depth -= 1;
    }
}
