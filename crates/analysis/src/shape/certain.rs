//! What is never null.

use super::Shapes;
use super::from::argument;
use super::scope::{Scope, Withs};
use crate::text::folded;
use smol_str::SmolStr;
use specc_expr::sqlparser::ast::{
    BinaryOperator, Expr, Function, FunctionArguments, GroupByExpr, Query, Select, SelectItem, SetExpr, UnaryOperator,
    Value,
};
use specc_facts::Family;
use std::collections::BTreeSet;

impl Shapes<'_> {
    /// Whether an expression over a row is never null.
    pub(super) fn certain(&self, scope: &Scope<'_>, withs: &Withs, expr: &Expr) -> bool {
        self.certain_in(scope, withs, expr, false)
    }

    /// The same, where aggregates may stand; `grouped`: no group is empty.
    pub(super) fn certain_in(&self, scope: &Scope<'_>, withs: &Withs, expr: &Expr, grouped: bool) -> bool {
        let certain = |expr: &Expr| self.certain_in(scope, withs, expr, grouped);
        match expr {
            Expr::Identifier(_) | Expr::CompoundIdentifier(_) => match scope.find(expr) {
                Some(found) => found.column.certain,
                None => {
                    matches!(expr, Expr::Identifier(i) if specc_facts::grammar(&folded(i)).is_some_and(|g| g.value.is_some()))
                }
            },
            Expr::Nested(inner) | Expr::Collate { expr: inner, .. } => certain(inner),
            Expr::Value(value) => !matches!(value.value, Value::Null | Value::Placeholder(_)),
            Expr::TypedString(_) | Expr::Interval(_) | Expr::Array(_) | Expr::Exists { .. } => true,
            Expr::IsNull(_)
            | Expr::IsNotNull(_)
            | Expr::IsTrue(_)
            | Expr::IsNotTrue(_)
            | Expr::IsFalse(_)
            | Expr::IsNotFalse(_)
            | Expr::IsUnknown(_)
            | Expr::IsNotUnknown(_)
            | Expr::IsDistinctFrom(..)
            | Expr::IsNotDistinctFrom(..) => true,
            // A `null` of JSON may become null itself.
            Expr::Cast { expr: inner, .. } => {
                let from = self.ty(scope, withs, inner);
                let plain =
                    from.is_some_and(|ty| ty.schema.is_empty() && specc_facts::family(&ty.name) != Family::Json);
                plain && certain(inner)
            }
            Expr::UnaryOp { op: UnaryOperator::Not | UnaryOperator::Plus | UnaryOperator::Minus, expr } => {
                certain(expr)
            }
            Expr::BinaryOp { left, op, right } => {
                self.keeps(scope, withs, left, op, right) && certain(left) && certain(right)
            }
            Expr::Between { expr, low, high, .. } => certain(expr) && certain(low) && certain(high),
            Expr::Like { expr, pattern, .. } | Expr::ILike { expr, pattern, .. } => certain(expr) && certain(pattern),
            Expr::InList { expr, list, .. } => certain(expr) && list.iter().all(certain),
            Expr::Case { conditions, else_result, .. } => {
                else_result.as_deref().is_some_and(certain) && conditions.iter().all(|when| certain(&when.result))
            }
            Expr::Function(call) => self.certain_call(scope, withs, call, grouped),
            Expr::Subquery(query) => self.one_for_all(scope, withs, query),
            _ => false,
        }
    }

    /// Whether an operator gives a value wherever both sides have one: comparisons, arithmetic and joining of texts do.
    fn keeps(&self, scope: &Scope<'_>, withs: &Withs, left: &Expr, op: &BinaryOperator, right: &Expr) -> bool {
        use BinaryOperator as Op;
        let plain = |expr: &Expr| {
            let family = self.ty(scope, withs, expr).filter(|ty| ty.schema.is_empty() && ty.dims == 0);
            family.is_some_and(|ty| {
                let family = specc_facts::family(&ty.name);
                family.is_number()
                    || super::types::is_literal(&ty)
                    || matches!(
                        family,
                        Family::Text
                            | Family::Moment
                            | Family::Time
                            | Family::Interval
                            | Family::Uuid
                            | Family::Boolean
                    )
            })
        };
        match op {
            Op::And | Op::Or => true,
            Op::Eq | Op::NotEq | Op::Lt | Op::LtEq | Op::Gt | Op::GtEq => true,
            op if is_match(op) => true,
            Op::Plus | Op::Minus | Op::Multiply | Op::Divide | Op::Modulo | Op::StringConcat => {
                plain(left) && plain(right)
            }
            _ => false,
        }
    }

    fn certain_call(&self, scope: &Scope<'_>, withs: &Withs, call: &Function, grouped: bool) -> bool {
        let Some(idents) = crate::find::idents(&call.name) else { return false };
        let names: Vec<SmolStr> = idents.iter().map(|ident| folded(ident)).collect();
        let [name] = &names[..] else { return false };
        let exprs: Vec<&Expr> = match &call.args {
            FunctionArguments::List(list) => list.args.iter().filter_map(argument).collect(),
            FunctionArguments::None => {
                return specc_facts::grammar(name).is_some_and(|grammar| grammar.value.is_some());
            }
            FunctionArguments::Subquery(_) => return name == "array",
        };
        if self.routine(&names, &vec![None; exprs.len()]).is_some() {
            return false;
        }
        let certain = |expr: &&Expr| self.certain_in(scope, withs, expr, grouped);
        match name.as_str() {
            "coalesce" | "greatest" | "least" => exprs.iter().any(certain),
            name if specc_facts::keeps_values(name) => exprs.iter().all(certain),
            // `ntile` of null is null.
            name if specc_facts::numbers_rows(name) => exprs.iter().all(certain),
            // Over a group that has a row, aggregates give a value if each row does.
            name if specc_facts::gives_for_rows(name, true) => {
                let values = exprs.iter().all(certain);
                grouped && call.filter.is_none() && call.over.is_none() && specc_facts::gives_for_rows(name, values)
            }
            name => specc_facts::gives_a_value(name),
        }
    }

    /// Whether a subquery gives one row with a value whatever rows there are: an aggregate over all of them that counts.
    fn one_for_all(&self, scope: &Scope<'_>, withs: &Withs, query: &Query) -> bool {
        let SetExpr::Select(select) = &*query.body else { return false };
        let whole = query.limit_clause.is_none() && query.fetch.is_none() && query.with.is_none();
        let ungrouped = matches!(&select.group_by, GroupByExpr::Expressions(parts, _) if parts.is_empty());
        let counts = |select: &Select| match &select.projection[..] {
            [SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. }] => {
                let mut counts = false;
                each_call(expr, &mut |call| counts |= call.name.to_string().eq_ignore_ascii_case("count"));
                counts
            }
            _ => false,
        };
        whole
            && ungrouped
            && select.having.is_none()
            && counts(select)
            && matches!(self.query(query, Some(scope), withs).as_deref(), Some([column]) if column.certain)
    }
}

