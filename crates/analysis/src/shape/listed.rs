//! The values that a check leaves to a column: `status in ('open', 'done')`, in each way in which it can be written.

use crate::text::folded;
use smol_str::{SmolStr, format_smolstr};
use specc_expr::sqlparser::ast::{BinaryOperator, Expr, UnaryOperator, Value};
use std::collections::BTreeMap;

/// A value that a check names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Listed {
    /// A text.
    Text(SmolStr),
    /// A whole number, as it is written.
    Number(SmolStr),
}

/// For each column that a check leaves only some values to (and null, where it takes null), these values in their order.
pub fn listed(check: &str) -> BTreeMap<SmolStr, Vec<Listed>> {
    let Ok(expr) = specc_expr::parse_expr(check, crate::walk::nowhere()) else { return BTreeMap::new() };
    let mut all = of(&expr);
    all.retain(|_, values| !values.is_empty());
    all
}

/// The same; no values at all for a column that is null.
fn of(expr: &Expr) -> BTreeMap<SmolStr, Vec<Listed>> {
    let one = |column: &Expr, values: Option<Vec<Listed>>| match (name(column), values) {
        (Some(column), Some(values)) => BTreeMap::from([(column, values)]),
        _ => BTreeMap::new(),
    };
    match expr {
        Expr::Nested(inner) => of(inner),
        Expr::IsNull(column) => one(column, Some(Vec::new())),
        Expr::InList { expr, list, negated: false } => one(expr, list.iter().map(value).collect()),
        Expr::AnyOp { left, compare_op: BinaryOperator::Eq, right, .. } => one(left, array(right)),
        Expr::BinaryOp { left, op: BinaryOperator::Eq, right } => match value(right) {
            Some(found) => one(left, Some(vec![found])),
            None => one(right, value(left).map(|found| vec![found])),
        },
        // Neither side may be false.
        Expr::BinaryOp { left, op: BinaryOperator::And, right } => {
            let mut all = of(right);
            all.extend(of(left));
            all
        }
        // One of the sides may be: what only one of them says is not said.
        Expr::BinaryOp { left, op: BinaryOperator::Or, right } => {
            let mut others = of(right);
            let both = of(left).into_iter().filter_map(|(column, mut values)| {
                let more = others.remove(&column)?;
                values.extend(more.into_iter().filter(|value| !values.contains(value)).collect::<Vec<_>>());
                Some((column, values))
            });
            both.collect()
        }
        _ => BTreeMap::new(),
    }
}

/// The column that a side of a comparison is. A cast to text leaves its values as they are.
fn name(expr: &Expr) -> Option<SmolStr> {
    match expr {
        Expr::Identifier(ident) => Some(folded(ident)),
        Expr::CompoundIdentifier(parts) => parts.last().map(folded),
        Expr::Nested(inner) => name(inner),
        Expr::Cast { expr: inner, data_type, .. } if data_type.to_string().eq_ignore_ascii_case("text") => name(inner),
        _ => None,
    }
}

/// A literal; none for null too, with which a comparison holds for every value.
fn value(expr: &Expr) -> Option<Listed> {
    match expr {
        Expr::Nested(inner) | Expr::Cast { expr: inner, .. } => value(inner),
        Expr::UnaryOp { op: UnaryOperator::Minus, expr } => match value(expr)? {
            Listed::Number(digits) => Some(Listed::Number(format_smolstr!("-{digits}"))),
            Listed::Text(_) => None,
        },
        Expr::Value(found) => match &found.value {
            Value::SingleQuotedString(text) => Some(Listed::Text(text.as_str().into())),
            Value::Number(digits, _) => {
                let whole = digits.bytes().all(|b| b.is_ascii_digit()) && (digits == "0" || !digits.starts_with('0'));
                whole.then(|| Listed::Number(digits.as_str().into()))
            }
            _ => None,
        },
        _ => None,
    }
}

fn array(expr: &Expr) -> Option<Vec<Listed>> {
    match expr {
        Expr::Nested(inner) | Expr::Cast { expr: inner, .. } => array(inner),
        Expr::Array(found) => found.elem.iter().map(value).collect(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::listed;

    #[test]
    fn a_list_is_found_in_each_way_of_writing() {
        let of = |check: &str| format!("{:?}", listed(check));
        let two = r#"{"s": [Text("a"), Text("b")]}"#;
        for check in [
            "s in ('a', 'b')",
            "(s)::text = any ((array['a'::character varying, 'b'::character varying])::text[])",
            "s = any (array['a'::text, 'b'::text])",
            "s = 'a' or s = 'b'",
            "s is null or s in ('a', 'b')",
            "n > 1 and (s in ('a', 'b'))",
        ] {
            assert_eq!(of(check), two, "{check}");
        }
        assert_eq!(of("n in (1, -2)"), r#"{"n": [Number("1"), Number("-2")]}"#);
        assert_eq!(of("a in ('x') and b in (1)"), r#"{"a": [Text("x")], "b": [Number("1")]}"#);
    }

    #[test]
    fn what_leaves_other_values_is_no_list() {
        for check in [
            "s in ('a', null)",
            "s not in ('a', 'b')",
            "not (s in ('a', 'b'))",
            "s in ('a', 'b') or n > 1",
            "s in ('a', 'b') or m in ('a')",
            "lower(s) in ('a', 'b')",
            "s <> 'a'",
            "s is null",
            "s in ('a', other)",
            "s in (",
        ] {
            assert!(listed(check).is_empty(), "{check}");
        }
    }
}