/// The columns of this query that are not null in a row for which the condition holds.
pub(super) fn proves(scope: &Scope<'_>, condition: &Expr, out: &mut BTreeSet<(usize, usize)>) {
    match condition {
        Expr::Nested(inner) => proves(scope, inner, out),
        Expr::BinaryOp { left, op: BinaryOperator::And, right } => {
            proves(scope, left, out);
            proves(scope, right, out);
        }
        Expr::BinaryOp { left, op: BinaryOperator::Or, right } => {
            let (mut a, mut b) = (BTreeSet::new(), BTreeSet::new());
            proves(scope, left, &mut a);
            proves(scope, right, &mut b);
            out.extend(a.intersection(&b));
        }
        Expr::BinaryOp {
            left,
            op:
                BinaryOperator::Eq
                | BinaryOperator::NotEq
                | BinaryOperator::Lt
                | BinaryOperator::LtEq
                | BinaryOperator::Gt
                | BinaryOperator::GtEq,
            right,
        } => {
            needs(scope, left, out);
            needs(scope, right, out);
        }
        Expr::BinaryOp { left, op, right } if is_match(op) => {
            needs(scope, left, out);
            needs(scope, right, out);
        }
        Expr::IsNotNull(inner) | Expr::IsTrue(inner) | Expr::IsFalse(inner) => needs(scope, inner, out),
        Expr::Between { expr, low, high, negated: false } => {
            [expr, low, high].into_iter().for_each(|expr| needs(scope, expr, out));
        }
        Expr::Like { expr, pattern, .. } | Expr::ILike { expr, pattern, .. } => {
            needs(scope, expr, out);
            needs(scope, pattern, out);
        }
        Expr::InList { expr, list, .. } if !list.is_empty() => needs(scope, expr, out),
        // `not in` of a query without rows holds for null too.
        Expr::InSubquery { expr, negated: false, .. } => needs(scope, expr, out),
        Expr::AnyOp { left, .. } => needs(scope, left, out),
        // For no values at all, it holds for null too.
        Expr::AllOp { left, right, .. } if is_filled(right) => needs(scope, left, out),
        Expr::UnaryOp { op: UnaryOperator::Not, expr } => needs(scope, expr, out),
        Expr::Identifier(_) | Expr::CompoundIdentifier(_) => needs(scope, condition, out),
        _ => {}
    }
}

/// The columns without which an expression has no value.
fn needs(scope: &Scope<'_>, expr: &Expr, out: &mut BTreeSet<(usize, usize)>) {
    match expr {
        Expr::Nested(inner) | Expr::Cast { expr: inner, .. } | Expr::Collate { expr: inner, .. } => {
            needs(scope, inner, out);
        }
        Expr::UnaryOp { op: UnaryOperator::Plus | UnaryOperator::Minus | UnaryOperator::Not, expr } => {
            needs(scope, expr, out);
        }
        Expr::BinaryOp {
            left,
            op:
                BinaryOperator::Plus
                | BinaryOperator::Minus
                | BinaryOperator::Multiply
                | BinaryOperator::Divide
                | BinaryOperator::Eq
                | BinaryOperator::NotEq,
            right,
        } => {
            needs(scope, left, out);
            needs(scope, right, out);
        }
        _ => out.extend(scope.find(expr).and_then(|found| found.at)),
    }
}

/// `like` and its like, as the server writes them.
fn is_match(op: &BinaryOperator) -> bool {
    use BinaryOperator as Op;
    matches!(
        op,
        Op::PGLikeMatch
            | Op::PGILikeMatch
            | Op::PGNotLikeMatch
            | Op::PGNotILikeMatch
            | Op::PGRegexMatch
            | Op::PGRegexIMatch
            | Op::PGRegexNotMatch
            | Op::PGRegexNotIMatch
    )
}

/// Whether it is an array with a value in it.
fn is_filled(expr: &Expr) -> bool {
    match expr {
        Expr::Nested(inner) | Expr::Cast { expr: inner, .. } => is_filled(inner),
        Expr::Array(array) => !array.elem.is_empty(),
        _ => false,
    }
}

/// Each call in an expression that is no part of a query in it.
pub(super) fn each_call(expr: &Expr, look: &mut dyn FnMut(&Function)) {
    match expr {
        Expr::Function(call) => {
            look(call);
            if let FunctionArguments::List(list) = &call.args {
                list.args.iter().filter_map(argument).for_each(|expr| each_call(expr, look));
            }
        }
        Expr::Nested(inner)
        | Expr::Cast { expr: inner, .. }
        | Expr::Collate { expr: inner, .. }
        | Expr::UnaryOp { expr: inner, .. }
        | Expr::IsNull(inner)
        | Expr::IsNotNull(inner)
        | Expr::IsTrue(inner)
        | Expr::IsNotTrue(inner)
        | Expr::IsFalse(inner)
        | Expr::IsNotFalse(inner)
        | Expr::Extract { expr: inner, .. }
        | Expr::Ceil { expr: inner, .. }
        | Expr::Floor { expr: inner, .. }
        | Expr::Substring { expr: inner, .. }
        | Expr::Trim { expr: inner, .. }
        | Expr::AtTimeZone { timestamp: inner, .. }
        | Expr::CompoundFieldAccess { root: inner, .. } => each_call(inner, look),
        Expr::BinaryOp { left, right, .. }
        | Expr::IsDistinctFrom(left, right)
        | Expr::IsNotDistinctFrom(left, right)
        | Expr::AnyOp { left, right, .. }
        | Expr::AllOp { left, right, .. } => {
            each_call(left, look);
            each_call(right, look);
        }
        Expr::Between { expr, low, high, .. } => [expr, low, high].into_iter().for_each(|expr| each_call(expr, look)),
        Expr::Like { expr, pattern, .. } | Expr::ILike { expr, pattern, .. } => {
            each_call(expr, look);
            each_call(pattern, look);
        }
        Expr::InList { expr, list, .. } => {
            each_call(expr, look);
            list.iter().for_each(|expr| each_call(expr, look));
        }
        Expr::InSubquery { expr, .. } => each_call(expr, look),
        Expr::Case { operand, conditions, else_result, .. } => {
            operand.iter().chain(else_result).for_each(|expr| each_call(expr, look));
            for when in conditions {
                each_call(&when.condition, look);
                each_call(&when.result, look);
            }
        }
        Expr::Array(array) => array.elem.iter().for_each(|expr| each_call(expr, look)),
        Expr::Tuple(items) => items.iter().for_each(|expr| each_call(expr, look)),
        _ => {}
    }
}
